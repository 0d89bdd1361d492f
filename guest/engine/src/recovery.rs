//! Ends what a crash, a lost answer or an offline approval left open.
//!
//! Each transaction ends exactly once: what was never sent is closed, what may have been sent is
//! reversed, what was approved stays approved. Nothing here can turn anything into an approval.

use crate::configuration::Configuration;
use crate::iso8583::requests::ReversalReason;
use crate::moment::Moment;
use crate::outcome::{CancelReason, Ending, Error, Failure, Outcome, Recovery, Settled};
use crate::ports::{Entry, Phase, Terminal};
use crate::record::{Open, Record};
use crate::reversal::{self, Delivery, Sending};

/// Most entries looked at in one call.
const ENTRY_COUNT_MAX: u32 = 256;

/// Most messages sent to the acquirer in one call.
const DELIVERY_COUNT_MAX: u32 = 16;

/// Settles every open transaction as far as the acquirer can be reached.
pub(crate) fn recover<T: Terminal>(terminal: &mut T, now: Moment) -> Result<Recovery, Error> {
    let configuration = Configuration::load(terminal)?;
    settle(terminal, &configuration, now, None).map(|settling| settling.recovery)
}

/// Settles what is open before a sale. Returns whether the acquirer may be asked: nothing that
/// must go out first is left undelivered.
pub(crate) fn settle_before<T: Terminal>(
    terminal: &mut T,
    configuration: &Configuration,
    now: Moment,
    transaction_id: &str,
) -> Result<bool, Error> {
    settle(terminal, configuration, now, Some(transaction_id)).map(|settling| !settling.blocked)
}

/// What one pass over the journal came to.
#[derive(Default)]
struct Settling {
    recovery: Recovery,
    deliveries: u32,
    /// Something is due and the acquirer did not answer, or may not be asked again now.
    blocked: bool,
}

fn settle<T: Terminal>(
    terminal: &mut T,
    configuration: &Configuration,
    now: Moment,
    running: Option<&str>,
) -> Result<Settling, Error> {
    let entries = terminal
        .unsettled(ENTRY_COUNT_MAX)
        .map_err(|_| Error::JournalFault)?;
    let mut settling = Settling::default();
    for entry in entries {
        if running != Some(entry.transaction_id.as_str()) {
            settle_one(terminal, configuration, now, entry, &mut settling)?;
        }
    }
    Ok(settling)
}

fn settle_one<T: Terminal>(
    terminal: &mut T,
    configuration: &Configuration,
    now: Moment,
    entry: Entry,
    settling: &mut Settling,
) -> Result<(), Error> {
    let transaction_id = entry.transaction_id;
    if entry.phase == Phase::Begun {
        // The host writes this entry; its content is not the engine's.
        let ending = Ending::Cancelled(CancelReason::Interrupted);
        let record = Record::closed(Outcome::without_card(ending));
        reversal::append(terminal, &transaction_id, Phase::Closed, &record)?;
        settling.settled(transaction_id, record.outcome);
        return Ok(());
    }
    let Ok(mut record) = Record::decode(&entry.content) else {
        // Another version's record stays as it is for the engine that can read it.
        settling.wait();
        return Ok(());
    };
    let mut repeated = true;
    if entry.phase == Phase::Sent {
        let Some(open) = record.open.take() else {
            settling.wait();
            return Ok(());
        };
        let open = Open {
            reason: ReversalReason::PowerLoss,
            ..open
        };
        let ending = Ending::Failed(Failure::AnswerLost);
        record = reversal::make_due(terminal, &transaction_id, ending, record, open)?;
        repeated = false;
    }
    if matches!(
        entry.phase,
        Phase::Sent | Phase::ReversalDue | Phase::AdviceDue
    ) {
        let advice = entry.phase == Phase::AdviceDue;
        let sending = Sending { now, repeated };
        settling.attempt(|| {
            let deliver = if advice {
                reversal::advise::<T>
            } else {
                reversal::reverse::<T>
            };
            deliver(
                terminal,
                configuration,
                &transaction_id,
                &mut record,
                sending,
            )
        })?;
    }
    settling.settled(transaction_id, record.outcome);
    Ok(())
}

impl Settling {
    /// Delivers, unless an older one is undelivered or the limit is reached: the order is kept.
    fn attempt(&mut self, deliver: impl FnOnce() -> Result<Delivery, Error>) -> Result<(), Error> {
        if self.blocked || self.deliveries >= DELIVERY_COUNT_MAX {
            self.wait();
            return Ok(());
        }
        self.deliveries = self.deliveries.saturating_add(1);
        match deliver()? {
            Delivery::Settled => {}
            Delivery::Refused => self.recovery.waiting = self.recovery.waiting.saturating_add(1),
            Delivery::Undelivered => self.wait(),
        }
        Ok(())
    }

    fn wait(&mut self) {
        self.recovery.waiting = self.recovery.waiting.saturating_add(1);
        self.blocked = true;
    }

    fn settled(&mut self, transaction_id: String, outcome: Outcome) {
        self.recovery.settled.push(Settled {
            transaction_id,
            outcome,
        });
    }
}
