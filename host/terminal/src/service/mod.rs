//! The transaction service: one transaction at a time, abort, watchers, recovery.
//!
//! A transaction runs on a task of its own, so that it goes on when nobody waits for it. The journal
//! is the judge: an outcome that contradicts it is not believed, and a transaction whose engine
//! failed gets its end from recovery.

mod answers;
mod background;
pub(crate) mod convert;
mod decisions;
mod interaction;
mod kept_answers;
mod originals;
mod reconciling;
mod run;

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::{Notify, broadcast, watch};

pub use answers::{
    AbortAnswer, BeginError, Begun, Claim, Event, EventLogId, Health, LoggedEvent, LoggedEvents,
    OriginalRefused, Progress, StartError, StorageFault,
};
pub use decisions::Standing;
pub use interaction::{InteractionError, Reply, Text};
pub use kept_answers::KeptAnswer;

use crate::{
    clock::Clock,
    config::{Devices, TerminalConfig},
    engine::Engine,
    interruption::AbortWindow,
    journal::{Beginning, Claimed, Journal, Phase},
    observer::Observer,
    parameters::Parameters,
    point_of_sale::Desk,
    printable::printable_text,
    recording::{Boundary, Recordings, SharedTape},
    terminal::{ProgressSink, Scope},
    transaction::{
        Ending, Failure, OnlineDecision, Outcome, Record, Referred, Request, ReversalState,
        TransactionId,
    },
};

/// Events a slow watcher may fall behind before it is told that it missed some.
const EVENTS_MAX: usize = 1024;

/// The longest an engine may take to say who it is. It needs nothing of the host for it.
const DESCRIBE_MAX: Duration = Duration::from_secs(5);

/// The longest that a transaction which has its end may keep the next one waiting.
const CONCLUDE_MAX: Duration = Duration::from_secs(5);

/// The longest name of an engine that is kept, in characters.
const ENGINE_NAME_MAX: usize = 64;

/// Runs transactions. Cheap to clone; all clones are one terminal.
#[derive(Clone)]
pub struct TransactionService {
    inner: Arc<Inner>,
}

/// One terminal.
struct Inner {
    engine: Engine,
    /// Name and version, as the engine says.
    engine_name: OnceLock<String>,
    journal: Journal,
    recordings: Recordings,
    vault: Arc<Mutex<vault::Vault>>,
    devices: Arc<tokio::sync::Mutex<Devices>>,
    interaction: interaction::Interaction,
    parameters: Arc<Parameters>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    started: Instant,
    /// The clock's time at the start.
    started_at: Timestamp,
    /// Held while a request is accepted: two of them never see the terminal idle.
    admission: tokio::sync::Mutex<()>,
    /// Held while batches are closed.
    reconciling: Arc<tokio::sync::Mutex<()>>,
    /// Held by whoever uses the engine.
    turn: Arc<tokio::sync::Mutex<()>>,
    current: Mutex<Option<Current>>,
    running: watch::Sender<Option<TransactionId>>,
    events: broadcast::Sender<Event>,
    /// Wakes the background work.
    work: Arc<Notify>,
    closing: AtomicBool,
}

/// The transaction that runs now.
#[derive(Clone)]
struct Current {
    id: TransactionId,
    abort: AbortWindow,
    /// Where the point of sale decides, when it does.
    desk: Option<Desk>,
}

impl TransactionService {
    /// Opens the journal, verifies and loads the engine, settles what a crash left open.
    ///
    /// When it returns, every transaction of the past has an end, or waits for the acquirer with a
    /// reversal in the journal, damaged entries apart; those that wait are tried again in the
    /// background. It waits ten seconds at most for an acquirer that does not answer; the recovery
    /// then goes on for up to two answers' time, and holds the journal, also when the service is
    /// dropped meanwhile. [`shut_down`](Self::shut_down) waits for it.
    pub async fn start(config: TerminalConfig) -> Result<Self, StartError> {
        config
            .parameters
            .check()
            .map_err(|refused| StartError::Parameters(refused.to_string()))?;
        let vault = Arc::new(Mutex::new(config.vault));
        let journal = Journal::open(
            &config.journal,
            Arc::clone(&vault),
            Arc::clone(&config.observer),
        )
        .map_err(|refused| StartError::Journal(refused.to_string()))?;
        let engine = Engine::load(&config.engine, &config.files, &vault)
            .map_err(|refused| StartError::Engine(refused.to_string()))?;
        let recordings = Recordings::open(&config.files, config.recordings);
        let now = config.clock.now();
        for key in config.parameters.expired_ca_keys(now.date()) {
            tracing::warn!(
                "the certification authority's key {key} has ended: no card is authenticated with it"
            );
        }
        let started_at = now.timestamp();
        let service = Self {
            inner: Arc::new(Inner {
                engine,
                engine_name: OnceLock::new(),
                journal,
                recordings,
                vault,
                devices: Arc::new(tokio::sync::Mutex::new(config.devices)),
                interaction: interaction::Interaction::new(config.input),
                parameters: Arc::new(config.parameters),
                clock: config.clock,
                observer: config.observer,
                started: Instant::now(),
                started_at,
                admission: tokio::sync::Mutex::new(()),
                reconciling: Arc::default(),
                turn: Arc::default(),
                current: Mutex::new(None),
                running: watch::channel(None).0,
                events: broadcast::channel(EVENTS_MAX).0,
                work: Arc::new(Notify::new()),
                closing: AtomicBool::new(false),
            }),
        };
        service.inner.ask_the_engine_its_name().await?;
        background::settle_at_start(&service.inner)
            .await
            .map_err(|fault| StartError::Journal(fault.to_string()))?;
        tokio::spawn(background::settle_when_idle(Arc::downgrade(&service.inner)));
        Ok(service)
    }

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
        if inner.closing.load(Ordering::Acquire) {
            return Err(BeginError::ShuttingDown);
        }
        if !inner.is_idle().await? {
            return Err(BeginError::Busy);
        }
        let currency = inner
            .parameters
            .currency(&request.currency)
            .map(|currency| currency.numeric)
            .ok_or(BeginError::CurrencyNotAccepted)?;
        let original = inner.original(&request)?;
        let id = TransactionId::new();
        inner
            .journal
            .begin(&Beginning {
                id: &id,
                request: &request,
                began: &began,
                claim: claim.as_ref(),
                claimed,
            })
            .map_err(|_| BeginError::StorageFault)?;
        let abort = AbortWindow::default();
        let granular = request.online_decision == OnlineDecision::PointOfSale;
        let desk = granular.then(|| Desk::new(abort.clone()));
        *inner.current() = Some(Current {
            id: id.clone(),
            abort: abort.clone(),
            desk: desk.clone(),
        });
        inner.running.send_replace(Some(id.clone()));
        tokio::spawn(run::transaction(
            Arc::clone(inner),
            run::Run {
                record: Record {
                    id: id.clone(),
                    request,
                    began,
                    outcome: None,
                    batch: inner.journal.open_batch()?,
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

    /// Waits until a transaction has an end and returns its record. Dropping the future changes
    /// nothing for the transaction. `None` when there is no such transaction.
    pub async fn ended(&self, id: &TransactionId) -> Option<Record> {
        let mut running = self.inner.running.subscribe();
        // An error would mean that the terminal is gone; its records are still there.
        drop(
            running
                .wait_for(|running| running.as_ref() != Some(id))
                .await,
        );
        self.transaction(id).await.ok().flatten()
    }

    /// Asks the running transaction to stop.
    #[expect(
        clippy::unused_async,
        reason = "storage may be waited for without a change here"
    )]
    pub async fn abort(&self, id: &TransactionId) -> AbortAnswer {
        let has_ended = |record: &Record| record.outcome.is_some();
        let known = self.inner.journal.record(id);
        if matches!(&known, Ok(Some(record)) if has_ended(record)) {
            return AbortAnswer::Ended;
        }
        let abort = self.inner.running(id).map(|current| current.abort);
        match abort {
            Some(abort) if abort.request() => AbortAnswer::Accepted,
            Some(_) => AbortAnswer::TooLate,
            None => match self.inner.journal.record(id) {
                Ok(Some(_)) => AbortAnswer::Ended,
                Ok(None) | Err(_) => AbortAnswer::Unknown,
            },
        }
    }

    /// One transaction of the records.
    ///
    /// A transaction that does not run and whose end is not known yet, because the engine failed and
    /// recovery has not succeeded, reads as failed; its reversal reads as pending while money may
    /// have moved. One that the journal holds approved has no outcome yet: it is never called failed.
    /// Where the journal's entry is damaged, the state of the reversal says so.
    #[expect(
        clippy::unused_async,
        reason = "storage may be waited for without a change here"
    )]
    pub async fn transaction(&self, id: &TransactionId) -> Result<Option<Record>, StorageFault> {
        let record = self.inner.journal.record(id).map_err(|_| StorageFault)?;
        record
            .map(|record| self.inner.as_it_stands(record))
            .transpose()
    }

    /// Records, the newest first: those before `before`, that began at `from` or later.
    #[expect(
        clippy::unused_async,
        reason = "storage may be waited for without a change here"
    )]
    pub async fn transactions(
        &self,
        before: Option<&TransactionId>,
        from: Option<Timestamp>,
        count_max: u32,
    ) -> Result<Vec<Record>, StorageFault> {
        let records = self.inner.journal.records(before, from, count_max);
        records
            .map_err(|_| StorageFault)?
            .into_iter()
            .map(|record| self.inner.as_it_stands(record))
            .collect()
    }

    /// The log's events numbered above `after`, at most `count_max`, in their order. They are kept
    /// for three days, the newest fifty thousand of them, over restarts.
    #[expect(
        clippy::unused_async,
        reason = "storage may be waited for without a change here"
    )]
    pub async fn events_after(
        &self,
        after: u64,
        count_max: u32,
    ) -> Result<LoggedEvents, StorageFault> {
        let events = self.inner.journal.events_after(after, count_max);
        events.map_err(|_| StorageFault)
    }

    /// The number of the log's newest event.
    pub fn newest_event(&self) -> watch::Receiver<u64> {
        self.inner.journal.newest_event()
    }

    /// The log's name.
    pub fn event_log(&self) -> Result<EventLogId, StorageFault> {
        self.inner.journal.event_log().map_err(|_| StorageFault)
    }

    /// Every event of every transaction from now on, and what explains its decisions. A receiver that
    /// lags is told how many it missed; [`events_after`](Self::events_after) misses nothing.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// The transaction that runs now, if any.
    pub fn running(&self) -> watch::Receiver<Option<TransactionId>> {
        self.inner.running.subscribe()
    }

    /// The terminal's parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.inner.parameters
    }

    /// How the terminal is, probed now.
    #[expect(
        clippy::unused_async,
        reason = "storage may be waited for without a change here"
    )]
    pub async fn health(&self) -> Health {
        let inner = &self.inner;
        let backlog = inner.journal.backlog();
        Health {
            ready: inner.journal.probe()
                && backlog.is_ok()
                && !inner.closing.load(Ordering::Acquire),
            terminal_id: inner.parameters.terminal.terminal_id.clone(),
            engine: inner.engine_name.get().cloned().unwrap_or_default(),
            engine_digest: inner.engine.digest().to_owned(),
            host_version: env!("CARGO_PKG_VERSION").to_owned(),
            waiting: backlog.map(|backlog| backlog.waiting).unwrap_or_default(),
            damaged: u32::try_from(inner.journal.damaged().len()).unwrap_or(u32::MAX),
            last_transaction: inner.journal.last_ended().ok().flatten(),
            uptime: inner.started.elapsed(),
        }
    }

    /// Stops taking transactions, waits for the running one, stops the background work.
    pub async fn shut_down(&self) {
        self.inner.closing.store(true, Ordering::Release);
        self.inner.work.notify_one();
        let mut running = self.inner.running.subscribe();
        drop(running.wait_for(Option::is_none).await);
        drop(self.inner.turn.lock().await);
    }
}

impl Inner {
    /// Gives a record an end where it has none and does not run: see
    /// [`TransactionService::transaction`].
    fn as_it_stands(&self, mut record: Record) -> Result<Record, StorageFault> {
        let running = self.running.borrow().as_ref() == Some(&record.id);
        if record.outcome.is_some() || running {
            return Ok(record);
        }
        let reversal = if self.journal.is_damaged(&record.id) {
            Some(ReversalState::ByHand)
        } else {
            // An approval is never called a failure: its end stays open until recovery says it.
            let phase = self.journal.phase(&record.id).map_err(|_| StorageFault)?;
            let no_approval = phase.filter(|phase| !phase.is_approved());
            no_approval.map(Phase::reversal)
        };
        record.outcome = reversal.map(|reversal| Outcome {
            reversal,
            ..Outcome::without_card(Ending::Failed(Failure::EngineFault))
        });
        Ok(record)
    }

    /// The transaction, if it runs now.
    fn running(&self, id: &TransactionId) -> Option<Current> {
        self.current().clone().filter(|current| current.id == *id)
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

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

    /// The time since the start, on top of the clock's time at the start. A claim's life is measured
    /// with it: setting the clock while the terminal runs makes no repeated request a new one.
    fn steady_time(&self) -> Timestamp {
        self.started_at
            .saturating_add(self.started.elapsed())
            .unwrap_or(self.started_at)
    }

    async fn ask_the_engine_its_name(&self) -> Result<(), StartError> {
        let nobody = self.capabilities(Scope::Description, AbortWindow::default());
        let boundary = Boundary::to_terminal(nobody, SharedTape::default());
        let description = tokio::time::timeout(DESCRIBE_MAX, self.engine.describe(boundary))
            .await
            .map_err(|_| StartError::Engine("it does not say its name".to_owned()))?
            .map_err(|fault| StartError::Engine(fault.to_string()))?;
        let name = format!("{} {}", description.name, description.version);
        self.engine_name
            .get_or_init(|| printable_text(&name, ENGINE_NAME_MAX));
        Ok(())
    }

    /// Logs what happens in `transaction`, and tells it. Nobody need listen.
    fn progress(&self, transaction: &TransactionId) -> ProgressSink {
        let (journal, tell) = (self.journal.clone(), self.tell(transaction));
        let transaction = transaction.clone();
        Arc::new(move |what| {
            // The transaction goes on without it.
            if let Err(fault) = journal.log_step(&transaction, &what) {
                tracing::warn!(%fault, "an event was not logged");
            }
            tell(what);
        })
    }

    /// Tells what happens in `transaction` to who watches now.
    fn tell(&self, transaction: &TransactionId) -> ProgressSink {
        let (events, transaction) = (self.events.clone(), transaction.clone());
        Arc::new(move |what| {
            // An error means that nobody listens.
            drop(events.send(Event {
                transaction: transaction.clone(),
                what,
            }));
        })
    }
}
