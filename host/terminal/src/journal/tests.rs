use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use jiff::{Timestamp, Zoned, tz::TimeZone};
use rusqlite::Connection;
use tempfile::TempDir;
use vault::{DeviceKey, Storage, Vault};
use zeroize::Zeroizing;

use super::{
    Beginning, Claimed, Counter, Entry, Finished, Journal, PHASES, Phase, answers,
    schema::OpenError,
    store::{AppendError, PAGES_RESERVED, StorageFault, write_failed},
};
use crate::{
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
    struct NoStorage;
    impl Storage for NoStorage {
        fn read(&self) -> std::io::Result<Option<Vec<u8>>> {
            Ok(None)
        }
        fn replace(&self, _: &[u8]) -> std::io::Result<()> {
            Ok(())
        }
    }
    let vault = Vault::open(
        Box::new(NoStorage),
        DeviceKey(Zeroizing::new([device_key; 32])),
    );
    let mut vault = vault.unwrap_or_else(|_| panic!("an empty vault opens"));
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

#[test]
fn final_phases_are_left_by_nothing() {
    for last in [Phase::Approved, Phase::Closed, Phase::Reversed] {
        for (next, _) in PHASES {
            assert!(!next.may_follow(last), "{next:?} after {last:?}");
        }
    }
}

#[test]
fn an_approval_needs_a_request_that_left_or_an_advice() {
    assert!(Phase::Approved.may_follow(Phase::Sent));
    assert!(Phase::Approved.may_follow(Phase::AdviceDue));
    assert!(!Phase::Approved.may_follow(Phase::ReversalDue));
    assert!(!Phase::Closed.may_follow(Phase::ReversalDue));
    let file = File::new();
    let journal = file.open();
    let append =
        |id: &TransactionId, phase| journal.append(id.as_str(), phase, b"", Phase::may_follow);
    let id = begin(&journal);
    assert_eq!(append(&id, Phase::Approved), Err(AppendError::OutOfOrder));
}

#[test]
fn what_the_point_of_sale_was_asked_about_it_approves_and_the_acquirer_does_not() {
    let file = File::new();
    let journal = file.open();
    let id = begin(&journal);
    let asked = journal.ask_point_of_sale(&id).expect("it stands in begun");
    assert_eq!(*journal.newest_event().borrow(), 0, "nobody is told yet");
    journal.told(asked);
    assert_eq!(log_after(&journal, 0).1, [(1, Progress::AskingPointOfSale)]);
    let append = |phase| journal.append(id.as_str(), phase, b"", Phase::may_follow);
    for phase in [Phase::Sent, Phase::AdviceDue] {
        assert_eq!(append(phase), Err(AppendError::OutOfOrder), "{phase:?}");
    }
    assert!(append(Phase::Approved).is_ok());
    let approved = ending(Ending::Approved);
    assert_eq!(
        journal.finish(&id, &approved, &at(9)),
        Ok(Finished::Recorded)
    );
    let record = journal.record(&id).expect("readable").expect("a record");
    assert!(record.asked);
    // Once something was written it is too late to ask.
    let sent = after(&journal, &[Phase::Sent]);
    assert_eq!(
        journal.ask_point_of_sale(&sent),
        Err(AppendError::OutOfOrder)
    );
}

#[test]
fn what_the_point_of_sale_decided_is_in_no_batch_of_the_acquirers() {
    let file = File::new();
    let journal = file.open();
    let own = Request {
        online_decision: OnlineDecision::PointOfSale,
        ..request()
    };
    for (request, asks) in [(own, true), (request(), false)] {
        let id = TransactionId::new();
        assert_eq!(begin_request(&journal, &id, &request, None), Ok(()));
        let phases: &[Phase] = if asks {
            journal.ask_point_of_sale(&id).expect("it stands in begun");
            &[Phase::Approved]
        } else {
            &[Phase::Sent, Phase::Approved]
        };
        for phase in phases {
            journal
                .append(id.as_str(), *phase, b"", Phase::may_follow)
                .expect("it may follow");
        }
        let approved = Outcome {
            approved_minor: 2500,
            ..ending(Ending::Approved)
        };
        assert_eq!(
            journal.finish(&id, &approved, &at(9)),
            Ok(Finished::Recorded)
        );
        journal.release();
    }
    let totals = journal.open_totals().expect("readable");
    assert_eq!(totals.len(), 1);
    assert_eq!(totals[0].totals.sale.count, 1);
}

#[test]
fn numbers_and_phases_agree() {
    for (phase, number) in PHASES {
        assert_eq!(phase.number(), number);
        assert_eq!(Phase::from_number(number), Some(phase));
    }
    assert_eq!(Phase::from_number(0), None);
}

#[test]
fn entries_survive_reopening() {
    let file = File::new();
    let journal = file.open();
    let id = after(&journal, &[Phase::Sent]);
    let written = journal
        .last_entry(id.as_str())
        .expect("readable")
        .expect("an entry");
    drop(journal);
    let journal = file.open();
    assert_eq!(journal.last_entry(id.as_str()), Ok(Some(written)));
    let entry = journal
        .last_entry(id.as_str())
        .expect("readable")
        .expect("an entry");
    assert_eq!(
        (entry.phase, content(&entry)),
        (Phase::Sent, &b"content"[..])
    );
    assert_eq!(journal.last_entry("txn_other"), Ok(None));
    assert_eq!(
        journal
            .record(&id)
            .expect("readable")
            .expect("a record")
            .request,
        request()
    );
}

#[test]
fn content_lies_on_the_disk_in_no_clear_form() {
    let file = File::new();
    after(&file.open(), &[Phase::Sent]);
    let sealed: Vec<u8> = Connection::open(&file.path)
        .and_then(|sql| {
            sql.query_row("SELECT content FROM entries WHERE phase = 2", [], |row| {
                row.get(0)
            })
        })
        .expect("an entry");
    assert!(!sealed.windows(7).any(|window| window == b"content"));
}

#[test]
fn a_changed_or_moved_entry_is_damaged_and_costs_its_own_transaction() {
    for statement in [
        // A byte of the content, first and last.
        "UPDATE entries SET content = CAST(X'00' || substr(content, 2) AS BLOB) WHERE phase = 2",
        "UPDATE entries SET content = CAST(substr(content, 1, length(content) - 1) || X'00' AS BLOB)
         WHERE phase = 2",
        "UPDATE entries SET content = X'' WHERE phase = 2",
        // Another entry's content.
        "UPDATE entries SET content = (SELECT content FROM entries WHERE phase = 4)
         WHERE phase = 2",
        // Another phase, another transaction, another place, none.
        "UPDATE entries SET phase = 5 WHERE phase = 2",
        "UPDATE entries SET phase = 99 WHERE phase = 2",
        "UPDATE entries SET transaction_id = 'txn_other' WHERE phase = 2",
        "UPDATE entries SET sequence = 99 WHERE phase = 2",
        "DELETE FROM entries WHERE phase = 2",
        "UPDATE transactions SET phase = 4 WHERE phase = 2",
        "UPDATE transactions SET last_sequence = 1 WHERE phase = 2",
    ] {
        let file = File::new();
        let journal = file.open();
        let id = after(&journal, &[Phase::Sent]);
        let other = after(&journal, &[Phase::AdviceDue]);
        assert!(journal.damaged().is_empty());
        drop(journal);
        file.tamper(statement);
        let journal = file.open();
        let read = journal.last_entry(id.as_str()).expect("readable");
        assert_eq!(read.expect("named").content, None, "{statement}");
        let found: BTreeSet<_> = all_unsettled(&journal)
            .expect("readable")
            .iter()
            .map(|entry| (entry.transaction.clone(), entry.content.is_some()))
            .collect();
        let expected = BTreeSet::from([
            (id.as_str().to_owned(), false),
            (other.as_str().to_owned(), true),
        ]);
        assert_eq!(found, expected, "{statement}");
        let damaged: Vec<String> = journal.damaged().keys().cloned().collect();
        assert_eq!(damaged, [id.as_str()], "{statement}");
        assert_eq!(journal.backlog().map(|backlog| backlog.waiting), Ok(1), "{statement}");
    }
}

#[test]
fn a_transaction_in_no_phase_keeps_the_others_from_nothing() {
    let file = File::new();
    let journal = file.open();
    after(&journal, &[Phase::Sent]);
    let other = after(&journal, &[Phase::Sent, Phase::ReversalDue]);
    drop(journal);
    file.tamper("UPDATE transactions SET phase = 99 WHERE phase = 2");
    let journal = file.open();
    assert_eq!(unsettled(&journal), [other.as_str()]);
    assert_eq!(journal.backlog().map(|backlog| backlog.without_end), Ok(2));
}

#[test]
fn an_entry_moved_to_another_transaction_is_damaged() {
    let file = File::new();
    let journal = file.open();
    let (one, other) = (
        after(&journal, &[Phase::Sent]),
        after(&journal, &[Phase::Sent]),
    );
    drop(journal);
    let sql = Connection::open(&file.path).expect("a database");
    // Exchange the contents of both entries `sent`.
    sql.execute_batch(&format!(
        "CREATE TEMP TABLE t AS SELECT transaction_id, content FROM entries WHERE phase = 2;
         UPDATE entries SET content = (SELECT content FROM t WHERE transaction_id = '{other}')
          WHERE phase = 2 AND transaction_id = '{one}';
         UPDATE entries SET content = (SELECT content FROM t WHERE transaction_id = '{one}')
          WHERE phase = 2 AND transaction_id = '{other}';",
        one = one.as_str(),
        other = other.as_str(),
    ))
    .expect("the entries are exchanged");
    drop(sql);
    for id in [one, other] {
        let entry = file.open().last_entry(id.as_str()).expect("readable");
        assert_eq!(entry.expect("named").content, None);
    }
}

#[test]
fn a_row_that_says_another_phase_than_its_entry_is_damaged_whatever_it_says() {
    for statement in [
        "UPDATE transactions SET phase = 7 WHERE phase = 3",
        "UPDATE transactions SET phase = 5 WHERE phase = 3",
        "UPDATE transactions SET phase = 1 WHERE phase = 3",
        "UPDATE transactions SET phase = 99 WHERE phase = 3",
        "UPDATE transactions SET last_sequence = 0 WHERE phase = 3",
        "UPDATE transactions SET last_sequence = -5 WHERE phase = 3",
    ] {
        let file = File::new();
        let journal = file.open();
        let id = after(&journal, &[Phase::Sent, Phase::ReversalDue]);
        let lost = ending(Ending::Failed(Failure::AnswerLost));
        journal.finish(&id, &lost, &at(BEGAN)).expect("an end");
        drop(journal);
        file.tamper(statement);
        let journal = file.open();
        assert!(journal.damaged().contains_key(id.as_str()), "{statement}");
        let record = journal.record(&id);
        let record = record.expect("readable").expect("a record");
        let reversal = record.outcome.as_ref().expect("an end").reversal;
        assert_eq!(reversal, ReversalState::ByHand, "{statement}");
    }
}

#[test]
fn a_name_that_is_no_text_keeps_the_others_from_nothing() {
    let file = File::new();
    let journal = file.open();
    after(&journal, &[Phase::Sent]);
    let other = after(&journal, &[Phase::AdviceDue]);
    drop(journal);
    file.tamper("UPDATE transactions SET id = CAST(X'74786EFF' AS TEXT) WHERE phase = 2");
    let journal = file.open();
    let found = all_unsettled(&journal).expect("readable");
    let readable: Vec<_> = found
        .iter()
        .filter(|entry| entry.content.is_some())
        .map(|entry| entry.transaction.as_str())
        .collect();
    assert_eq!(readable, [other.as_str()]);
    assert_eq!((found.len(), journal.damaged().len()), (2, 1));
}

#[test]
fn another_device_is_refused_by_name() {
    let file = File::new();
    after(&file.open(), &[Phase::Sent]);
    assert!(matches!(open(&file.path, 2), Err(OpenError::OtherKey)));
    assert_eq!(unsettled(&file.open()).len(), 1, "nothing was harmed");
}

#[test]
fn a_journal_that_is_not_as_far_as_the_vault_remembers_is_refused() {
    let file = File::new();
    let journal = file.open();
    assert_eq!(journal.head(), Ok(0));
    after(&journal, &[Phase::Sent, Phase::ReversalDue]);
    assert_eq!(journal.head(), Ok(3));
    drop(journal);
    for mark in 0..=3 {
        assert!(open_beyond(&file.path, 1, mark).is_ok(), "{mark}");
    }
    let lost = open_beyond(&file.path, 1, 4);
    assert!(matches!(lost, Err(OpenError::Lost { head: 3, mark: 4 })));
    std::fs::remove_file(&file.path).expect("it is there");
    let removed = open_beyond(&file.path, 1, 3);
    assert!(matches!(removed, Err(OpenError::Lost { head: 0, mark: 3 })));
}

#[test]
fn a_database_whose_index_contradicts_its_table_is_refused() {
    let file = File::new();
    let journal = file.open();
    let claim = Claim {
        key: "the-claim-that-was-made".into(),
        fingerprint: [1; 32],
    };
    try_begin(&journal, Some(&claim)).expect("it begins");
    drop(journal);
    // The key stands in the table and in its index; change it in one of them.
    let mut bytes = std::fs::read(&file.path).expect("readable");
    let found = bytes
        .windows(23)
        .position(|window| window == claim.key.as_bytes());
    bytes[found.expect("the key")] ^= 1;
    std::fs::write(&file.path, bytes).expect("writable");
    assert!(matches!(open(&file.path, 1), Err(OpenError::Damaged(_))));
}

#[test]
fn what_the_engine_wrote_of_a_closed_batch_is_forgotten() {
    use crate::batch::SettlementState::{Disputed, Settled};
    let file = File::new();
    let journal = file.open();
    let now = Zoned::now();
    let sold = after(&journal, &[Phase::Sent, Phase::Approved]);
    let approved = Outcome {
        approved_minor: 2500,
        ..ending(Ending::Approved)
    };
    journal.finish(&sold, &approved, &now).expect("an end");
    journal.freeze(&now).expect("the batch is frozen");
    let next = after(&journal, &[Phase::Sent, Phase::Approved]);
    journal.finish(&next, &approved, &now).expect("an end");
    let kept = |id: &TransactionId| {
        let entry = journal.last_entry(id.as_str()).expect("readable");
        content(&entry.expect("an entry")).to_vec()
    };
    journal.settle(1, "NZD", Disputed, &now).expect("written");
    assert_eq!(kept(&sold), b"content");
    assert_eq!(journal.unclosed().expect("readable").len(), 1);
    journal.settle(1, "NZD", Settled, &now).expect("written");
    assert_eq!(kept(&sold), b"");
    assert_eq!(kept(&next), b"content", "of the next batch");
    assert!(journal.unclosed().expect("readable").is_empty());
    assert!(!journal.is_damaged(&sold));
    let settlement = &journal.settlements().expect("readable")[0];
    assert_eq!(settlement.totals.totals.sale.minor, 2500);
}

/// What each version added, undone: versions 2 to 7.
const UNDONE: [&str; 6] = [
    "DROP TABLE key_check;",
    "DROP TABLE card_log;",
    BATCHES_UNDONE,
    "DROP TABLE events; DROP TABLE event_log; ALTER TABLE transactions DROP COLUMN asked;",
    "DROP TABLE answers;",
    "ALTER TABLE event_log DROP COLUMN forgotten_to;",
];

const BATCHES_UNDONE: &str = "DROP INDEX transactions_approved; DROP INDEX transactions_referring;
    DROP TABLE settlements; ALTER TABLE transactions DROP COLUMN batch;";

#[test]
fn a_journal_of_a_version_before_is_taken_over() {
    for version in 1..=6 {
        let file = File::new();
        let id = after(&file.open(), &[Phase::Sent]);
        let sql = Connection::open(&file.path).expect("a database");
        for added in UNDONE.iter().skip(version - 1).rev() {
            sql.execute_batch(added).expect("writable");
        }
        sql.pragma_update(None, "user_version", i64::try_from(version).expect("small"))
            .expect("writable");
        drop(sql);
        let journal = file.open();
        assert_eq!(unsettled(&journal), [id.as_str()]);
        // Numbers that a log of before has given are not given again.
        let newest = if version >= 5 { 64 } else { 0 };
        assert_eq!(*journal.newest_event().borrow(), newest);
        let account = journal.account(b"card", None);
        assert_eq!(journal.last_payment(&id, account), Ok(None));
        let kept = journal.kept_answer(&claim("scope key", 1), at(BEGAN).timestamp());
        assert_eq!(kept, Ok(KeptAnswer::None));
        drop(journal);
        assert!(matches!(open(&file.path, 2), Err(OpenError::OtherKey)));
    }
}

#[test]
fn a_file_of_another_version_or_kind_is_refused_by_name() {
    let file = File::new();
    drop(file.open());
    let sql = Connection::open(&file.path).expect("a database");
    sql.pragma_update(None, "user_version", 8)
        .expect("writable");
    drop(sql);
    let refused = open(&file.path, 1).err().expect("another version");
    assert_eq!(
        refused.to_string(),
        "the database has version 8, this host knows version 7"
    );
    std::fs::write(&file.path, [0x55; 4096]).expect("writable");
    assert!(matches!(open(&file.path, 1), Err(OpenError::Database(_))));
}

#[test]
fn a_phase_that_may_not_follow_writes_nothing() {
    let journal = File::new();
    let journal = journal.open();
    let id = after(&journal, &[Phase::Sent, Phase::ReversalDue]);
    for (phase, _) in PHASES {
        if !phase.may_follow(Phase::ReversalDue) {
            let refused = journal.append(id.as_str(), phase, b"", Phase::may_follow);
            assert_eq!(refused, Err(AppendError::OutOfOrder), "{phase:?}");
        }
    }
    assert_eq!(
        journal.append("txn_other", Phase::Sent, b"", Phase::may_follow),
        Err(AppendError::OutOfOrder)
    );
    assert_eq!(journal.phase(&id), Ok(Some(Phase::ReversalDue)));
}

#[test]
fn a_repeated_phase_takes_the_place_of_the_one_before() {
    let file = File::new();
    let journal = file.open();
    let id = after(&journal, &[Phase::Sent, Phase::ReversalDue]);
    let first = journal
        .last_entry(id.as_str())
        .expect("readable")
        .expect("an entry");
    let second = journal
        .append(id.as_str(), Phase::ReversalDue, b"again", Phase::may_settle)
        .expect("a repetition");
    assert!(second > first.sequence, "sequences rise");
    let last = journal
        .last_entry(id.as_str())
        .expect("readable")
        .expect("an entry");
    assert_eq!((last.sequence, content(&last)), (second, &b"again"[..]));
    let count: i64 = journal
        .connection()
        .query_row("SELECT count(*) FROM entries", [], |row| row.get(0))
        .expect("readable");
    assert_eq!(count, 3, "begun, sent, one reversal due");
}

#[test]
fn only_the_last_entry_of_a_transaction_keeps_its_content() {
    let file = File::new();
    let journal = file.open();
    let id = after(&journal, &[Phase::Sent, Phase::ReversalDue]);
    journal
        .append(id.as_str(), Phase::ReversalDue, b"again", Phase::may_settle)
        .expect("a repetition");
    let lengths: Vec<(i64, bool)> = journal
        .connection()
        .prepare("SELECT phase, length(content) > 0 FROM entries ORDER BY sequence")
        .and_then(|mut statement| {
            statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .expect("readable");
    assert_eq!(lengths, [(1, false), (2, false), (3, true)]);
}

#[test]
fn what_another_call_settles_is_never_made_an_approval() {
    use Phase::{AdviceDue, Approved, Begun, Closed, ReversalDue, Reversed, Sent};
    for (last, allowed) in [
        (Begun, &[Closed][..]),
        (Sent, &[ReversalDue]),
        (ReversalDue, &[ReversalDue, Reversed]),
        (AdviceDue, &[AdviceDue, Approved]),
        (Approved, &[]),
        (Closed, &[]),
        (Reversed, &[]),
    ] {
        for (next, _) in PHASES {
            assert_eq!(
                next.may_settle(last),
                allowed.contains(&next),
                "{next:?} after {last:?}"
            );
        }
    }
}

#[test]
fn the_journal_says_whether_a_message_must_reach_the_acquirer() {
    let file = File::new();
    let journal = file.open();
    after(&journal, &[Phase::Sent]);
    after(
        &journal,
        &[Phase::Sent, Phase::ReversalDue, Phase::Reversed],
    );
    assert_eq!(journal.is_due(), Ok(false));
    let id = after(&journal, &[Phase::AdviceDue]);
    assert_eq!(journal.is_due(), Ok(true));
    journal
        .append(id.as_str(), Phase::Approved, b"", Phase::may_settle)
        .expect("in order");
    assert_eq!(journal.is_due(), Ok(false));
}

#[test]
fn what_is_open_is_read_in_pieces() {
    let file = File::new();
    let journal = file.open();
    let ids: Vec<_> = (0..5).map(|_| after(&journal, &[Phase::Sent])).collect();
    let (mut from, mut found) = (0, Vec::new());
    loop {
        let entries = journal.unsettled(from..u64::MAX, 2).expect("readable");
        let Some(last) = entries.last() else { break };
        from = last.sequence + 1;
        found.extend(entries.into_iter().map(|entry| entry.transaction));
    }
    let expected: Vec<_> = ids.iter().map(|id| id.as_str().to_owned()).collect();
    assert_eq!(found, expected);
    // What is written meanwhile lies beyond.
    let end = from;
    journal
        .append(ids[0].as_str(), Phase::ReversalDue, b"", Phase::may_settle)
        .expect("in order");
    let entries = journal.unsettled(0..end, 100).expect("readable");
    assert_eq!(entries.len(), 4);
}

#[test]
fn a_full_journal_takes_no_transaction_but_ends_those_it_has() {
    let file = File::new();
    let journal = file.open();
    let id = after(&journal, &[Phase::Sent]);
    let limit = |pages: i64| {
        let sql = journal.connection();
        let used: i64 = sql
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .expect("readable");
        sql.pragma_update(None, "max_page_count", used + pages)
            .expect("a limit");
    };
    limit(PAGES_RESERVED - 1);
    assert_eq!(try_begin(&journal, None).err(), Some(AppendError::Full));
    let backlog = journal.backlog().expect("readable");
    assert_eq!(
        (backlog.waiting, backlog.without_end),
        (1, 1),
        "nothing was written"
    );
    journal
        .append(
            id.as_str(),
            Phase::ReversalDue,
            &[0; 16_384],
            Phase::may_settle,
        )
        .expect("the reserve is for it");
    limit(0);
    let before = journal.last_entry(id.as_str());
    let full = journal.append(
        id.as_str(),
        Phase::Reversed,
        &vec![0; 65_536],
        Phase::may_settle,
    );
    assert_eq!(full, Err(AppendError::Full));
    assert_eq!(
        journal.last_entry(id.as_str()),
        before,
        "nothing was written"
    );
    limit(PAGES_RESERVED + 16);
    journal
        .append(id.as_str(), Phase::Reversed, b"", Phase::may_settle)
        .expect("there is room again");
    begin(&journal);
}

#[test]
fn counters_go_round_and_survive_reopening() {
    for (counter, name, last) in [
        (Counter::TraceNumber, "trace-number", 999_999),
        (
            Counter::TransactionSequence,
            "transaction-sequence",
            99_999_999,
        ),
    ] {
        let file = File::new();
        assert_eq!(file.open().next(counter), Ok(1));
        assert_eq!(file.open().next(counter), Ok(2));
        file.tamper(&format!(
            "UPDATE counters SET value = {} WHERE name = '{name}'",
            last - 1
        ));
        let journal = file.open();
        let values: Vec<_> = (0..3).map(|_| journal.next(counter)).collect();
        assert_eq!(values, [Ok(last), Ok(1), Ok(2)], "{name}");
    }
}

#[test]
fn a_counter_never_repeats_a_value_to_two_callers() {
    let file = File::new();
    let journal = file.open();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let journal = journal.clone();
            std::thread::spawn(move || {
                (0..20)
                    .map(|_| journal.next(Counter::TraceNumber))
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let mut values: Vec<_> = threads
        .into_iter()
        .flat_map(|thread| thread.join().expect("no panic"))
        .map(|value| value.expect("a value"))
        .collect();
    values.sort_unstable();
    assert_eq!(values, (1..=80).collect::<Vec<u32>>());
}

#[test]
fn a_second_terminal_on_the_same_journal_is_refused() {
    let file = File::new();
    let first = file.open();
    assert!(matches!(open(&file.path, 1), Err(OpenError::Held)));
    let id = begin(&first);
    drop(first);
    assert_eq!(
        unsettled(&file.open()),
        [id.as_str()],
        "and not after the first"
    );
}

#[test]
fn the_running_transaction_is_nobody_elses_to_settle() {
    let file = File::new();
    let journal = file.open();
    let one = after(&journal, &[Phase::Sent]);
    let running = try_begin(&journal, None).expect("the journal takes a transaction");
    assert_eq!(unsettled(&journal), [one.as_str()]);
    let backlog = journal.backlog().expect("readable");
    assert_eq!((backlog.waiting, backlog.without_end), (1, 1));
    journal.release();
    assert_eq!(
        unsettled(&journal),
        [one.as_str(), running.as_str()],
        "oldest first"
    );
    let backlog = journal.backlog().expect("readable");
    assert_eq!((backlog.waiting, backlog.without_end), (1, 2));
}

#[test]
fn an_end_that_contradicts_the_journal_is_refused() {
    use Phase::{AdviceDue, Approved, Closed, ReversalDue, Reversed, Sent};
    let file = File::new();
    let journal = file.open();
    let declined = Ending::Declined(DeclineReason::Acquirer);
    let cases: [(&[Phase], Ending, Result<(), AppendError>); 12] = [
        (&[], NO_CARD, Ok(())),
        (&[], Ending::Approved, Err(AppendError::OutOfOrder)),
        (&[Sent], Ending::Approved, Err(AppendError::OutOfOrder)),
        (&[Sent], declined, Err(AppendError::OutOfOrder)),
        (&[Sent, Approved], Ending::Approved, Ok(())),
        (&[Sent, Approved], declined, Err(AppendError::OutOfOrder)),
        (&[AdviceDue], Ending::Approved, Ok(())),
        (&[AdviceDue], declined, Err(AppendError::OutOfOrder)),
        (&[Sent, Closed], declined, Ok(())),
        (
            &[Sent, Closed],
            Ending::Approved,
            Err(AppendError::OutOfOrder),
        ),
        (
            &[Sent, ReversalDue],
            Ending::Failed(Failure::AnswerLost),
            Ok(()),
        ),
        (
            &[Sent, ReversalDue, Reversed],
            Ending::Approved,
            Err(AppendError::OutOfOrder),
        ),
    ];
    for (phases, end, expected) in cases {
        let id = after(&journal, phases);
        let finished = journal.finish(&id, &ending(end), &at(BEGAN + 1));
        let expected = expected.map(|()| Finished::Recorded);
        assert_eq!(finished, expected, "{end:?} after {phases:?}");
        let record = journal.record(&id).expect("readable").expect("a record");
        assert_eq!(
            record.outcome.is_some(),
            expected.is_ok(),
            "{end:?} after {phases:?}"
        );
    }
    let unknown = journal.finish(&TransactionId::new(), &ending(NO_CARD), &at(BEGAN));
    assert_eq!(unknown, Err(AppendError::OutOfOrder));
}

#[test]
fn the_end_of_a_transaction_that_sent_nothing_closes_it() {
    let file = File::new();
    let journal = file.open();
    let id = begin(&journal);
    assert_eq!(journal.condition().overview.last_ended, None);
    journal
        .finish(&id, &ending(NO_CARD), &at(BEGAN + 5))
        .expect("an end");
    assert_eq!(journal.phase(&id), Ok(Some(Phase::Closed)));
    assert_eq!(unsettled(&journal), [""; 0]);
    assert_eq!(journal.condition().overview.last_ended, Some(at(BEGAN + 5)));
    let again = journal.finish(&id, &ending(NO_CARD), &at(BEGAN + 9));
    assert_eq!(again, Ok(Finished::Known));
    assert_eq!(
        journal.condition().overview.last_ended,
        Some(at(BEGAN + 5)),
        "it ended once"
    );
}

#[test]
fn a_record_s_reversal_is_the_journal_s() {
    let file = File::new();
    let journal = file.open();
    let id = after(&journal, &[Phase::Sent, Phase::ReversalDue]);
    // The engine says otherwise; the journal is the judge.
    journal
        .finish(
            &id,
            &ending(Ending::Failed(Failure::AnswerLost)),
            &at(BEGAN),
        )
        .expect("an end");
    let reversal = || {
        let record = journal.record(&id).expect("readable").expect("a record");
        record.outcome.as_ref().expect("an end").reversal
    };
    assert_eq!(reversal(), ReversalState::Pending);
    journal
        .append(id.as_str(), Phase::Reversed, b"", Phase::may_settle)
        .expect("in order");
    assert_eq!(reversal(), ReversalState::Confirmed);
}

#[test]
fn a_claim_is_free_made_or_contradicted_and_runs_out_after_a_day() {
    let file = File::new();
    let journal = file.open();
    let claim = Claim {
        key: "key".into(),
        fingerprint: [1; 32],
    };
    let other_body = Claim {
        key: claim.key.clone(),
        fingerprint: [2; 32],
    };
    let other_key = Claim {
        key: "other".into(),
        fingerprint: claim.fingerprint,
    };
    let asked = |claim: &Claim, second| {
        journal
            .claimed(claim, at(second).timestamp())
            .expect("readable")
    };
    assert_eq!(asked(&claim, BEGAN), Claimed::Free);
    let id = try_begin(&journal, Some(&claim)).expect("it begins");
    assert_eq!(asked(&claim, BEGAN), Claimed::By(id.clone()));
    assert_eq!(asked(&other_body, BEGAN), Claimed::Conflict);
    assert_eq!(asked(&other_key, BEGAN), Claimed::Free);
    assert_eq!(asked(&claim, BEGAN + DAY - 1), Claimed::By(id));
    assert_eq!(asked(&claim, BEGAN + DAY), Claimed::Free);
}

fn claim(key: &str, fingerprint: u8) -> Claim {
    Claim {
        key: key.into(),
        fingerprint: [fingerprint; 32],
    }
}

#[test]
fn an_answer_is_kept_for_a_day_for_its_request_and_over_a_restart() {
    let file = File::new();
    let journal = file.open();
    let (asked, other) = (claim("print key", 1), claim("print other", 1));
    let kept = |journal: &Journal, claim: &Claim, second| {
        journal
            .kept_answer(claim, at(second).timestamp())
            .expect("readable")
    };
    let keep = |journal: &Journal, claim: &Claim, answer: &[u8], second| {
        journal.keep_answer(claim, answer, at(second).timestamp())
    };
    assert_eq!(kept(&journal, &asked, BEGAN), KeptAnswer::None);
    keep(&journal, &asked, b"jane@example.com", BEGAN).expect("written");
    drop(journal);
    let journal = file.open();
    let answer = KeptAnswer::Answer(b"jane@example.com".to_vec());
    assert_eq!(kept(&journal, &asked, BEGAN + DAY - 1), answer);
    assert_eq!(kept(&journal, &asked, BEGAN + DAY), KeptAnswer::None);
    assert_eq!(
        kept(&journal, &claim("print key", 2), BEGAN),
        KeptAnswer::Conflict
    );
    assert_eq!(kept(&journal, &other, BEGAN), KeptAnswer::None);
    keep(&journal, &asked, b"later", BEGAN + DAY).expect("written");
    let later = KeptAnswer::Answer(b"later".to_vec());
    assert_eq!(kept(&journal, &asked, BEGAN + DAY), later);
    let large = vec![0; answers::ANSWER_BYTES_MAX + 1];
    let refused = keep(&journal, &other, &large, BEGAN);
    assert_eq!(refused, Err(AppendError::Full));
    drop(journal);
    let stored = std::fs::read(&file.path).expect("a file");
    let clear = stored.windows(4).any(|part| part == b"jane");
    assert!(!clear, "what a cardholder typed lies in the file");
}

#[test]
fn an_answer_that_was_changed_or_moved_is_none() {
    let file = File::new();
    let now = at(BEGAN).timestamp();
    let asked = claim("print key", 1);
    file.open()
        .keep_answer(&asked, b"answer", now)
        .expect("written");
    for (change, looked_for) in [
        (
            "UPDATE answers SET key = 'print other'",
            claim("print other", 1),
        ),
        ("UPDATE answers SET answer = X'00'", claim("print other", 1)),
    ] {
        file.tamper(change);
        let kept = file.open().kept_answer(&looked_for, now);
        assert_eq!(kept, Err(StorageFault), "{change}");
    }
}

#[test]
fn the_oldest_answers_of_a_scope_give_way() {
    let file = File::new();
    let journal = file.open();
    let now = at(BEGAN).timestamp();
    let keep = |key: &str| {
        journal
            .keep_answer(&claim(key, 1), b"answer", now)
            .expect("written");
    };
    let is_kept = |key: &str| {
        let kept = journal.kept_answer(&claim(key, 1), now);
        kept.expect("readable") != KeptAnswer::None
    };
    keep("print first");
    keep("input first");
    // Not one by one: each would be a commit.
    journal
        .write(|sql| {
            sql.execute(
                "WITH RECURSIVE count (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM count
                                              WHERE n < ?1)
                 INSERT INTO answers (key, scope, fingerprint, answer, made)
                 SELECT 'print ' || n, 'print', X'00', X'00', ?2 FROM count",
                (answers::ANSWERS_MAX, now.as_second()),
            )
            .map_err(write_failed)
        })
        .expect("written");
    assert!(is_kept("print first"));
    keep("print last");
    assert!(!is_kept("print first"));
    assert!(is_kept("print last") && is_kept("print 2") && is_kept("input first"));
}

#[test]
fn a_claim_is_freed_by_a_failure_that_passes_and_by_nothing_else() {
    use Phase::{Approved, Closed, ReversalDue, Sent};
    let cases: [(&[Phase], Ending, bool); 9] = [
        (&[], Ending::Failed(Failure::AcquirerUnreachable), true),
        (&[], Ending::Failed(Failure::DeviceFault), true),
        (&[], Ending::Failed(Failure::EngineFault), true),
        (&[], Ending::Failed(Failure::CardUnreadable), false),
        (&[], Ending::Failed(Failure::NotSupported), false),
        (&[], NO_CARD, false),
        (
            &[Sent, Closed],
            Ending::Declined(DeclineReason::Acquirer),
            false,
        ),
        (&[Sent, Approved], Ending::Approved, false),
        (
            &[Sent, ReversalDue],
            Ending::Failed(Failure::DeviceFault),
            false,
        ),
    ];
    for (phases, end, freed) in cases {
        let file = File::new();
        let journal = file.open();
        let claim = Claim {
            key: "key".into(),
            fingerprint: [1; 32],
        };
        let id = try_begin(&journal, Some(&claim)).expect("it begins");
        for phase in phases {
            journal
                .append(id.as_str(), *phase, b"", Phase::may_follow)
                .expect("in order");
        }
        journal
            .finish(&id, &ending(end), &at(BEGAN))
            .expect("it agrees");
        let expected = if freed {
            Claimed::Free
        } else {
            Claimed::By(id)
        };
        let found = journal.claimed(&claim, at(BEGAN).timestamp());
        assert_eq!(found, Ok(expected), "{end:?} after {phases:?}");
    }
}

#[test]
fn a_time_is_kept_with_its_offset_and_needs_no_database_of_time_zones() {
    let moment = Timestamp::from_second(BEGAN).expect("a time");
    for hours in [-11, 0, 13] {
        let file = File::new();
        let journal = file.open();
        let (id, request) = (TransactionId::new(), request());
        let began = moment.to_zoned(TimeZone::fixed(jiff::tz::offset(hours)));
        journal
            .begin(&Beginning {
                id: &id,
                request: &request,
                began: &began,
                claim: None,
                claimed: moment,
            })
            .expect("it begins");
        let record = journal.record(&id).expect("readable").expect("a record");
        assert_eq!(
            (&record.began, record.began.offset()),
            (&began, began.offset())
        );
    }
}

#[test]
fn pruning_forgets_what_ended_long_ago_and_nothing_that_is_open() {
    let file = File::new();
    let journal = file.open();
    let ended = begin(&journal);
    journal
        .finish(&ended, &ending(NO_CARD), &at(BEGAN))
        .expect("an end");
    let open = after(&journal, &[Phase::Sent, Phase::ReversalDue]);
    journal
        .finish(
            &open,
            &ending(Ending::Failed(Failure::AnswerLost)),
            &at(BEGAN),
        )
        .expect("an end");
    // The names bear the time of the machine.
    let now = Timestamp::now().as_second();
    let kept = |id| journal.record(id).expect("readable").is_some();
    journal
        .prune(at(now + 89 * DAY).timestamp())
        .expect("writable");
    assert!(kept(&ended) && kept(&open));
    journal
        .prune(at(now + 91 * DAY).timestamp())
        .expect("writable");
    assert!(!kept(&ended) && kept(&open));
    assert_eq!(journal.last_entry(ended.as_str()), Ok(None));
    assert_eq!(unsettled(&journal), [open.as_str()]);
    // The sequence goes on where it was.
    let next = after(&journal, &[Phase::Sent]);
    let last = journal
        .last_entry(next.as_str())
        .expect("readable")
        .expect("an entry");
    assert_eq!(last.sequence, 7);
    journal
        .prune(at(0).timestamp())
        .expect("a clock before its time prunes nothing");
}

/// The numbers and the events of a log after a number.
fn log_after(journal: &Journal, after: u64) -> (bool, Vec<(u64, Progress)>) {
    let read = journal.events_after(after, 1000).expect("readable");
    let events = read.events.into_iter();
    let events = events.map(|logged| (logged.sequence, logged.event.what));
    (read.forgotten, events.collect())
}

fn detected() -> Progress {
    Progress::CardDetected {
        entry_mode: EntryMode::Contact,
        scheme: Scheme::Visa,
        masked_pan: "************0119".into(),
    }
}

#[test]
fn what_watchers_are_told_is_kept_in_order_over_reopening() {
    let file = File::new();
    let steps = [
        Progress::WaitingForCard,
        detected(),
        Progress::EnteringPin,
        Progress::Authorising,
        Progress::Reversing,
    ];
    let (id, name) = {
        let journal = file.open();
        let newest = journal.newest_event();
        let id = begin(&journal);
        for step in &steps {
            assert_eq!(journal.log_step(&id, step), Ok(()));
        }
        assert_eq!(*newest.borrow(), 5);
        let declined = ending(Ending::Declined(DeclineReason::Card));
        assert_eq!(
            journal.finish(&id, &declined, &at(9)),
            Ok(Finished::Recorded)
        );
        assert_eq!(*newest.borrow(), 6);
        // An end that is known is not told again.
        assert_eq!(journal.finish(&id, &declined, &at(9)), Ok(Finished::Known));
        (id, journal.event_log().expect("a name"))
    };
    let journal = file.open();
    // Steps that were told and that the disk lost may have had the next numbers.
    assert_eq!(*journal.newest_event().borrow(), 70);
    assert_eq!(journal.event_log(), Ok(name));
    let (forgotten, events) = log_after(&journal, 0);
    assert!(!forgotten);
    let (last, before) = events.split_last().expect("events");
    let expected: Vec<_> = (1..).zip(steps).collect();
    assert_eq!(before, expected);
    let (6, Progress::Ended(record)) = last else {
        panic!("{last:?}")
    };
    let found = journal.record(&id).expect("readable");
    assert_eq!(found.as_deref(), Some(&**record));
    assert_eq!(log_after(&journal, 5).1.len(), 1);
    for known in [6, 8, 70] {
        assert_eq!(log_after(&journal, known), (false, Vec::new()));
    }
    let next = begin(&journal);
    assert_eq!(journal.log_step(&next, &detected()), Ok(()));
    assert_eq!(log_after(&journal, 8), (false, vec![(71, detected())]));
}

#[test]
fn an_empty_log_that_is_opened_gives_no_number_twice() {
    let file = File::new();
    drop(file.open());
    let journal = file.open();
    let id = begin(&journal);
    assert_eq!(journal.log_step(&id, &Progress::Authorising), Ok(()));
    let told = vec![(65, Progress::Authorising)];
    assert_eq!(log_after(&journal, 1), (false, told));
}

#[test]
fn a_question_is_read_when_it_was_told() {
    let file = File::new();
    let journal = file.open();
    let id = begin(&journal);
    let asked = journal.ask_point_of_sale(&id).expect("written");
    assert_eq!(log_after(&journal, 0), (false, Vec::new()));
    journal.told(asked);
    let told = vec![(1, Progress::AskingPointOfSale)];
    assert_eq!(log_after(&journal, 0), (false, told));
}

#[test]
fn a_record_is_kept_as_long_as_the_event_of_its_end() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    let file = File::new();
    let journal = file.open();
    let old = begin_at(&journal, DAY_MS);
    let read = ending(Ending::Completed);
    for id in [begin_at(&journal, 100 * DAY_MS), old.clone()] {
        assert_eq!(journal.finish(&id, &read, &at(9)), Ok(Finished::Recorded));
    }
    // The end of the old one came late, after an event that is young.
    let prune = |day: i64| journal.prune(Timestamp::from_second(day * DAY).expect("a time"));
    assert_eq!(prune(101), Ok(()));
    assert_eq!(log_after(&journal, 0).1.len(), 2);
    for _ in 0..2 {
        assert_eq!(prune(110), Ok(()));
    }
    assert_eq!(log_after(&journal, 0), (true, Vec::new()));
    assert_eq!(journal.record(&old), Ok(None));
}

#[test]
fn an_end_is_told_as_it_was() {
    let file = File::new();
    let journal = file.open();
    let id = after(&journal, &[Phase::Sent, Phase::ReversalDue]);
    let lost = ending(Ending::Failed(Failure::AnswerLost));
    assert_eq!(journal.finish(&id, &lost, &at(9)), Ok(Finished::Recorded));
    journal.release();
    journal
        .append(id.as_str(), Phase::Reversed, b"", Phase::may_settle)
        .expect("it may follow");
    let (_, events) = log_after(&journal, 0);
    let [(1, Progress::Ended(record))] = &*events else {
        panic!("{events:?}")
    };
    let reversal = |record: &Record| record.outcome.as_ref().map(|outcome| outcome.reversal);
    assert_eq!(reversal(record), Some(ReversalState::Pending));
    let now = journal.record(&id).expect("readable").expect("a record");
    assert_eq!(reversal(&now), Some(ReversalState::Confirmed));
}

#[test]
fn the_log_forgets_its_oldest_events_and_says_so() {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    let file = File::new();
    let journal = file.open();
    for day in [101, 102, 103, 104] {
        let id = begin_at(&journal, day * DAY_MS);
        journal
            .log_step(&id, &Progress::WaitingForCard)
            .expect("written");
        let read = ending(Ending::Completed);
        assert_eq!(journal.finish(&id, &read, &at(9)), Ok(Finished::Recorded));
    }
    let second = |day: u64| i64::try_from(day * DAY_MS / 1000).expect("a time");
    let prune = |day| journal.prune(Timestamp::from_second(second(day)).expect("a time"));
    assert_eq!(prune(104), Ok(()));
    assert!(!log_after(&journal, 0).0, "three days are kept");
    assert_eq!(prune(106), Ok(()));
    let (forgotten, events) = log_after(&journal, 0);
    assert!(forgotten);
    assert_eq!(events.first().map(|(number, _)| *number), Some(5));
    assert!(log_after(&journal, 3).0);
    assert!(!log_after(&journal, 4).0, "the next one is kept");
    assert_eq!(prune(160), Ok(()));
    assert_eq!(log_after(&journal, 7), (true, Vec::new()));
    assert_eq!(log_after(&journal, 8), (false, Vec::new()));
    // A number is never given again.
    let id = begin_at(&journal, 160 * DAY_MS);
    journal
        .log_step(&id, &Progress::WaitingForCard)
        .expect("written");
    assert_eq!(log_after(&journal, 8).1, [(9, Progress::WaitingForCard)]);
}

#[test]
fn explanations_are_no_events_of_the_log() {
    let file = File::new();
    let journal = file.open();
    let id = begin(&journal);
    let trace = crate::trace::TraceEvent {
        step: "completion",
        rule: "CO-01".into(),
        section: String::new(),
        finding: "done",
        statement: String::new(),
        elements: Vec::new(),
    };
    assert_eq!(journal.log_step(&id, &Progress::Trace(trace)), Ok(()));
    assert_eq!(log_after(&journal, 0), (false, Vec::new()));
}
