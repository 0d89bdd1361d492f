//! What receivers of webhooks are told: the types of events, and what each is made from.
//!
//! Deliveries, secrets and retries are the crate `webhooks`'. Here the terminal's records become
//! events: an end of a transaction, a settlement, the terminal's start and stop.

mod described;
mod source;
mod teller;

use terminal_host::batch::SettlementState;

pub(crate) use self::described::webhooks;
pub use self::{
    source::{End, LogSource, Source},
    teller::{TellError, Teller},
};
use crate::status::Status;

/// A type of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "see EventType::meaning")]
pub enum EventType {
    TransactionApproved,
    TransactionDeclined,
    TransactionCancelled,
    TransactionFailed,
    TransactionReversed,
    SettlementClosed,
    SettlementFailed,
    TerminalOnline,
    TerminalOffline,
    WebhookTest,
}

/// What an event's `data` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    Transaction,
    Settlement,
    Health,
    Nothing,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 10] = [
        Self::TransactionApproved,
        Self::TransactionDeclined,
        Self::TransactionCancelled,
        Self::TransactionFailed,
        Self::TransactionReversed,
        Self::SettlementClosed,
        Self::SettlementFailed,
        Self::TerminalOnline,
        Self::TerminalOffline,
        Self::WebhookTest,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TransactionApproved => "transaction.approved",
            Self::TransactionDeclined => "transaction.declined",
            Self::TransactionCancelled => "transaction.cancelled",
            Self::TransactionFailed => "transaction.failed",
            Self::TransactionReversed => "transaction.reversed",
            Self::SettlementClosed => "settlement.closed",
            Self::SettlementFailed => "settlement.failed",
            Self::TerminalOnline => "terminal.online",
            Self::TerminalOffline => "terminal.offline",
            Self::WebhookTest => "webhook.test",
        }
    }

    /// What it says.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::TransactionApproved => "A transaction ended with `APPROVED`.",
            Self::TransactionDeclined => "A transaction ended with `DECLINED`. No money moved.",
            Self::TransactionCancelled => "A transaction ended with `CANCELLED`. No money moved.",
            Self::TransactionFailed => {
                "A transaction ended with `ERROR`: a fault ended it, or money may have moved and a \
                 reversal is on its way. In the latter case another event follows when the acquirer \
                 has confirmed the reversal."
            }
            Self::TransactionReversed => {
                "A transaction is `REVERSED`: the acquirer confirmed its reversal, or it was voided."
            }
            Self::SettlementClosed => "The acquirer closed a batch in one currency.",
            Self::SettlementFailed => {
                "The acquirer disputes the totals of a batch in one currency."
            }
            Self::TerminalOnline => "The terminal has started and takes requests.",
            Self::TerminalOffline => {
                "The terminal stops, as it was told to. One that loses its power says nothing."
            }
            Self::WebhookTest => "Sent by hand, to try an endpoint.",
        }
    }

    /// Whether `name` is an event's name, or that of a family such as `transaction.*`.
    pub fn is_named(name: &str) -> bool {
        Self::ALL.iter().any(|kind| {
            let family = name
                .strip_suffix('*')
                .filter(|family| family.ends_with('.'));
            kind.as_str() == name || family.is_some_and(|family| kind.as_str().starts_with(family))
        })
    }

    /// The event of a transaction with this status; `None` while it runs.
    pub(crate) fn of_status(status: Status) -> Option<Self> {
        match status {
            Status::Approved => Some(Self::TransactionApproved),
            Status::Declined => Some(Self::TransactionDeclined),
            Status::Cancelled => Some(Self::TransactionCancelled),
            Status::Error => Some(Self::TransactionFailed),
            Status::Reversed => Some(Self::TransactionReversed),
            Status::PendingOnline | Status::PendingCompletion => None,
        }
    }

    /// The event of a settlement in this state; `None` until the acquirer has answered.
    pub(crate) fn of_settlement(state: SettlementState) -> Option<Self> {
        match state {
            SettlementState::Pending => None,
            SettlementState::Settled => Some(Self::SettlementClosed),
            SettlementState::Disputed => Some(Self::SettlementFailed),
        }
    }

    pub(crate) fn data(self) -> Data {
        match self {
            Self::TransactionApproved
            | Self::TransactionDeclined
            | Self::TransactionCancelled
            | Self::TransactionFailed
            | Self::TransactionReversed => Data::Transaction,
            Self::SettlementClosed | Self::SettlementFailed => Data::Settlement,
            Self::TerminalOnline | Self::TerminalOffline => Data::Health,
            Self::WebhookTest => Data::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_families_are_known() {
        let mut names: Vec<_> = EventType::ALL.iter().map(|kind| kind.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), EventType::ALL.len());
        for (name, known) in [
            ("transaction.approved", true),
            ("transaction.*", true),
            ("webhook.*", true),
            ("*", false),
            ("trans*", false),
            ("transaction.", false),
            ("transaction.settled", false),
            ("payment.*", false),
        ] {
            assert_eq!(EventType::is_named(name), known, "{name}");
        }
    }
}
