//! The journal, on real files.

mod claims;
mod damage;
mod event_log;
mod opening;
mod phases;
mod room;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use jiff::{Timestamp, Zoned, tz::TimeZone};
use rusqlite::Connection;
use tempfile::TempDir;

use super::{
    Beginning, Claimed, Counter, Entry, Finished, Journal, PHASES, Phase, answers,
    schema::OpenError,
    store::{AppendError, PAGES_RESERVED, StorageFault, write_failed},
};
use crate::{
    empty_vault::empty_vault,
    observer::NoObserver,
    service::{Claim, KeptAnswer, Progress},
    transaction::{
        CancelReason, DeclineReason, Ending, EntryMode, EntryPreference, Failure, Kind,
        OnlineDecision, Outcome, Record, Request, ReversalState, Scheme, TransactionId,
    },
};

/// A journal's file.
pub(super) struct File {
    _folder: TempDir,
    pub(super) path: PathBuf,
}

impl File {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.sqlite");
        Self {
            _folder: folder,
            path,
        }
    }

    pub(super) fn open(&self) -> Journal {
        open(&self.path, 1).unwrap_or_else(|refused| panic!("the journal opens: {refused}"))
    }

    /// Changes the file behind the journal's back, while nobody has it open.
    fn tamper(&self, statement: &str) {
        let sql = Connection::open(&self.path).expect("a database");
        assert_eq!(sql.execute(statement, []), Ok(1), "{statement}");
    }
}

fn open(path: &Path, device_key: u8) -> Result<Journal, OpenError> {
    open_beyond(path, device_key, 0)
}

/// Opens it with a vault that remembers this sequence number.
fn open_beyond(path: &Path, device_key: u8, mark: u64) -> Result<Journal, OpenError> {
    let mut vault = empty_vault(device_key);
    vault.set_mark(mark);
    Journal::open(path, Arc::new(Mutex::new(vault)), Arc::new(NoObserver))
}

pub(super) fn at(unix_second: i64) -> Zoned {
    Timestamp::from_second(unix_second)
        .expect("a time")
        .to_zoned(TimeZone::UTC)
}

/// The second at which every transaction of these tests begins.
pub(super) const BEGAN: i64 = 1_790_000_000;
const DAY: i64 = 24 * 60 * 60;

pub(super) fn request() -> Request {
    Request {
        kind: Kind::Sale,
        amount_minor: 2500,
        tip_minor: 0,
        cashback_minor: 0,
        currency: "NZD".into(),
        entry: EntryPreference::Auto,
        accepts_partial_approval: false,
        online_decision: OnlineDecision::Acquirer,
        reference: None,
        original: None,
        metadata: std::collections::BTreeMap::new(),
    }
}

fn try_begin(journal: &Journal, claim: Option<&Claim>) -> Result<TransactionId, AppendError> {
    let id = TransactionId::new();
    begin_as(journal, &id, claim)?;
    Ok(id)
}

fn begin_as(
    journal: &Journal,
    id: &TransactionId,
    claim: Option<&Claim>,
) -> Result<(), AppendError> {
    begin_request(journal, id, &request(), claim)
}

pub(super) fn begin_request(
    journal: &Journal,
    id: &TransactionId,
    request: &Request,
    claim: Option<&Claim>,
) -> Result<(), AppendError> {
    let began = at(BEGAN);
    journal.begin(&Beginning {
        id,
        request,
        began: &began,
        claim,
        claimed: began.timestamp(),
    })
}

/// Begins a transaction whose name says that it began at this time.
pub(super) fn begin_at(journal: &Journal, began_ms: u64) -> TransactionId {
    let random = ulid::Ulid::new().random();
    let id = TransactionId(format!("txn_{}", ulid::Ulid::from_parts(began_ms, random)));
    begin_as(journal, &id, None).expect("the journal takes a transaction");
    id
}

fn begin(journal: &Journal) -> TransactionId {
    let id = try_begin(journal, None).expect("the journal takes a transaction");
    journal.release();
    id
}

/// A transaction that went through these phases after `begun`.
pub(super) fn after(journal: &Journal, phases: &[Phase]) -> TransactionId {
    let id = begin(journal);
    for phase in phases {
        journal
            .append(id.as_str(), *phase, b"content", Phase::may_follow)
            .expect("the phases are in order");
    }
    id
}

fn all_unsettled(journal: &Journal) -> Result<Vec<Entry>, StorageFault> {
    journal.unsettled(0..u64::MAX, 100)
}

fn content(entry: &Entry) -> &[u8] {
    entry.content.as_ref().expect("not damaged")
}

fn unsettled(journal: &Journal) -> Vec<String> {
    let entries = all_unsettled(journal).expect("the journal can be read");
    entries.into_iter().map(|entry| entry.transaction).collect()
}

pub(super) fn ending(ending: Ending) -> Outcome {
    Outcome::without_card(ending)
}

pub(super) const NO_CARD: Ending = Ending::Cancelled(CancelReason::NoCard);

fn claim(key: &str, fingerprint: u8) -> Claim {
    Claim {
        key: key.into(),
        fingerprint: [fingerprint; 32],
    }
}

/// The numbers and the events of a log after a number.
fn log_after(journal: &Journal, after: u64) -> (bool, Vec<(u64, Progress)>) {
    let read = journal.events_after(after, 1000).expect("readable");
    let events = read.events.into_iter();
    let events = events.map(|logged| (logged.sequence, logged.event.what));
    (read.forgotten, events.collect())
}
