//! A card that does not pay: it is read, or gets its money back.

use super::{Concluded, Running, Service, granular, next_trace_number, online};
use crate::card::CardFacts;
use crate::iso8583::fields::number as field;
use crate::iso8583::requests::{self, Purpose};
use crate::outcome::{Ending, Error, Failure, Original};
use crate::ports::Terminal;
use crate::record::Record;
use crate::{original, trace};

/// Ends the transaction with the card that was read.
pub(super) fn conclude<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    facts: &CardFacts,
) -> Result<Concluded, Error> {
    let ending = match running.service {
        Service::Refund(original) if !paid(terminal, original, facts)? => {
            trace::note(terminal, &trace::OTHER_CARD);
            Ending::Failed(Failure::OtherCard)
        }
        Service::Refund(_) if !running.acquirer_available => {
            Ending::Failed(Failure::AcquirerUnreachable)
        }
        Service::Refund(_) if running.granular() => {
            return granular::ask_without_card(terminal, running, facts, None);
        }
        Service::Refund(original) => return refund(terminal, running, original, facts),
        Service::Read | Service::Authorise(_) | Service::Refer(..) => {
            trace::note(terminal, &trace::CARD_READ);
            Ending::Completed
        }
    };
    let record = Record::closed(facts.outcome(ending));
    running.ended(terminal, record, ending)
}

fn refund<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    original: &Original,
    facts: &CardFacts,
) -> Result<Concluded, Error> {
    let number = next_trace_number(terminal)?;
    let mut message = running.message(Purpose::Refund, facts, number);
    requests::name_original(&mut message, &running.configuration.codec, original);
    online::ask_without_card(terminal, running, facts, (number, message), None)
}

/// Whether the card is the one that paid: by its whole number while the batch is open, and by what
/// the records show of it from then on.
fn paid<T: Terminal>(
    terminal: &mut T,
    original: &Original,
    facts: &CardFacts,
) -> Result<bool, Error> {
    let (Some(details), Some(payer)) = (&facts.details, &facts.payer) else {
        return Ok(false);
    };
    let kept = original::record(terminal, original)?.and_then(|record| record.open);
    let number = kept
        .as_ref()
        .and_then(|open| open.message.field(field::PAN));
    Ok(details.masked_pan == original.masked_pan
        && number.is_none_or(|number| number == payer.pan.digits()))
}
