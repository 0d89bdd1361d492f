//! What is answered about transactions that have ended.
//!
//! Nobody decides about them any more, so every caller is answered alike; and as long as the terminal
//! gives the same record, the answer is the same.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use terminal_host::transaction::Record;

use crate::{answer::Written, error::ApiError, response::TransactionResponse, terminal::Merchant};

/// The most answers that are kept: a few points of sale ask for their last ones.
const ANSWERS_MAX: usize = 32;

/// The answers that were written last. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Ended(Arc<Mutex<VecDeque<Kept>>>);

/// One, and the record that it was written for. The record is held, so that no other can be in its place.
struct Kept {
    record: Arc<Record>,
    answer: Written,
}

impl Ended {
    /// The answer for a record that has its end.
    pub(crate) fn answer(
        &self,
        record: &Arc<Record>,
        merchant: &Merchant,
    ) -> Result<Written, ApiError> {
        if let Some(kept) = self.kept(record) {
            return Ok(kept);
        }
        let answer = Written::of(&TransactionResponse::of(record, merchant))?;
        let mut answers = self.lock();
        // A record of before is not given again.
        answers.retain(|kept| kept.record.id != record.id);
        if answers.len() >= ANSWERS_MAX {
            answers.pop_front();
        }
        answers.push_back(Kept {
            record: Arc::clone(record),
            answer: answer.clone(),
        });
        Ok(answer)
    }

    /// What was written for this very record.
    fn kept(&self, record: &Arc<Record>) -> Option<Written> {
        self.lock()
            .iter()
            .find(|kept| Arc::ptr_eq(&kept.record, record))
            .map(|kept| kept.answer.clone())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use serde_json::Value;
    use terminal_host::transaction::{Ending, ReversalState, TransactionId};

    use super::*;
    use crate::response::tests::{merchant, record};

    /// One that was approved, under a name of its own.
    fn approved(ms: u64) -> Record {
        let id = format!("txn_{}", ulid::Ulid::from_parts(ms, 0));
        Record {
            id: TransactionId::parse(&id).expect("a name"),
            ..record(Ending::Approved, ReversalState::None)
        }
    }

    async fn read(answer: Result<Written, ApiError>) -> Value {
        let response = answer.into_response();
        let body = axum::body::to_bytes(response.into_body(), 64 * 1024).await;
        serde_json::from_slice(&body.expect("a body")).expect("JSON")
    }

    #[tokio::test]
    async fn each_record_has_its_own_answer_for_as_long_as_it_is_the_same() {
        let ended = Ended::default();
        let merchant = merchant();
        let [first, second] = [1, 2].map(|ms| Arc::new(approved(ms)));
        let mut refunded = approved(1);
        refunded.referred.refunded_minor = 7;
        let refunded = Arc::new(refunded);
        for record in [&first, &second, &first, &second, &refunded, &refunded] {
            let expected = TransactionResponse::of(record, &merchant);
            let expected = serde_json::to_value(expected).expect("JSON");
            assert_eq!(read(ended.answer(record, &merchant)).await, expected);
        }
        let kept = [first, second, refunded].map(|record| ended.kept(&record).is_some());
        assert_eq!(kept, [false, true, true], "of each the newest");
        assert_eq!(ended.lock().len(), 2, "each was written once");
    }

    #[test]
    fn as_many_are_kept_as_the_limit_says() {
        let ended = Ended::default();
        let merchant = merchant();
        let records: Vec<_> = (0..)
            .map(approved)
            .map(Arc::new)
            .take(ANSWERS_MAX + 1)
            .collect();
        for record in &records {
            assert!(ended.answer(record, &merchant).is_ok());
        }
        let is_kept = |record| ended.kept(record).is_some();
        let kept: Vec<_> = records.iter().map(is_kept).collect();
        let mut expected = vec![true; ANSWERS_MAX + 1];
        expected[0] = false;
        assert_eq!(kept, expected);
    }
}
