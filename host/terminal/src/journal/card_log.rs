//! The card log: what each card paid here last, so that a sale split into small ones is seen
//! (EMV 4.4 Book 3, 10.6.1).
//!
//! The host keeps a digest of the card's number under a key of the vault, never the number: who
//! reads the storage without the device key learns no card. A payment is noted in the commit that
//! approves it, so no loss of power comes between.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    Phase,
    prepared::Prepared as _,
    store::{AppendError, Journal, StorageFault, write_failed},
};
use crate::transaction::{Request, TransactionId};

/// What the vault derives the digest's key from.
const TAG_CONTEXT: &str = "card log";

/// How long a payment is remembered, in milliseconds: 24 hours. A sale is split within minutes, and
/// the issuer of a card that comes every day is asked by its velocity check.
const LIFE_MS: u64 = 24 * 60 * 60 * 1000;

/// Most payments remembered; the oldest give way.
const PAYMENTS_MAX: u32 = 4096;

/// A card's account, as its digest. Cards of one account with different sequence numbers are
/// different.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account([u8; 32]);

impl Journal {
    /// The account of a card: `pan` as in tag 5A, and tag 5F34 when the card has one.
    pub(crate) fn account(&self, pan: &[u8], sequence_number: Option<u8>) -> Account {
        let sequence: &[u8] = match &sequence_number {
            Some(number) => std::slice::from_ref(number),
            None => &[],
        };
        Account(self.vault().tag(TAG_CONTEXT, &[pan, sequence]))
    }

    /// Writes an entry that approves the running transaction and, in the same commit, notes what
    /// `account` paid: everything that was asked for. When this returns, both are durable.
    pub(crate) fn append_approval(
        &self,
        transaction: &TransactionId,
        phase: Phase,
        content: &[u8],
        account: Account,
    ) -> Result<u64, AppendError> {
        self.write(|sql| {
            let id = transaction.as_str();
            let sequence = self.append_within(sql, id, (phase, content), Phase::may_follow)?;
            note(sql, transaction, account)?;
            Ok(sequence)
        })
    }

    /// What `account` paid last in the currency of `transaction`, in minor units; `None` when it paid
    /// nothing in the time that is remembered.
    pub(crate) fn last_payment(
        &self,
        transaction: &TransactionId,
        account: Account,
    ) -> Result<Option<u64>, StorageFault> {
        let connection = self.connection();
        let request: String = connection
            .prepare_cached("SELECT request FROM transactions WHERE id = ?1")?
            .query_row([transaction.as_str()], |row| row.get(0))?;
        let request: Request = serde_json::from_str(&request).map_err(|_| StorageFault)?;
        let amount: Option<i64> = connection
            .prepare_cached(
                "SELECT amount_minor FROM card_log
                 WHERE card = ?1 AND currency = ?2 AND transaction_id >= ?3",
            )?
            .query_row(
                params![account.0, request.currency, oldest(transaction).as_str()],
                |row| row.get(0),
            )
            .optional()?;
        amount
            .map(|amount| u64::try_from(amount).map_err(|_| StorageFault))
            .transpose()
    }
}

/// Notes a payment, and forgets what is past its life or too much.
fn note(
    sql: &Transaction<'_>,
    transaction: &TransactionId,
    account: Account,
) -> Result<(), AppendError> {
    let request: String = sql
        .prepare_cached("SELECT request FROM transactions WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([transaction.as_str()], |row| row.get(0)))
        .map_err(write_failed)?;
    let request: Request = serde_json::from_str(&request).map_err(|_| AppendError::StorageFault)?;
    sql.execute_prepared(
        "INSERT OR REPLACE INTO card_log (card, currency, amount_minor, transaction_id)
         VALUES (?1, ?2, ?3, ?4)",
        params![
            account.0,
            request.currency,
            total(&request),
            transaction.as_str()
        ],
    )
    .and_then(|_| forget_before(sql, &oldest(transaction)))
    .and_then(|_| {
        sql.execute_prepared(
            "DELETE FROM card_log WHERE transaction_id <=
             (SELECT transaction_id FROM card_log ORDER BY transaction_id DESC LIMIT 1 OFFSET ?1)",
            [PAYMENTS_MAX],
        )
    })
    .map(|_| ())
    .map_err(write_failed)
}

/// Forgets what is past its life at this time, in milliseconds since 1970.
pub(super) fn forget(sql: &Transaction<'_>, now_ms: u64) -> rusqlite::Result<usize> {
    let oldest = TransactionId::first_at(now_ms.saturating_sub(LIFE_MS));
    forget_before(sql, &oldest)
}

fn forget_before(sql: &Transaction<'_>, oldest: &TransactionId) -> rusqlite::Result<usize> {
    sql.execute_prepared(
        "DELETE FROM card_log WHERE transaction_id < ?1",
        [oldest.as_str()],
    )
}

/// Everything that was asked for, tip and cashback included.
fn total(request: &Request) -> i64 {
    let total = request
        .amount_minor
        .saturating_add(request.tip_minor)
        .saturating_add(request.cashback_minor);
    i64::try_from(total).unwrap_or(i64::MAX)
}

/// The first name of a transaction whose payment is remembered when `now` runs: names hold the time
/// at which transactions began.
fn oldest(now: &TransactionId) -> TransactionId {
    TransactionId::first_at(now.began_ms().saturating_sub(LIFE_MS))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{File, begin_at};
    use super::*;

    const PAN: &[u8] = &[0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10];
    const NOW_MS: u64 = 1_790_000_000_000;

    /// An offline approval with this card, of NZD 25.00 that was begun at this time.
    fn pay(journal: &Journal, began_ms: u64, sequence_number: Option<u8>) {
        let id = begin_at(journal, began_ms);
        let account = journal.account(PAN, sequence_number);
        journal
            .append_approval(&id, Phase::AdviceDue, b"content", account)
            .expect("an approval");
        journal.release();
    }

    fn paid(journal: &Journal, now_ms: u64, sequence_number: Option<u8>) -> Option<u64> {
        let id = begin_at(journal, now_ms);
        let account = journal.account(PAN, sequence_number);
        let paid = journal.last_payment(&id, account).expect("storage works");
        journal.release();
        paid
    }

    #[test]
    fn a_payment_is_remembered_for_a_day_and_over_a_restart() {
        let file = File::new();
        let journal = file.open();
        pay(&journal, NOW_MS, Some(1));
        assert_eq!(paid(&journal, NOW_MS, Some(1)), Some(2500));
        assert_eq!(paid(&journal, NOW_MS, Some(2)), None);
        assert_eq!(paid(&journal, NOW_MS, None), None);
        drop(journal);
        let journal = file.open();
        assert_eq!(paid(&journal, NOW_MS + LIFE_MS, Some(1)), Some(2500));
        assert_eq!(paid(&journal, NOW_MS + LIFE_MS + 1, Some(1)), None);
        // A clock that was put back forgets nothing.
        assert_eq!(paid(&journal, NOW_MS - LIFE_MS, Some(1)), Some(2500));
    }

    #[test]
    fn pruning_forgets_what_is_past_its_life() {
        let file = File::new();
        let journal = file.open();
        pay(&journal, NOW_MS, Some(1));
        let count = || -> u32 {
            let count = "SELECT count(*) FROM card_log";
            let row = journal.connection().query_row(count, [], |row| row.get(0));
            row.expect("a count")
        };
        for (after_ms, left) in [(LIFE_MS, 1), (LIFE_MS + 1000, 0)] {
            let now = i64::try_from((NOW_MS + after_ms) / 1000).expect("a time");
            let now = jiff::Timestamp::from_second(now).expect("a time");
            journal.prune(now).expect("storage works");
            assert_eq!(count(), left);
        }
    }

    #[test]
    fn an_approval_that_is_not_written_is_not_remembered() {
        let file = File::new();
        let journal = file.open();
        let id = begin_at(&journal, NOW_MS);
        let account = journal.account(PAN, None);
        let refused = journal.append_approval(&id, Phase::Approved, b"content", account);
        assert_eq!(refused, Err(AppendError::OutOfOrder));
        assert_eq!(journal.last_payment(&id, account), Ok(None));
    }

    #[test]
    fn no_card_number_lies_on_the_disk() {
        let file = File::new();
        pay(&file.open(), NOW_MS, Some(1));
        let bytes = std::fs::read(&file.path).expect("a file");
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(holds(b"card_log"), "the file is what it is taken for");
        assert!(!holds(PAN));
        assert!(!holds(b"4761739001010010"));
    }

    #[test]
    fn the_oldest_payments_give_way() {
        let file = File::new();
        let journal = file.open();
        let id = begin_at(&journal, NOW_MS);
        let payer = journal.account(PAN, None);
        journal
            .write(|sql| {
                for number in 0..=PAYMENTS_MAX {
                    let earlier = NOW_MS.saturating_sub(u64::from(number) * 1000);
                    let card = journal.account(&number.to_be_bytes(), None);
                    sql.execute(
                        "INSERT INTO card_log VALUES (?1, 'NZD', 1, ?2)",
                        params![card.0, TransactionId::first_at(earlier).as_str()],
                    )
                    .map_err(write_failed)?;
                }
                note(sql, &id, payer)
            })
            .expect("a write");
        let count: u32 = journal
            .connection()
            .query_row("SELECT count(*) FROM card_log", [], |row| row.get(0))
            .expect("a count");
        assert_eq!(count, PAYMENTS_MAX);
    }
}
