//! One answer for one Idempotency-Key, where no transaction is started.
//!
//! A transaction's claim is the host's, and durable before anything happens. What is done here can be
//! done again without loss of money: its answer becomes durable when it is done. A terminal that stops
//! in between does it again when it is asked again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use terminal_host::service::{BeginError, Claim, KeptAnswer};
use tokio::sync::watch;

use crate::{
    error::{ApiError, ErrorCode, begin_refused},
    router::Api,
};

/// What work does when nobody waits for its answer any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alone {
    /// It is finished, and its answer kept.
    GoesOn,
    /// It ends, and a repeated request begins it anew.
    Ends,
}

type Answer = Result<Value, ApiError>;

/// The work that is being done. Clones share it. It is bounded by the rate limits: no work takes longer
/// than a question may wait, and one reconciliation runs at a time.
#[derive(Clone, Default)]
pub(crate) struct InFlight(Arc<Mutex<BTreeMap<String, Open>>>);

struct Open {
    fingerprint: [u8; 32],
    answer: watch::Sender<Option<Answer>>,
}

/// The answer to a request: the one that is kept under its claim, that of the same work in flight, or
/// what `work` comes to. Errors are told to who waits and not kept: they pass, or are the same again.
pub(crate) async fn answer(
    api: &Api,
    claim: Option<Claim>,
    alone: Alone,
    work: impl Future<Output = Answer> + Send + 'static,
) -> Answer {
    let Some(claim) = claim else {
        return work.await;
    };
    let mut work = Some(work);
    loop {
        let mut heard = match api.in_flight.join(&claim)? {
            Joined::Working(heard) => heard,
            Joined::First(told) => {
                let heard = told.subscribe();
                if let Some(work) = work.take() {
                    tokio::spawn(do_once(api.clone(), claim.clone(), alone, told, work));
                }
                heard
            }
        };
        let answered = heard.wait_for(Option::is_some).await;
        match answered.ok().and_then(|answer| answer.clone()) {
            Some(answer) => return answer,
            // The other's work ended with its last client, or in a panic, after this one had joined.
            None if work.is_some() => {}
            None => {
                return Err(ApiError::new(
                    ErrorCode::InternalError,
                    "The terminal failed to answer",
                ));
            }
        }
    }
}

/// How a request meets the work in flight.
enum Joined {
    Working(watch::Receiver<Option<Answer>>),
    First(watch::Sender<Option<Answer>>),
}

async fn do_once(
    api: Api,
    claim: Claim,
    alone: Alone,
    told: watch::Sender<Option<Answer>>,
    work: impl Future<Output = Answer> + Send,
) {
    // Whatever ends this, a panic too: the next request begins anew.
    let _done = Done(&api.in_flight, &claim.key);
    let work = async {
        match api.terminal.kept_answer(&claim).await {
            Ok(KeptAnswer::None) => {}
            Ok(KeptAnswer::Conflict) => return Err(conflict()),
            Ok(KeptAnswer::Answer(kept)) => {
                return serde_json::from_slice(&kept).map_err(|_| unreadable());
            }
            Err(_) => return Err(unreadable()),
        }
        let answer = work.await?;
        let text = answer.to_string();
        if api
            .terminal
            .keep_answer(&claim, text.as_bytes())
            .await
            .is_err()
        {
            tracing::error!("an answer could not be kept: the same key would do it again");
        }
        Ok(answer)
    };
    let answer = match alone {
        Alone::GoesOn => work.await,
        Alone::Ends => tokio::select! {
            biased;
            answer = work => answer,
            () = told.closed() => return,
        },
    };
    told.send_replace(Some(answer));
}

/// Takes work out of what is in flight.
struct Done<'work>(&'work InFlight, &'work str);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.open().remove(self.1);
    }
}

impl InFlight {
    fn join(&self, claim: &Claim) -> Result<Joined, ApiError> {
        let mut open = self.open();
        match open.get(&claim.key) {
            Some(work) if work.fingerprint != claim.fingerprint => Err(conflict()),
            Some(work) => Ok(Joined::Working(work.answer.subscribe())),
            None => {
                let answer = watch::Sender::new(None);
                let work = Open {
                    fingerprint: claim.fingerprint,
                    answer: answer.clone(),
                };
                open.insert(claim.key.clone(), work);
                Ok(Joined::First(answer))
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn conflict() -> ApiError {
    begin_refused(BeginError::ClaimConflict, None)
}

fn unreadable() -> ApiError {
    ApiError::new(
        ErrorCode::InternalError,
        "What is kept under this Idempotency-Key cannot be read. Nothing was done",
    )
}
