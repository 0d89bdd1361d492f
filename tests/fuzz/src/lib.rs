//! Fuzz targets of every parser that reads what a card, an issuer or an acquirer wrote, and of
//! whole transactions with a random card.
//!
//! **What it does.** A target is a function of bytes that fails when what must hold does not:
//! nothing panics, everything ends, sizes are bounded, what was read can be written again, no card
//! number is shown. [`TARGETS`] lists them.
//!
//! **How it is entered.** `cargo test --package fuzz` runs each over its corpus in `corpus/`, without
//! a fuzzer. `make fuzz TARGET=tlv SECONDS=900` lets libFuzzer look for more: the binaries in
//! `libfuzzer/`, a workspace of its own, are one line each.

#![forbid(unsafe_code)]

mod input;
mod parsers;
pub mod transaction;

pub use parsers::{afl, answers, certificates, cvm_list, decode, dol, fci, iso8583, scripts, tlv};
pub use transaction::transaction;

/// A target's name, which its corpus and its binary have too, and the target.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 11] = [
    ("afl", afl),
    ("answers", answers),
    ("certificates", certificates),
    ("cvm_list", cvm_list),
    ("decode", decode),
    ("dol", dol),
    ("fci", fci),
    ("iso8583", iso8583),
    ("scripts", scripts),
    ("tlv", tlv),
    ("transaction", transaction),
];
