//! A terminal without engine or devices: transactions stay open until the test ends them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use api::{Merchant, Terminal};
use async_trait::async_trait;
use jiff::{Timestamp, Zoned};
use terminal_host::{
    batch::{CurrencyTotals, ReconcileError, Settlement, SettlementId, Sum, Totals},
    input::Question,
    point_of_sale::{Decided, OnlineAnswer, OnlineRequest},
    service::{
        AbortAnswer, BeginError, Begun, Claim, Event, EventLogId, Health, InteractionError,
        KeptAnswer, LoggedEvent, LoggedEvents, Progress, Reply, Standing, StorageFault, Text,
    },
    text::TextLine,
    transaction::{
        AcquirerAnswer, CancelReason, CardDetails, CryptogramType, Ending, EntryMode, Outcome,
        Record, Referred, Request, ReversalState, Scheme, TransactionId, Verification,
    },
};
use tokio::sync::{oneshot, watch};

/// The double. Cheap to clone; all clones are one terminal.
#[derive(Clone)]
pub(crate) struct FakeTerminal(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    newest: watch::Sender<u64>,
    running: watch::Sender<Option<TransactionId>>,
    changed: watch::Sender<()>,
    /// How often a request was accepted.
    begun: AtomicUsize,
}

#[derive(Default)]
struct State {
    records: BTreeMap<TransactionId, Record>,
    claims: BTreeMap<String, ([u8; 32], TransactionId)>,
    refuse: Option<BeginError>,
    past_abort: bool,
    panics: bool,
    reconcile: Option<ReconcileError>,
    settlements: Vec<Settlement>,
    online: Option<Arc<OnlineRequest>>,
    decisions: Vec<OnlineAnswer>,
    events: Vec<Event>,
    /// How many of the first events are no longer kept.
    forgotten: usize,
    reconciled: usize,
    /// What is refused of the devices.
    interaction: Option<InteractionError>,
    shown: Vec<Text>,
    printed: Vec<(Vec<TextLine>, bool)>,
    question: Option<Asked>,
    answers: BTreeMap<String, ([u8; 32], Vec<u8>)>,
    forgets_answers: bool,
}

/// A question, how long its answer is waited for, and where it goes.
type Asked = (Question, Duration, oneshot::Sender<Reply>);

impl FakeTerminal {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            state: Mutex::default(),
            newest: watch::channel(0).0,
            running: watch::channel(None).0,
            changed: watch::channel(()).0,
            begun: AtomicUsize::new(0),
        }))
    }

    /// How many transactions were started.
    pub(crate) fn begun(&self) -> usize {
        self.0.begun.load(Ordering::SeqCst)
    }

    /// Refuses every request from now on.
    pub(crate) fn refuse(&self, error: BeginError) {
        self.state().refuse = Some(error);
    }

    /// Closes the time in which an abort is possible.
    pub(crate) fn pass_abort(&self) {
        self.state().past_abort = true;
    }

    /// Refuses every reconciliation from now on.
    pub(crate) fn refuse_reconciliation(&self, error: ReconcileError) {
        self.state().reconcile = Some(error);
    }

    /// What was settled, the newest first.
    pub(crate) fn settle(&self, settlements: Vec<Settlement>) {
        self.state().settlements = settlements;
    }

    /// Changes what later transactions made of one.
    pub(crate) fn refer(&self, id: &TransactionId, referred: Referred) {
        let mut state = self.state();
        state.records.get_mut(id).expect("a transaction").referred = referred;
    }

    /// Refuses to show, ask and print, or does it again.
    pub(crate) fn refuse_devices(&self, error: Option<InteractionError>) {
        self.state().interaction = error;
    }

    /// The texts that were shown.
    pub(crate) fn shown(&self) -> Vec<Text> {
        self.state().shown.clone()
    }

    /// What was printed, and whether the paper was cut.
    pub(crate) fn printed(&self) -> Vec<(Vec<TextLine>, bool)> {
        self.state().printed.clone()
    }

    /// How often batches were closed.
    pub(crate) fn reconciled(&self) -> usize {
        self.state().reconciled
    }

    /// Keeps no answer from now on.
    pub(crate) fn forget_answers(&self) {
        self.state().forgets_answers = true;
    }

    /// Waits until a question is asked: the question, and how long its answer is waited for.
    pub(crate) async fn asks(&self) -> (Question, Duration) {
        self.until(|state| {
            let (question, time_max, _) = state.question.as_ref()?;
            Some((question.clone(), *time_max))
        })
        .await
    }

    /// Answers the question that waits.
    pub(crate) async fn reply(&self, reply: Reply) {
        let (.., told) = self.until(|state| state.question.take()).await;
        told.send(reply).expect("the question waits");
    }

    /// Waits until nobody waits for the answer to the question.
    pub(crate) async fn question_ends(&self) {
        let (.., mut told) = self.until(|state| state.question.take()).await;
        tokio::time::timeout(Duration::from_secs(20), told.closed())
            .await
            .expect("it ends in time");
    }

    async fn until<T>(&self, mut found: impl FnMut(&mut State) -> Option<T>) -> T {
        for _ in 0..2000 {
            if let Some(found) = found(&mut self.state()) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it never came")
    }

    /// Panics when asked for its health.
    pub(crate) fn break_health(&self) {
        self.state().panics = true;
    }

    /// Waits until a transaction runs.
    pub(crate) async fn runs(&self) -> TransactionId {
        let mut running = self.0.running.subscribe();
        let running = running
            .wait_for(Option::is_some)
            .await
            .expect("the terminal is there");
        running.clone().expect("a transaction")
    }

    /// Tells every watcher.
    pub(crate) fn progress(&self, id: &TransactionId, what: Progress) {
        let newest = {
            let mut state = self.state();
            let transaction = id.clone();
            state.events.push(Event { transaction, what });
            state.events.len()
        };
        self.0.newest.send_replace(number(newest));
    }

    /// Forgets the first events.
    pub(crate) fn forget(&self, count: usize) {
        self.state().forgotten = count;
    }

    /// Asks the point of sale about the transaction that runs.
    pub(crate) fn ask(&self, id: &TransactionId, question: OnlineRequest) {
        {
            let mut state = self.state();
            state.online = Some(Arc::new(question));
            state.records.get_mut(id).expect("a transaction").asked = true;
        }
        self.0.changed.send_replace(());
        self.progress(id, Progress::AskingPointOfSale);
    }

    /// The record of a transaction.
    pub(crate) fn record(&self, id: &TransactionId) -> Record {
        self.state().records.get(id).expect("a transaction").clone()
    }

    /// What the point of sale decided.
    pub(crate) fn decisions(&self) -> Vec<OnlineAnswer> {
        self.state().decisions.clone()
    }

    /// Gives a transaction its end.
    pub(crate) fn end(&self, id: &TransactionId, outcome: Outcome) {
        let record = {
            let mut state = self.state();
            let record = state.records.get_mut(id).expect("a transaction");
            record.outcome = Some(outcome);
            state.past_abort = false;
            state.online = None;
            state.records.get(id).expect("a transaction").clone()
        };
        self.0.running.send_replace(None);
        self.0.changed.send_replace(());
        self.progress(id, Progress::Ended(Arc::new(record)));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("not poisoned")
    }
}

#[async_trait]
impl Terminal for FakeTerminal {
    async fn begin(&self, request: Request, claim: Option<Claim>) -> Result<Begun, BeginError> {
        let mut state = self.state();
        if let Some(error) = state.refuse {
            return Err(error);
        }
        if let Some(claim) = &claim
            && let Some((fingerprint, id)) = state.claims.get(&claim.key)
        {
            return if *fingerprint == claim.fingerprint {
                Ok(Begun::Known(id.clone()))
            } else {
                Err(BeginError::ClaimConflict)
            };
        }
        if self.0.running.borrow().is_some() {
            return Err(BeginError::Busy);
        }
        let id = TransactionId::parse(&format!("txn_{}", ulid::Ulid::new())).expect("an id");
        if let Some(claim) = claim {
            state
                .claims
                .insert(claim.key, (claim.fingerprint, id.clone()));
        }
        let began: Zoned = "2026-03-28T22:14:22+13:00[+13:00]"
            .parse()
            .expect("a moment");
        let record = Record {
            id: id.clone(),
            request,
            began,
            outcome: None,
            batch: 1,
            refers_to: None,
            referred: Referred::default(),
            asked: false,
        };
        state.records.insert(id.clone(), record);
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        self.0.running.send_replace(Some(id.clone()));
        Ok(Begun::Started(id))
    }

    async fn ended(&self, id: &TransactionId) -> Option<Arc<Record>> {
        let mut changed = self.0.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let record = self.state().records.get(id)?.clone();
            if record.outcome.is_some() {
                return Some(Arc::new(record));
            }
            changed.changed().await.ok()?;
        }
    }

    async fn asked_or_ended(&self, id: &TransactionId) -> Option<Standing> {
        let mut changed = self.0.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let (record, question) = {
                let state = self.state();
                (state.records.get(id)?.clone(), state.online.clone())
            };
            if record.outcome.is_some() {
                return Some(Standing::Ended(Arc::new(record)));
            }
            if let Some(question) = question {
                return Some(Standing::Asked(Arc::new(record), question));
            }
            changed.changed().await.ok()?;
        }
    }

    fn question(&self, _: &TransactionId) -> Option<Arc<OnlineRequest>> {
        self.state().online.clone()
    }

    fn decide(&self, id: &TransactionId, answer: OnlineAnswer) -> Decided {
        let mut state = self.state();
        let Some(record) = state.records.get(id) else {
            return Decided::Unknown;
        };
        if record.outcome.is_some() {
            return Decided::Over;
        }
        if state.decisions.last().is_some_and(|last| *last != answer) {
            return Decided::Otherwise;
        }
        if state.online.take().is_none() && state.decisions.is_empty() {
            return Decided::NotAsked;
        }
        state.decisions.push(answer);
        Decided::Taken
    }

    async fn abort(&self, id: &TransactionId) -> AbortAnswer {
        let answer = {
            let state = self.state();
            match state.records.get(id) {
                None => AbortAnswer::Unknown,
                Some(record) if record.outcome.is_some() => AbortAnswer::Ended,
                Some(_) if state.past_abort => AbortAnswer::TooLate,
                Some(_) => AbortAnswer::Accepted,
            }
        };
        if answer == AbortAnswer::Accepted {
            self.end(
                id,
                outcome(
                    Ending::Cancelled(CancelReason::PointOfSale),
                    ReversalState::None,
                ),
            );
        }
        answer
    }

    async fn transaction(&self, id: &TransactionId) -> Result<Option<Arc<Record>>, StorageFault> {
        Ok(self.state().records.get(id).cloned().map(Arc::new))
    }

    async fn transactions(
        &self,
        before: Option<&TransactionId>,
        from: Option<Timestamp>,
        count_max: u32,
    ) -> Result<Vec<Record>, StorageFault> {
        let records: Vec<Record> = self
            .state()
            .records
            .values()
            .rev()
            .filter(|record| before.is_none_or(|before| record.id < *before))
            .filter(|record| from.is_none_or(|from| record.began.timestamp() >= from))
            .take(usize::try_from(count_max).expect("a few"))
            .cloned()
            .collect();
        Ok(records)
    }

    async fn totals(&self) -> Result<Vec<CurrencyTotals>, StorageFault> {
        Ok(vec![totals()])
    }

    async fn reconcile(&self) -> Result<Vec<Settlement>, ReconcileError> {
        let mut state = self.state();
        state.reconciled = state.reconciled.saturating_add(1);
        match state.reconcile {
            Some(error) => Err(error),
            None => Ok(state.settlements.clone()),
        }
    }

    async fn settlements(&self) -> Result<Vec<Settlement>, StorageFault> {
        Ok(self.state().settlements.clone())
    }

    async fn settlement(
        &self,
        id: &SettlementId,
    ) -> Result<Option<(Settlement, Vec<Record>)>, StorageFault> {
        let state = self.state();
        let found = state.settlements.iter().find(|one| one.id == *id).cloned();
        Ok(found.map(|one| (one, state.records.values().cloned().collect())))
    }

    async fn events_after(&self, after: u64, count_max: u32) -> Result<LoggedEvents, StorageFault> {
        let state = self.state();
        let seen = usize::try_from(after).expect("a few");
        let rest = (1..).zip(&state.events).skip(seen.max(state.forgotten));
        let events = rest
            .map(|(sequence, event)| LoggedEvent {
                sequence,
                event: event.clone(),
            })
            .take(usize::try_from(count_max).expect("a few"))
            .collect();
        Ok(LoggedEvents {
            forgotten: after < number(state.forgotten),
            events,
        })
    }

    fn newest_event(&self) -> watch::Receiver<u64> {
        self.0.newest.subscribe()
    }

    fn event_log(&self) -> Result<EventLogId, StorageFault> {
        EventLogId::parse("0123456789abcdef").ok_or(StorageFault)
    }

    async fn display(&self, text: Text) -> Result<(), InteractionError> {
        let mut state = self.state();
        state.interaction.map_or(Ok(()), Err)?;
        state.shown.push(text);
        Ok(())
    }

    async fn ask(&self, question: Question, time_max: Duration) -> Result<Reply, InteractionError> {
        let (told, heard) = oneshot::channel();
        {
            let mut state = self.state();
            state.interaction.map_or(Ok(()), Err)?;
            if state.question.is_some() {
                return Err(InteractionError::Busy);
            }
            state.question = Some((question, time_max, told));
        }
        heard.await.map_err(|_| InteractionError::DeviceFault)
    }

    async fn print(&self, lines: Vec<TextLine>, cut: bool) -> Result<(), InteractionError> {
        let mut state = self.state();
        state.interaction.map_or(Ok(()), Err)?;
        state.printed.push((lines, cut));
        Ok(())
    }

    async fn kept_answer(&self, claim: &Claim) -> Result<KeptAnswer, StorageFault> {
        Ok(match self.state().answers.get(&claim.key) {
            None => KeptAnswer::None,
            Some((fingerprint, _)) if *fingerprint != claim.fingerprint => KeptAnswer::Conflict,
            Some((_, answer)) => KeptAnswer::Answer(answer.clone()),
        })
    }

    async fn keep_answer(&self, claim: &Claim, answer: &[u8]) -> Result<(), StorageFault> {
        let mut state = self.state();
        if state.forgets_answers {
            return Err(StorageFault);
        }
        let kept = (claim.fingerprint, answer.to_vec());
        state.answers.insert(claim.key.clone(), kept);
        Ok(())
    }

    fn running(&self) -> watch::Receiver<Option<TransactionId>> {
        self.0.running.subscribe()
    }

    fn merchant(&self) -> Merchant {
        Merchant {
            name: "Tenon Coffee".into(),
            merchant_id: "MID123456789".into(),
            terminal_id: "TENON001".into(),
            serial_number: "SN000001".into(),
            currencies: vec!["NZD".into(), "AUD".into()],
        }
    }

    async fn health(&self) -> Health {
        assert!(!self.state().panics, "a panic that holds 4111111111111111");
        Health {
            ready: true,
            terminal_id: "TENON001".into(),
            engine: "engine 0.1.0".into(),
            engine_digest: "00".repeat(32),
            host_version: "0.1.0".into(),
            waiting: 1,
            damaged: 2,
            last_transaction: None,
            uptime: Duration::from_secs(61),
        }
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).expect("a few")
}

/// An outcome with an answer and a card when it is one that has them.
pub(crate) fn outcome(ending: Ending, reversal: ReversalState) -> Outcome {
    let decided = matches!(ending, Ending::Approved | Ending::Declined(_));
    Outcome {
        ending,
        reversal,
        approved_minor: if ending == Ending::Approved { 2500 } else { 0 },
        trace_number: decided.then_some(1),
        answer: decided.then(|| AcquirerAnswer {
            response_code: if ending == Ending::Approved {
                "00"
            } else {
                "51"
            }
            .into(),
            authorisation_code: (ending == Ending::Approved).then(|| "A12345".into()),
            retrieval_reference: Some("262803141422".into()),
        }),
        card: decided.then(|| CardDetails {
            entry_mode: EntryMode::Contact,
            scheme: Scheme::Visa,
            masked_pan: "************1234".into(),
            aid: "A0000000031010".into(),
            application_label: "Visa Credit".into(),
            tvr: "0000000000".into(),
            tsi: "E800".into(),
            cryptogram: Some(CryptogramType::Tc),
            verification: Some(Verification::Pin),
        }),
        balance: None,
    }
}

/// What the open batch adds up to.
pub(crate) fn totals() -> CurrencyTotals {
    let sum = |count, minor| Sum { count, minor };
    CurrencyTotals {
        currency: "NZD".into(),
        totals: Totals {
            sale: sum(12, 30_000),
            refund: sum(2, 3000),
            void: sum(1, 2500),
            pre_auth: sum(3, 9000),
        },
    }
}

/// An approval.
pub(crate) fn approved() -> Outcome {
    outcome(Ending::Approved, ReversalState::None)
}
