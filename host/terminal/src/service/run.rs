//! One transaction, from its start on a task of its own to its record.

use std::sync::Arc;

use super::{Inner, Progress, background, convert};
use crate::{
    bindings::exports::terminal::engine::transactions::{self as wit, ErrorCode},
    engine::{CALL_MAX, GuestFault},
    interruption::AbortWindow,
    journal::{AppendError, Phase},
    point_of_sale::Desk,
    recording::{Boundary, End, Made, SharedTape},
    terminal::{Capabilities, Scope},
    transaction::{CancelReason, Ending, Failure, Outcome, Record, TransactionId},
};

/// What a transaction needs.
pub(super) struct Run {
    /// Without an outcome.
    pub(super) record: Record,
    /// The earlier transaction that it refers to.
    pub(super) original: Option<Arc<Record>>,
    /// ISO 4217 numeric code.
    pub(super) currency: u16,
    pub(super) abort: AbortWindow,
    /// Where the point of sale decides, when it does.
    pub(super) desk: Option<Desk>,
}

impl Run {
    /// What the engine is asked.
    fn request(&self) -> wit::TransactionRequest {
        convert::request(&self.record, self.original.as_deref(), self.currency)
    }
}

/// Runs a transaction to its end, makes the end durable and tells it.
pub(super) async fn transaction(inner: Arc<Inner>, run: Run) {
    let (id, abort) = (run.record.id.clone(), run.abort.clone());
    // An abort does not wait for the recovery that has the turn: nothing was sent.
    let turn = tokio::select! {
        biased;
        turn = inner.turn_with_devices() => turn,
        () = abort.requested() => {
            let cancelled = Outcome::without_card(Ending::Cancelled(CancelReason::PointOfSale));
            let recorded = record(&inner, &id, &abort, cancelled);
            inner.journal.release();
            if recorded {
                conclude(&inner, &id);
                return;
            }
            inner.turn_with_devices().await
        }
    };
    // On a task of its own: a panic in a driver ends the transaction, not the terminal.
    let (request, tape) = (run.request(), inner.recordings.tape());
    let deciding = decide(Arc::clone(&inner), run, request.clone(), tape.clone());
    let (end, outcome) = tokio::spawn(deciding).await.unwrap_or_else(|panicked| {
        tracing::error!(transaction = id.as_str(), %panicked, "a driver or the host panicked");
        (End::Cut, None)
    });
    let recorded = outcome.is_some_and(|outcome| record(&inner, &id, &abort, outcome));
    inner.journal.release();
    if !recorded {
        settle_after_a_fault(&inner, &id, &abort).await;
    }
    let made = Made {
        engine_digest: inner.engine.digest(),
        request,
        tape,
        end,
    };
    let recorded = || inner.journal.record(&id).ok().flatten()?.outcome.clone();
    inner.recordings.keep(&id, made, recorded, &inner.vault);
    conclude(&inner, &id);
    // Not before: recovery would tell the end once more.
    drop(turn);
    inner.work.notify_one();
}

/// The transaction no longer runs.
fn conclude(inner: &Inner, id: &TransactionId) {
    inner.gives_up();
    if !inner.tell_end(id) {
        tracing::error!(
            transaction = id.as_str(),
            "the end is not known before recovery"
        );
    }
}

/// Lets the engine decide. No outcome when recovery must say how it ended.
async fn decide(
    inner: Arc<Inner>,
    run: Run,
    request: wit::TransactionRequest,
    tape: SharedTape,
) -> (End, Option<Outcome>) {
    let scope = Scope::Transaction {
        id: run.record.id.clone(),
        original: run.record.request.original,
    };
    let id = run.record.id;
    let mut capabilities = inner.capabilities(scope, run.abort);
    capabilities.desk = run.desk;
    let boundary = Boundary::to_terminal(capabilities, tape);
    let call = inner.engine.run(boundary, &request);
    let Ok(call) = tokio::time::timeout(CALL_MAX, call).await else {
        tracing::error!(transaction = id.as_str(), "the transaction took too long");
        return (End::Cut, None);
    };
    let end = End::of(&call);
    let outcome = match call {
        Ok(Ok(outcome)) => Some(convert::outcome(&outcome)),
        Ok(Err(refused)) => {
            tracing::warn!(transaction = id.as_str(), ?refused, "the engine refused");
            match refused {
                ErrorCode::NotSupported => {
                    Some(Outcome::without_card(Ending::Failed(Failure::NotSupported)))
                }
                ErrorCode::InvalidRequest | ErrorCode::ParametersInvalid => {
                    Some(Outcome::without_card(Ending::Failed(Failure::EngineFault)))
                }
                ErrorCode::JournalFault => None,
            }
        }
        Err(fault) => {
            tracing::error!(transaction = id.as_str(), ?fault, "the engine failed");
            None
        }
    };
    (end, outcome)
}

/// Makes an end durable. `false` when the journal contradicts it, or cannot be written.
///
/// Where the point of sale was told that its abort is accepted, that is how a transaction without an
/// approval ends, whatever the engine says. An engine that approved could not have gone on.
fn record(inner: &Inner, id: &TransactionId, abort: &AbortWindow, mut outcome: Outcome) -> bool {
    if outcome.ending != Ending::Approved && !abort.proceed() {
        outcome.ending = Ending::Cancelled(CancelReason::PointOfSale);
    }
    match inner.journal.finish(id, &outcome, &inner.clock.now()) {
        Ok(_) => true,
        Err(AppendError::OutOfOrder) => {
            tracing::error!(
                transaction = id.as_str(),
                "the engine's outcome contradicts the journal; it is not believed",
            );
            false
        }
        Err(AppendError::Full | AppendError::StorageFault) => false,
    }
}

/// Gives a transaction its end after its engine failed.
async fn settle_after_a_fault(inner: &Arc<Inner>, id: &TransactionId, abort: &AbortWindow) {
    match inner.journal.phase(id) {
        // Nothing was sent: the end is the fault itself.
        Ok(Some(Phase::Begun)) => {
            let outcome = Outcome::without_card(Ending::Failed(Failure::EngineFault));
            record(inner, id, abort, outcome);
        }
        Ok(_) => match background::recover(inner).await {
            Ok(()) => {}
            Err(fault) => tracing::error!(?fault, "recovery failed"),
        },
        Err(fault) => tracing::error!(%fault, "the journal cannot be read"),
    }
}

impl Inner {
    /// Tells every watcher how a transaction ended. `false` when its end is not known.
    pub(super) fn tell_end(&self, id: &TransactionId) -> bool {
        let record = self.journal.record(id).ok().flatten();
        let Some(record) = record.filter(|record| record.outcome.is_some()) else {
            return false;
        };
        self.tell(id)(Progress::Ended(record));
        true
    }

    /// What one instance may reach.
    pub(super) fn capabilities(&self, scope: Scope, abort: AbortWindow) -> Capabilities {
        let progress = match &scope {
            Scope::Transaction { id, .. } => self.progress(id),
            Scope::Recovery | Scope::Reconciliation { .. } | Scope::Description => {
                self.tell(&TransactionId::recovery())
            }
        };
        Capabilities {
            scope,
            devices: Arc::clone(&self.devices),
            vault: Arc::clone(&self.vault),
            parameters: Arc::clone(&self.parameters),
            journal: self.journal.clone(),
            abort,
            desk: None,
            progress,
            observer: Arc::clone(&self.observer),
        }
    }
}

/// Why recovery did not happen.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecoveryFault {
    /// The engine refused or failed.
    #[error("the engine failed in recovery: {0:?}")]
    Engine(GuestFault),
    /// The engine answered with an error.
    #[error("the engine refused recovery: {0:?}")]
    Refused(ErrorCode),
    /// It took too long. What was settled by then is.
    #[error("recovery took too long")]
    TimedOut,
    /// A driver or the host panicked.
    #[error("a driver or the host panicked in recovery")]
    Panicked,
}
