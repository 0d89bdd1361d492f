//! The outbox: what is to be delivered, durable before anything is sent.

mod delivery;
mod queue;
mod schema;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

pub use self::delivery::{Batch, Delivery, DeliveryState, ListedDelivery, Selection, Verdict};
use crate::{endpoint_file::EndpointId, event::EventId};

/// The most deliveries of one endpoint that are kept, whatever their state.
pub const DELIVERIES_MAX: u32 = 10_000;

/// How long a delivery is kept after its end.
pub const KEPT: Duration = Duration::from_hours(7 * 24);

/// Later than any attempt is planned: what is, was planned by a clock that stood wrong.
const PLANNED_MAX: Duration = Duration::from_hours(48);

/// The most deliveries that are listed at one time.
const LISTED_MAX: u32 = 1000;

/// The longest answer that is written down, in characters.
const ANSWER_CHARS_MAX: usize = 100;

/// Why the outbox was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is none yet.
    #[error("nothing was ever queued here")]
    Missing,
    /// `SQLite` refused the file.
    #[error("the outbox cannot be opened: {0}")]
    Database(#[from] rusqlite::Error),
    /// `SQLite` finds its file damaged. Without the file, everything since the endpoints were made is
    /// queued again, under the same ids.
    #[error("the outbox is damaged: {0}")]
    Damaged(String),
    /// The file is of another version of this program.
    #[error("the outbox has version {0}, which this program does not know")]
    Version(i64),
}

/// Storage failed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("the outbox's storage failed: {0}")]
pub struct StorageFault(#[from] rusqlite::Error);

/// The outbox. One terminal delivers from it; the command line may list and replay meanwhile.
#[derive(Debug)]
pub struct Outbox {
    connection: Mutex<Connection>,
}

impl Outbox {
    /// Opens the outbox, or makes a new one.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self {
            connection: Mutex::new(schema::open(path, true)?),
        })
    }

    /// Opens an outbox that is there already.
    pub fn open_existing(path: &Path) -> Result<Self, OpenError> {
        Ok(Self {
            connection: Mutex::new(schema::open(path, false)?),
        })
    }

    /// Takes up what an earlier run left: an attempt that was being made is due again, or was the last
    /// one. For the one who delivers, before it begins.
    pub fn resume(&self, attempts_max: u32, now: Timestamp) -> Result<(), StorageFault> {
        let latest = now.saturating_add(PLANNED_MAX).unwrap_or(Timestamp::MAX);
        self.change(|sql| {
            sql.execute(
                "UPDATE deliveries SET state = 2, changed = ?2, answer = 'interrupted'
                 WHERE state = 3 AND attempt >= ?1",
                params![attempts_max, ms(now)],
            )?;
            sql.execute(
                "UPDATE deliveries SET state = 0, due = ?1, answer = 'interrupted' WHERE state = 3",
                [ms(now)],
            )?;
            sql.execute(
                "UPDATE deliveries SET due = ?1 WHERE state = 0 AND due > ?2",
                [ms(now), ms(latest)],
            )?;
            Ok(())
        })
    }

    /// The delivery to this endpoint that is due first, if one is. Its attempt is counted with this.
    pub fn claim(
        &self,
        endpoint: &EndpointId,
        now: Timestamp,
    ) -> Result<Option<Delivery>, StorageFault> {
        self.change(|sql| {
            let found = sql
                .prepare_cached(
                    "SELECT number, events.id, kind, body, attempt
                     FROM deliveries JOIN events ON events.id = event
                     WHERE endpoint = ?1 AND state = 0 AND due <= ?2 ORDER BY due, number LIMIT 1",
                )?
                .query_row(params![endpoint.as_str(), ms(now)], |row| {
                    let attempt: u32 = row.get(4)?;
                    Ok(Delivery {
                        number: row.get(0)?,
                        event: event_id(&row.get::<_, String>(1)?),
                        kind: row.get(2)?,
                        body: row.get(3)?,
                        attempt: attempt.saturating_add(1),
                    })
                })
                .optional()?;
            if let Some(delivery) = &found {
                sql.execute(
                    "UPDATE deliveries SET state = 3, attempt = ?2, changed = ?3 WHERE number = ?1",
                    params![delivery.number, delivery.attempt, ms(now)],
                )?;
            }
            Ok(found)
        })
    }

    /// When the next delivery to this endpoint is due.
    pub fn next_due(&self, endpoint: &EndpointId) -> Result<Option<Timestamp>, StorageFault> {
        let due: Option<i64> = self.connection().query_row(
            "SELECT min(due) FROM deliveries WHERE endpoint = ?1 AND state = 0",
            [endpoint.as_str()],
            |row| row.get(0),
        )?;
        Ok(due.map(moment))
    }

    /// Whether an attempt is due, or is being made.
    pub fn has_due(&self, now: Timestamp) -> Result<bool, StorageFault> {
        let found = self.connection().query_row(
            "SELECT EXISTS (SELECT 1 FROM deliveries WHERE state = 3 OR (state = 0 AND due <= ?1))",
            [ms(now)],
            |row| row.get(0),
        )?;
        Ok(found)
    }

    /// Writes down what came of the attempt that [`Outbox::claim`] counted.
    pub fn finish(
        &self,
        delivery: &Delivery,
        verdict: Verdict,
        answer: &str,
        now: Timestamp,
    ) -> Result<(), StorageFault> {
        let (state, due) = match verdict {
            Verdict::Delivered => (DeliveryState::Delivered, now),
            Verdict::Retry { at } => (DeliveryState::Pending, at),
            Verdict::Dead => (DeliveryState::Dead, now),
        };
        let answer: String = answer.chars().take(ANSWER_CHARS_MAX).collect();
        self.change(|sql| {
            sql.execute(
                "UPDATE deliveries SET state = ?2, due = ?3, answer = ?4, changed = ?5
                 WHERE number = ?1 AND state = 3",
                params![delivery.number, state.number(), ms(due), answer, ms(now)],
            )?;
            Ok(())
        })
    }

    /// Sends this endpoint nothing any more: what waits for it is dead, what happens from now on is not
    /// queued for it.
    pub fn disable(
        &self,
        endpoint: &EndpointId,
        answer: &str,
        now: Timestamp,
    ) -> Result<(), StorageFault> {
        self.change(|sql| {
            sql.execute(
                "INSERT OR IGNORE INTO disabled (endpoint, since) VALUES (?1, ?2)",
                params![endpoint.as_str(), ms(now)],
            )?;
            sql.execute(
                "UPDATE deliveries SET state = 2, answer = ?2, changed = ?3
                 WHERE endpoint = ?1 AND state IN (0, 3)",
                params![endpoint.as_str(), answer, ms(now)],
            )?;
            Ok(())
        })
    }

    /// Takes a disabled endpoint in again; `false` when it was not disabled.
    pub fn enable(&self, endpoint: &EndpointId) -> Result<bool, StorageFault> {
        self.change(|sql| {
            let changed = sql.execute(
                "DELETE FROM disabled WHERE endpoint = ?1",
                [endpoint.as_str()],
            )?;
            Ok(changed > 0)
        })
    }

    /// The names of the endpoints that are disabled.
    pub fn disabled(&self) -> Result<BTreeSet<String>, StorageFault> {
        Ok(disabled(&self.connection())?)
    }

    /// The deliveries that were changed last, or the dead letters among them.
    pub fn deliveries(&self, dead_only: bool) -> Result<Vec<ListedDelivery>, StorageFault> {
        let connection = self.connection();
        let mut statement = connection.prepare(
            "SELECT event, kind, endpoint, attempt, state, due, answer, changed
             FROM deliveries JOIN events ON events.id = event
             WHERE state = 2 OR NOT ?1 ORDER BY number DESC LIMIT ?2",
        )?;
        let rows = statement.query_map(params![dead_only, LISTED_MAX], |row| {
            let state = DeliveryState::from_number(row.get(4)?);
            let due = moment(row.get(5)?);
            Ok(ListedDelivery {
                event: event_id(&row.get::<_, String>(0)?),
                kind: row.get(1)?,
                endpoint: row.get(2)?,
                attempts: row.get(3)?,
                state,
                due: (state == DeliveryState::Pending).then_some(due),
                answer: row.get(6)?,
                changed: moment(row.get(7)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Makes deliveries due again, with all their attempts, and says how many. Those of a disabled
    /// endpoint stay.
    pub fn replay(&self, selection: &Selection, now: Timestamp) -> Result<usize, StorageFault> {
        const UPDATE: &str = "UPDATE deliveries SET state = 0, attempt = 0, due = ?1, changed = ?1
             WHERE endpoint NOT IN (SELECT endpoint FROM disabled)";
        self.change(|sql| match selection {
            Selection::Event(id) => sql.execute(
                &format!("{UPDATE} AND state <> 3 AND event = ?2"),
                params![ms(now), id.as_str()],
            ),
            Selection::Dead => sql.execute(&format!("{UPDATE} AND state = 2"), [ms(now)]),
        })
    }

    /// How many deliveries wait, and how many dead letters there are.
    pub fn waiting(&self) -> Result<(u64, u64), StorageFault> {
        let (queued, dead): (i64, i64) = self.connection().query_row(
            "SELECT count(*) FILTER (WHERE state IN (0, 3)), count(*) FILTER (WHERE state = 2)
             FROM deliveries",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let count = |number| u64::try_from(number).unwrap_or_default();
        Ok((count(queued), count(dead)))
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StorageFault> {
        let mut connection = self.connection();
        let sql = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = change(&sql)?;
        sql.commit()?;
        Ok(result)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn disabled(sql: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    sql.prepare_cached("SELECT endpoint FROM disabled")?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn ms(moment: Timestamp) -> i64 {
    moment.as_millisecond()
}

/// The moment of a row. Only what this module wrote stands there.
fn moment(unix_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(unix_ms).unwrap_or_default()
}

/// The name in a row. Only what this module wrote stands there.
fn event_id(text: &str) -> EventId {
    EventId::parse(text).unwrap_or_default()
}

#[cfg(test)]
mod tests;
