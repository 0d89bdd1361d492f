//! The database: entries and counters.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params,
};
use vault::Vault;

use super::{
    Entry, Phase,
    events::Newest,
    prepared::Prepared as _,
    proof::Row,
    recent::Recent,
    running::Running,
    schema::{self, OpenError},
};
use crate::observer::{Observer, Point};

/// Pages that only a transaction which has begun may use, 4 MiB: a full journal takes no further
/// transaction, and still takes how the last ones end and what reverses them.
pub(super) const PAGES_RESERVED: i64 = 1024;

/// Transactions with their last entries, in the columns that [`Row`] reads.
const LAST_ENTRIES: &str = "SELECT last_sequence, id, transactions.phase, outcome IS NOT NULL,
        entries.phase, content
 FROM transactions LEFT JOIN entries
   ON entries.sequence = last_sequence AND entries.transaction_id = id";

/// The journal. Cheap to clone; all clones write the same file.
#[derive(Clone)]
pub(crate) struct Journal {
    shared: Arc<Shared>,
}

struct Shared {
    /// Held for some microseconds and asked for often: who finds it locked tries again before sleeping.
    connection: parking_lot::Mutex<Connection>,
    running: Running,
    writable: AtomicBool,
    /// Whether commits wait for the disk. Changed and read while the connection is locked.
    waits_for_disk: AtomicBool,
    /// See [`Journal::damaged`].
    damaged: Mutex<BTreeMap<String, Phase>>,
    /// See [`Journal::newest_event`].
    newest: Newest,
    recent: Recent,
    vault: Arc<Mutex<Vault>>,
    observer: Arc<dyn Observer>,
}

/// Storage failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal's storage failed")]
pub(crate) struct StorageFault;

/// Why an entry was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AppendError {
    /// The journal is full. Nothing was written.
    #[error("the journal is full")]
    Full,
    /// Storage failed. Nothing was written.
    #[error("the journal's storage failed")]
    StorageFault,
    /// The phase may not follow the transaction's last one, or there is no such transaction.
    /// Nothing was written.
    #[error("this phase may not follow")]
    OutOfOrder,
}

impl Journal {
    /// Opens the journal, or makes a new one.
    pub(crate) fn open(
        path: &Path,
        vault: Arc<Mutex<Vault>>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, OpenError> {
        let mut connection = schema::open(path)?;
        let newest = Newest::of(&connection)?;
        let recent = Recent::of(&mut connection)?;
        let shared = Shared {
            connection: parking_lot::Mutex::new(connection),
            running: Running::default(),
            writable: AtomicBool::new(true),
            waits_for_disk: AtomicBool::new(true),
            damaged: Mutex::default(),
            newest,
            recent,
            vault,
            observer,
        };
        let journal = Self {
            shared: Arc::new(shared),
        };
        journal.prove()?;
        Ok(journal)
    }

    /// Writes an entry after the last one of its transaction, whose content goes. `allowed` says
    /// which phases may follow which. When this returns, the entry is durable.
    pub(crate) fn append(
        &self,
        transaction: &str,
        phase: Phase,
        content: &[u8],
        allowed: fn(Phase, Phase) -> bool,
    ) -> Result<u64, AppendError> {
        self.write(|sql| self.append_within(sql, transaction, (phase, content), allowed))
    }

    /// Writes an entry as part of a commit.
    pub(super) fn append_within(
        &self,
        sql: &Transaction<'_>,
        transaction: &str,
        (phase, content): (Phase, &[u8]),
        allowed: fn(Phase, Phase) -> bool,
    ) -> Result<u64, AppendError> {
        let last = phase_of(sql, transaction)?.ok_or(AppendError::OutOfOrder)?;
        if !allowed(phase, last) || !decided_so(sql, transaction, (phase, last))? {
            return Err(AppendError::OutOfOrder);
        }
        let sequence = self.insert(sql, transaction, phase, content)?;
        // A delivery that is tried again takes the place of the one before, so that the journal
        // does not grow while an acquirer is away.
        let give_way = if phase == last {
            "DELETE FROM entries
             WHERE sequence = (SELECT last_sequence FROM transactions WHERE id = ?1)"
        } else {
            "UPDATE entries SET content = X''
             WHERE sequence = (SELECT last_sequence FROM transactions WHERE id = ?1)"
        };
        sql.execute_prepared(give_way, [transaction])
            .and_then(|_| {
                sql.execute_prepared(
                    "UPDATE transactions SET phase = ?1, last_sequence = ?2 WHERE id = ?3",
                    params![phase.number(), sequence, transaction],
                )
            })
            .map_err(write_failed)?;
        u64::try_from(sequence).map_err(|_| AppendError::StorageFault)
    }

    /// The last entry of every transaction that is not final, or whose end the records lack, with a
    /// sequence number in `between`, in their order; the running one apart.
    pub(crate) fn unsettled(
        &self,
        between: Range<u64>,
        count_max: u32,
    ) -> Result<Vec<Entry>, StorageFault> {
        let bound = |sequence: u64| i64::try_from(sequence).unwrap_or(i64::MAX);
        let rows: Vec<Row> = {
            let connection = self.connection();
            let mut statement = connection.prepare_cached(&format!(
                "{LAST_ENTRIES}
                 WHERE (outcome IS NULL OR transactions.phase IN (1, 2, 3, 4))
                   AND transactions.phase BETWEEN 1 AND 7
                   AND id IS NOT ?1 AND last_sequence >= ?2 AND last_sequence < ?3
                 ORDER BY last_sequence LIMIT ?4"
            ))?;
            let (start, end) = (bound(between.start), bound(between.end));
            statement
                .query_map(
                    params![self.running().get(), start, end, count_max],
                    Row::read,
                )?
                .collect::<Result<_, _>>()?
        };
        rows.into_iter().map(|row| self.unseal(row)).collect()
    }

    /// The last entry of one transaction.
    pub(crate) fn last_entry(&self, transaction: &str) -> Result<Option<Entry>, StorageFault> {
        let row = self
            .connection()
            .prepare_cached(&format!("{LAST_ENTRIES} WHERE id = ?1"))?
            .query_row([transaction], Row::read)
            .optional()?;
        row.map(|row| self.unseal(row)).transpose()
    }

    /// The highest sequence number ever given.
    pub(crate) fn head(&self) -> Result<u64, StorageFault> {
        let head = head_of(&self.connection())?;
        Ok(u64::try_from(head).unwrap_or_default())
    }

    /// The transactions whose last entry was found damaged since the journal was opened, each with
    /// the phase that its row says.
    pub(crate) fn damaged(&self) -> MutexGuard<'_, BTreeMap<String, Phase>> {
        let damaged = self.shared.damaged.lock();
        damaged.unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a message must reach the acquirer: a reversal or an advice.
    pub(crate) fn is_due(&self) -> Result<bool, StorageFault> {
        self.connection()
            .prepare_cached(
                // The first condition is that of the index of what is open.
                "SELECT EXISTS (SELECT 1 FROM transactions
                 WHERE (outcome IS NULL OR phase IN (1, 2, 3, 4)) AND phase IN (3, 4))",
            )?
            .query_row([], |row| row.get(0))
            .map_err(StorageFault::from)
    }

    /// Runs `work` in one commit, with the observer told before and after.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, AppendError>,
    ) -> Result<T, AppendError> {
        let mut connection = self.connection();
        let begun = self.wait_for_disk(&connection, true).and_then(|()| {
            connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(write_failed)
        });
        let sql = begun.inspect_err(|_| self.note_write(false))?;
        let value =
            work(&sql).inspect_err(|error| self.note_write(*error != AppendError::StorageFault))?;
        self.shared.observer.at(Point::StorageWrite);
        let committed = sql.commit().map_err(write_failed);
        self.note_write(committed.is_ok());
        committed?;
        self.shared.observer.at(Point::StorageWritten);
        Ok(value)
    }

    /// Says whether the commits from now on wait until the disk has them. Those of the steps of a
    /// transaction do not.
    pub(super) fn wait_for_disk(
        &self,
        connection: &parking_lot::MutexGuard<'_, Connection>,
        wait: bool,
    ) -> Result<(), AppendError> {
        if self.shared.waits_for_disk.load(Ordering::Relaxed) == wait {
            return Ok(());
        }
        let synchronous = if wait { "FULL" } else { "NORMAL" };
        connection
            .pragma_update(None, "synchronous", synchronous)
            .map_err(write_failed)?;
        self.shared.waits_for_disk.store(wait, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the last write succeeded.
    pub(super) fn writable(&self) -> bool {
        self.shared.writable.load(Ordering::Relaxed)
    }

    fn note_write(&self, succeeded: bool) {
        self.shared.writable.store(succeeded, Ordering::Relaxed);
    }

    /// Refuses with `Full` when only the reserve is left.
    pub(super) fn has_room(sql: &Transaction<'_>) -> Result<(), AppendError> {
        let value = |name| {
            sql.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
                .map_err(write_failed)
        };
        let used = value("page_count")?.saturating_sub(value("freelist_count")?);
        if value("max_page_count")?.saturating_sub(used) < PAGES_RESERVED {
            tracing::error!("the journal is full; no transaction is taken");
            return Err(AppendError::Full);
        }
        Ok(())
    }

    /// Inserts an entry and returns its sequence. The caller updates the transaction.
    pub(super) fn insert(
        &self,
        sql: &Transaction<'_>,
        transaction: &str,
        phase: Phase,
        content: &[u8],
    ) -> Result<i64, AppendError> {
        let head = head_of(sql).map_err(write_failed)?;
        let sequence = head.checked_add(1).ok_or(AppendError::Full)?;
        let sealed = self.seal(sequence, transaction, phase, content)?;
        sql.execute_prepared(
            "INSERT INTO entries (sequence, transaction_id, phase, content)
             VALUES (?1, ?2, ?3, ?4)",
            params![sequence, transaction, phase.number(), sealed],
        )
        .map_err(write_failed)?;
        Ok(sequence)
    }

    pub(super) fn connection(&self) -> parking_lot::MutexGuard<'_, Connection> {
        // A panic while the lock was held leaves at most an open SQL transaction, which rolls back.
        self.shared.connection.lock()
    }

    pub(super) fn newest(&self) -> &Newest {
        &self.shared.newest
    }

    pub(super) fn recent(&self) -> &Recent {
        &self.shared.recent
    }

    pub(super) fn running(&self) -> &Running {
        &self.shared.running
    }

    pub(super) fn vault(&self) -> MutexGuard<'_, Vault> {
        self.shared
            .vault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The highest sequence number ever given: AUTOINCREMENT keeps it, pruned entries included.
fn head_of(connection: &Connection) -> rusqlite::Result<i64> {
    let head: Option<i64> = connection
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'entries'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(head.unwrap_or(0))
}

/// The phase a transaction stands in, as its row says.
pub(super) fn phase_of(
    connection: &Connection,
    transaction: &str,
) -> Result<Option<Phase>, AppendError> {
    let number: Option<i64> = connection
        .prepare_cached("SELECT phase FROM transactions WHERE id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([transaction], |row| row.get(0))
                .optional()
        })
        .map_err(write_failed)?;
    number
        .map(|number| Phase::from_number(number).ok_or(AppendError::StorageFault))
        .transpose()
}

/// Whether who decides a transaction allows what follows its `begun`: what the point of sale was asked
/// about, it approves; everything else, the acquirer.
fn decided_so(
    connection: &Connection,
    transaction: &str,
    (phase, last): (Phase, Phase),
) -> Result<bool, AppendError> {
    let by_point_of_sale = match (last, phase) {
        (Phase::Begun, Phase::Approved) => true,
        (Phase::Begun, Phase::Sent | Phase::AdviceDue) => false,
        _ => return Ok(true),
    };
    let asked: bool = connection
        .prepare_cached("SELECT asked FROM transactions WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([transaction], |row| row.get(0)))
        .map_err(write_failed)?;
    Ok(asked == by_point_of_sale)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "used as the argument of map_err"
)]
pub(super) fn write_failed(error: rusqlite::Error) -> AppendError {
    if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
        return AppendError::Full;
    }
    tracing::error!(%error, "the journal's database failed");
    AppendError::StorageFault
}

impl From<rusqlite::Error> for StorageFault {
    fn from(error: rusqlite::Error) -> Self {
        tracing::error!(%error, "the journal's database failed");
        Self
    }
}
