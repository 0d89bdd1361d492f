//! What was read a moment ago, for as long as nothing has changed since.
//!
//! A point of sale that waits, or shows a receipt again, asks for the same record many times, and
//! whoever looks after terminals asks how they are. Reading takes queries, while a sale waits for the
//! same connection.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::Connection;

use super::condition::Overview;
use crate::transaction::{Record, TransactionId};

/// The most records that are kept: a few points of sale ask for their last ones.
const RECORDS_MAX: usize = 32;

/// What was read since the last change.
#[derive(Debug, Default)]
pub(super) struct Recent {
    changes: Arc<AtomicU64>,
    kept: Mutex<Kept>,
}

/// A moment between two changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Moment(u64);

#[derive(Debug, Default)]
struct Kept {
    read_at: Moment,
    records: BTreeMap<TransactionId, Arc<Record>>,
    overview: Option<Overview>,
}

impl Recent {
    /// Follows every commit of this connection, whoever makes it. A commit counts before it is made, and
    /// nothing can be read until it is: the journal's lock is held around both.
    pub(super) fn of(connection: &mut Connection) -> rusqlite::Result<Self> {
        let recent = Self::default();
        let changes = Arc::clone(&recent.changes);
        let rolls_back = false;
        connection.commit_hook(Some(move || {
            changes.fetch_add(1, Ordering::AcqRel);
            rolls_back
        }))?;
        Ok(recent)
    }

    /// What records say has changed without a commit.
    pub(super) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// The moment now, for what is read from here on.
    pub(super) fn now(&self) -> Moment {
        Moment(self.changes.load(Ordering::Acquire))
    }

    /// A record that was kept, when nothing has changed since.
    pub(super) fn record(&self, id: &TransactionId) -> Option<Arc<Record>> {
        self.current(|kept| kept.records.get(id).cloned())
    }

    /// What the records said as a whole, when nothing has changed since.
    pub(super) fn overview(&self) -> Option<Overview> {
        self.current(|kept| kept.overview.clone())
    }

    /// Keeps a record that was read after `read_at`.
    pub(super) fn keep_record(&self, read_at: Moment, record: &Arc<Record>) {
        self.keep(read_at, |kept| {
            if kept.records.len() >= RECORDS_MAX {
                kept.records.clear();
            }
            kept.records.insert(record.id.clone(), Arc::clone(record));
        });
    }

    /// Keeps what was read after `read_at`.
    pub(super) fn keep_overview(&self, read_at: Moment, overview: &Overview) {
        self.keep(read_at, |kept| kept.overview = Some(overview.clone()));
    }

    fn current<T>(&self, find: impl FnOnce(&Kept) -> Option<T>) -> Option<T> {
        let kept = self.lock();
        let current = kept.read_at == self.now();
        current.then(|| find(&kept)).flatten()
    }

    fn keep(&self, read_at: Moment, keep: impl FnOnce(&mut Kept)) {
        let mut kept = self.lock();
        if read_at != self.now() {
            return;
        }
        if kept.read_at != read_at {
            *kept = Kept {
                read_at,
                ..Kept::default()
            };
        }
        keep(&mut kept);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{atomic::AtomicU32, mpsc},
        thread,
        time::Duration,
    };

    use super::*;
    use crate::{
        journal::{
            AppendError, Finished, Journal, Phase,
            records::stored,
            tests::{BEGAN, File, NO_CARD, at, begin_at, begin_request, ending, request},
        },
        transaction::{Kind, Outcome, Request, ReversalState},
    };

    fn read(journal: &Journal, id: &TransactionId) -> Arc<Record> {
        let record = journal.record(id).expect("readable");
        record.expect("a record")
    }

    fn reversal(record: &Record) -> Option<ReversalState> {
        record.outcome.as_ref().map(|outcome| outcome.reversal)
    }

    #[test]
    fn what_nothing_changed_is_given_again_while_the_connection_is_in_use() {
        let file = File::new();
        let journal = file.open();
        let id = begin_at(&journal, 1);
        let both = move |journal: &Journal| (read(journal, &id), journal.condition());
        let first = both(&journal);
        let in_use = journal.connection();
        let (told, heard) = mpsc::channel();
        let other = journal.clone();
        let reading = thread::spawn(move || drop(told.send(both(&other))));
        let again = heard.recv_timeout(Duration::from_secs(10));
        drop(in_use);
        assert_eq!(again.expect("it does not wait"), first);
        reading.join().expect("no panic");
    }

    #[test]
    fn an_overview_is_given_again_until_something_changes() {
        let file = File::new();
        let journal = file.open();
        let id = begin_at(&journal, 1);
        let waiting = |expected: u32| {
            assert_eq!(journal.condition().overview.backlog.waiting, expected);
            assert!(journal.recent().overview().is_some());
        };
        waiting(0);
        let sent = journal.append(id.as_str(), Phase::Sent, &[], Phase::may_follow);
        assert!(sent.is_ok());
        assert_eq!(journal.recent().overview(), None, "an entry is a change");
        waiting(0);
        // That it does not run any more is no commit.
        journal.release();
        waiting(1);
        let changed = "UPDATE entries SET content = X'00' WHERE transaction_id = ?1";
        assert!(journal.connection().execute(changed, [id.as_str()]).is_ok());
        waiting(1);
        // Nor is the damage that is found in reading: what is damaged waits for nobody.
        journal.last_entry(id.as_str()).expect("readable");
        waiting(0);
    }

    #[test]
    fn whatever_changes_a_record_is_seen_at_once() {
        let file = File::new();
        let journal = file.open();
        let id = begin_at(&journal, 1);
        assert_eq!(read(&journal, &id).outcome, None);
        let finished = journal.finish(&id, &ending(NO_CARD), &at(BEGAN));
        assert_eq!(finished, Ok(Finished::Recorded));
        let is_ended = |outcome: &Outcome| outcome.ending == NO_CARD;
        assert!(read(&journal, &id).outcome.as_ref().is_some_and(is_ended));
        // Another transaction that refers to it.
        let refund = Request {
            kind: Kind::Refund,
            original: Some(id.clone()),
            ..request()
        };
        let refunding = TransactionId::new();
        begin_request(&journal, &refunding, &refund, None).expect("a refund");
        assert_eq!(
            read(&journal, &id).referred.refunded_minor,
            refund.amount_minor
        );
        let closed = journal.finish(&refunding, &ending(NO_CARD), &at(BEGAN));
        assert_eq!(closed, Ok(Finished::Recorded));
        assert_eq!(read(&journal, &id).referred.refunded_minor, 0);
        // A statement outside of every commit of the journal's own.
        let moved = "UPDATE transactions SET batch = 7 WHERE id = ?1";
        assert_eq!(journal.connection().execute(moved, [id.as_str()]), Ok(1));
        assert_eq!(read(&journal, &id).batch, 7);
        // Damage is found in reading, and no commit says it.
        let changed = "UPDATE entries SET content = X'00' WHERE transaction_id = ?1";
        assert!(journal.connection().execute(changed, [id.as_str()]).is_ok());
        assert_eq!(reversal(&read(&journal, &id)), Some(ReversalState::None));
        journal.last_entry(id.as_str()).expect("readable");
        assert_eq!(reversal(&read(&journal, &id)), Some(ReversalState::ByHand));
    }

    #[test]
    fn who_reads_after_a_commit_reads_what_it_wrote() {
        const COMMITS: u32 = 2_000;
        let file = File::new();
        let journal = file.open();
        let id = begin_at(&journal, 1);
        let quick = journal
            .connection()
            .pragma_update(None, "synchronous", "OFF");
        quick.expect("a pragma");
        let committed = AtomicU32::new(0);
        let ended_in = |batch: u32| at(BEGAN + i64::from(batch));
        let first = "UPDATE transactions SET ended = ?1";
        let first = journal.connection().execute(first, [stored(&ended_in(0))]);
        assert_eq!(first, Ok(1));
        let read_to_the_end = || {
            let mut before = 0;
            while before < COMMITS {
                before = committed.load(Ordering::Acquire);
                let batch = read(&journal, &id).batch;
                assert!(batch >= before, "{batch} after {before}");
                let ended = journal.condition().overview.last_ended;
                assert!(ended >= Some(ended_in(before)), "{ended:?} after {before}");
            }
        };
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(read_to_the_end);
            }
            let next = "UPDATE transactions SET batch = ?1, ended = ?2";
            let mut written = Vec::new();
            for batch in 1..=COMMITS {
                let values = (batch, stored(&ended_in(batch)));
                written.push(journal.connection().execute(next, values));
                committed.store(batch, Ordering::Release);
            }
            assert!(written.iter().all(|written| *written == Ok(1)));
        });
    }

    #[test]
    fn as_many_are_kept_as_the_limit_says_and_no_more() {
        let file = File::new();
        let journal = file.open();
        let most = u64::try_from(RECORDS_MAX).expect("a small number");
        let ids: Vec<_> = (0..=most).map(|ms| begin_at(&journal, ms)).collect();
        let kept = || {
            let kept = journal.recent().kept.lock().expect("not poisoned");
            kept.records.len()
        };
        for (number, id) in (1..).zip(&ids) {
            read(&journal, id);
            read(&journal, id);
            let expected = if number <= RECORDS_MAX { number } else { 1 };
            assert_eq!(kept(), expected);
        }
    }

    #[test]
    fn what_is_taken_back_is_never_read_and_what_is_pruned_is_gone() {
        let file = File::new();
        let journal = file.open();
        let id = begin_at(&journal, 1);
        let first = read(&journal, &id);
        let fails = journal.write(|sql| {
            let moved = "UPDATE transactions SET batch = 9 WHERE id = ?1";
            assert_eq!(sql.execute(moved, [id.as_str()]), Ok(1));
            Err::<(), _>(AppendError::OutOfOrder)
        });
        assert_eq!(fails, Err(AppendError::OutOfOrder));
        assert_eq!(read(&journal, &id), first);
        let removed = "DELETE FROM transactions WHERE id = ?1";
        assert_eq!(journal.connection().execute(removed, [id.as_str()]), Ok(1));
        assert_eq!(journal.record(&id), Ok(None));
    }
}
