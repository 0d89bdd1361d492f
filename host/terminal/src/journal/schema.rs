//! The database's tables, and how it is opened.

use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use super::{events, prepared::STATEMENTS_MAX};

/// The version of the schema below.
const SCHEMA_VERSION: i64 = 7;

/// The version from which on there are events.
const EVENTS_VERSION: i64 = 5;

/// The journal's size limit: 4 KiB pages, 256 MiB in all.
const PAGES_MAX: i64 = 65_536;

const SCHEMA: &str = "
    CREATE TABLE entries (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        transaction_id TEXT NOT NULL,
        phase INTEGER NOT NULL,
        content BLOB NOT NULL
    ) STRICT;
    CREATE TABLE transactions (
        id TEXT PRIMARY KEY,
        request TEXT NOT NULL,
        began TEXT NOT NULL,
        phase INTEGER NOT NULL,
        last_sequence INTEGER NOT NULL,
        outcome TEXT,
        ended TEXT
    ) STRICT;
    CREATE INDEX transactions_unsettled ON transactions (last_sequence)
        WHERE outcome IS NULL OR phase IN (1, 2, 3, 4);
    CREATE TABLE claims (
        key TEXT PRIMARY KEY,
        fingerprint BLOB NOT NULL,
        transaction_id TEXT NOT NULL,
        made INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX claims_by_age ON claims (made);
    CREATE TABLE counters (
        name TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) STRICT;
";

/// What version 2 added.
const KEY_CHECK: &str = "CREATE TABLE key_check (sealed BLOB NOT NULL) STRICT;";

/// What version 3 added: what each card paid last, in each currency. The card is a keyed digest.
const CARD_LOG: &str = "
    CREATE TABLE card_log (
        card BLOB NOT NULL,
        currency TEXT NOT NULL,
        amount_minor INTEGER NOT NULL,
        transaction_id TEXT NOT NULL,
        PRIMARY KEY (card, currency)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX card_log_by_age ON card_log (transaction_id);
";

/// What version 4 added: batches, and what refers to what. What is older belongs to the first batch.
const BATCHES: &str = "
    ALTER TABLE transactions ADD COLUMN batch INTEGER NOT NULL DEFAULT 1;
    CREATE INDEX transactions_approved ON transactions (batch) WHERE phase IN (4, 5);
    CREATE INDEX transactions_referring ON transactions (json_extract(request, '$.original'))
        WHERE json_extract(request, '$.original') IS NOT NULL;
    CREATE TABLE settlements (
        id TEXT PRIMARY KEY,
        batch INTEGER NOT NULL,
        currency TEXT NOT NULL,
        totals TEXT NOT NULL,
        state TEXT NOT NULL,
        frozen TEXT NOT NULL,
        closed TEXT
    ) STRICT;
    CREATE INDEX settlements_open ON settlements (batch) WHERE closed IS NULL;
";

/// What version 5 added: what watchers were told, and whether the point of sale was asked for a decision.
/// The numbers of another log mean nothing here, so each has a name of its own.
const EVENTS: &str = "
    CREATE TABLE events (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        transaction_id TEXT NOT NULL,
        what TEXT NOT NULL
    ) STRICT;
    CREATE TABLE event_log (name TEXT NOT NULL) STRICT;
    ALTER TABLE transactions ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
    INSERT INTO event_log (name) VALUES (lower(hex(randomblob(8))));
";

/// What version 6 added: answers to requests that have a key and are no transactions.
const ANSWERS: &str = "
    CREATE TABLE answers (
        key TEXT PRIMARY KEY,
        scope TEXT NOT NULL,
        fingerprint BLOB NOT NULL,
        answer BLOB NOT NULL,
        made INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX answers_by_scope ON answers (scope, made);
    CREATE INDEX answers_by_age ON answers (made);
";

/// What version 7 added: the last event that is kept no more. Numbers are passed over, so that the
/// oldest event kept does not say it.
const FORGOTTEN_EVENTS: &str = "
    ALTER TABLE event_log ADD COLUMN forgotten_to INTEGER NOT NULL DEFAULT 0;
    UPDATE event_log SET forgotten_to = coalesce(
        (SELECT min(sequence) - 1 FROM events),
        (SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0);
";

/// What each version added, in their order.
const ADDED: [&str; 7] = [
    SCHEMA,
    KEY_CHECK,
    CARD_LOG,
    BATCHES,
    EVENTS,
    ANSWERS,
    FORGOTTEN_EVENTS,
];

/// Why the journal was not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// `SQLite` refused the file.
    #[error("the database cannot be opened: {0}")]
    Database(#[from] rusqlite::Error),
    /// Another process has the file open.
    #[error("another terminal runs on the same data folder")]
    Held,
    /// It was sealed under another key than the vault's.
    #[error("the journal belongs to another device key; nothing in it could be read")]
    OtherKey,
    /// Entries are missing that were there when a message last left for the acquirer.
    #[error(
        "the journal has lost entries: it ends at {head} and was at {mark}. What is missing must be \
         settled with the acquirer before this terminal sells again"
    )]
    Lost {
        /// Where it ends.
        head: u64,
        /// Where it was.
        mark: u64,
    },
    /// `SQLite` finds its file damaged.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// It was opened and cannot be read.
    #[error("the database cannot be read")]
    Unreadable,
    /// The file is of another version of this program.
    #[error("the database has version {0}, this host knows version {SCHEMA_VERSION}")]
    Version(i64),
}

/// Opens the database, or makes a new one. One process at a time holds it.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open(path)?;
    // Two terminals on one journal would each settle what the other runs.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .map_err(held)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "max_page_count", PAGES_MAX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version != SCHEMA_VERSION {
        let missing = usize::try_from(version)
            .ok()
            .and_then(|from| ADDED.get(from..));
        migrate(&connection, missing.ok_or(OpenError::Version(version))?)?;
    }
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(OpenError::Damaged(found));
    }
    if version >= EVENTS_VERSION {
        events::skip_given_numbers(&connection)?;
    }
    Ok(connection)
}

/// Makes the tables that an older version lacks, in one commit.
fn migrate(connection: &Connection, tables: &[&str]) -> rusqlite::Result<()> {
    let tables = tables.concat();
    connection.execute_batch(&format!(
        "BEGIN; {tables} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
    ))
}

/// The first access takes the lock.
fn held(error: rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Held,
        _ => OpenError::Database(error),
    }
}
