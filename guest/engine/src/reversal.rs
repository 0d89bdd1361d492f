//! Settles with the acquirer what the journal holds open: reversals and offline advices.

use crate::configuration::Configuration;
use crate::delivery::{self, Fault};
use crate::iso8583::{answers, requests};
use crate::moment::Moment;
use crate::outcome::{Ending, Error, ReversalState};
use crate::ports::{Phase, Progress, Terminal};
use crate::record::{Open, Record};

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

/// Sends the reversal of an entry in phase `reversal-due` and records the confirmation.
///
/// `repeated` says that it may have been sent before. Fails when the journal does; the reversal
/// then stays due.
pub(crate) fn reverse<T: Terminal>(
    terminal: &mut T,
    configuration: &Configuration,
    transaction_id: &str,
    record: &mut Record,
    sending: Sending,
) -> Result<Delivery, Error> {
    let Some(open) = record.open.take() else {
        return Ok(Delivery::Undelivered);
    };
    terminal.report(Progress::Reversing);
    let message = requests::reversal(
        &configuration.codec,
        &open.message,
        open.reason,
        &sending.now,
    );
    let delivery = deliver(terminal, configuration, message, sending.repeated);
    if delivery == Delivery::Settled {
        record.outcome.reversal = ReversalState::Confirmed;
        append(terminal, transaction_id, Phase::Reversed, record)?;
    } else {
        record.open = Some(open);
    }
    Ok(delivery)
}

/// Sends the advice of an entry in phase `advice-due` and records that it arrived.
pub(crate) fn advise<T: Terminal>(
    terminal: &mut T,
    configuration: &Configuration,
    transaction_id: &str,
    record: &mut Record,
    sending: Sending,
) -> Result<Delivery, Error> {
    let Some(open) = record.open.take() else {
        return Ok(Delivery::Undelivered);
    };
    let delivery = deliver(
        terminal,
        configuration,
        open.message.clone(),
        sending.repeated,
    );
    if delivery == Delivery::Settled {
        append(terminal, transaction_id, Phase::Approved, record)?;
    } else {
        record.open = Some(open);
    }
    Ok(delivery)
}

/// When a message is sent, and whether it may have been sent before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sending {
    pub(crate) now: Moment,
    pub(crate) repeated: bool,
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
    terminal
        .append(transaction_id, phase, &record.encode())
        .map_err(|_| Error::JournalFault)
}

fn deliver<T: Terminal>(
    terminal: &mut T,
    configuration: &Configuration,
    message: crate::iso8583::Message,
    repeated: bool,
) -> Delivery {
    let message = if repeated {
        requests::repeat(message)
    } else {
        message
    };
    let Some(prepared) = delivery::prepare(terminal, &configuration.codec, message) else {
        return Delivery::Undelivered;
    };
    match delivery::exchange(terminal, configuration, &prepared) {
        Ok(answer) if answers::settles(&answer) => Delivery::Settled,
        Ok(_) => Delivery::Refused,
        Err(Fault::NotSent | Fault::NoAnswer) => Delivery::Undelivered,
    }
}
