//! Accepting a transaction.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{BeginError, Begun, Claim, Current, Inner, StorageFault, TransactionService, run};
use crate::{
    interruption::AbortWindow,
    journal::{Beginning, Claimed},
    point_of_sale::Desk,
    transaction::{OnlineDecision, Record, Referred, Request, TransactionId},
};

/// The longest that a transaction which has its end may keep the next one waiting.
const CONCLUDE_MAX: Duration = Duration::from_secs(5);

impl TransactionService {
    /// Accepts a transaction and starts it on a task of its own, so that it goes on when nobody
    /// waits. When this returns `Started`, the request and its claim are durable.
    pub async fn begin(&self, request: Request, claim: Option<Claim>) -> Result<Begun, BeginError> {
        let inner = &self.inner;
        let _admission = inner.admission.lock().await;
        let began = inner.clock.now();
        let claimed = inner.steady_time();
        if let Some(claim) = &claim {
            match inner.journal.claimed(claim, claimed)? {
                Claimed::Free => {}
                Claimed::By(id) => return Ok(Begun::Known(id)),
                Claimed::Conflict => return Err(BeginError::ClaimConflict),
            }
        }
        let idle = inner.is_idle().await?;
        // Not before: the terminal may have been told to stop during that wait.
        if inner.closing.load(Ordering::Acquire) {
            return Err(BeginError::ShuttingDown);
        }
        if !idle {
            return Err(BeginError::Busy);
        }
        let currency = inner
            .parameters
            .currency(&request.currency)
            .map(|currency| currency.numeric)
            .ok_or(BeginError::CurrencyNotAccepted)?;
        let original = inner.original(&request)?;
        let batch = inner.journal.open_batch()?;
        let id = TransactionId::new();
        let abort = AbortWindow::default();
        let granular = request.online_decision == OnlineDecision::PointOfSale;
        let desk = granular.then(|| Desk::new(abort.clone()));
        // Before anybody can read of it: what neither runs nor has an end is called failed.
        *inner.current() = Some(Current {
            id: id.clone(),
            abort: abort.clone(),
            desk: desk.clone(),
        });
        inner.running.send_replace(Some(id.clone()));
        let durable = inner.journal.begin(&Beginning {
            id: &id,
            request: &request,
            began: &began,
            claim: claim.as_ref(),
            claimed,
        });
        if durable.is_err() {
            inner.gives_up();
            return Err(BeginError::StorageFault);
        }
        tokio::spawn(run::transaction(
            Arc::clone(inner),
            run::Run {
                record: Record {
                    id: id.clone(),
                    request,
                    began,
                    outcome: None,
                    batch,
                    refers_to: original.as_ref().map(|original| original.request.kind),
                    referred: Referred::default(),
                    asked: false,
                },
                original,
                currency,
                abort,
                desk,
            },
        ));
        Ok(Begun::Started(id))
    }
}

impl Inner {
    /// Whether no transaction runs. One that has its end, which a watcher may know already, is waited
    /// for: only its recording is still written.
    async fn is_idle(&self) -> Result<bool, StorageFault> {
        let Some(id) = self.running.borrow().clone() else {
            return Ok(true);
        };
        let record = self.journal.record(&id).map_err(|_| StorageFault)?;
        if record.is_none_or(|record| record.outcome.is_none()) {
            return Ok(false);
        }
        let mut running = self.running.subscribe();
        let concluded = running.wait_for(|running| running.as_ref() != Some(&id));
        let concluded = tokio::time::timeout(CONCLUDE_MAX, concluded).await;
        Ok(concluded.is_ok() && self.running.borrow().is_none())
    }
}
