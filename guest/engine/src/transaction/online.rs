//! The part of a transaction that asks the acquirer.
//!
//! From the journal's `sent` on money may have moved: every way out of here either is beyond
//! doubt or makes a reversal due.

use emv::{HostAnswer, OnlineRequest};

use super::offline::{self, Unanswered};
use super::{Concluded, Running, ending, next_trace_number};
use crate::card::{CardFacts, Dialogue};
use crate::chip_data::IssuerData;
use crate::delivery::{self, Fault, Prepared};
use crate::iso8583::answers::{self, Verdict};
use crate::iso8583::dialect::PinBlockFormat;
use crate::iso8583::fields::number as field;
use crate::iso8583::requests::{self, Purpose, ReversalReason};
use crate::iso8583::{Codec, Message};
use crate::money::Amount;
use crate::outcome::{CancelReason, DeclineReason, Ending, Error, Failure, ReversalState};
use crate::ports::{DisplayMessage, Phase, Progress, Protected, Terminal};
use crate::record::{Open, Record};
use crate::trace;

/// What a request came to.
pub(super) enum Came {
    /// The transaction has ended: nothing left, or the answer was lost and is reversed.
    Concluded(Box<Concluded>),
    /// The host guarantees that nothing left. Holds the trace number of the request.
    Unreachable(u32),
    /// The acquirer decided.
    Answered(Box<Answered>),
}

impl Came {
    fn ended(concluded: Concluded) -> Self {
        Self::Concluded(Box::new(concluded))
    }
}

/// A request that the acquirer answered.
pub(super) struct Answered {
    verdict: Verdict,
    record: Record,
    open: Open,
}

impl Answered {
    /// The amount that the acquirer approved and the merchant takes.
    fn approved(&self, running: &Running<'_>) -> Option<Amount> {
        match self.verdict.partial {
            Some(part) => Some(part)
                .filter(|part| running.request.accepts_partial_approval && part.minor() > 0),
            None => Some(running.payment.total).filter(|_| self.verdict.approved),
        }
    }
}

/// Journals, asks, and finishes with the card.
pub(super) fn ask<T: Terminal>(
    dialogue: &mut Dialogue<'_, T>,
    running: &Running<'_>,
    purpose: Purpose,
    online: OnlineRequest,
) -> Result<Concluded, Error> {
    let facts = CardFacts::of_contact(online.card(), running.configuration);
    let pin = dialogue.pin.take();
    let number = next_trace_number(dialogue.terminal)?;
    let message = running.message(purpose, &facts, number);
    match request(dialogue.terminal, running, &facts, (number, message), pin)? {
        Came::Concluded(concluded) => Ok(*concluded),
        Came::Unreachable(number) => {
            let completed = online.complete(dialogue, &HostAnswer::UnableToGoOnline);
            offline::conclude(
                dialogue,
                running,
                &completed,
                Unanswered::Unreachable(number),
            )
        }
        Came::Answered(mut answered) => {
            let IssuerData {
                authentication_data,
                scripts,
            } = core::mem::take(&mut answered.verdict.issuer);
            let answer = HostAnswer::Answered {
                approved: answered.approved(running).is_some(),
                response_code: answered.verdict.code,
                issuer_authentication_data: authentication_data,
                scripts,
            };
            let completed = online.complete(dialogue, &answer);
            let card = match &completed {
                Ok(completed) => &completed.card,
                Err(ended) => &*ended.card,
            };
            let facts = CardFacts::of_contact(card, running.configuration);
            let card_approves = match completed {
                Ok(done) if done.approved && !done.reversal_required => Ok(()),
                Ok(done) => Err(ending::declined(done.declined_by)),
                Err(ended) => Err(ending::ended_by(&ended)),
            };
            settle(dialogue.terminal, running, *answered, &facts, card_approves)
        }
    }
}

/// Asks where no card has a say in the end: it is a stripe, or gets its money back, or is not there.
pub(super) fn ask_without_card<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    facts: &CardFacts,
    (number, message): (u32, Message),
    pin: Option<T::Pin>,
) -> Result<Concluded, Error> {
    match request(terminal, running, facts, (number, message), pin)? {
        Came::Concluded(concluded) => Ok(*concluded),
        Came::Unreachable(number) => {
            let unreachable = Ending::Failed(Failure::AcquirerUnreachable);
            let mut record = Record::closed(facts.outcome(unreachable));
            record.outcome.trace_number = Some(number);
            running.ended(terminal, record, unreachable)
        }
        Came::Answered(answered) => settle(terminal, running, *answered, facts, Ok(())),
    }
}

/// Journals a request, and asks.
fn request<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    facts: &CardFacts,
    (trace_number, message): (u32, Message),
    pin: Option<T::Pin>,
) -> Result<Came, Error> {
    let mut record = Record::closed(facts.outcome(Ending::Failed(Failure::AnswerLost)));
    record.outcome.trace_number = Some(trace_number);
    let mut open = Open {
        message: requests::storable(&message),
        reason: ReversalReason::NoAnswer,
        refused: None,
    };
    if !terminal.proceed() {
        let ending = Ending::Cancelled(CancelReason::PointOfSale);
        return running.ended(terminal, record, ending).map(Came::ended);
    }
    terminal.show(DisplayMessage::PleaseWait);
    terminal.report(Progress::Authorising);
    record.outcome.reversal = ReversalState::Pending;
    record.open = Some(open.clone());
    // Before the message is authenticated: with the key's counter the vault makes durable how far
    // the journal is, so that a journal that lost this entry is noticed.
    running.append(terminal, Phase::Sent, &record)?;
    record.open = None;
    let Some(prepared) = prepare(terminal, running, facts, (message, pin)) else {
        let ending = Ending::Failed(Failure::DeviceFault);
        return running.ended(terminal, record, ending).map(Came::ended);
    };
    match verdict(terminal, running, &prepared) {
        Err(Fault::NotSent) => Ok(Came::Unreachable(trace_number)),
        Err(Fault::NoAnswer) => {
            let ending = Ending::Failed(Failure::AnswerLost);
            let reversed = running.reverse(terminal, record, open, ending)?;
            Ok(Came::ended(reversed.into()))
        }
        Ok(verdict) => {
            record.outcome.answer = Some(verdict.answer.clone());
            for (number, value) in &verdict.references {
                open.message.set(*number, value);
            }
            let answered = Answered {
                verdict,
                record,
                open,
            };
            Ok(Came::Answered(Box::new(answered)))
        }
    }
}

/// Asks, and reads what the acquirer decided.
fn verdict<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    prepared: &Prepared,
) -> Result<Verdict, Fault> {
    let answer = delivery::exchange(terminal, running.configuration, prepared)?;
    let verdict = answers::verdict(&running.configuration.codec, &answer);
    if verdict.is_none() {
        trace::note(terminal, &trace::REFUSED_CONTENT);
    }
    verdict.ok_or(Fault::NoAnswer)
}

/// Ends the transaction as the acquirer's answer and the card say. `card_approves` fails with how the
/// card ended it; a stripe has nothing to say.
fn settle<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    answered: Answered,
    facts: &CardFacts,
    card_approves: Result<(), Ending>,
) -> Result<Concluded, Error> {
    let approved = answered.approved(running);
    let Answered {
        verdict,
        mut record,
        mut open,
    } = answered;
    record.outcome.card.clone_from(&facts.details);
    // What the acquirer did is not what was asked, or not beyond doubt.
    let doubtful = match (approved, verdict.partial, verdict.unclear) {
        // This point of sale did not say that it takes less than it asked for.
        (None, Some(_), _) => Some((&trace::PARTIAL_REFUSED, ReversalReason::PartialRefused)),
        (None, None, true) => Some((&trace::UNCLEAR, ReversalReason::NotCompleted)),
        (Some(_), _, _) | (None, None, false) => None,
    };
    if let Some((rule, reason)) = doubtful {
        trace::note(terminal, rule);
        open.reason = reason;
        let ending = Ending::Declined(DeclineReason::Acquirer);
        return running
            .reverse(terminal, record, open, ending)
            .map(Concluded::from);
    }
    let Some(approved) = approved else {
        return running.ended(terminal, record, Ending::Declined(DeclineReason::Acquirer));
    };
    if !running.service.moves_money() {
        // The issuer has said it, whatever its card thinks of it.
        record.outcome.balance = verdict.balance;
        return running.ended(terminal, record, Ending::Completed);
    }
    let Err(ending) = card_approves else {
        if approved != running.payment.total {
            trace::note(terminal, &trace::PARTIAL_TAKEN);
        }
        record.outcome.ending = Ending::Approved;
        record.outcome.reversal = ReversalState::None;
        record.outcome.approved_minor = approved.minor();
        open.message.set(field::AMOUNT, approved.to_field());
        record.open = Some(open);
        running.approve(terminal, Phase::Approved, &record, facts)?;
        return Ok(record.outcome.into());
    };
    trace::note(terminal, &trace::NOT_COMPLETED);
    open.reason = ReversalReason::NotCompleted;
    running
        .reverse(terminal, record, open, ending)
        .map(Concluded::from)
}

/// Spends the PIN, when there is one, and authenticates the request.
fn prepare<T: Terminal>(
    terminal: &mut T,
    running: &Running<'_>,
    facts: &CardFacts,
    (mut message, pin): (Message, Option<T::Pin>),
) -> Option<Prepared> {
    let codec = &running.configuration.codec;
    if let Some(pin) = pin {
        let block = block_format(codec).and_then(|format| encipher(terminal, format, facts, pin));
        let Some(block) = block else {
            trace::note(terminal, &trace::NO_PIN_BLOCK);
            return None;
        };
        requests::set_pin(&mut message, codec, &block);
    }
    delivery::prepare(terminal, codec, message)
}

/// The form of a PIN block that the dialect asks for.
pub(super) fn block_format(codec: &Codec) -> Option<PinBlockFormat> {
    match codec.dialect().pin?.block_format {
        0 => Some(PinBlockFormat::Iso0),
        1 => Some(PinBlockFormat::Iso1),
        3 => Some(PinBlockFormat::Iso3),
        4 => Some(PinBlockFormat::Iso4),
        _ => None,
    }
}

/// Spends a PIN on a block.
pub(super) fn encipher<T: Terminal>(
    terminal: &mut T,
    format: PinBlockFormat,
    facts: &CardFacts,
    pin: T::Pin,
) -> Option<Protected> {
    let pan = facts.payer.as_ref()?.pan.compressed();
    terminal.encrypt_pin(pin, &pan, format).ok()
}
