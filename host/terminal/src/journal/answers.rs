//! Answers that are given again: to requests of points of sale that have a key and are no transactions.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use super::{
    claims::CLAIM_LIFE,
    store::{AppendError, Journal, StorageFault, write_failed},
};
use crate::service::{Claim, KeptAnswer};

/// What the vault derives the sealing key from. What a cardholder typed may be in an answer.
const SEAL_CONTEXT: &str = "answers";

/// The most answers of one scope. The oldest gives way: twelve requests a minute for almost six hours.
pub(super) const ANSWERS_MAX: u32 = 4096;

/// The largest answer that is kept, in bytes.
pub(super) const ANSWER_BYTES_MAX: usize = 64 * 1024;

impl Journal {
    /// What is kept under a claim at the moment `now`, by the clock that answers are kept by.
    pub(crate) fn kept_answer(
        &self,
        claim: &Claim,
        now: Timestamp,
    ) -> Result<KeptAnswer, StorageFault> {
        let row: Option<(Vec<u8>, Vec<u8>)> = self
            .connection()
            .prepare_cached("SELECT fingerprint, answer FROM answers WHERE key = ?1 AND made > ?2")?
            .query_row(
                params![claim.key, now.as_second().saturating_sub(CLAIM_LIFE)],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        match row {
            None => Ok(KeptAnswer::None),
            Some((fingerprint, _)) if fingerprint != claim.fingerprint => Ok(KeptAnswer::Conflict),
            Some((_, sealed)) => {
                let unsealed = self.vault().unseal(SEAL_CONTEXT, &bound_to(claim), &sealed);
                unsealed
                    .map(|answer| KeptAnswer::Answer(answer.to_vec()))
                    .map_err(|_| {
                        tracing::error!("an answer is not what was kept");
                        StorageFault
                    })
            }
        }
    }

    /// Keeps an answer for 24 hours. An older one under the same key gives way.
    ///
    /// Fails with `Full` when it is too large, or only the room is left that transactions need.
    pub(crate) fn keep_answer(
        &self,
        claim: &Claim,
        answer: &[u8],
        now: Timestamp,
    ) -> Result<(), AppendError> {
        if answer.len() > ANSWER_BYTES_MAX {
            return Err(AppendError::Full);
        }
        let sealed = self
            .vault()
            .seal(SEAL_CONTEXT, &bound_to(claim), answer)
            .map_err(|_| AppendError::StorageFault)?;
        let now = now.as_second();
        let scope = scope(claim);
        self.write(|sql| {
            Self::has_room(sql)?;
            sql.execute(
                "DELETE FROM answers WHERE made <= ?1",
                [now.saturating_sub(CLAIM_LIFE)],
            )
            .and_then(|_| {
                sql.execute(
                    "INSERT OR REPLACE INTO answers (key, scope, fingerprint, answer, made)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![claim.key, scope, claim.fingerprint, sealed, now],
                )
            })
            .and_then(|_| {
                sql.execute(
                    "DELETE FROM answers WHERE rowid IN
                     (SELECT rowid FROM answers WHERE scope = ?1
                      ORDER BY made DESC, rowid DESC LIMIT -1 OFFSET ?2)",
                    params![scope, ANSWERS_MAX],
                )
            })
            .map(|_| ())
            .map_err(write_failed)
        })
    }
}

/// What stands before the first blank of a key: the requests whose answers give way to each other.
fn scope(claim: &Claim) -> &str {
    claim.key.split(' ').next().unwrap_or_default()
}

/// What an answer is bound to: it cannot be moved to another key or request.
fn bound_to(claim: &Claim) -> Vec<u8> {
    let mut bound = claim.fingerprint.to_vec();
    bound.extend(claim.key.as_bytes());
    bound
}
