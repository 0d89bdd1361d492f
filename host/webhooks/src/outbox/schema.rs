//! The outbox's tables, and how it is opened.

use std::{path::Path, time::Duration};

use rusqlite::Connection;

use super::OpenError;

/// The version of the schema below.
const SCHEMA_VERSION: i64 = 1;

/// The size limit: 4 KiB pages, 64 MiB in all.
const PAGES_MAX: i64 = 16_384;

/// How long another process may hold the file: the command line lists and replays while the terminal
/// delivers.
const BUSY: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
    CREATE TABLE events (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        created INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE deliveries (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        event TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        state INTEGER NOT NULL,
        due INTEGER NOT NULL,
        answer TEXT NOT NULL,
        changed INTEGER NOT NULL,
        UNIQUE (event, endpoint)
    ) STRICT;
    CREATE INDEX deliveries_due ON deliveries (endpoint, due) WHERE state = 0;
    CREATE INDEX deliveries_by_state ON deliveries (endpoint, state, changed);
    CREATE TABLE remembered (
        number INTEGER PRIMARY KEY,
        event TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE watched (source TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    CREATE TABLE disabled (
        endpoint TEXT PRIMARY KEY,
        since INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE marks (
        name TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// Opens the outbox, or makes a new one when `make` says so.
pub(super) fn open(path: &Path, make: bool) -> Result<Connection, OpenError> {
    if !make && !path.is_file() {
        return Err(OpenError::Missing);
    }
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "max_page_count", PAGES_MAX)?;
    match connection.pragma_query_value(None, "user_version", |row| row.get(0))? {
        SCHEMA_VERSION => {}
        0 => connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        ))?,
        other => return Err(OpenError::Version(other)),
    }
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(OpenError::Damaged(found));
    }
    Ok(connection)
}
