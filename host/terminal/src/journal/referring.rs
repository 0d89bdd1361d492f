//! What refers to an earlier transaction: voids, completions, refunds.

use rusqlite::OptionalExtension as _;

use super::store::{Journal, StorageFault};
use crate::transaction::{Kind, Referred, Request, TransactionId};

impl Journal {
    /// What a transaction was asked to be.
    pub(super) fn kind(&self, id: &TransactionId) -> Result<Option<Kind>, StorageFault> {
        let request: Option<String> = self
            .connection()
            .prepare_cached("SELECT request FROM transactions WHERE id = ?1")?
            .query_row([id.as_str()], |row| row.get(0))
            .optional()?;
        let request: Option<Request> = request
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|_| StorageFault)?;
        Ok(request.map(|request| request.kind))
    }

    /// What later transactions made of one. What was closed without an approval, or reversed, made
    /// nothing of it; everything else counts, so that nothing is given back twice.
    pub(crate) fn referred(&self, id: &TransactionId) -> Result<Referred, StorageFault> {
        let requests: Vec<String> = {
            let connection = self.connection();
            let mut statement = connection.prepare_cached(
                "SELECT request FROM transactions
                 WHERE json_extract(request, '$.original') = ?1 AND phase NOT IN (6, 7)",
            )?;
            statement
                .query_map([id.as_str()], |row| row.get(0))?
                .collect::<Result<_, _>>()?
        };
        let mut referred = Referred::default();
        for request in requests {
            let request: Request = serde_json::from_str(&request).map_err(|_| StorageFault)?;
            match request.kind {
                Kind::Void => referred.voided = true,
                Kind::PreAuthComplete => referred.completed = true,
                Kind::Refund => {
                    referred.refunded_minor =
                        referred.refunded_minor.saturating_add(request.amount_minor);
                }
                Kind::Sale | Kind::PreAuth | Kind::CardRead | Kind::BalanceInquiry => {}
            }
        }
        Ok(referred)
    }
}
