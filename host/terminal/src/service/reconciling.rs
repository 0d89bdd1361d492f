//! Batches: what the open one adds up to, closing it with the acquirer, what it came to.

use std::sync::{Arc, atomic::Ordering};

use super::{Inner, StorageFault, TransactionService, background, convert};
use crate::{
    batch::{Batch, CurrencyTotals, ReconcileError, Settlement, SettlementId, SettlementState},
    bindings::exports::terminal::engine::transactions::Agreement,
    engine::CALL_MAX,
    interruption::AbortWindow,
    journal::AppendError,
    recording::{Boundary, SharedTape},
    terminal::Scope,
    transaction::Record,
};

impl TransactionService {
    /// What was approved in the batch that is open, by currency.
    #[expect(
        clippy::unused_async,
        reason = "storage may be waited for without a change here"
    )]
    pub async fn totals(&self) -> Result<Vec<CurrencyTotals>, StorageFault> {
        self.inner.journal.open_totals().map_err(|_| StorageFault)
    }

    /// Freezes the open batch and closes, with the acquirer, it and every earlier one that is not
    /// closed yet. Returns their settlements. It goes on when the future is dropped.
    pub async fn reconcile(&self) -> Result<Vec<Settlement>, ReconcileError> {
        close(&self.inner).await
    }

    /// Every settlement, the newest first.
    #[expect(
        clippy::unused_async,
        reason = "storage may be waited for without a change here"
    )]
    pub async fn settlements(&self) -> Result<Vec<Settlement>, StorageFault> {
        self.inner.journal.settlements().map_err(|_| StorageFault)
    }

    /// One settlement and its transactions, the oldest first.
    #[expect(
        clippy::unused_async,
        reason = "storage may be waited for without a change here"
    )]
    pub async fn settlement(
        &self,
        id: &SettlementId,
    ) -> Result<Option<(Settlement, Vec<Record>)>, StorageFault> {
        let journal = &self.inner.journal;
        let Some(settlement) = journal.settlement(id).map_err(|_| StorageFault)? else {
            return Ok(None);
        };
        let records = journal.settled(&settlement).map_err(|_| StorageFault)?;
        Ok(Some((settlement, records)))
    }
}

/// Freezes the open batch, and asks the acquirer about every batch that it has not closed. Returns
/// the settlements of these batches.
async fn close(inner: &Arc<Inner>) -> Result<Vec<Settlement>, ReconcileError> {
    // Nothing begins between the look and the turn.
    let admission = inner.admission.lock().await;
    if inner.closing.load(Ordering::Acquire) {
        return Err(ReconcileError::ShuttingDown);
    }
    if inner.running.borrow().is_some() {
        return Err(ReconcileError::Busy);
    }
    let reconciling = Arc::clone(&inner.reconciling)
        .try_lock_owned()
        .map_err(|_| ReconcileError::InProgress)?;
    let turn = Arc::clone(&inner.turn).lock_owned().await;
    let open = |_| ReconcileError::StorageFault;
    if inner.journal.backlog().map_err(open)?.without_end > 0 {
        // What has no end yet would be missing in the totals. What waits for the acquirer is the
        // engine's to deliver before it asks about a batch.
        background::recover(inner)
            .await
            .map_err(|_| ReconcileError::EngineFault)?;
    }
    let now = inner.clock.now();
    inner.journal.freeze(&now).map_err(storage)?;
    drop(admission);
    // On a task of its own: it goes on when nobody waits, and a panic ends it only.
    let closing = Arc::clone(inner);
    let task = tokio::spawn(async move {
        let result = close_all(&closing).await;
        drop((turn, reconciling));
        closing.work.notify_one();
        result
    });
    task.await.unwrap_or(Err(ReconcileError::EngineFault))
}

async fn close_all(inner: &Arc<Inner>) -> Result<Vec<Settlement>, ReconcileError> {
    let fault = |_| ReconcileError::StorageFault;
    let batches = inner.journal.unclosed().map_err(fault)?;
    for batch in &batches {
        close_one(inner, batch).await?;
    }
    let mut settlements = inner.journal.settlements().map_err(fault)?;
    settlements.retain(|settlement| {
        let of = |batch: &Batch| {
            batch.number == settlement.batch && batch.totals.contains(&settlement.totals)
        };
        batches.iter().any(of)
    });
    Ok(settlements)
}

async fn close_one(inner: &Arc<Inner>, batch: &Batch) -> Result<(), ReconcileError> {
    let now = inner.clock.now();
    let numeric = |alphabetic: &str| Some(inner.parameters.currency(alphabetic)?.numeric);
    let asked = convert::batch(batch, numeric).ok_or(ReconcileError::EngineFault)?;
    let scope = Scope::Reconciliation {
        batch: batch.number,
    };
    let capabilities = inner.capabilities(scope, AbortWindow::default());
    let boundary = Boundary::to_terminal(capabilities, SharedTape::default());
    let call = inner
        .engine
        .reconcile(boundary, convert::moment(&now), &asked);
    let answer = tokio::time::timeout(CALL_MAX, call).await;
    let Ok(Ok(Ok(reconciled))) = answer else {
        tracing::error!(?answer, batch = batch.number, "a batch could not be closed");
        return Err(ReconcileError::EngineFault);
    };
    for (of, currency) in batch.totals.iter().zip(&asked.totals) {
        let agreement = reconciled
            .iter()
            .find(|one| one.currency == currency.currency)
            .map_or(Agreement::Unanswered, |one| one.agreement);
        let state = match agreement {
            Agreement::Agreed | Agreement::Uploaded => SettlementState::Settled,
            Agreement::Disputed => SettlementState::Disputed,
            Agreement::Unanswered => SettlementState::Pending,
        };
        tracing::info!(
            batch = batch.number,
            currency = of.currency,
            ?agreement,
            "reconciled"
        );
        inner
            .journal
            .settle(batch.number, &of.currency, state, &now)
            .map_err(storage)?;
    }
    Ok(())
}

const fn storage(_: AppendError) -> ReconcileError {
    ReconcileError::StorageFault
}
