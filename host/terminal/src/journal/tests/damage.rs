//! Entries that are not what was written.

use super::*;

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
