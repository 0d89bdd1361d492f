//! Numbers that count up.

use rusqlite::{Transaction, params};

use super::store::{AppendError, Journal, write_failed};

/// A number that counts up in durable storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    /// ISO 8583 field 11.
    TraceNumber,
    /// The transaction sequence counter, tag 9F41.
    TransactionSequence,
    /// The batch that is open: its number less one.
    Batch,
}

impl Counter {
    /// Its name in the database and its last value before it goes round to 1.
    pub(super) fn row(self) -> (&'static str, u32) {
        match self {
            Self::TraceNumber => ("trace-number", 999_999),
            Self::TransactionSequence => ("transaction-sequence", 99_999_999),
            Self::Batch => ("batch", 999_999),
        }
    }
}

impl Journal {
    /// Counts up and returns the new value, which is durable.
    pub(crate) fn next(&self, counter: Counter) -> Result<u32, AppendError> {
        self.write(|sql| count_up(sql, counter))
    }
}

/// Counts up as part of a commit.
pub(super) fn count_up(sql: &Transaction<'_>, counter: Counter) -> Result<u32, AppendError> {
    let (name, last) = counter.row();
    sql.prepare_cached(
        "INSERT INTO counters (name, value) VALUES (?1, 1)
         ON CONFLICT (name) DO UPDATE SET value = value % ?2 + 1
         RETURNING value",
    )
    .and_then(|mut statement| statement.query_row(params![name, last], |row| row.get(0)))
    .map_err(write_failed)
}
