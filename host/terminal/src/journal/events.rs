//! The event log: what watchers are told, numbered, so that one that was away is told it later.
//!
//! The end of a transaction is logged in the commit that records it: it is told once, whenever the
//! process dies. The steps before it move no money; they survive the death of the process at once,
//! and a loss of power from the next commit on that is waited for. Numbers rise, and leave some out
//! whenever the log is opened: one that was given is never given again.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{
    Phase,
    prepared::Prepared as _,
    store::{AppendError, Journal, StorageFault, write_failed},
};
use crate::{
    service::{Event, EventLogId, LoggedEvent, LoggedEvents, Progress},
    transaction::{EntryMode, ReversalState, Scheme, TransactionId},
};

/// How many events are kept: those of some ten thousand transactions.
const EVENTS_MAX: i64 = 50_000;

/// How long events are kept, in milliseconds: three days, by the begin of their transactions.
const LIFE_MS: u64 = 3 * 24 * 60 * 60 * 1000;

/// How many steps a transaction may report: far more than a dialogue with a cardholder has.
pub(crate) const STEPS_MAX: u32 = 64;

/// An event as it is stored. Of an end, the rest is in the transaction's record and never changes.
#[derive(Serialize, Deserialize)]
enum Stored {
    WaitingForCard,
    CardDetected {
        entry_mode: EntryMode,
        scheme: Scheme,
        masked_pan: String,
    },
    EnteringPin,
    Authorising,
    Reversing,
    AskingPointOfSale,
    Ended {
        reversal: ReversalState,
    },
}

impl Stored {
    /// `None` for what is not logged by itself, and for an explanation, which is no event of a point of
    /// sale.
    fn step(what: &Progress) -> Option<Self> {
        Some(match what {
            Progress::WaitingForCard => Self::WaitingForCard,
            Progress::CardDetected {
                entry_mode,
                scheme,
                masked_pan,
            } => Self::CardDetected {
                entry_mode: *entry_mode,
                scheme: *scheme,
                masked_pan: masked_pan.clone(),
            },
            Progress::EnteringPin => Self::EnteringPin,
            Progress::Authorising => Self::Authorising,
            Progress::Reversing => Self::Reversing,
            // Logged with what makes them true.
            Progress::AskingPointOfSale | Progress::Ended(_) | Progress::Trace(_) => return None,
        })
    }
}

/// The number of the newest event, which watchers wait on.
pub(super) struct Newest(watch::Sender<u64>);

impl Newest {
    /// As the database has it.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self(watch::channel(highest_number(connection)?).0))
    }

    /// Wakes the watchers.
    pub(super) fn told(&self, sequence: u64) {
        self.0
            .send_if_modified(|known| std::mem::replace(known, sequence.max(*known)) < sequence);
    }
}

impl Journal {
    /// Logs a step of a transaction. What is not logged by itself is passed over.
    pub(crate) fn log_step(
        &self,
        transaction: &TransactionId,
        what: &Progress,
    ) -> Result<(), AppendError> {
        let Some(stored) = Stored::step(what) else {
            return Ok(());
        };
        let sequence = {
            let connection = self.connection();
            // The write-ahead log has it when this returns, and the disk with the next commit that
            // is waited for, which says that it is.
            self.wait_for_disk(&connection, false)?;
            insert(&connection, transaction, &stored)?
        };
        self.newest().told(sequence);
        Ok(())
    }

    /// Makes durable that the point of sale is asked for the decision, and logs it: the number of the
    /// event, which nobody is told of yet. Fails with `OutOfOrder` unless the transaction stands in
    /// `begun`.
    pub(crate) fn ask_point_of_sale(
        &self,
        transaction: &TransactionId,
    ) -> Result<u64, AppendError> {
        self.write(|sql| {
            let asked = sql
                .execute_prepared(
                    "UPDATE transactions SET asked = 1 WHERE id = ?1 AND phase = ?2",
                    params![transaction.as_str(), Phase::Begun.number()],
                )
                .map_err(write_failed)?;
            if asked == 0 {
                return Err(AppendError::OutOfOrder);
            }
            insert(sql, transaction, &Stored::AskingPointOfSale)
        })
    }

    /// Tells watchers of an event that was logged.
    pub(crate) fn told(&self, sequence: u64) {
        self.newest().told(sequence);
    }

    /// Events numbered above `after` that watchers were told of, in their order.
    pub(crate) fn events_after(
        &self,
        after: u64,
        count_max: u32,
    ) -> Result<LoggedEvents, StorageFault> {
        let bound = |sequence: u64| i64::try_from(sequence).unwrap_or(i64::MAX);
        let told = *self.newest().0.borrow();
        let (rows, forgotten_to) = {
            let connection = self.connection();
            let rows = connection
                .prepare_cached(
                    "SELECT sequence, transaction_id, what FROM events
                     WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence LIMIT ?3",
                )?
                .query_map(params![bound(after), bound(told), count_max], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect::<Result<Vec<(i64, String, String)>, _>>()?;
            (rows, forgotten_to(&connection)?)
        };
        let events: Result<Vec<_>, _> = rows.into_iter().map(|row| self.logged(row)).collect();
        Ok(LoggedEvents {
            forgotten: bound(after) < forgotten_to,
            events: events?,
        })
    }

    /// The number of the newest event.
    pub(crate) fn newest_event(&self) -> watch::Receiver<u64> {
        self.newest().0.subscribe()
    }

    /// The log's name: another one has other numbers.
    pub(crate) fn event_log(&self) -> Result<EventLogId, StorageFault> {
        let connection = self.connection();
        let name: String =
            connection.query_row("SELECT name FROM event_log", [], |row| row.get(0))?;
        EventLogId::parse(&name).ok_or(StorageFault)
    }

    fn logged(
        &self,
        (sequence, id, what): (i64, String, String),
    ) -> Result<LoggedEvent, StorageFault> {
        let transaction = TransactionId(id);
        let stored = serde_json::from_str(&what).map_err(|_| StorageFault)?;
        let what = match stored {
            Stored::WaitingForCard => Progress::WaitingForCard,
            Stored::CardDetected {
                entry_mode,
                scheme,
                masked_pan,
            } => Progress::CardDetected {
                entry_mode,
                scheme,
                masked_pan,
            },
            Stored::EnteringPin => Progress::EnteringPin,
            Stored::Authorising => Progress::Authorising,
            Stored::Reversing => Progress::Reversing,
            Stored::AskingPointOfSale => Progress::AskingPointOfSale,
            Stored::Ended { reversal } => {
                let record = self.record(&transaction)?.ok_or(StorageFault)?;
                let record = Arc::unwrap_or_clone(record);
                Progress::Ended(Arc::new(record.when_it_ended(reversal)))
            }
        };
        Ok(LoggedEvent {
            sequence: u64::try_from(sequence).map_err(|_| StorageFault)?,
            event: Event { transaction, what },
        })
    }
}

/// Logs an end as part of the commit that records it, and forgets what is too much.
pub(super) fn log_end(
    sql: &Transaction<'_>,
    transaction: &TransactionId,
    phase: Phase,
) -> Result<u64, AppendError> {
    let reversal = phase.reversal();
    let sequence = insert(sql, transaction, &Stored::Ended { reversal })?;
    let last = i64::try_from(sequence).unwrap_or(i64::MAX);
    forget_to(sql, last.saturating_sub(EVENTS_MAX)).map_err(write_failed)?;
    Ok(sequence)
}

/// Forgets what is past its life: a beginning of the log, so that what is left has no gap.
pub(super) fn forget(sql: &Transaction<'_>, now_ms: u64) -> rusqlite::Result<()> {
    let oldest = TransactionId::first_at(now_ms.saturating_sub(LIFE_MS));
    let last: Option<i64> = sql.query_row(
        "SELECT max(sequence) FROM events WHERE sequence < coalesce(
             (SELECT min(sequence) FROM events WHERE transaction_id >= ?1), 1 << 62)",
        [oldest.as_str()],
        |row| row.get(0),
    )?;
    last.map_or(Ok(()), |last| forget_to(sql, last))
}

/// Forgets the events up to this number.
fn forget_to(sql: &Transaction<'_>, last: i64) -> rusqlite::Result<()> {
    let forgotten = sql.execute_prepared("DELETE FROM events WHERE sequence <= ?1", [last])?;
    if forgotten > 0 {
        sql.execute_prepared("UPDATE event_log SET forgotten_to = ?1", [last])?;
    }
    Ok(())
}

/// Passes over numbers that were given to steps which the disk may not have, those of one transaction
/// at most since its `begun` was waited for: nobody who was told of one may take another event for it.
pub(super) fn skip_given_numbers(connection: &Connection) -> rusqlite::Result<()> {
    let next = highest_number(connection)?.saturating_add(u64::from(STEPS_MAX));
    let next = i64::try_from(next).unwrap_or(i64::MAX);
    let known = connection.execute(
        "UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'events'",
        [next],
    )?;
    if known == 0 {
        connection.execute(
            "INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?1)",
            [next],
        )?;
    }
    Ok(())
}

fn insert(
    sql: &Connection,
    transaction: &TransactionId,
    stored: &Stored,
) -> Result<u64, AppendError> {
    let what = serde_json::to_string(stored).map_err(|_| AppendError::StorageFault)?;
    sql.prepare_cached("INSERT INTO events (transaction_id, what) VALUES (?1, ?2)")
        .and_then(|mut statement| statement.insert(params![transaction.as_str(), what]))
        .map_err(write_failed)
        .and_then(|sequence| u64::try_from(sequence).map_err(|_| AppendError::StorageFault))
}

/// The number of the last event that was forgotten; 0 when none was.
fn forgotten_to(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT forgotten_to FROM event_log")?
        .query_row([], |row| row.get(0))
}

/// The highest number ever given, or passed over.
fn highest_number(connection: &Connection) -> rusqlite::Result<u64> {
    let newest: Option<i64> = connection
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'events'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(newest.unwrap_or(0).unsigned_abs())
}
