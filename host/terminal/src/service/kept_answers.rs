//! Answers that are kept for requests that come again.

use super::{Claim, StorageFault, TransactionService};

/// What is kept under a claim.
#[derive(Clone, PartialEq, Eq)]
pub enum KeptAnswer {
    /// Nothing.
    None,
    /// The answer to the same request.
    Answer(Vec<u8>),
    /// The answer to another request.
    Conflict,
}

/// An answer may hold what a cardholder typed.
impl std::fmt::Debug for KeptAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Answer(_) => "Answer",
            Self::Conflict => "Conflict",
        })
    }
}

impl TransactionService {
    /// What is kept under a claim, for 24 hours from when it was.
    #[expect(
        clippy::unused_async,
        reason = "storage may be waited for without a change here"
    )]
    pub async fn kept_answer(&self, claim: &Claim) -> Result<KeptAnswer, StorageFault> {
        let now = self.inner.steady_time();
        let kept = self.inner.journal.kept_answer(claim, now);
        kept.map_err(|_| StorageFault)
    }

    /// Keeps the answer to a request that has a key and starts no transaction; an embedder does it when
    /// the work is done. When this returns, it is durable. What stands before the first blank of the key
    /// is its scope: of each the latest 4096 answers are kept.
    #[expect(
        clippy::unused_async,
        reason = "storage may be waited for without a change here"
    )]
    pub async fn keep_answer(&self, claim: &Claim, answer: &[u8]) -> Result<(), StorageFault> {
        let now = self.inner.steady_time();
        let kept = self.inner.journal.keep_answer(claim, answer, now);
        kept.map_err(|_| StorageFault)
    }
}
