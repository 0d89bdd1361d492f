//! How the journal is: whether it can be written, and what is still to be done.

use jiff::Zoned;
use rusqlite::{Row, Transaction};

use super::{
    Phase,
    prepared::Prepared as _,
    records::restored,
    store::{AppendError, Journal, StorageFault, write_failed},
};

/// What is still to be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// Transactions that wait for the acquirer.
    pub(crate) waiting: u32,
    /// Transactions whose end the records lack.
    pub(crate) without_end: u32,
}

/// What the records say as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Overview {
    pub(crate) backlog: Backlog,
    /// Entries found damaged: what they were about must be settled by hand.
    pub(crate) damaged: u32,
    /// When the last transaction ended.
    pub(crate) last_ended: Option<Zoned>,
}

/// How the journal is: what its records say, and as the last write went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Condition {
    /// Whether a transaction could be written.
    pub(crate) sound: bool,
    pub(crate) overview: Overview,
}

/// What was found damaged.
#[derive(Debug, Clone, Copy)]
struct Damage {
    entries: u32,
    /// Those that would wait for the acquirer.
    that_wait: u32,
}

/// What waits, and what has no end, in the order of [`Backlog::read`]; the running one apart.
const BACKLOG: &str = "SELECT count(*) FILTER (WHERE phase IN (2, 3, 4)),
        count(*) FILTER (WHERE outcome IS NULL)
 FROM transactions
 WHERE (outcome IS NULL OR phase IN (1, 2, 3, 4)) AND id IS NOT ?1";

impl Journal {
    /// How many transactions wait for the acquirer, and how many have an end that the records lack;
    /// the running one apart. What is damaged waits for nobody.
    pub(crate) fn backlog(&self) -> Result<Backlog, StorageFault> {
        let damage = self.damage();
        let connection = self.connection();
        let mut statement = connection.prepare_cached(BACKLOG)?;
        let backlog = statement.query_row([self.running().get()], Backlog::read)?;
        Ok(backlog.less(damage))
    }

    /// What the records say now, and how the last write went. One that failed is tried for real: a full
    /// disk lets everything begin and nothing end.
    pub(crate) fn condition(&self) -> Condition {
        let writable = self.writable() || self.write(touch).is_ok();
        // What cannot be read hides nothing else.
        let without_end = |backlog| Overview {
            backlog,
            damaged: self.damage().entries,
            last_ended: None,
        };
        let read = self.overview().or_else(|_| self.backlog().map(without_end));
        let sound = writable && read.is_ok();
        let overview = read.unwrap_or_else(|_| without_end(Backlog::default()));
        Condition { sound, overview }
    }

    /// The backlog and the last end: the same until something changes, which every commit says.
    fn overview(&self) -> Result<Overview, StorageFault> {
        if let Some(overview) = self.recent().overview() {
            return Ok(overview);
        }
        // What changes from here on makes it an overview of before.
        let before_reading = self.recent().now();
        let overview = self.read_overview()?;
        self.recent().keep_overview(before_reading, &overview);
        Ok(overview)
    }

    /// In one query: the connection is the sales'.
    fn read_overview(&self) -> Result<Overview, StorageFault> {
        let damage = self.damage();
        let (backlog, ended) = {
            let connection = self.connection();
            // As bytes: it may be damaged.
            let mut statement = connection.prepare_cached(&format!(
                "SELECT *, (SELECT CAST(ended AS BLOB) FROM transactions
                            WHERE ended IS NOT NULL ORDER BY id DESC LIMIT 1)
                 FROM ({BACKLOG})"
            ))?;
            statement.query_row([self.running().get()], |row| {
                Ok((Backlog::read(row)?, row.get::<_, Option<Vec<u8>>>(2)?))
            })?
        };
        let ended = ended.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(Overview {
            backlog: backlog.less(damage),
            damaged: damage.entries,
            last_ended: ended.and_then(|text| restored(&text).ok()),
        })
    }

    fn damage(&self) -> Damage {
        let damaged = self.damaged();
        let waits =
            |phase: &&Phase| matches!(phase, Phase::Sent | Phase::ReversalDue | Phase::AdviceDue);
        let count = |entries: usize| u32::try_from(entries).unwrap_or(u32::MAX);
        Damage {
            entries: count(damaged.len()),
            that_wait: count(damaged.values().filter(waits).count()),
        }
    }
}

impl Backlog {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            waiting: row.get(0)?,
            without_end: row.get(1)?,
        })
    }

    /// Without those that are damaged.
    fn less(self, damage: Damage) -> Self {
        Self {
            waiting: self.waiting.saturating_sub(damage.that_wait),
            ..self
        }
    }
}

/// Writes something that means nothing.
fn touch(sql: &Transaction<'_>) -> Result<usize, AppendError> {
    sql.execute_prepared(
        "INSERT INTO counters (name, value) VALUES ('probe', 1)
         ON CONFLICT (name) DO UPDATE SET value = value % 2 + 1",
        [],
    )
    .map_err(write_failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::{BEGAN, File, NO_CARD, after, at, begin_at, ending};

    #[test]
    fn what_cannot_be_written_is_not_sound_and_its_backlog_is_told() {
        let file = File::new();
        let journal = file.open();
        after(&journal, &[Phase::Sent]);
        journal.release();
        let backlog = Backlog {
            waiting: 1,
            without_end: 1,
        };
        let told = |journal: &Journal| {
            let condition = journal.condition();
            (condition.sound, condition.overview.backlog)
        };
        assert_eq!(told(&journal), (true, backlog));
        let only_read = |only: bool| {
            let sql = journal.connection();
            sql.pragma_update(None, "query_only", only)
                .expect("a pragma");
        };
        only_read(true);
        // It is noticed by whoever wants to write.
        assert!(journal.next(crate::journal::Counter::TraceNumber).is_err());
        assert_eq!(told(&journal), (false, backlog));
        only_read(false);
        assert_eq!(told(&journal), (true, backlog));
    }

    #[test]
    fn an_end_whose_time_is_damaged_keeps_nothing_else_from_being_told() {
        let file = File::new();
        let journal = file.open();
        let id = begin_at(&journal, 1);
        journal
            .finish(&id, &ending(NO_CARD), &at(BEGAN))
            .expect("an end");
        assert_eq!(journal.condition().overview.last_ended, Some(at(BEGAN)));
        for damaged in ["'no time'", "CAST(X'FF' AS TEXT)"] {
            let statement = format!("UPDATE transactions SET ended = {damaged}");
            assert_eq!(journal.connection().execute(&statement, []), Ok(1));
            assert_eq!(journal.backlog(), Ok(Backlog::default()), "{damaged}");
            let condition = journal.condition();
            assert!(condition.sound, "{damaged}");
            assert_eq!(condition.overview.last_ended, None, "{damaged}");
        }
    }
}
