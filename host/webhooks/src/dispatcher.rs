//! What empties the outbox: one worker for each endpoint, so that none waits for another.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinSet},
};

use crate::{
    backoff::Schedule,
    client::{Answer, Client},
    endpoint::{Endpoint, Endpoints},
    endpoint_file::EndpointId,
    figures::{AttemptResult, Figures},
    outbox::{Delivery, Outbox, StorageFault, Verdict},
};

/// How often the endpoint file and the outbox are looked at, since the command line changes both.
pub const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// How often what is old is forgotten; what belongs to an endpoint that is no more, at once.
const TIDY_EVERY: Duration = Duration::from_hours(1);

/// The answer after which an endpoint gets nothing more.
const GONE: u16 = 410;

/// Delivers. Cheap to clone; all clones are one dispatcher.
#[derive(Clone)]
pub struct Dispatcher(Arc<Inner>);

struct Inner {
    outbox: Arc<Outbox>,
    endpoints: Endpoints,
    client: Client,
    schedule: Schedule,
    figures: Figures,
    woken: watch::Sender<()>,
}

impl Dispatcher {
    /// A dispatcher of what is queued in `outbox`. It does nothing before [`Dispatcher::run`].
    pub fn new(
        outbox: Arc<Outbox>,
        endpoints: Endpoints,
        client: Client,
        schedule: Schedule,
        figures: Figures,
    ) -> Self {
        Self(Arc::new(Inner {
            outbox,
            endpoints,
            client,
            schedule,
            figures,
            woken: watch::channel(()).0,
        }))
    }

    /// Something was queued.
    pub fn wake(&self) {
        self.0.woken.send_replace(());
    }

    /// Delivers without end. Dropping the future stops every attempt; what was cut off is due again
    /// at the next run.
    pub async fn run(&self) {
        let inner = &self.0;
        let attempts_max = inner.schedule.attempts_max;
        inner
            .on_disk(move |outbox| outbox.resume(attempts_max, Timestamp::now()))
            .await;
        let mut workers = JoinSet::new();
        let mut running: BTreeMap<EndpointId, AbortHandle> = BTreeMap::new();
        let mut tidied: Option<(Instant, Arc<Vec<Endpoint>>)> = None;
        loop {
            let endpoints = inner.endpoints.now();
            let disabled = inner.on_disk(Outbox::disabled).await;
            let disabled = disabled.unwrap_or_default();
            while workers.try_join_next().is_some() {}
            running.retain(|_, worker| !worker.is_finished());
            for endpoint in endpoints.iter() {
                let id = &endpoint.id;
                if !running.contains_key(id) && !disabled.contains(id.as_str()) {
                    let worker = workers.spawn(work(Arc::clone(inner), id.clone()));
                    running.insert(id.clone(), worker);
                }
            }
            let is_tidy = tidied
                .as_ref()
                .is_some_and(|(at, of)| at.elapsed() < TIDY_EVERY && Arc::ptr_eq(of, &endpoints));
            if !is_tidy {
                tidied = Some((Instant::now(), Arc::clone(&endpoints)));
                inner
                    .on_disk(move |outbox| outbox.tidy(&endpoints, Timestamp::now()))
                    .await;
            }
            inner.count_waiting().await;
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Waits until nothing is due.
    pub async fn idle(&self) {
        const LOOK_AGAIN: Duration = Duration::from_millis(20);
        while self
            .0
            .on_disk(|outbox| outbox.has_due(Timestamp::now()))
            .await
            == Some(true)
        {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl Inner {
    /// Does something with the outbox where it may wait for the disk. `None` when that failed, which
    /// is logged.
    async fn on_disk<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Outbox) -> Result<T, StorageFault> + Send + 'static,
    ) -> Option<T> {
        let outbox = Arc::clone(&self.outbox);
        match tokio::task::spawn_blocking(move || job(&outbox)).await {
            Ok(Ok(done)) => Some(done),
            Ok(Err(fault)) => {
                tracing::error!(%fault, "the outbox cannot be used");
                None
            }
            Err(_) => None,
        }
    }

    async fn count_waiting(&self) {
        if let Some((queued, dead_letters)) = self.on_disk(Outbox::waiting).await {
            self.figures.set_waiting(queued, dead_letters);
        }
    }
}

/// Delivers to one endpoint, one after another, until it is removed or disabled.
async fn work(inner: Arc<Inner>, id: EndpointId) {
    let mut woken = inner.woken.subscribe();
    while let Some(endpoint) = inner.endpoints.find(&id) {
        let (of_claim, of_due) = (id.clone(), id.clone());
        let claimed = inner
            .on_disk(move |outbox| outbox.claim(&of_claim, Timestamp::now()))
            .await;
        if let Some(Some(delivery)) = claimed {
            if !attempt(&inner, &endpoint, delivery).await {
                return;
            }
            continue;
        }
        let due = inner.on_disk(move |outbox| outbox.next_due(&of_due)).await;
        let pause = due.flatten().map_or(POLL_INTERVAL, |due| {
            Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or_default()
        });
        // A failed outbox is not asked without pause; and a clock may be set while this sleeps.
        let pause = pause.clamp(Duration::from_millis(5), POLL_INTERVAL);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // The sender lives as long as `inner` does.
            _ = woken.changed() => {}
        }
    }
}

/// Makes one attempt. `false` when the endpoint is disabled with it.
async fn attempt(inner: &Inner, endpoint: &Endpoint, delivery: Delivery) -> bool {
    let began = Instant::now();
    let answer = inner
        .client
        .send(endpoint, &delivery, Timestamp::now())
        .await;
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (event, kind, number) = (
        delivery.event.clone(),
        delivery.kind.clone(),
        delivery.attempt,
    );
    let said = said(answer);
    let told = said.clone();
    let gone = matches!(answer, Answer::Status { status: GONE, .. });
    let now = Timestamp::now();
    let verdict = verdict(answer, number, &inner.schedule, now);
    let result = match verdict {
        Verdict::Delivered => AttemptResult::Delivered,
        Verdict::Retry { .. } => AttemptResult::Retried,
        Verdict::Dead => AttemptResult::Dead,
    };
    inner
        .on_disk(move |outbox| outbox.finish(&delivery, verdict, &told, now))
        .await;
    inner.figures.count(result);
    inner.count_waiting().await;
    let (event, endpoint_id, target) = (event.as_str(), endpoint.id.as_str(), &endpoint.target);
    if result == AttemptResult::Delivered {
        tracing::info!(event, kind, endpoint = endpoint_id, %target, attempt = number, milliseconds, answer = said, "delivered");
    } else {
        tracing::warn!(event, kind, endpoint = endpoint_id, %target, attempt = number, milliseconds, answer = said, result = result.as_str(), "not delivered");
    }
    if gone {
        let id = endpoint.id.clone();
        tracing::warn!(endpoint = endpoint_id, "it answers 410 and is disabled");
        inner
            .on_disk(move |outbox| outbox.disable(&id, "410", now))
            .await;
    }
    !gone
}

/// What is written down of an answer.
fn said(answer: Answer) -> String {
    match answer {
        Answer::Status { status, .. } => status.to_string(),
        Answer::Failed(fault) => fault.to_string(),
    }
}

/// What follows from an answer. Only a 2xx is a delivery: a redirect is followed by nobody, and a
/// receiver that refuses today may be mended tomorrow.
fn verdict(answer: Answer, attempt: u32, schedule: &Schedule, now: Timestamp) -> Verdict {
    let wait = match answer {
        Answer::Status {
            status: 200..=299, ..
        } => return Verdict::Delivered,
        Answer::Status { status: GONE, .. } => return Verdict::Dead,
        Answer::Status { retry_after, .. } => retry_after.unwrap_or_default(),
        Answer::Failed(_) => Duration::ZERO,
    };
    match schedule.pause(attempt, jitter()) {
        Some(pause) => Verdict::Retry {
            at: now.saturating_add(pause.max(wait)).unwrap_or(now),
        },
        None => Verdict::Dead,
    }
}

/// Without random numbers the pauses are short ones, and nothing else is wrong.
fn jitter() -> u8 {
    let mut byte = [0];
    let filled = SystemRandom::new().fill(&mut byte);
    let [jitter] = byte;
    filled.map_or(0, |()| jitter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Fault;

    #[test]
    fn every_answer_has_its_verdict() {
        let now = Timestamp::from_second(1_000_000).expect("a moment");
        let schedule = Schedule::reference();
        let status = |status| Answer::Status {
            status,
            retry_after: None,
        };
        let seconds = |answer, attempt| match verdict(answer, attempt, &schedule, now) {
            Verdict::Retry { at } => Some(at.duration_since(now).as_secs()),
            Verdict::Delivered | Verdict::Dead => None,
        };
        for taken in [200, 201, 204, 299] {
            assert_eq!(
                verdict(status(taken), 1, &schedule, now),
                Verdict::Delivered
            );
            assert_eq!(
                verdict(status(taken), 7, &schedule, now),
                Verdict::Delivered
            );
        }
        assert_eq!(verdict(status(410), 1, &schedule, now), Verdict::Dead);
        for refused in [199, 300, 301, 302, 307, 308, 400, 401, 404, 429, 500, 503] {
            let first = seconds(status(refused), 1).expect("another attempt");
            assert!((8..=12).contains(&first), "{refused}: {first}");
            assert_eq!(verdict(status(refused), 7, &schedule, now), Verdict::Dead);
        }
        let fault = Answer::Failed(Fault::TimedOut);
        assert!(seconds(fault, 6).is_some_and(|wait| wait > 60_000));
        assert_eq!(verdict(fault, 7, &schedule, now), Verdict::Dead);
    }

    #[test]
    fn retry_after_lengthens_a_pause_and_never_shortens_it() {
        let now = Timestamp::from_second(1_000_000).expect("a moment");
        let schedule = Schedule::reference();
        for (wait, expected) in [(0, 8..=12), (30, 30..=30), (3600, 3600..=3600)] {
            let answer = Answer::Status {
                status: 503,
                retry_after: Some(Duration::from_secs(wait)),
            };
            let Verdict::Retry { at } = verdict(answer, 1, &schedule, now) else {
                panic!("another attempt");
            };
            let seconds = at.duration_since(now).as_secs();
            assert!(expected.contains(&seconds), "{wait}: {seconds}");
        }
    }
}
