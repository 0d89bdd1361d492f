//! The transaction service: one transaction at a time, abort, watchers, recovery.
//!
//! A transaction runs on a task of its own, so that it goes on when nobody waits for it. The journal
//! is the judge: an outcome that contradicts it is not believed, and a transaction whose engine
//! failed gets its end from recovery.

mod admission;
mod answers;
mod background;
pub(crate) mod convert;
mod decisions;
mod interaction;
mod kept_answers;
mod originals;
mod reconciling;
mod run;
mod watching;

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
    journal::{Journal, Phase},
    observer::Observer,
    parameters::Parameters,
    point_of_sale::Desk,
    printable::printable_text,
    recording::{Boundary, Recordings, SharedTape},
    terminal::Scope,
    transaction::{Ending, Failure, Outcome, Record, ReversalState, TransactionId},
};

/// Events a slow watcher may fall behind before it is told that it missed some.
const EVENTS_MAX: usize = 1024;

/// The longest an engine may take to say who it is. It needs nothing of the host for it.
const DESCRIBE_MAX: Duration = Duration::from_secs(5);

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

    /// Waits until a transaction has an end and returns its record. Dropping the future changes
    /// nothing for the transaction. `None` when there is no such transaction.
    pub async fn ended(&self, id: &TransactionId) -> Option<Arc<Record>> {
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
        let known = self.inner.journal.record(id).ok().flatten();
        let has_ended = known
            .as_ref()
            .is_some_and(|record| record.outcome.is_some());
        if has_ended {
            return AbortAnswer::Ended;
        }
        match self.inner.running(id) {
            Some(current) if current.abort.request() => AbortAnswer::Accepted,
            Some(_) => AbortAnswer::TooLate,
            None if known.is_some() => AbortAnswer::Ended,
            None => AbortAnswer::Unknown,
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
    pub async fn transaction(
        &self,
        id: &TransactionId,
    ) -> Result<Option<Arc<Record>>, StorageFault> {
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
            .map(|record| self.inner.as_it_stands(Arc::new(record)))
            .map(|record| record.map(Arc::unwrap_or_clone))
            .collect()
    }

    /// The terminal's parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.inner.parameters
    }

    /// How the terminal is, read now. Whether it can write is known from the last write, and tried for
    /// real when that failed.
    #[expect(
        clippy::unused_async,
        reason = "storage may be waited for without a change here"
    )]
    pub async fn health(&self) -> Health {
        let inner = &self.inner;
        let journal = inner.journal.condition();
        Health {
            ready: journal.sound && !inner.closing.load(Ordering::Acquire),
            terminal_id: inner.parameters.terminal.terminal_id.clone(),
            engine: inner.engine_name.get().cloned().unwrap_or_default(),
            engine_digest: inner.engine.digest().to_owned(),
            host_version: env!("CARGO_PKG_VERSION").to_owned(),
            waiting: journal.overview.backlog.waiting,
            damaged: journal.overview.damaged,
            last_transaction: journal.overview.last_ended,
            uptime: inner.started.elapsed(),
        }
    }

    /// Stops taking transactions, waits for the running one, stops the background work.
    pub async fn shut_down(&self) {
        self.inner.closing.store(true, Ordering::Release);
        self.inner.work.notify_one();
        // One that was being accepted runs from here on, or is refused.
        drop(self.inner.admission.lock().await);
        let mut running = self.inner.running.subscribe();
        drop(running.wait_for(Option::is_none).await);
        drop(self.inner.turn.lock().await);
    }
}

impl Inner {
    /// Gives a record an end where it has none and does not run: see
    /// [`TransactionService::transaction`].
    fn as_it_stands(&self, mut record: Arc<Record>) -> Result<Arc<Record>, StorageFault> {
        if record.outcome.is_some() || self.running(&record.id).is_some() {
            return Ok(record);
        }
        // It may have ended since it was read. It ends before it ceases to run.
        if let Some(now) = self.journal.record(&record.id).map_err(|_| StorageFault)? {
            record = now;
        }
        if record.outcome.is_some() {
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
        Arc::make_mut(&mut record).outcome = reversal.map(|reversal| Outcome {
            reversal,
            ..Outcome::without_card(Ending::Failed(Failure::EngineFault))
        });
        Ok(record)
    }

    /// The transaction, if it runs now.
    fn running(&self, id: &TransactionId) -> Option<Current> {
        self.current().clone().filter(|current| current.id == *id)
    }

    /// No transaction runs any more.
    fn gives_up(&self) {
        *self.current() = None;
        self.running.send_replace(None);
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
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
}
