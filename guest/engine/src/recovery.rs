//! Ends what a crash, a lost answer or an offline approval left open.
//!
//! Each transaction ends exactly once: what was never sent is closed, what may have been sent is
//! reversed, what was approved stays approved. Nothing here can turn anything into an approval:
//! `approved` is only ever written over `advice-due`, whose transaction is approved already.
//!
//! What is due goes out in the order of the journal, and what the acquirer has not answered holds
//! back what comes after it. What it has refused, it knows of: that is asked again after a pause,
//! the least lately asked first, and holds back nothing.

use crate::configuration::Configuration;
use crate::iso8583::requests::ReversalReason;
use crate::moment::Moment;
use crate::outcome::{CancelReason, Ending, Error, Failure, Outcome, Recovery, Settled};
use crate::ports::{Entry, Phase, Terminal};
use crate::record::{Open, Record};
use crate::reversal::{self, Delivery, Sending};
use crate::trace;

/// How many entries are looked at together.
const PAGE_ENTRY_COUNT: u32 = 32;

/// Most messages sent to the acquirer in one call.
const DELIVERY_COUNT_MAX: u32 = 16;

/// How long what the acquirer refused is left alone.
const REFUSED_PAUSE_MINUTES: u64 = 15;

/// Settles every open transaction as far as the acquirer can be reached.
pub(crate) fn recover<T: Terminal>(terminal: &mut T, now: Moment) -> Result<Recovery, Error> {
    let configuration = Configuration::load(terminal)?;
    let mut settling = Settling::new(terminal, &configuration, now);
    let refused = settling.pass()?;
    for found in refused {
        settling.settle(found)?;
    }
    Ok(settling.recovery)
}

/// Settles what is open before a sale. Returns whether the acquirer may be asked: nothing that
/// must go out first is left unanswered. What the acquirer refused once is left to [`recover`].
pub(crate) fn settle_before<T: Terminal>(
    terminal: &mut T,
    configuration: &Configuration,
    now: Moment,
) -> Result<bool, Error> {
    let mut settling = Settling::new(terminal, configuration, now);
    settling.pass()?;
    let available = !settling.blocked;
    if !available {
        trace::note(terminal, &trace::OLDER_UNDELIVERED);
    }
    Ok(available)
}

/// One pass over the journal.
struct Settling<'a, T> {
    terminal: &'a mut T,
    configuration: &'a Configuration,
    now: Moment,
    recovery: Recovery,
    delivery_count: u32,
    /// Something is due and the acquirer did not answer, or may not be asked again in this call.
    blocked: bool,
}

/// An entry that the engine wrote, read.
struct Found {
    transaction_id: String,
    phase: Phase,
    /// Whether the host knows how the transaction ended.
    ended: bool,
    record: Record,
}

/// When an entry is settled.
#[derive(PartialEq, Eq)]
enum Turn {
    /// At once, in the order of the journal.
    Now,
    /// After everything that the acquirer has not refused.
    Last,
    /// In a later call: the acquirer refused it a moment ago.
    Later,
}

impl Found {
    fn turn(&self, now: Moment) -> Turn {
        match self.record.open.as_ref().and_then(|open| open.refused) {
            None => Turn::Now,
            Some(refused) if refused.distance(now.minute()) < REFUSED_PAUSE_MINUTES => Turn::Later,
            Some(_) => Turn::Last,
        }
    }
}

impl<'a, T: Terminal> Settling<'a, T> {
    fn new(terminal: &'a mut T, configuration: &'a Configuration, now: Moment) -> Self {
        Self {
            terminal,
            configuration,
            now,
            recovery: Recovery::default(),
            delivery_count: 0,
            blocked: false,
        }
    }

    /// Settles everything but what the acquirer refused before. Returns as much of that as may be
    /// asked again in this call.
    fn pass(&mut self) -> Result<Vec<Found>, Error> {
        let mut refused = Vec::new();
        let mut after_sequence = 0;
        loop {
            let entries = self
                .terminal
                .unsettled(after_sequence, PAGE_ENTRY_COUNT)
                .map_err(|_| Error::JournalFault)?;
            let Some(last) = entries.last() else {
                return Ok(refused);
            };
            after_sequence = last.sequence;
            for entry in entries {
                self.visit(entry, &mut refused)?;
            }
        }
    }

    fn visit(&mut self, entry: Entry, refused: &mut Vec<Found>) -> Result<(), Error> {
        if entry.phase == Phase::Begun {
            return self.close(entry.transaction_id);
        }
        let Some(found) = self.read(entry) else {
            return Ok(());
        };
        let full = u32::try_from(refused.len()).is_ok_and(|count| count >= DELIVERY_COUNT_MAX);
        match found.turn(self.now) {
            Turn::Now => self.settle(found)?,
            Turn::Last if !full => refused.push(found),
            Turn::Last | Turn::Later => {
                self.recovery.waiting = self.recovery.waiting.saturating_add(1);
                if !found.ended {
                    self.report(found.transaction_id, found.record.outcome);
                }
            }
        }
        Ok(())
    }

    /// Nothing was sent. The host wrote this entry; its content is not the engine's.
    fn close(&mut self, transaction_id: String) -> Result<(), Error> {
        trace::note(self.terminal, &trace::FOUND_BEGUN);
        let ending = Ending::Cancelled(CancelReason::Interrupted);
        let record = Record::closed(Outcome::without_card(ending));
        reversal::append(self.terminal, &transaction_id, Phase::Closed, &record)?;
        self.report(transaction_id, record.outcome);
        Ok(())
    }

    /// Another version's record stays as it is, for the engine that can read it. Until then what
    /// is due in it keeps new requests from the acquirer. A damaged one can never be read again:
    /// the host says so to whoever runs the terminal, and nothing waits for it.
    fn read(&mut self, entry: Entry) -> Option<Found> {
        let Some(content) = entry.content else {
            trace::note(self.terminal, &trace::FOUND_DAMAGED);
            return None;
        };
        let last = matches!(
            entry.phase,
            Phase::Approved | Phase::Closed | Phase::Reversed
        );
        match Record::decode(&content) {
            Ok(record) if last || record.open.is_some() => Some(Found {
                transaction_id: entry.transaction_id,
                phase: entry.phase,
                ended: entry.ended,
                record,
            }),
            Ok(_) | Err(_) => {
                trace::note(self.terminal, &trace::FOUND_UNREADABLE);
                if !last {
                    self.wait();
                }
                None
            }
        }
    }

    fn settle(&mut self, found: Found) -> Result<(), Error> {
        let Found {
            transaction_id,
            phase,
            ended,
            record,
        } = found;
        let known = ended.then(|| record.outcome.clone());
        let record = match phase {
            Phase::Sent => {
                let record = self.make_due(&transaction_id, record)?;
                self.deliver(&transaction_id, record, Phase::ReversalDue, false)?
            }
            Phase::ReversalDue | Phase::AdviceDue => {
                self.deliver(&transaction_id, record, phase, true)?
            }
            // Final. The host asks how it ended.
            Phase::Begun | Phase::Approved | Phase::Closed | Phase::Reversed => record,
        };
        if known.as_ref() != Some(&record.outcome) {
            self.report(transaction_id, record.outcome);
        }
        Ok(())
    }

    /// Whether the acquirer acted is unknown, so it is told to undo.
    fn make_due(&mut self, transaction_id: &str, mut record: Record) -> Result<Record, Error> {
        trace::note(self.terminal, &trace::FOUND_SENT);
        let Some(open) = record.open.take() else {
            return Ok(record);
        };
        let open = Open {
            reason: ReversalReason::PowerLoss,
            ..open
        };
        let ending = Ending::Failed(Failure::AnswerLost);
        reversal::make_due(self.terminal, transaction_id, ending, record, open)
    }

    /// Sends what is due, unless an older one was not answered or the limit is reached: the order
    /// is kept.
    fn deliver(
        &mut self,
        transaction_id: &str,
        mut record: Record,
        phase: Phase,
        repeated: bool,
    ) -> Result<Record, Error> {
        if self.blocked || self.delivery_count >= DELIVERY_COUNT_MAX {
            self.wait();
            return Ok(record);
        }
        self.delivery_count = self.delivery_count.saturating_add(1);
        let sending = Sending {
            due: if phase == Phase::AdviceDue {
                reversal::ADVICE
            } else {
                reversal::REVERSAL
            },
            now: self.now,
            repeated,
        };
        let configuration = self.configuration;
        let delivery = reversal::send(
            self.terminal,
            configuration,
            transaction_id,
            &mut record,
            sending,
        )?;
        match delivery {
            Delivery::Settled => {}
            Delivery::Refused => self.recovery.waiting = self.recovery.waiting.saturating_add(1),
            Delivery::Undelivered => self.wait(),
        }
        Ok(record)
    }

    fn wait(&mut self) {
        self.recovery.waiting = self.recovery.waiting.saturating_add(1);
        self.blocked = true;
    }

    fn report(&mut self, transaction_id: String, outcome: Outcome) {
        self.recovery.settled.push(Settled {
            transaction_id,
            outcome,
        });
    }
}
