//! The part of a transaction that the point of sale decides, with an acquirer of its own.
//!
//! Nothing is sent from here, so nothing can be reversed from here: once the point of sale was asked,
//! any end but an approval leaves it to reverse what its acquirer may have approved. Nobody but that
//! acquirer approves, since no advice of an offline approval could reach it.

use emv::{Completed, Ended, HostAnswer, OnlineRequest};

use super::{Concluded, Running, ending, online};
use crate::card::{CardFacts, Dialogue};
use crate::chip_data;
use crate::outcome::{AcquirerAnswer, CancelReason, DeclineReason, Ending, Error, Failure};
use crate::ports::{self, DisplayMessage, NoDecision, Phase, PinBlock, Progress, Terminal};
use crate::record::Record;
use crate::trace;

/// The response code that approves (ISO 8583 field 39).
const APPROVED: [u8; 2] = *b"00";

/// What the point of sale decided.
struct Decided {
    code: [u8; 2],
    answer: ports::OnlineAnswer,
}

impl Decided {
    fn approves(&self) -> bool {
        self.code == APPROVED
    }
}

/// Asks, and finishes with the card.
pub(super) fn ask<T: Terminal>(
    dialogue: &mut Dialogue<'_, T>,
    running: &Running<'_>,
    online: OnlineRequest,
) -> Result<Concluded, Error> {
    let facts = CardFacts::of_contact(online.card(), running.configuration);
    let pin = dialogue.pin.take();
    let decided = match decide(dialogue.terminal, running, &facts, pin) {
        Ok(decided) => decided,
        Err(ending) => {
            let completed = online.complete(dialogue, &HostAnswer::UnableToGoOnline);
            return undecided(
                dialogue.terminal,
                running,
                &after(&completed, running),
                ending,
            );
        }
    };
    let answer = HostAnswer::Answered {
        approved: decided.approves(),
        response_code: decided.code,
        issuer_authentication_data: decided.answer.issuer_authentication_data.clone(),
        scripts: scripts(&decided.answer.issuer_scripts),
    };
    let completed = online.complete(dialogue, &answer);
    let facts = after(&completed, running);
    let card_approves = match completed {
        Ok(done) if done.approved && !done.reversal_required => Ok(()),
        Ok(done) => Err(ending::declined(done.declined_by)),
        Err(ended) => Err(ending::ended_by(&ended)),
    };
    settle(dialogue.terminal, running, decided, &facts, card_approves)
}

/// Asks where no card has a say in the end: it is a stripe, or gets its money back.
pub(super) fn ask_without_card<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    facts: &CardFacts,
    pin: Option<T::Pin>,
) -> Result<Concluded, Error> {
    match decide(terminal, running, facts, pin) {
        Ok(decided) => settle(terminal, running, decided, facts, Ok(())),
        Err(ending) => undecided(terminal, running, facts, ending),
    }
}

/// The decision, or how the transaction ends without one.
fn decide<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    facts: &CardFacts,
    pin: Option<T::Pin>,
) -> Result<Decided, Ending> {
    let fault = Ending::Failed(Failure::DeviceFault);
    let request = request(terminal, running, facts, pin).ok_or(fault)?;
    terminal.show(DisplayMessage::PleaseWait);
    terminal.report(Progress::Authorising);
    let timeout_ms = running.configuration.timeouts.decision_ms;
    let answer = terminal
        .authorise_online(&request, timeout_ms)
        .map_err(|none| match none {
            NoDecision::TimedOut => {
                trace::note(terminal, &trace::NO_DECISION);
                Ending::Cancelled(CancelReason::NoDecision)
            }
            NoDecision::Aborted => Ending::Cancelled(CancelReason::PointOfSale),
            NoDecision::Unavailable => fault,
        })?;
    // The host has seen to its form.
    let code = answer
        .response_code
        .as_bytes()
        .try_into()
        .map_err(|_| fault)?;
    trace::note(terminal, &trace::DECIDED_BY_POINT_OF_SALE);
    Ok(Decided { code, answer })
}

/// What the point of sale's acquirer needs. `None` when a PIN cannot be enciphered, or a stripe, of which
/// nothing else is told.
fn request<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    facts: &CardFacts,
    pin: Option<T::Pin>,
) -> Option<ports::OnlineRequest> {
    let codec = &running.configuration.codec;
    let pin = match pin {
        None => None,
        Some(pin) => {
            let format = online::block_format(codec)?;
            let Some(block) = online::encipher(terminal, format, facts, pin) else {
                trace::note(terminal, &trace::NO_PIN_BLOCK);
                return None;
            };
            Some(PinBlock { block, format })
        }
    };
    let track_2 = facts
        .payer
        .as_ref()
        .and_then(|payer| payer.track_2.as_ref())
        .and_then(|track_2| terminal.encrypt_data(track_2).ok());
    if facts.chip_data.is_empty() && track_2.is_none() {
        trace::note(terminal, &trace::NO_TRACK_2);
        return None;
    }
    Some(ports::OnlineRequest {
        chip_data: facts.chip_data.clone(),
        pin,
        track_2,
    })
}

fn undecided<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    facts: &CardFacts,
    ending: Ending,
) -> Result<Concluded, Error> {
    running.ended(terminal, Record::closed(facts.outcome(ending)), ending)
}

/// Ends the transaction as the decision and the card say. `card_approves` fails with how the card ended it.
fn settle<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    decided: Decided,
    facts: &CardFacts,
    card_approves: Result<(), Ending>,
) -> Result<Concluded, Error> {
    let approves = decided.approves();
    let declined = Ending::Declined(DeclineReason::Acquirer);
    let mut record = Record::closed(facts.outcome(declined));
    record.outcome.answer = Some(AcquirerAnswer {
        response_code: decided.answer.response_code,
        authorisation_code: decided.answer.authorisation_code,
        retrieval_reference: None,
    });
    if !approves {
        return running.ended(terminal, record, declined);
    }
    if let Err(ending) = card_approves {
        trace::note(terminal, &trace::NOT_COMPLETED_THERE);
        return running.ended(terminal, record, ending);
    }
    record.outcome.ending = Ending::Approved;
    record.outcome.approved_minor = running.payment.total.minor();
    running.approve(terminal, Phase::Approved, &record, facts)?;
    Ok(record.outcome.into())
}

/// What the card gave in the end.
fn after(completed: &Result<Completed, Ended>, running: &Running<'_>) -> CardFacts {
    let card = match completed {
        Ok(completed) => &completed.card,
        Err(ended) => &*ended.card,
    };
    CardFacts::of_contact(card, running.configuration)
}

/// The templates among what the point of sale gave; none when it is no BER-TLV.
fn scripts(given: &[u8]) -> Vec<u8> {
    chip_data::parse_issuer_data(given)
        .map(|data| data.scripts)
        .unwrap_or_default()
}
