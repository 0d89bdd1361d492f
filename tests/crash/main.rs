//! The process is killed, really killed, at every point of a sale; the money is right afterwards.
//!
//! The acquirer runs in this process and outlives the terminal. For every point of every kind the
//! terminal is started on fresh data, a sale is begun, the process kills itself there with SIGKILL,
//! and it is started again on the same data. Then the point of sale repeats its request under the
//! same Idempotency-Key. Whatever the point was:
//!
//! - the acquirer's ledger and the terminal's record agree: charged if and only if approved;
//! - the card was charged at most once;
//! - nothing waits in the journal;
//! - the card log remembers what the card paid if and only if it was charged;
//! - the next sale works.
#![forbid(unsafe_code)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a test may overflow, and a test that fails shows what it saw"
)]

#[cfg(test)]
mod kinds;
#[cfg(test)]
mod points;
#[cfg(test)]
#[path = "../end-to-end/terminal.rs"]
#[expect(dead_code, reason = "each test program uses a part of it")]
mod terminal;
