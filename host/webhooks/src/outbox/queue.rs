//! What enters the outbox, and what leaves it for want of room or by age.

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use super::{Batch, DELIVERIES_MAX, DeliveryState, KEPT, Outbox, StorageFault, disabled, ms};
use crate::{endpoint::Endpoint, event::Event};

/// How many names of events are remembered after the events are gone.
const REMEMBERED_MAX: u32 = 10_000;

/// How many sources are looked at again and again, at most.
const WATCHED_MAX: u32 = 1000;

/// How many deliveries that have ended give way at one time where the file is full.
const GIVEN_WAY: u32 = 500;

/// The mark of the source.
const CURSOR: &str = "cursor";

impl Outbox {
    /// How far the source was read. `None` before anything was queued.
    pub fn cursor(&self) -> Result<Option<u64>, StorageFault> {
        let cursor: Option<i64> = self
            .connection()
            .query_row("SELECT value FROM marks WHERE name = ?1", [CURSOR], |row| {
                row.get(0)
            })
            .optional()?;
        Ok(cursor.and_then(|cursor| u64::try_from(cursor).ok()))
    }

    /// What is to be looked at again.
    pub fn watched(&self) -> Result<Vec<String>, StorageFault> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT source FROM watched")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Queues events for those endpoints that want them and are old enough, and notes how far the
    /// source was read, in one commit. Returns how many deliveries there are more. What was queued
    /// before is not queued again.
    pub fn queue(
        &self,
        batch: &Batch,
        endpoints: &[Endpoint],
        now: Timestamp,
    ) -> Result<usize, StorageFault> {
        let queued = self.change(|sql| queue(sql, batch, endpoints, now));
        match queued {
            Err(StorageFault(error)) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                tracing::warn!("the outbox is full; what has ended gives way");
                self.change(give_way)?;
                self.change(|sql| queue(sql, batch, endpoints, now))
            }
            other => other,
        }
    }

    /// Forgets what is too old, and what belongs to endpoints that are no more.
    pub fn tidy(&self, endpoints: &[Endpoint], now: Timestamp) -> Result<(), StorageFault> {
        let end = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        let there = |name: &String| endpoints.iter().any(|one| one.id.as_str() == name);
        self.change(|sql| {
            for (table, column) in [("deliveries", "endpoint"), ("disabled", "endpoint")] {
                let names: Vec<String> = sql
                    .prepare(&format!("SELECT DISTINCT {column} FROM {table}"))?
                    .query_map([], |row| row.get(0))?
                    .collect::<Result<_, _>>()?;
                for gone in names.iter().filter(|name| !there(name)) {
                    sql.execute(&format!("DELETE FROM {table} WHERE {column} = ?1"), [gone])?;
                }
            }
            sql.execute(
                "DELETE FROM deliveries WHERE state IN (1, 2) AND changed < ?1",
                [ms(end)],
            )?;
            forget_events(sql)
        })
    }
}

fn queue(
    sql: &Connection,
    batch: &Batch,
    endpoints: &[Endpoint],
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let disabled = disabled(sql)?;
    let mut queued = 0_usize;
    for event in &batch.events {
        let gets_it = |endpoint: &&Endpoint| {
            endpoint.wants(&event.kind)
                && endpoint.created <= event.since
                && !disabled.contains(endpoint.id.as_str())
        };
        let receivers: Vec<_> = endpoints.iter().filter(gets_it).collect();
        if !is_new(sql, event, now, receivers.is_empty())? {
            continue;
        }
        for endpoint in receivers {
            make_room(sql, endpoint.id.as_str())?;
            sql.execute(
                "INSERT INTO deliveries (event, endpoint, attempt, state, due, answer, changed)
                 VALUES (?1, ?2, 0, 0, ?3, '', ?3)",
                params![event.id.as_str(), endpoint.id.as_str(), ms(now)],
            )?;
            queued = queued.saturating_add(1);
        }
    }
    note(sql, batch)?;
    Ok(queued)
}

/// Notes an event, and says whether it is to be queued: it was not noted before, and somebody gets it.
fn is_new(
    sql: &Connection,
    event: &Event,
    now: Timestamp,
    nobody_gets_it: bool,
) -> rusqlite::Result<bool> {
    let id = event.id.as_str();
    if event.remembered {
        let added = sql.execute("INSERT OR IGNORE INTO remembered (event) VALUES (?1)", [id])?;
        if added == 0 {
            return Ok(false);
        }
    }
    if nobody_gets_it {
        return Ok(false);
    }
    let added = sql.execute(
        "INSERT OR IGNORE INTO events (id, kind, created, body) VALUES (?1, ?2, ?3, ?4)",
        params![id, event.kind, ms(now), event.body(now)],
    )?;
    Ok(added > 0)
}

fn note(sql: &Connection, batch: &Batch) -> rusqlite::Result<()> {
    if let Some(cursor) = batch.cursor {
        sql.execute(
            "INSERT OR REPLACE INTO marks (name, value) VALUES (?1, ?2)",
            params![CURSOR, i64::try_from(cursor).unwrap_or(i64::MAX)],
        )?;
    }
    for source in &batch.watch {
        sql.execute(
            "INSERT OR IGNORE INTO watched (source)
             SELECT ?1 WHERE (SELECT count(*) FROM watched) < ?2",
            params![source, WATCHED_MAX],
        )?;
    }
    for source in &batch.unwatch {
        sql.execute("DELETE FROM watched WHERE source = ?1", [source])?;
    }
    sql.execute(
        "DELETE FROM remembered
         WHERE number <= (SELECT max(number) FROM remembered) - ?1",
        [REMEMBERED_MAX],
    )?;
    Ok(())
}

/// Lets one delivery of this endpoint give way where it has as many as it may have: one that was
/// delivered, else a dead letter, else one that waits; the oldest first.
fn make_room(sql: &Connection, endpoint: &str) -> rusqlite::Result<()> {
    let kept: u32 = sql.query_row(
        "SELECT count(*) FROM deliveries WHERE endpoint = ?1",
        [endpoint],
        |row| row.get(0),
    )?;
    if kept < DELIVERIES_MAX {
        return Ok(());
    }
    for state in [
        DeliveryState::Delivered,
        DeliveryState::Dead,
        DeliveryState::Pending,
    ] {
        let gone = sql.execute(
            "DELETE FROM deliveries WHERE number = (SELECT number FROM deliveries
                 WHERE endpoint = ?1 AND state = ?2 ORDER BY changed, number LIMIT 1)",
            params![endpoint, state.number()],
        )?;
        if gone > 0 {
            if state != DeliveryState::Delivered {
                tracing::warn!(
                    endpoint,
                    ?state,
                    "the queue is full; the oldest delivery is lost"
                );
            }
            break;
        }
    }
    Ok(())
}

fn give_way(sql: &Connection) -> rusqlite::Result<()> {
    sql.execute(
        "DELETE FROM deliveries WHERE number IN (SELECT number FROM deliveries
             WHERE state IN (1, 2) ORDER BY state, changed LIMIT ?1)",
        [GIVEN_WAY],
    )?;
    forget_events(sql)
}

/// An event is kept as long as one delivery of it is.
fn forget_events(sql: &Connection) -> rusqlite::Result<()> {
    sql.execute(
        "DELETE FROM events WHERE NOT EXISTS
             (SELECT 1 FROM deliveries WHERE deliveries.event = events.id)",
        [],
    )?;
    Ok(())
}
