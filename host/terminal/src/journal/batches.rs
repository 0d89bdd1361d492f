//! Batches and their settlements.

use std::collections::BTreeMap;

use jiff::Zoned;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::Serialize;

use super::{
    Entry, Phase,
    counters::{Counter, count_up},
    records::{RECORDS, Row, restored, stored},
    store::{AppendError, Journal, StorageFault, write_failed},
};
use crate::{
    batch::{Batch, CurrencyTotals, Settlement, SettlementId, SettlementState, Totals},
    transaction::{Kind, Record},
};

/// Settlements, in the columns that [`StoredSettlement`] has.
const SETTLEMENTS: &str =
    "SELECT id, batch, currency, totals, state, frozen, closed FROM settlements";

/// The number of the batch that is open.
pub(super) fn open(connection: &Connection) -> rusqlite::Result<u32> {
    let (name, last) = Counter::Batch.row();
    let before: Option<u32> = connection
        .prepare_cached("SELECT value FROM counters WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    let closed = before.unwrap_or_default();
    Ok(closed
        .checked_rem(last)
        .unwrap_or_default()
        .saturating_add(1))
}

/// Forgets what was settled before a moment, in milliseconds since 1970.
pub(super) fn forget_before(sql: &Transaction<'_>, unix_ms: u64) -> rusqlite::Result<usize> {
    let oldest = SettlementId::first_at(unix_ms);
    sql.execute(
        "DELETE FROM settlements WHERE closed IS NOT NULL AND id < ?1",
        [oldest.as_str()],
    )
}

impl Journal {
    /// The number of the batch that is open.
    pub(crate) fn open_batch(&self) -> Result<u32, StorageFault> {
        open(&self.connection()).map_err(StorageFault::from)
    }

    /// What was approved in the batch that is open.
    pub(crate) fn open_totals(&self) -> Result<Vec<CurrencyTotals>, StorageFault> {
        let batch = self.open_batch()?;
        Ok(totals(&self.approved(batch)?))
    }

    /// Freezes the batch that is open, and opens the next one, in one commit. Nothing changes where
    /// it has no money in it.
    pub(crate) fn freeze(&self, now: &Zoned) -> Result<(), AppendError> {
        let batch = self.open_batch().map_err(|_| AppendError::StorageFault)?;
        let approved = self
            .approved(batch)
            .map_err(|_| AppendError::StorageFault)?;
        let totals: Vec<_> = totals(&approved)
            .into_iter()
            .filter(|of| of.totals.sale.count > 0 || of.totals.refund.count > 0)
            .collect();
        if totals.is_empty() {
            return Ok(());
        }
        self.write(|sql| {
            count_up(sql, Counter::Batch)?;
            for of in &totals {
                insert(sql, batch, of, now)?;
            }
            Ok(())
        })
    }

    /// The batches that the acquirer has not closed, the oldest first.
    pub(crate) fn unclosed(&self) -> Result<Vec<Batch>, StorageFault> {
        let mut batches: Vec<Batch> = Vec::new();
        for settlement in self.settlements_where("WHERE closed IS NULL ORDER BY id", &[])? {
            let number = settlement.batch;
            match batches.iter_mut().find(|batch| batch.number == number) {
                Some(batch) => batch.totals.push(settlement.totals),
                None => batches.push(Batch {
                    number,
                    totals: vec![settlement.totals],
                }),
            }
        }
        Ok(batches)
    }

    /// Writes down what the acquirer says of one currency of a batch. Of what it has closed nothing
    /// of the engine's is kept any more: the contents go in the same commit.
    pub(crate) fn settle(
        &self,
        batch: u32,
        currency: &str,
        state: SettlementState,
        now: &Zoned,
    ) -> Result<(), AppendError> {
        let closed = (state == SettlementState::Settled).then(|| stored(now));
        let text = json(&state)?;
        self.write(|sql| {
            sql.execute(
                "UPDATE settlements SET state = ?1, closed = ?2
                 WHERE batch = ?3 AND currency = ?4 AND closed IS NULL",
                params![text, closed, batch, currency],
            )
            .map_err(write_failed)?;
            if closed.is_some() {
                self.forget(sql, batch, currency)?;
            }
            Ok(())
        })
    }

    /// Every settlement, the newest first.
    pub(crate) fn settlements(&self) -> Result<Vec<Settlement>, StorageFault> {
        self.settlements_where("ORDER BY id DESC", &[])
    }

    /// One settlement.
    pub(crate) fn settlement(&self, id: &SettlementId) -> Result<Option<Settlement>, StorageFault> {
        let found = self.settlements_where("WHERE id = ?1", &[id.as_str()])?;
        Ok(found.into_iter().next())
    }

    /// The transactions of a settlement, the oldest first.
    pub(crate) fn settled(&self, settlement: &Settlement) -> Result<Vec<Record>, StorageFault> {
        let mut approved = self.approved(settlement.batch)?;
        approved.retain(|record| {
            record.request.currency == settlement.totals.currency
                && record.request.kind != Kind::PreAuth
        });
        Ok(approved)
    }

    /// The last entries of what is told to the acquirer of a batch: what was voided, and what was
    /// only reserved, apart.
    pub(crate) fn batch_entries(
        &self,
        batch: u32,
        after: u64,
        count_max: u32,
    ) -> Result<Vec<Entry>, StorageFault> {
        let mut entries = Vec::new();
        for record in self.approved(batch)? {
            let counts = matches!(
                record.request.kind,
                Kind::Sale | Kind::PreAuthComplete | Kind::Refund
            );
            if counts && !record.referred.voided {
                entries.extend(self.last_entry(record.id.as_str())?);
            }
        }
        entries.retain(|entry| entry.sequence > after);
        entries.sort_by_key(|entry| entry.sequence);
        entries.truncate(usize::try_from(count_max).unwrap_or(usize::MAX));
        Ok(entries)
    }

    /// What the acquirer approved in a batch, the oldest first. What the point of sale decided, it
    /// settles.
    fn approved(&self, batch: u32) -> Result<Vec<Record>, StorageFault> {
        let rows: Vec<Row> = {
            let connection = self.connection();
            let mut statement = connection.prepare_cached(&format!(
                "{RECORDS} WHERE batch = ?1 AND phase IN (4, 5) AND outcome IS NOT NULL
                 AND json_extract(request, '$.online_decision') IS NOT 'PointOfSale' ORDER BY id"
            ))?;
            statement
                .query_map([batch], Row::read)?
                .collect::<Result<_, _>>()?
        };
        rows.into_iter().map(|row| self.record_of(row)).collect()
    }

    fn settlements_where(
        &self,
        clause: &str,
        values: &[&str],
    ) -> Result<Vec<Settlement>, StorageFault> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(&format!("{SETTLEMENTS} {clause}"))?;
        let rows = statement.query_map(rusqlite::params_from_iter(values), |row| {
            Ok(StoredSettlement {
                id: row.get(0)?,
                batch: row.get(1)?,
                currency: row.get(2)?,
                totals: row.get(3)?,
                state: row.get(4)?,
                frozen: row.get(5)?,
                closed: row.get(6)?,
            })
        })?;
        rows.map(|row| row.map_err(StorageFault::from)?.parse())
            .collect()
    }

    /// Seals nothing in place of what the engine wrote of a closed batch's transactions, and of those
    /// that they referred to. Their phases stay. A pre-authorisation may still be completed.
    fn forget(&self, sql: &Transaction<'_>, batch: u32, currency: &str) -> Result<(), AppendError> {
        let rows: Vec<(String, i64, i64)> = sql
            .prepare_cached(
                "SELECT id, last_sequence, phase FROM transactions
                 WHERE phase = 5 AND json_extract(request, '$.currency') = ?2
                   AND (batch = ?1 AND json_extract(request, '$.kind') <> 'PRE_AUTH'
                        OR id IN (SELECT json_extract(request, '$.original') FROM transactions
                                  WHERE batch = ?1 AND phase = 5
                                    AND json_extract(request, '$.original') IS NOT NULL))",
            )
            .and_then(|mut statement| {
                statement
                    .query_map(params![batch, currency], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                    })?
                    .collect()
            })
            .map_err(write_failed)?;
        for (id, sequence, phase) in rows {
            let phase = Phase::from_number(phase).ok_or(AppendError::StorageFault)?;
            let sealed = self.seal(sequence, &id, phase, &[])?;
            sql.execute(
                "UPDATE entries SET content = ?1 WHERE sequence = ?2",
                params![sealed, sequence],
            )
            .map_err(write_failed)?;
        }
        Ok(())
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, AppendError> {
    serde_json::to_string(value).map_err(|_| AppendError::StorageFault)
}

fn insert(
    sql: &Transaction<'_>,
    batch: u32,
    of: &CurrencyTotals,
    now: &Zoned,
) -> Result<(), AppendError> {
    sql.execute(
        "INSERT INTO settlements (id, batch, currency, totals, state, frozen)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            SettlementId::new().as_str(),
            batch,
            of.currency,
            json(&of.totals)?,
            json(&SettlementState::Pending)?,
            stored(now)
        ],
    )
    .map(|_| ())
    .map_err(write_failed)
}

/// What approved transactions add up to, by currency.
fn totals(approved: &[Record]) -> Vec<CurrencyTotals> {
    let mut by_currency: BTreeMap<&str, Totals> = BTreeMap::new();
    for record in approved {
        let Some(outcome) = &record.outcome else {
            continue;
        };
        let totals = by_currency.entry(&record.request.currency).or_default();
        let sum = match record.request.kind {
            Kind::Sale | Kind::PreAuthComplete => &mut totals.sale,
            Kind::Refund => &mut totals.refund,
            Kind::PreAuth => &mut totals.pre_auth,
            // The void of a reservation takes back no money of the batch.
            Kind::Void if record.refers_to == Some(Kind::PreAuth) => continue,
            Kind::Void => &mut totals.void,
            Kind::CardRead | Kind::BalanceInquiry => continue,
        };
        sum.add(outcome.approved_minor);
    }
    by_currency
        .into_iter()
        .map(|(currency, totals)| CurrencyTotals {
            currency: currency.to_owned(),
            totals,
        })
        .collect()
}

struct StoredSettlement {
    id: String,
    batch: u32,
    currency: String,
    totals: String,
    state: String,
    frozen: String,
    closed: Option<String>,
}

impl StoredSettlement {
    fn parse(self) -> Result<Settlement, StorageFault> {
        Ok(Settlement {
            id: SettlementId(self.id),
            batch: self.batch,
            totals: CurrencyTotals {
                currency: self.currency,
                totals: serde_json::from_str(&self.totals).map_err(|_| StorageFault)?,
            },
            state: serde_json::from_str(&self.state).map_err(|_| StorageFault)?,
            frozen: restored(&self.frozen)?,
            closed: self.closed.as_deref().map(restored).transpose()?,
        })
    }
}
