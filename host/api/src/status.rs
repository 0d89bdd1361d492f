//! The one mapping from how a transaction ended to what is said of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use terminal_host::transaction::{
    Ending, EntryPreference, Failure, Outcome, Record, ReversalState,
};

use crate::error::{ApiError, ErrorCode};

/// The response code that approves.
const APPROVED: &str = "00";

/// The state of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Approved, and recorded as such.
    Approved,
    /// Declined. No money moved.
    Declined,
    /// Ended by a person or by time before a decision. No money moved.
    Cancelled,
    /// Ended by a fault; or money may have moved, and a reversal is on its way.
    Error,
    /// Ended without an approval after money may have moved; the acquirer confirmed the reversal. Or
    /// approved, and voided later.
    Reversed,
    /// The point of sale is asked for the decision (granular mode).
    PendingOnline,
    /// It runs.
    PendingCompletion,
}

/// The status of an outcome. Total, so that no ending is said without thought for its reversal.
///
/// Nothing is called declined or cancelled while money may have moved: until a reversal is
/// confirmed the status is `ERROR`, whatever the ending; where the journal is damaged, for ever.
pub fn status(outcome: &Outcome) -> Status {
    match (outcome.ending, outcome.reversal) {
        (_, ReversalState::Pending | ReversalState::ByHand)
        | (Ending::Failed(_), ReversalState::None) => Status::Error,
        (Ending::Approved | Ending::Completed, ReversalState::None) => Status::Approved,
        (Ending::Approved | Ending::Completed | Ending::Failed(_), ReversalState::Confirmed) => {
            Status::Reversed
        }
        (Ending::Declined(_), ReversalState::None | ReversalState::Confirmed) => Status::Declined,
        (Ending::Cancelled(_), ReversalState::None | ReversalState::Confirmed) => Status::Cancelled,
    }
}

/// The status of a transaction as it stands now: what was voided since is reversed.
pub fn now(record: &Record) -> Status {
    let pending = if record.asked {
        Status::PendingOnline
    } else {
        Status::PendingCompletion
    };
    let status = record.outcome.as_ref().map_or(pending, status);
    if status == Status::Approved && record.referred.voided {
        Status::Reversed
    } else {
        status
    }
}

/// Whether the point of sale has something to reverse: it was asked, its acquirer did not plainly
/// decline, and the transaction was not approved.
pub(crate) fn reversal_required(record: &Record) -> bool {
    let Some(outcome) = record.outcome.as_ref().filter(|_| record.asked) else {
        return false;
    };
    let may_have_approved = outcome
        .answer
        .as_ref()
        .is_none_or(|answer| answer.response_code == APPROVED);
    outcome.ending != Ending::Approved && may_have_approved
}

/// Why an outcome is no plain answer; `None` when it is one. Total over every status `ERROR`.
pub(crate) fn failure(record: &Record) -> Option<ApiError> {
    let Some(outcome) = &record.outcome else {
        return Some(
            ApiError::new(ErrorCode::InternalError, "The transaction has no end yet")
                .transaction(&record.id),
        );
    };
    // What the point of sale must reverse is in the transaction, which is then the answer.
    if status(outcome) != Status::Error || reversal_required(record) {
        return None;
    }
    let (code, message) = match (outcome.ending, outcome.reversal) {
        (_, ReversalState::ByHand) => (
            ErrorCode::InternalError,
            "The terminal's record is damaged. The amount may have been charged; settle it with the acquirer",
        ),
        (_, ReversalState::Pending) | (Ending::Failed(Failure::AnswerLost), _) => (
            ErrorCode::Timeout,
            "No valid answer came. The amount is being reversed; ask for the transaction again",
        ),
        (Ending::Failed(Failure::CardUnreadable), _) => (
            ErrorCode::CardReadError,
            "The card could not be read. Nothing was charged",
        ),
        (Ending::Failed(Failure::CardNotAccepted), _) => (
            ErrorCode::UnsupportedCard,
            "The card is not accepted here. Nothing was charged",
        ),
        (Ending::Failed(Failure::OtherCard), _) => (
            ErrorCode::UnsupportedCard,
            "The card is not the one that paid. Nothing was refunded",
        ),
        (Ending::Failed(Failure::AcquirerUnreachable), _) => (
            ErrorCode::CommunicationError,
            "The acquirer cannot be reached. Nothing was sent, nothing was charged",
        ),
        (Ending::Failed(Failure::DeviceFault), _) => (
            ErrorCode::TerminalUnavailable,
            "A device of the terminal failed. Nothing was charged",
        ),
        (Ending::Failed(Failure::NotSupported), _) => return Some(not_supported(record)),
        (
            Ending::Failed(Failure::EngineFault)
            | Ending::Approved
            | Ending::Completed
            | Ending::Declined(_)
            | Ending::Cancelled(_),
            _,
        ) => (
            ErrorCode::InternalError,
            "The transaction engine failed. Nothing was charged",
        ),
    };
    Some(ApiError::new(code, message).transaction(&record.id))
}

/// What the engine does not do: the kind of transaction or, where one way of presenting a card is asked
/// for, most likely that.
fn not_supported(record: &Record) -> ApiError {
    let error = if record.request.entry == EntryPreference::Contactless {
        let message = "The terminal's engine takes no contactless card for this transaction";
        ApiError::new(ErrorCode::InvalidRequest, message)
            .field("entryMode", "enum")
            .value(&Value::from("CONTACTLESS"))
    } else {
        ApiError::new(
            ErrorCode::InvalidRequest,
            "The terminal's engine does not do this kind of transaction",
        )
    };
    error.transaction(&record.id)
}
