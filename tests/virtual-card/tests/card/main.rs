//! The card from outside: whole dialogues, signatures recovered with the published keys, and faults.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that goes wrong here should stop; clippy.toml excuses test functions, not what they call"
)]

mod dialogue;
mod faults;
mod own_text;
mod scripts;
mod signatures;
mod terminal;
mod transcripts;
