//! The claims of the points of sale: one key, one transaction.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use super::store::{Journal, StorageFault};
use crate::{service::Claim, transaction::TransactionId};

/// How long a claim is remembered, in seconds: 24 hours.
pub(super) const CLAIM_LIFE: i64 = 24 * 60 * 60;

/// What is known of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// Nothing: it is free.
    Free,
    /// It was made for this transaction, by the same request.
    By(TransactionId),
    /// It was made by another request.
    Conflict,
}

impl Journal {
    /// What is known of a claim at the moment `now`, by the clock that [`Beginning::claimed`](super::Beginning::claimed) is read
    /// from.
    pub(crate) fn claimed(&self, claim: &Claim, now: Timestamp) -> Result<Claimed, StorageFault> {
        let row: Option<(Vec<u8>, String)> = self
            .connection()
            .prepare_cached(
                "SELECT fingerprint, transaction_id FROM claims WHERE key = ?1 AND made > ?2",
            )?
            .query_row(
                params![claim.key, now.as_second().saturating_sub(CLAIM_LIFE)],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        Ok(match row {
            None => Claimed::Free,
            Some((fingerprint, id)) if fingerprint == claim.fingerprint => {
                Claimed::By(TransactionId(id))
            }
            Some(_) => Claimed::Conflict,
        })
    }
}
