//! What is done about an earlier transaction, without its card: a void, a completion.
//!
//! It is a request of its own. An answer that is lost is reversed like that of any other, and the
//! original stays as it was.

use super::{Concluded, Running, next_trace_number, online};
use crate::card::CardFacts;
use crate::iso8583::requests::{self, Purpose};
use crate::original;
use crate::outcome::{Ending, Error, Failure, Original};
use crate::ports::Terminal;
use crate::record::Record;

/// Asks the acquirer. Fails with `InvalidRequest` when the journal does not hold the original any
/// more: the host offers only what it does.
pub(super) fn ask<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    purpose: Purpose,
    original: &Original,
) -> Result<Concluded, Error> {
    let kept = original::record(terminal, original)?;
    let (details, request) = kept
        .map(|kept| (kept.outcome.card, kept.open))
        .unwrap_or_default();
    let facts = CardFacts::of_original(details);
    // An offline approval among what waits for the acquirer may be the original itself.
    if !running.acquirer_available {
        let unreachable = Ending::Failed(Failure::AcquirerUnreachable);
        let record = Record::closed(facts.outcome(unreachable));
        return running.ended(terminal, record, unreachable);
    }
    let request = request.ok_or(Error::InvalidRequest)?.message;
    let number = next_trace_number(terminal)?;
    let asked = running.asked(purpose, number);
    let codec = &running.configuration.codec;
    let message = requests::of_original(codec, &asked, &request, original);
    online::ask_without_card(terminal, running, &facts, (number, message), None)
}
