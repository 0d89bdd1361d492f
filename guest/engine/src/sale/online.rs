//! The part of a sale that asks the acquirer.
//!
//! From the journal's `sent` on money may have moved: every way out of here either is beyond
//! doubt or makes a reversal due.

use emv::{HostAnswer, OnlineRequest};

use super::offline::{self, Unanswered};
use super::{Concluded, Sale, ending, next_trace_number};
use crate::card::{CardFacts, Dialogue, compressed};
use crate::delivery::{self, Fault, Prepared};
use crate::iso8583::answers::{self, Verdict};
use crate::iso8583::dialect::PinBlockFormat;
use crate::iso8583::fields::number as field;
use crate::iso8583::requests::{self, ReversalReason};
use crate::iso8583::{Codec, Message};
use crate::outcome::{CancelReason, DeclineReason, Ending, Error, Failure, ReversalState};
use crate::ports::{DisplayMessage, Phase, Progress, Protected, Terminal};
use crate::record::{Open, Record};
use crate::trace;

/// Journal, ask, and finish with the card.
pub(super) fn ask<T: Terminal>(
    dialogue: &mut Dialogue<'_, T>,
    sale: &Sale<'_>,
    online: OnlineRequest,
) -> Result<Concluded, Error> {
    let facts = CardFacts::of_contact(online.card(), sale.configuration);
    let mut record = Record::closed(facts.outcome(Ending::Failed(Failure::AnswerLost)));
    let trace_number = next_trace_number(dialogue.terminal)?;
    record.outcome.trace_number = Some(trace_number);
    let message = sale.message(&facts, trace_number);
    let open = Open {
        message: requests::storable(&message),
        reason: ReversalReason::NoAnswer,
        refused: None,
    };
    if !dialogue.terminal.proceed() {
        return sale.ended(
            dialogue.terminal,
            record,
            Ending::Cancelled(CancelReason::PointOfSale),
        );
    }
    dialogue.terminal.show(DisplayMessage::PleaseWait);
    dialogue.terminal.report(Progress::Authorising);
    record.outcome.reversal = ReversalState::Pending;
    record.open = Some(open.clone());
    // Before the message is authenticated: with the key's counter the vault makes durable how far
    // the journal is, so that a journal that lost this entry is noticed.
    sale.append(dialogue.terminal, Phase::Sent, &record)?;
    record.open = None;
    let Some(prepared) = prepare(dialogue, sale, &facts, message) else {
        return sale.ended(
            dialogue.terminal,
            record,
            Ending::Failed(Failure::DeviceFault),
        );
    };
    match verdict(dialogue.terminal, sale, &prepared) {
        Err(Fault::NotSent) => {
            let completed = online.complete(dialogue, &HostAnswer::UnableToGoOnline);
            offline::conclude(
                dialogue,
                sale,
                &completed,
                Unanswered::Unreachable(trace_number),
            )
        }
        Err(Fault::NoAnswer) => {
            let ending = Ending::Failed(Failure::AnswerLost);
            sale.reverse(dialogue.terminal, record, open, ending)
                .map(Concluded::from)
        }
        Ok(verdict) => apply(dialogue, sale, online, verdict, (record, open)),
    }
}

/// Asks, and reads what the acquirer decided.
fn verdict<T: Terminal>(
    terminal: &mut T,
    sale: &Sale<'_>,
    prepared: &Prepared,
) -> Result<Verdict, Fault> {
    let answer = delivery::exchange(terminal, sale.configuration, prepared)?;
    let verdict = answers::verdict(&sale.configuration.codec, &answer);
    if verdict.is_none() {
        trace::note(terminal, &trace::REFUSED_CONTENT);
    }
    verdict.ok_or(Fault::NoAnswer)
}

/// Takes the acquirer's answer to the card and ends the transaction.
fn apply<T: Terminal>(
    dialogue: &mut Dialogue<'_, T>,
    sale: &Sale<'_>,
    online: OnlineRequest,
    verdict: Verdict,
    (mut record, mut open): (Record, Open),
) -> Result<Concluded, Error> {
    record.outcome.answer = Some(verdict.answer.clone());
    for (number, text) in [
        (
            field::AUTHORISATION_CODE,
            &verdict.answer.authorisation_code,
        ),
        (
            field::RETRIEVAL_REFERENCE,
            &verdict.answer.retrieval_reference,
        ),
    ] {
        if let Some(text) = text {
            open.message.set(number, text);
        }
    }
    let answer = HostAnswer::Answered {
        approved: verdict.approved,
        response_code: verdict.code,
        issuer_authentication_data: verdict.issuer.authentication_data,
        scripts: verdict.issuer.scripts,
    };
    let completed = online.complete(dialogue, &answer);
    let card = match &completed {
        Ok(completed) => &completed.card,
        Err(ended) => &*ended.card,
    };
    let facts = CardFacts::of_contact(card, sale.configuration);
    record.outcome.card.clone_from(&facts.details);
    let terminal = &mut *dialogue.terminal;
    // What the acquirer did is not what was asked, or not beyond doubt.
    let doubtful = match (verdict.partial, verdict.unclear) {
        // This point of sale did not say that it takes less than it asked for.
        (true, _) => Some((&trace::PARTIAL_REFUSED, ReversalReason::PartialRefused)),
        (false, true) => Some((&trace::UNCLEAR, ReversalReason::NotCompleted)),
        (false, false) => None,
    };
    if let Some((rule, reason)) = doubtful {
        trace::note(terminal, rule);
        open.reason = reason;
        let ending = Ending::Declined(DeclineReason::Acquirer);
        return sale
            .reverse(terminal, record, open, ending)
            .map(Concluded::from);
    }
    if !verdict.approved {
        return sale.ended(terminal, record, Ending::Declined(DeclineReason::Acquirer));
    }
    let ending = match completed {
        Ok(completed) if completed.approved && !completed.reversal_required => {
            record.outcome.ending = Ending::Approved;
            record.outcome.reversal = ReversalState::None;
            record.outcome.approved_minor = sale.payment.total.minor();
            sale.approve(terminal, Phase::Approved, &record, &facts)?;
            return Ok(record.outcome.into());
        }
        Ok(completed) => ending::declined(completed.declined_by),
        Err(ended) => ending::ended_by(&ended),
    };
    trace::note(terminal, &trace::NOT_COMPLETED);
    open.reason = ReversalReason::NotCompleted;
    sale.reverse(terminal, record, open, ending)
        .map(Concluded::from)
}

/// Spends the PIN, when there is one, and authenticates the request.
fn prepare<T: Terminal>(
    dialogue: &mut Dialogue<'_, T>,
    sale: &Sale<'_>,
    facts: &CardFacts,
    mut message: Message,
) -> Option<Prepared> {
    let codec = &sale.configuration.codec;
    if let Some(pin) = dialogue.pin.take() {
        let Some(block) = encipher(dialogue.terminal, codec, facts, pin) else {
            trace::note(dialogue.terminal, &trace::NO_PIN_BLOCK);
            return None;
        };
        requests::set_pin(&mut message, codec, &block);
    }
    delivery::prepare(dialogue.terminal, codec, message)
}

/// Spends a PIN on the block the dialect asks for.
fn encipher<T: Terminal>(
    terminal: &mut T,
    codec: &Codec,
    facts: &CardFacts,
    pin: T::Pin,
) -> Option<Protected> {
    let format = match codec.dialect().pin?.block_format {
        0 => PinBlockFormat::Iso0,
        1 => PinBlockFormat::Iso1,
        3 => PinBlockFormat::Iso3,
        4 => PinBlockFormat::Iso4,
        _ => return None,
    };
    let pan = compressed(facts.identity.as_ref()?.pan.digits());
    terminal.encrypt_pin(pin, &pan, format).ok()
}
