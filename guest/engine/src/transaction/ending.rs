//! How a transaction is named when it ends, and what is shown of it.

use emv::ports::{CardFault, Interruption};
use emv::{Cause, Decliner, Ended};

use super::Running;
use super::presenting::Whereabouts;
use crate::outcome::{CancelReason, DeclineReason, Ending, Failure, Outcome};
use crate::ports::{DisplayMessage, Terminal};
use crate::receipt;

/// Shows how it ended and prints both copies. Everything shown here is durable.
pub(super) fn show<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    outcome: &Outcome,
    card: Whereabouts,
) {
    if let Some(message) = message(outcome.ending, card) {
        terminal.show(message);
    }
    if !matches!(outcome.ending, Ending::Approved | Ending::Declined(_)) {
        return;
    }
    for copy in [receipt::Copy::Merchant, receipt::Copy::Cardholder] {
        let lines = receipt::lines(
            running.configuration,
            running.currency,
            running.request,
            outcome,
            copy,
        );
        // A printer that fails changes nothing; one without paper prints no second copy either.
        if lines.is_some_and(|lines| terminal.print(&lines).is_err()) {
            break;
        }
    }
}

/// What is shown. Nothing where nothing was to be decided: a card was read, a balance was told.
const fn message(ending: Ending, card: Whereabouts) -> Option<DisplayMessage> {
    Some(match ending {
        Ending::Completed => return None,
        Ending::Failed(Failure::CardUnreadable) if matches!(card, Whereabouts::TakenOut) => {
            DisplayMessage::CardRemoved
        }
        Ending::Approved => DisplayMessage::Approved,
        Ending::Declined(_) => DisplayMessage::Declined,
        Ending::Cancelled(_) => DisplayMessage::Cancelled,
        Ending::Failed(Failure::CardUnreadable) => DisplayMessage::CardError,
        Ending::Failed(Failure::CardNotAccepted | Failure::OtherCard) => {
            DisplayMessage::NotAccepted
        }
        Ending::Failed(Failure::AcquirerUnreachable) => DisplayMessage::NoConnection,
        Ending::Failed(Failure::AnswerLost | Failure::DeviceFault) => {
            DisplayMessage::ProcessingError
        }
    })
}

/// A decline, by who declined.
pub(super) const fn declined(by: Option<Decliner>) -> Ending {
    Ending::Declined(match by {
        Some(Decliner::Card) | None => DeclineReason::Card,
        Some(Decliner::Terminal) => DeclineReason::Terminal,
        Some(Decliner::Issuer) => DeclineReason::Acquirer,
    })
}

/// An end the kernel did not decide, by whose fault it was.
pub(super) const fn ended_by(ended: &Ended) -> Ending {
    match ended.cause {
        Cause::Card(CardFault::Reader)
        | Cause::Interrupted(Interruption::Card(CardFault::Reader)) => {
            Ending::Failed(Failure::DeviceFault)
        }
        Cause::Card(CardFault::Removed | CardFault::Unresponsive)
        | Cause::Interrupted(Interruption::Card(CardFault::Removed | CardFault::Unresponsive))
        | Cause::CardMisbehaved(_) => Ending::Failed(Failure::CardUnreadable),
        Cause::Interrupted(Interruption::Aborted) => Ending::Cancelled(CancelReason::PointOfSale),
        Cause::Interrupted(Interruption::Cancelled | Interruption::TimedOut) => {
            Ending::Cancelled(CancelReason::Cardholder)
        }
        Cause::NotAccepted(_) => Ending::Failed(Failure::CardNotAccepted),
    }
}
