//! Recovery: at start, after a fault, and while something waits for the acquirer.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{Inner, convert, run::RecoveryFault};
use crate::{
    interruption::AbortWindow,
    journal::{Backlog, Finished, StorageFault},
    recording::{Boundary, SharedTape},
    terminal::Scope,
    transaction::TransactionId,
};

/// The longest that start waits for an acquirer. What is not settled by then is settled while the
/// terminal serves.
const START_MAX: Duration = Duration::from_secs(10);

/// What a recovery may take beside the acquirer's answers.
const RECOVERY_GRACE: Duration = Duration::from_secs(20);

/// How often a terminal that stays on forgets what is past its life.
const PRUNE_EVERY: Duration = Duration::from_hours(24);

/// The first and the longest pause between two tries.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// Settles what a crash left open. A terminal whose acquirer cannot be reached starts all the same,
/// with the reversal in the journal.
pub(super) async fn settle_at_start(inner: &Arc<Inner>) -> Result<(), StorageFault> {
    prune(inner);
    if inner.journal.backlog()? == Backlog::default() {
        return Ok(());
    }
    let turn = Arc::clone(&inner.turn).lock_owned().await;
    let recovering = Arc::clone(inner);
    // It keeps its turn when start no longer waits for it: no exchange is cut short, and a
    // transaction that begins meanwhile comes after it.
    let recovery = tokio::spawn(async move {
        let result = recover(&recovering).await;
        drop(turn);
        result
    });
    // Neither a silent acquirer nor a faulty engine keeps the terminal down: the records can be read,
    // the engine can be replaced, and the reversal stays in the journal.
    match tokio::time::timeout(START_MAX, recovery).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(fault))) => tracing::warn!(%fault, "what is open is tried again later"),
        Ok(Err(_)) | Err(_) => {
            tracing::warn!("what is open is settled while the terminal serves");
        }
    }
    Ok(())
}

/// Tries again while something is open and nothing runs. Ends with the terminal.
pub(super) async fn settle_when_idle(terminal: Weak<Inner>) {
    let mut pause = PAUSE_MIN;
    let mut pruned = Instant::now();
    loop {
        let Some(inner) = terminal.upgrade() else {
            return;
        };
        if inner.closing.load(Ordering::Acquire) {
            return;
        }
        if pruned.elapsed() > PRUNE_EVERY {
            pruned = Instant::now();
            prune(&inner);
        }
        let open = inner
            .journal
            .backlog()
            .is_ok_and(|backlog| backlog != Backlog::default());
        if open {
            // The turn is taken only when nobody has it: a sale settles what is open by itself.
            if let Ok(_turn) = inner.turn.try_lock()
                && let Err(fault) = recover(&inner).await
            {
                tracing::error!(%fault, "recovery failed; it is tried again");
            }
        } else {
            pause = PAUSE_MIN;
        }
        let work = Arc::clone(&inner.work);
        // While it waits, this task does not keep the terminal alive.
        drop(inner);
        if open {
            // After a transaction something new may be open, which is not to wait for what is old.
            pause = match tokio::time::timeout(pause, work.notified()).await {
                Ok(()) => PAUSE_MIN,
                Err(_) => pause.saturating_mul(2).min(PAUSE_MAX),
            };
        } else {
            // Dropping the terminal wakes nobody; the wait is cut so that the task ends with it.
            drop(tokio::time::timeout(PAUSE_MAX, work.notified()).await);
        }
    }
}

fn prune(inner: &Inner) {
    if let Err(fault) = inner.journal.prune(inner.steady_time()) {
        tracing::warn!(%fault, "old records could not be removed");
    }
}

/// Lets a fresh instance settle what the journal holds open, and records the ends. The caller has
/// the turn.
///
/// On a task of its own, and awaited to its end: a panic in a driver ends the recovery only, and
/// nothing of it runs on when this returns. It has the time for two answers of the acquirer, so that
/// each recovery settles something where the acquirer is slow and no transaction waits for long.
pub(super) async fn recover(inner: &Arc<Inner>) -> Result<(), RecoveryFault> {
    let answer = Duration::from_millis(inner.parameters.timeouts.answer_ms.into());
    let time_max = answer.saturating_mul(2).saturating_add(RECOVERY_GRACE);
    let recovery = settle(Arc::clone(inner));
    let task = tokio::spawn(async move { tokio::time::timeout(time_max, recovery).await });
    match task.await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(RecoveryFault::TimedOut),
        Err(_) => Err(RecoveryFault::Panicked),
    }
}

async fn settle(inner: Arc<Inner>) -> Result<(), RecoveryFault> {
    let now = inner.clock.now();
    let capabilities = inner.capabilities(Scope::Recovery, AbortWindow::default());
    let boundary = Boundary::to_terminal(capabilities, SharedTape::default());
    let recovery = inner
        .engine
        .recover(boundary, convert::moment(&now))
        .await
        .map_err(RecoveryFault::Engine)?
        .map_err(RecoveryFault::Refused)?;
    for settled in recovery.settled {
        let Some(id) = TransactionId::parse(&settled.transaction_id) else {
            tracing::error!("the engine settled a transaction that does not exist");
            continue;
        };
        let outcome = convert::outcome(&settled.outcome);
        match inner.journal.finish(&id, &outcome, &now) {
            Ok(finished) => {
                tracing::info!(transaction = id.as_str(), ending = ?outcome.ending, "settled");
                // The end of the running transaction is told when it no longer runs.
                if finished == Finished::Recorded && inner.running.borrow().as_ref() != Some(&id) {
                    inner.tell_end(&id);
                }
            }
            Err(refused) => {
                tracing::error!(transaction = id.as_str(), %refused, "an end was not recorded");
            }
        }
    }
    Ok(())
}
