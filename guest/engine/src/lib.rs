//! The transaction engine: transactions, the reversal and recovery that make them safe, and the
//! closing of a batch.
//!
//! Pure: whatever it needs comes through the traits of [`ports`] or as an argument. It holds no
//! state between calls; what must live is in the journal.
//!
//! Invariant: money may have moved only if the journal says `sent`, and an approval is shown only
//! after it is durable. [`recover`] ends every transaction as exactly one of approved, closed or
//! reversed, but for those whose entry storage damaged.
//!
//! Standards: EMV 4.4, ISO 8583:1987, ISO/IEC 7813.

#![forbid(unsafe_code)]

mod card;
mod chip_data;
mod configuration;
mod delivery;
mod description;
mod fixed_card;
pub mod iso8583;
pub mod moment;
pub mod money;
mod original;
pub mod outcome;
pub mod parameters;
mod payer;
pub mod ports;
mod receipt;
mod reconciling;
mod record;
mod recovery;
mod reversal;
mod self_test;
mod stripe;
#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "in a test an overflow fails, and devices answer most cases alike"
)]
mod tests;
mod trace;
mod transaction;

pub use description::{Description, describe};
pub use self_test::{Check, self_test};

use moment::Moment;
use outcome::{Batch, Error, Outcome, Reconciled, Recovery, TransactionRequest};
use ports::Terminal;

/// Runs one transaction to its end.
///
/// Fails with `InvalidRequest`, `NotSupported` or `ParametersInvalid` before anything was
/// started, and with `JournalFault` at any point; the host then calls [`recover`].
pub fn run<T: Terminal>(terminal: &mut T, request: &TransactionRequest) -> Result<Outcome, Error> {
    transaction::run(terminal, request)
}

/// Settles what the journal holds open. Idempotent.
///
/// Fails with `ParametersInvalid` or `JournalFault`.
pub fn recover<T: Terminal>(terminal: &mut T, now: Moment) -> Result<Recovery, Error> {
    recovery::recover(terminal, now)
}

/// Compares the totals of a batch with the acquirer's, and tells it every transaction where they
/// differ. May be repeated.
///
/// Fails with `InvalidRequest`, `ParametersInvalid` or `JournalFault`.
pub fn reconcile<T: Terminal>(
    terminal: &mut T,
    now: Moment,
    batch: &Batch,
) -> Result<Vec<Reconciled>, Error> {
    reconciling::reconcile(terminal, now, batch)
}
