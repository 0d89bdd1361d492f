//! Opening a journal: whose it is, of which version, and whether it is whole.

use super::*;

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
