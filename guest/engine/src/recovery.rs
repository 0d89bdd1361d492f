//! Ends what a crash, a lost answer or an offline approval left open.
//!
//! Each transaction ends exactly once: what was never sent is closed, what may have been sent is
//! reversed, what was approved stays approved. Nothing here can turn anything into an approval:
//! `approved` is only ever written over `advice-due`, whose transaction is approved already.
//!
//! First everything is written that needs nobody's answer; then what is due goes out in the order of
//! the journal, and what the acquirer has not answered holds back what comes after it. What it has
//! refused, it knows of: that is asked again after a pause, the least lately asked first, and holds
//! back nothing.

use crate::configuration::Configuration;
use crate::iso8583::requests::ReversalReason;
use crate::moment::Moment;
use crate::outcome::{CancelReason, Ending, Error, Failure, Outcome, Recovery, Settled};
use crate::ports::{Entry, Phase, Terminal};
use crate::record::{Open, Record};
use crate::reversal::{self, Delivery, Due, Sending};
use crate::trace;

/// How many entries are looked at together.
const PAGE_ENTRY_COUNT: u32 = 32;

/// Most messages sent to the acquirer in one call.
const DELIVERY_COUNT_MAX: usize = 16;

/// Most entries written in one call before anything is sent. The host takes no more than 2048 writes.
const WRITE_COUNT_MAX: u32 = 1024;

/// How long what the acquirer refused is left alone.
const REFUSED_PAUSE_MINUTES: u64 = 15;

/// Settles every open transaction as far as the acquirer can be reached.
pub(crate) fn recover<T: Terminal>(terminal: &mut T, now: Moment) -> Result<Recovery, Error> {
    let configuration = Configuration::load(terminal)?;
    let mut settling = Settling::new(terminal, &configuration, now);
    let Found { due, refused } = settling.write_down()?;
    settling.deliver_all(due)?;
    settling.deliver_all(refused)?;
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
    let found = settling.write_down()?;
    settling.deliver_all(found.due)?;
    let available = !settling.held && !settling.silent;
    if !available {
        trace::note(terminal, &trace::OLDER_UNDELIVERED);
    }
    Ok(available)
}

/// One call's way over the journal.
struct Settling<'a, T> {
    terminal: &'a mut T,
    configuration: &'a Configuration,
    now: Moment,
    recovery: Recovery,
    write_count: u32,
    /// Something is due that is not sent in this call: what comes after it in the journal waits.
    held: bool,
    /// The acquirer did not answer: nothing more is sent.
    silent: bool,
}

/// What may be sent in this call, in order.
#[derive(Default)]
struct Found {
    due: Vec<Undelivered>,
    refused: Vec<Undelivered>,
}

/// A reversal or an advice that must reach the acquirer.
struct Undelivered {
    transaction_id: String,
    record: Record,
    due: &'static Due,
    /// It may have been sent before.
    repeated: bool,
    /// The host knows how the transaction ended.
    ended: bool,
}

impl<'a, T: Terminal> Settling<'a, T> {
    fn new(terminal: &'a mut T, configuration: &'a Configuration, now: Moment) -> Self {
        Self {
            terminal,
            configuration,
            now,
            recovery: Recovery::default(),
            write_count: 0,
            held: false,
            silent: false,
        }
    }

    /// Looks at everything that is open, writes what needs no answer, and says what is to be sent.
    fn write_down(&mut self) -> Result<Found, Error> {
        let mut found = Found::default();
        let mut made_due = Vec::new();
        let mut after_sequence = 0;
        while self.write_count < WRITE_COUNT_MAX {
            let entries = self
                .terminal
                .unsettled(after_sequence, PAGE_ENTRY_COUNT)
                .map_err(|_| Error::JournalFault)?;
            let Some(last) = entries.last() else { break };
            after_sequence = last.sequence;
            for entry in entries {
                self.visit(entry, &mut found, &mut made_due)?;
            }
        }
        // Their entries are the newest now.
        for undelivered in made_due {
            self.plan(undelivered, &mut found);
        }
        Ok(found)
    }

    fn visit(
        &mut self,
        entry: Entry,
        found: &mut Found,
        made_due: &mut Vec<Undelivered>,
    ) -> Result<(), Error> {
        let (transaction_id, phase) = (entry.transaction_id.clone(), entry.phase);
        let ended = entry.ended;
        if phase == Phase::Begun && entry.content.is_some() {
            return self.close(transaction_id);
        }
        let Some(mut record) = self.read(entry) else {
            return Ok(());
        };
        if phase == Phase::Sent {
            record = self.make_due(&transaction_id, record)?;
        }
        let due = match phase {
            Phase::Sent | Phase::ReversalDue => reversal::REVERSAL,
            Phase::AdviceDue => reversal::ADVICE,
            // Final. The host asks how it ended.
            Phase::Begun | Phase::Approved | Phase::Closed | Phase::Reversed => {
                self.report(transaction_id, record.outcome);
                return Ok(());
            }
        };
        let undelivered = Undelivered {
            transaction_id,
            record,
            due,
            repeated: phase != Phase::Sent,
            ended,
        };
        if phase == Phase::Sent {
            made_due.push(undelivered);
        } else {
            self.plan(undelivered, found);
        }
        Ok(())
    }

    /// Puts something that is due in its place, or leaves it to a later call.
    fn plan(&mut self, undelivered: Undelivered, found: &mut Found) {
        let open = undelivered.record.open.as_ref();
        let refused = open.and_then(|open| open.refused);
        let place = match refused {
            None if self.held => None,
            None => Some(&mut found.due),
            Some(minute) if minute.distance(self.now.minute()) < REFUSED_PAUSE_MINUTES => None,
            Some(_) => Some(&mut found.refused),
        };
        if let Some(place) = place.filter(|place| place.len() < DELIVERY_COUNT_MAX) {
            place.push(undelivered);
        } else {
            self.held |= refused.is_none();
            self.leave(undelivered);
        }
    }

    /// Nothing was sent. The host wrote this entry, without content of the engine's.
    fn close(&mut self, transaction_id: String) -> Result<(), Error> {
        trace::note(self.terminal, &trace::FOUND_BEGUN);
        let ending = Ending::Cancelled(CancelReason::Interrupted);
        let record = Record::closed(Outcome::without_card(ending));
        self.write_count = self.write_count.saturating_add(1);
        reversal::append(self.terminal, &transaction_id, Phase::Closed, &record)?;
        self.report(transaction_id, record.outcome);
        Ok(())
    }

    /// Another version's record stays as it is, for the engine that can read it. Until then what
    /// is due in it keeps new requests from the acquirer. A damaged one can never be read again:
    /// the host says so to whoever runs the terminal, and nothing waits for it.
    fn read(&mut self, entry: Entry) -> Option<Record> {
        let Some(content) = entry.content else {
            trace::note(self.terminal, &trace::FOUND_DAMAGED);
            return None;
        };
        let last = matches!(
            entry.phase,
            Phase::Approved | Phase::Closed | Phase::Reversed
        );
        match Record::decode(&content) {
            Ok(record) if last || record.open.is_some() => Some(record),
            Ok(_) | Err(_) => {
                trace::note(self.terminal, &trace::FOUND_UNREADABLE);
                if !last {
                    self.held = true;
                    self.count_waiting();
                }
                None
            }
        }
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
        self.write_count = self.write_count.saturating_add(1);
        reversal::make_due(self.terminal, transaction_id, ending, record, open)
    }

    /// Sends one after the other. After one that was not answered nothing more is sent in this call.
    fn deliver_all(&mut self, all: Vec<Undelivered>) -> Result<(), Error> {
        for mut undelivered in all {
            if self.silent {
                self.leave(undelivered);
                continue;
            }
            let sending = Sending {
                due: undelivered.due,
                now: self.now,
                repeated: undelivered.repeated,
            };
            let delivery = reversal::send(
                self.terminal,
                self.configuration,
                &undelivered.transaction_id,
                &mut undelivered.record,
                sending,
            )?;
            self.silent |= delivery == Delivery::Undelivered;
            if delivery == Delivery::Settled {
                self.tell(undelivered);
            } else {
                self.leave(undelivered);
            }
        }
        Ok(())
    }

    /// Leaves something to a later call.
    fn leave(&mut self, undelivered: Undelivered) {
        self.count_waiting();
        self.tell(undelivered);
    }

    fn tell(&mut self, undelivered: Undelivered) {
        if !undelivered.ended {
            self.report(undelivered.transaction_id, undelivered.record.outcome);
        }
    }

    fn count_waiting(&mut self) {
        self.recovery.waiting = self.recovery.waiting.saturating_add(1);
    }

    fn report(&mut self, transaction_id: String, outcome: Outcome) {
        self.recovery.settled.push(Settled {
            transaction_id,
            outcome,
        });
    }
}
