//! The host's records of transactions.

use std::sync::Arc;

use jiff::{Timestamp, Zoned, fmt::temporal::Pieces};
use rusqlite::{OptionalExtension, params};

use super::{
    Phase, batches, card_log,
    claims::CLAIM_LIFE,
    events,
    prepared::Prepared as _,
    store::{AppendError, Journal, StorageFault, phase_of, write_failed},
};
use crate::{
    service::Claim,
    transaction::{Ending, Failure, Outcome, Record, Request, ReversalState, TransactionId},
};

/// How long entries and records of ended transactions are kept, in seconds: 90 days. A batch is
/// reconciled and a chargeback answered from the acquirer's side long before.
const RECORD_LIFE: i64 = 90 * 24 * 60 * 60;

/// What becomes durable before a transaction starts.
pub(crate) struct Beginning<'a> {
    /// Its name.
    pub(crate) id: &'a TransactionId,
    /// What was asked for.
    pub(crate) request: &'a Request,
    /// When.
    pub(crate) began: &'a Zoned,
    /// The point of sale's claim.
    pub(crate) claim: Option<&'a Claim>,
    /// When the claim is made.
    pub(crate) claimed: Timestamp,
}

/// What became of an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finished {
    /// It is the transaction's end now.
    Recorded,
    /// The transaction had one before, which stays.
    Known,
}

impl Journal {
    /// Makes request, claim and the entry `begun` durable in one commit, for a transaction that runs
    /// from now on. The caller has seen that the claim is free; an older one under the same key has
    /// run out and gives way.
    pub(crate) fn begin(&self, beginning: &Beginning<'_>) -> Result<(), AppendError> {
        let id = beginning.id.as_str();
        let request =
            serde_json::to_string(beginning.request).map_err(|_| AppendError::StorageFault)?;
        let now = beginning.claimed.as_second();
        let begun = self.write(|sql| {
            Self::has_room(sql)?;
            self.set_running(Some(id));
            let sequence = self.insert(sql, id, Phase::Begun, &[])?;
            let written = batches::open(sql)
                .and_then(|batch| {
                    sql.execute_prepared(
                        "INSERT INTO transactions (id, request, began, phase, last_sequence, batch)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        params![
                            id,
                            request,
                            stored(beginning.began),
                            Phase::Begun.number(),
                            sequence,
                            batch
                        ],
                    )
                })
                .and_then(|_| {
                    sql.execute_prepared(
                        "DELETE FROM claims WHERE made <= ?1",
                        [now.saturating_sub(CLAIM_LIFE)],
                    )
                })
                .and_then(|_| match beginning.claim {
                    Some(claim) => sql.execute_prepared(
                        "INSERT OR REPLACE INTO claims (key, fingerprint, transaction_id, made)
                         VALUES (?1, ?2, ?3, ?4)",
                        params![claim.key, claim.fingerprint, id, now],
                    ),
                    None => Ok(0),
                });
            written.map(|_| ()).map_err(write_failed)
        });
        if begun.is_err() {
            self.release();
        }
        begun
    }

    /// Gives a transaction its end, and logs the event of it; the first end stays. A transaction of
    /// which nothing was sent is closed with it. A claim is freed when nothing was sent, the point of
    /// sale was not asked, and the reason passes.
    ///
    /// Fails with `OutOfOrder` when the outcome contradicts the journal: an approval that the
    /// journal does not hold, or the reverse.
    pub(crate) fn finish(
        &self,
        id: &TransactionId,
        outcome: &Outcome,
        ended: &Zoned,
    ) -> Result<Finished, AppendError> {
        let text = serde_json::to_string(outcome).map_err(|_| AppendError::StorageFault)?;
        let logged = self.write(|sql| {
            let phase = phase_of(sql, id.as_str())?.ok_or(AppendError::OutOfOrder)?;
            if !agrees(outcome, phase) {
                return Err(AppendError::OutOfOrder);
            }
            if phase == Phase::Begun {
                let sequence = self.insert(sql, id.as_str(), Phase::Closed, &[])?;
                sql.execute_prepared(
                    "UPDATE transactions SET phase = ?1, last_sequence = ?2 WHERE id = ?3",
                    params![Phase::Closed.number(), sequence, id.as_str()],
                )
                .map_err(write_failed)?;
            }
            let recorded = sql
                .execute_prepared(
                    "UPDATE transactions SET outcome = ?1, ended = ?2
                     WHERE id = ?3 AND outcome IS NULL",
                    params![text, stored(ended), id.as_str()],
                )
                .map_err(write_failed)?;
            if recorded == 0 {
                return Ok(None);
            }
            if frees_its_claim(outcome, phase) {
                sql.execute_prepared(
                    // Once the point of sale was asked, its acquirer may have approved.
                    "DELETE FROM claims WHERE transaction_id = ?1
                     AND transaction_id NOT IN (SELECT id FROM transactions WHERE asked = 1)",
                    [id.as_str()],
                )
                .map_err(write_failed)?;
            }
            events::log_end(sql, id, phase).map(Some)
        })?;
        Ok(match logged {
            Some(sequence) => {
                self.newest().told(sequence);
                Finished::Recorded
            }
            None => Finished::Known,
        })
    }

    /// One record. The state of its reversal is the journal's.
    pub(crate) fn record(&self, id: &TransactionId) -> Result<Option<Arc<Record>>, StorageFault> {
        if let Some(record) = self.recent().record(id) {
            return Ok(Some(record));
        }
        // What changes from here on makes it a record of before.
        let before_reading = self.recent().now();
        let row = self
            .connection()
            .prepare_cached(&format!("{RECORDS} WHERE id = ?1"))?
            .query_row([id.as_str()], Row::read)
            .optional()?;
        let record = row
            .map(|row| self.record_of(row))
            .transpose()?
            .map(Arc::new);
        if let Some(record) = &record {
            self.recent().keep_record(before_reading, record);
        }
        Ok(record)
    }

    /// Records, the newest first: those before `before`, that began at `from` or later.
    pub(crate) fn records(
        &self,
        before: Option<&TransactionId>,
        from: Option<Timestamp>,
        count_max: u32,
    ) -> Result<Vec<Record>, StorageFault> {
        let from = from.and_then(|from| u64::try_from(from.as_millisecond()).ok());
        let oldest = TransactionId::first_at(from.unwrap_or_default());
        // Every name sorts before this one.
        let before = before.map_or("txn_a", TransactionId::as_str);
        let rows: Vec<Row> = {
            let connection = self.connection();
            let mut statement = connection.prepare_cached(&format!(
                "{RECORDS} WHERE id < ?1 AND id >= ?2 ORDER BY id DESC LIMIT ?3"
            ))?;
            statement
                .query_map(params![before, oldest.as_str(), count_max], Row::read)?
                .collect::<Result<_, _>>()?
        };
        rows.into_iter().map(|row| self.record_of(row)).collect()
    }

    pub(super) fn record_of(&self, row: Row) -> Result<Record, StorageFault> {
        let id = TransactionId(row.id);
        let reversal = self.reversal_of(&id, Phase::from_number(row.phase))?;
        let mut outcome: Option<Outcome> = row
            .outcome
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|_| StorageFault)?;
        if let Some(outcome) = &mut outcome {
            outcome.reversal = reversal;
        }
        let request: Request = serde_json::from_str(&row.request).map_err(|_| StorageFault)?;
        let refers_to = match &request.original {
            Some(original) => self.kind(original)?,
            None => None,
        };
        Ok(Record {
            referred: self.referred(&id)?,
            id,
            request,
            refers_to,
            began: restored(&row.began)?,
            outcome,
            batch: row.batch,
            asked: row.asked,
        })
    }

    /// Whether a transaction's last entry was found damaged.
    pub(crate) fn is_damaged(&self, id: &TransactionId) -> bool {
        self.damaged().contains_key(id.as_str())
    }

    /// The state of a transaction's reversal, by its phase. A damaged entry reverses nothing any more.
    fn reversal_of(
        &self,
        id: &TransactionId,
        phase: Option<Phase>,
    ) -> Result<ReversalState, StorageFault> {
        if self.is_damaged(id) {
            Ok(ReversalState::ByHand)
        } else {
            phase.map(Phase::reversal).ok_or(StorageFault)
        }
    }

    /// Where a transaction stands.
    pub(crate) fn phase(&self, id: &TransactionId) -> Result<Option<Phase>, StorageFault> {
        phase_of(&self.connection(), id.as_str()).map_err(|_| StorageFault)
    }

    /// Forgets what is past its life: records and entries of transactions that ended long ago.
    pub(crate) fn prune(&self, now: Timestamp) -> Result<(), StorageFault> {
        let before = now.as_second().saturating_sub(RECORD_LIFE);
        let now_ms = u64::try_from(now.as_millisecond()).unwrap_or_default();
        // A transaction's name holds the time at which it began.
        let Ok(before_ms) = u64::try_from(before.saturating_mul(1000)) else {
            return Ok(());
        };
        let oldest = TransactionId::first_at(before_ms);
        self.write(|sql| {
            let done = "id < ?1 AND outcome IS NOT NULL AND phase IN (5, 6, 7)
                        AND id NOT IN (SELECT transaction_id FROM claims)
                        AND id NOT IN (SELECT transaction_id FROM events)";
            sql.execute_prepared(
                &format!(
                    "DELETE FROM entries WHERE transaction_id IN
                     (SELECT id FROM transactions WHERE {done})"
                ),
                [oldest.as_str()],
            )
            .and_then(|_| {
                sql.execute_prepared(
                    &format!("DELETE FROM transactions WHERE {done}"),
                    [oldest.as_str()],
                )
            })
            .and_then(|_| batches::forget_before(sql, before_ms))
            .and_then(|_| card_log::forget(sql, now_ms))
            .and_then(|_| events::forget(sql, now_ms))
            .map_err(write_failed)
        })
        .map_err(|_| StorageFault)
    }
}

/// Records, in the columns that [`Row`] reads.
pub(super) const RECORDS: &str =
    "SELECT id, request, began, phase, outcome, batch, asked FROM transactions";

/// A record as it is stored.
pub(super) struct Row {
    id: String,
    request: String,
    began: String,
    phase: i64,
    outcome: Option<String>,
    batch: u32,
    asked: bool,
}

impl Row {
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            request: row.get(1)?,
            began: row.get(2)?,
            phase: row.get(3)?,
            outcome: row.get(4)?,
            batch: row.get(5)?,
            asked: row.get(6)?,
        })
    }
}

/// Whether an outcome may be recorded for a transaction in `phase`: approved if and only if the
/// journal says so.
fn agrees(outcome: &Outcome, phase: Phase) -> bool {
    (outcome.ending == Ending::Approved) == phase.is_approved() && phase != Phase::Sent
}

/// A failure that passes, before anything was sent: the same request may be tried again. Whether
/// something was sent is the journal's to say.
fn frees_its_claim(outcome: &Outcome, phase: Phase) -> bool {
    matches!(
        outcome.ending,
        Ending::Failed(Failure::AcquirerUnreachable | Failure::DeviceFault | Failure::EngineFault)
    ) && matches!(phase, Phase::Begun | Phase::Closed)
}

/// A moment as it is stored: with its offset and without the name of a time zone, so that it can be
/// read where that zone is not known.
pub(super) fn stored(moment: &Zoned) -> String {
    moment
        .timestamp()
        .display_with_offset(moment.offset())
        .to_string()
}

pub(super) fn restored(text: &str) -> Result<Zoned, StorageFault> {
    let pieces = Pieces::parse(text).map_err(|_| StorageFault)?;
    let offset = pieces.to_numeric_offset().ok_or(StorageFault)?;
    let local = pieces
        .date()
        .to_datetime(pieces.time().ok_or(StorageFault)?);
    let timestamp = offset.to_timestamp(local).map_err(|_| StorageFault)?;
    Ok(timestamp.to_zoned(offset.to_time_zone()))
}
