//! The journal: what happened to money, and the host's own records beside it.
//!
//! Two things live in one `SQLite` file, because they must change together: the *entries*, whose
//! phases the host understands and whose content only the engine reads, and the host's *records*
//! of transactions with the claims of the points of sale. A request, its claim and its `begun`
//! entry are one commit.
//!
//! Invariants, each kept here:
//!
//! - A commit that returned survives loss of power (write-ahead log, `synchronous=FULL`).
//! - A transaction moves through the phases along [`Phase::may_follow`] only.
//! - Content is sealed by the vault and bound to its sequence, transaction and phase: an entry that
//!   was changed or moved is damaged, never another entry. A damaged one costs its own transaction.
//! - Of each transaction only the last entry has content: card data lies there while something is
//!   open, and not longer.
//! - What a card paid is noted in the commit that approves it, under a keyed digest of its number.

mod answers;
mod batches;
mod card_log;
mod claims;
mod condition;
mod conduct;
mod counters;
mod events;
mod host;
mod prepared;
mod proof;
mod recent;
mod records;
mod referring;
mod running;
mod schema;
mod store;

use crate::transaction::ReversalState;
pub(crate) use card_log::Account;
pub(crate) use claims::Claimed;
pub(crate) use condition::Backlog;
pub(crate) use conduct::{Conduct, in_scope};
pub(crate) use counters::Counter;
pub(crate) use events::STEPS_MAX;
pub(crate) use records::{Beginning, Finished};
pub(crate) use store::{AppendError, Journal, StorageFault};

/// Where a transaction stands. The last entry of a transaction decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The host accepted the request. Nothing was sent.
    Begun,
    /// A request is about to leave. From here on money may have moved.
    Sent,
    /// A reversal must reach the acquirer.
    ReversalDue,
    /// Approved offline; an advice must reach the acquirer.
    AdviceDue,
    /// Approved. Final.
    Approved,
    /// Ended without an approval, and nothing is left to reverse. Final.
    Closed,
    /// The acquirer confirmed the reversal. Final.
    Reversed,
}

/// Every phase with its number in the database, which never changes.
const PHASES: [(Phase, i64); 7] = [
    (Phase::Begun, 1),
    (Phase::Sent, 2),
    (Phase::ReversalDue, 3),
    (Phase::AdviceDue, 4),
    (Phase::Approved, 5),
    (Phase::Closed, 6),
    (Phase::Reversed, 7),
];

impl Phase {
    /// Whether a transaction may go from `last` to `self`. `Begun` follows nothing: the host alone
    /// writes it. From there to `Approved` goes only what the point of sale was asked about. A delivery
    /// that is tried again repeats its phase.
    pub(crate) fn may_follow(self, last: Self) -> bool {
        matches!(
            (last, self),
            (
                Self::Begun,
                Self::Sent | Self::AdviceDue | Self::Approved | Self::Closed
            ) | (
                Self::Sent,
                Self::ReversalDue | Self::AdviceDue | Self::Approved | Self::Closed
            ) | (Self::ReversalDue, Self::ReversalDue | Self::Reversed)
                | (Self::AdviceDue, Self::AdviceDue | Self::Approved)
        )
    }

    /// Whether another call than the transaction's own run may take it from `last` to `self`: what
    /// was never sent is closed, what may have been sent is reversed, what is due is delivered. None
    /// of it makes an approval of what was none.
    pub(crate) fn may_settle(self, last: Self) -> bool {
        self.may_follow(last)
            && matches!(
                (last, self),
                (Self::Begun, Self::Closed)
                    | (Self::Sent, Self::ReversalDue)
                    | (Self::ReversalDue | Self::AdviceDue, _)
            )
    }

    /// Whether the card was charged, or will be.
    pub(crate) fn is_approved(self) -> bool {
        matches!(self, Self::Approved | Self::AdviceDue)
    }

    /// The state of the reversal that the phase means.
    pub(crate) fn reversal(self) -> ReversalState {
        match self {
            Self::Sent | Self::ReversalDue => ReversalState::Pending,
            Self::Reversed => ReversalState::Confirmed,
            Self::Begun | Self::AdviceDue | Self::Approved | Self::Closed => ReversalState::None,
        }
    }

    fn number(self) -> i64 {
        PHASES
            .iter()
            .find(|(phase, _)| *phase == self)
            .map_or(0, |(_, number)| *number)
    }

    fn from_number(number: i64) -> Option<Self> {
        PHASES
            .iter()
            .find(|(_, known)| *known == number)
            .map(|(phase, _)| *phase)
    }
}

/// One entry as it was written.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Position in the journal, rising.
    pub(crate) sequence: u64,
    /// The transaction it belongs to.
    pub(crate) transaction: String,
    /// Where it put the transaction.
    pub(crate) phase: Phase,
    /// Whether the host's records hold an end of the transaction.
    pub(crate) ended: bool,
    /// What the engine wrote, card data among it; `None` when the stored form is not what was
    /// written.
    pub(crate) content: Option<zeroize::Zeroizing<Vec<u8>>>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("sequence", &self.sequence)
            .field("transaction", &self.transaction)
            .field("phase", &self.phase)
            .field("ended", &self.ended)
            .field("damaged", &self.content.is_none())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
