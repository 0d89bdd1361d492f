//! The part of a transaction that ends without the acquirer's answer.

use emv::{Completed, Ended};

use super::{Concluded, Running, ending, next_trace_number};
use crate::card::{CardFacts, Dialogue};
use crate::iso8583::requests::{self, Purpose, ReversalReason};
use crate::outcome::{CancelReason, Ending, Error, Failure};
use crate::ports::{Phase, Terminal};
use crate::record::{Open, Record};
use crate::trace;

/// Why the acquirer answered nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// Card and terminal decided alone.
    DecidedAlone,
    /// Something older could not be delivered, so the acquirer was not asked.
    Blocked,
    /// The journal says `sent`, and the host guarantees that nothing left. Holds the trace
    /// number of the request.
    Unreachable(u32),
}

/// Ends a transaction no answer belongs to: approved offline, declined, or broken off.
pub(super) fn conclude<T: Terminal>(
    dialogue: &mut Dialogue<'_, T>,
    running: &Running<'_>,
    completed: &Result<Completed, Ended>,
    unanswered: Unanswered,
) -> Result<Concluded, Error> {
    let (card, ending) = match completed {
        Ok(completed) if completed.approved => (&completed.card, Ending::Approved),
        Ok(completed) if unanswered == Unanswered::DecidedAlone => {
            (&completed.card, ending::declined(completed.declined_by))
        }
        Ok(completed) => (
            &completed.card,
            Ending::Failed(Failure::AcquirerUnreachable),
        ),
        Err(ended) => (&*ended.card, ending::ended_by(ended)),
    };
    let facts = CardFacts::of_contact(card, running.configuration);
    let mut record = Record::closed(facts.outcome(ending));
    let terminal = &mut *dialogue.terminal;
    if let Unanswered::Unreachable(number) = unanswered {
        record.outcome.trace_number = Some(number);
    }
    if ending != Ending::Approved {
        return running.ended(terminal, record, ending);
    }
    // Before a request was made ready, the point of sale has been asked already.
    if !matches!(unanswered, Unanswered::Unreachable(_)) && !terminal.proceed() {
        let ending = Ending::Cancelled(CancelReason::PointOfSale);
        return running.ended(terminal, record, ending);
    }
    approve(terminal, running, &facts, record, unanswered)
}

/// Records an offline approval, which the acquirer must hear of: one that cannot be told is none. Only a
/// sale comes here: what else is authorised, only the issuer approves.
fn approve<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    facts: &CardFacts,
    mut record: Record,
    unanswered: Unanswered,
) -> Result<Concluded, Error> {
    // EMV 4.4 Book 4, Annex A6: approved offline, or because the terminal could not go online.
    let (number, code) = match unanswered {
        Unanswered::DecidedAlone => (next_trace_number(terminal)?, "Y1"),
        Unanswered::Blocked => (next_trace_number(terminal)?, "Y3"),
        Unanswered::Unreachable(number) => (number, "Y3"),
    };
    let codec = &running.configuration.codec;
    let request = running.message(Purpose::Sale, facts, number);
    let message = requests::offline_advice(&request, codec, &facts.chip_data, code);
    record.outcome.trace_number = Some(number);
    // The acquirer could never hear of it, and nothing else would leave before it.
    if codec.encode(&message).is_err() {
        trace::note(terminal, &trace::NOT_PREPARED);
        return running.ended(terminal, record, Ending::Failed(Failure::DeviceFault));
    }
    record.open = Some(Open {
        message,
        reason: ReversalReason::NotCompleted,
        refused: None,
    });
    record.outcome.approved_minor = running.payment.total.minor();
    running.approve(terminal, Phase::AdviceDue, &record, facts)?;
    let reachable = running.acquirer_available && unanswered == Unanswered::DecidedAlone;
    Ok(Concluded {
        outcome: record.outcome.clone(),
        advice: reachable.then_some(record),
    })
}
