//! What the point of sale decides (granular mode).

use std::sync::Arc;

use super::TransactionService;
use crate::{
    point_of_sale::{Decided, OnlineAnswer, OnlineRequest},
    transaction::{Record, TransactionId},
};

/// How a transaction stands that the point of sale decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It waits for the decision.
    Asked(Arc<Record>, Arc<OnlineRequest>),
    /// It has its end.
    Ended(Arc<Record>),
}

impl TransactionService {
    /// Waits until the point of sale is asked for its decision, or the transaction has an end. `None`
    /// when there is no such transaction.
    pub async fn asked_or_ended(&self, id: &TransactionId) -> Option<Standing> {
        if let Some(desk) = self.inner.running(id).and_then(|current| current.desk) {
            tokio::select! {
                () = desk.asked() => {
                    if let Some(request) = desk.question() {
                        let record = self.transaction(id).await.ok().flatten()?;
                        return Some(Standing::Asked(record, request));
                    }
                }
                _ = self.ended(id) => {}
            }
        }
        let record = self.ended(id).await?;
        Some(Standing::Ended(record))
    }

    /// What the point of sale is asked about a transaction, while it waits for the decision.
    pub fn question(&self, id: &TransactionId) -> Option<Arc<OnlineRequest>> {
        self.inner.running(id)?.desk?.question()
    }

    /// Takes the decision of the point of sale. When this returns [`Decided::Taken`] no abort is
    /// accepted any more; how the transaction ends, the card has a say in.
    pub fn decide(&self, id: &TransactionId, answer: OnlineAnswer) -> Decided {
        let running = self.inner.running(id);
        if let Some(desk) = running.as_ref().and_then(|current| current.desk.as_ref()) {
            return desk.answer(answer);
        }
        match self.inner.journal.record(id) {
            Ok(Some(_)) if running.is_some() => Decided::NotAsked,
            Ok(Some(_)) => Decided::Over,
            Ok(None) | Err(_) => Decided::Unknown,
        }
    }
}
