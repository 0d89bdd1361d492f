//! Settles with the acquirer what the journal holds open: reversals and offline advices.
//!
//! What is due stays due until the acquirer's answer says otherwise and the journal has taken
//! that in. Losing power anywhere here sends a message once more, and never once too few.

use crate::configuration::Configuration;
use crate::delivery::{self, Fault};
use crate::iso8583::{Codec, Message, answers, requests};
use crate::moment::Moment;
use crate::outcome::{Ending, Error, ReversalState};
use crate::ports::{Account, Phase, Progress, Terminal};
use crate::record::{Open, Record};
use crate::trace::{self, Rule};

/// What became of one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The acquirer settled it; the journal says so.
    Settled,
    /// The acquirer answered, but with a code that settles nothing. It stays due, and does not
    /// keep later requests from the acquirer, who knows of it.
    Refused,
    /// No answer came. It stays due.
    Undelivered,
}

/// What is sent, when, and whether it may have been sent before.
#[derive(Clone, Copy)]
pub(crate) struct Sending {
    pub(crate) due: &'static Due,
    pub(crate) now: Moment,
    pub(crate) repeated: bool,
}

/// What an entry can have due: what to send for it, and how to go on from the answer.
pub(crate) struct Due {
    /// Where the entry stands.
    phase: Phase,
    /// Where it stands once settled.
    settled: Phase,
    /// What its outcome says then.
    reversal: ReversalState,
    message: fn(&Codec, &Open, &Moment) -> Message,
    /// Whether an answer settles it.
    settles: fn(&Codec, &Message) -> bool,
    /// Confirmed, refused, undelivered.
    rules: [&'static Rule; 3],
}

pub(crate) const REVERSAL: &Due = &Due {
    phase: Phase::ReversalDue,
    settled: Phase::Reversed,
    reversal: ReversalState::Confirmed,
    message: |codec, open, now| requests::reversal(codec, &open.message, open.reason, now),
    settles: answers::reversed,
    rules: [
        &trace::REVERSAL_CONFIRMED,
        &trace::REVERSAL_REFUSED,
        &trace::REVERSAL_UNDELIVERED,
    ],
};

pub(crate) const ADVICE: &Due = &Due {
    phase: Phase::AdviceDue,
    settled: Phase::Approved,
    reversal: ReversalState::None,
    message: |_, open, _| open.message.clone(),
    settles: answers::advised,
    rules: [
        &trace::ADVICE_CONFIRMED,
        &trace::ADVICE_REFUSED,
        &trace::ADVICE_UNDELIVERED,
    ],
};

/// Sends what an entry has due and records what came of it.
///
/// Fails when the journal does; it then stays due, and `record` says so.
pub(crate) fn send<T: Terminal>(
    terminal: &mut T,
    configuration: &Configuration,
    transaction_id: &str,
    record: &mut Record,
    sending: Sending,
) -> Result<Delivery, Error> {
    let Some(open) = &record.open else {
        return Ok(Delivery::Undelivered);
    };
    if sending.due.phase == Phase::ReversalDue {
        terminal.report(Progress::Reversing);
    }
    let message = (sending.due.message)(&configuration.codec, open, &sending.now);
    let delivery = deliver(terminal, configuration, message, sending);
    take_in(terminal, transaction_id, record, delivery, sending)
}

/// Records that a transaction must be reversed, before anything else is done about it.
pub(crate) fn make_due<T: Terminal>(
    terminal: &mut T,
    transaction_id: &str,
    ending: Ending,
    mut record: Record,
    open: Open,
) -> Result<Record, Error> {
    record.outcome.ending = ending;
    record.outcome.reversal = ReversalState::Pending;
    record.outcome.approved_minor = 0;
    record.open = Some(open);
    append(terminal, transaction_id, Phase::ReversalDue, &record)?;
    Ok(record)
}

/// Writes a record; when this returns, it is durable.
pub(crate) fn append<T: Terminal>(
    terminal: &mut T,
    transaction_id: &str,
    phase: Phase,
    record: &Record,
) -> Result<(), Error> {
    let written = terminal.append(transaction_id, phase, &record.encode());
    trace::note(terminal, trace::written(phase, written.is_ok()));
    written.map_err(|_| Error::JournalFault)
}

/// Writes a record that approves, and what the card paid; when this returns, both are durable.
pub(crate) fn append_approval<T: Terminal>(
    terminal: &mut T,
    transaction_id: &str,
    (phase, record): (Phase, &Record),
    account: &Account,
) -> Result<(), Error> {
    let written = terminal.append_approval(transaction_id, phase, &record.encode(), account);
    trace::note(terminal, trace::written(phase, written.is_ok()));
    written.map_err(|_| Error::JournalFault)
}

fn deliver<T: Terminal>(
    terminal: &mut T,
    configuration: &Configuration,
    message: Message,
    sending: Sending,
) -> Delivery {
    let codec = &configuration.codec;
    let message = if sending.repeated {
        requests::repeat(message)
    } else {
        message
    };
    let answer = delivery::prepare(terminal, codec, message)
        .ok_or(Fault::NotSent)
        .and_then(|prepared| delivery::exchange(terminal, configuration, &prepared));
    let [confirmed, refused, undelivered] = sending.due.rules;
    let (delivery, rule) = match answer {
        Ok(answer) if (sending.due.settles)(codec, &answer) => (Delivery::Settled, confirmed),
        Ok(_) => (Delivery::Refused, refused),
        Err(Fault::NotSent | Fault::NoAnswer) => (Delivery::Undelivered, undelivered),
    };
    trace::note(terminal, rule);
    delivery
}

/// Writes what a delivery changed, and makes `record` what the journal holds then.
///
/// A refusal is written down with its time: from then on the entry holds up no sale, goes behind
/// those the acquirer was asked less lately, and is left alone for a while. So is a later try that
/// nobody answered, or it would be the first each time.
fn take_in<T: Terminal>(
    terminal: &mut T,
    transaction_id: &str,
    record: &mut Record,
    delivery: Delivery,
    sending: Sending,
) -> Result<Delivery, Error> {
    let mut next = record.clone();
    let refused_before = record
        .open
        .as_ref()
        .is_some_and(|open| open.refused.is_some());
    let phase = match delivery {
        Delivery::Undelivered if !refused_before => return Ok(delivery),
        Delivery::Settled => {
            next.open = next.open.filter(|_| sending.due.settled == Phase::Approved);
            next.open.iter_mut().for_each(|open| open.refused = None);
            next.outcome.reversal = sending.due.reversal;
            sending.due.settled
        }
        Delivery::Refused | Delivery::Undelivered => {
            let refused = Some(sending.now.minute());
            next.open.iter_mut().for_each(|open| open.refused = refused);
            sending.due.phase
        }
    };
    if phase != sending.due.phase || next != *record {
        append(terminal, transaction_id, phase, &next)?;
        *record = next;
    }
    Ok(delivery)
}
