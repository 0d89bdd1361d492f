//! What becomes an event, when, and what it says.

use std::sync::{Arc, LazyLock, Mutex};

use api::{
    End, EventType, LogSource, Source, Teller, Terminal, openapi, response::TransactionResponse,
};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use terminal_host::{
    batch::{Settlement, SettlementId, SettlementState},
    service::{Begun, Progress, StorageFault},
    transaction::{
        CancelReason, DeclineReason, Ending, EntryPreference, Failure, Kind, OnlineDecision,
        Outcome, Referred, Request, ReversalState, TransactionId,
    },
};
use tokio::sync::Notify;
use webhooks::{EndpointFile, Endpoints, NewEndpoint, Outbox};

use crate::{
    fake_terminal::{FakeTerminal, approved, outcome, totals},
    schemas::Document,
};

static OPENAPI: LazyLock<Value> = LazyLock::new(openapi::document);

/// A list of ends that outlives a restart.
#[derive(Default)]
struct Log {
    ends: Mutex<Vec<End>>,
    changed: Notify,
}

impl Log {
    fn append(&self, transaction: &TransactionId) {
        let mut ends = self.ends.lock().expect("no panic");
        let sequence = u64::try_from(ends.len()).expect("a few").saturating_add(1);
        let transaction = transaction.clone();
        ends.push(End {
            sequence,
            transaction,
        });
        self.changed.notify_one();
    }
}

#[async_trait]
impl Source for Log {
    async fn after(&self, sequence: u64, count_max: usize) -> Result<Vec<End>, StorageFault> {
        let ends = self.ends.lock().expect("no panic");
        let later = ends.iter().filter(|end| end.sequence > sequence);
        Ok(later.take(count_max).cloned().collect())
    }

    async fn changed(&self) {
        self.changed.notified().await;
    }
}

struct World {
    terminal: FakeTerminal,
    log: Arc<Log>,
    folder: tempfile::TempDir,
    endpoints: Endpoints,
    outbox: Arc<Outbox>,
    teller: Teller,
}

impl World {
    /// A terminal with one endpoint, which wants everything.
    fn new() -> Self {
        let mut file = EndpointFile::default();
        let new = NewEndpoint {
            url: "https://pos.example".into(),
            ..NewEndpoint::default()
        };
        file.make(new, Timestamp::now()).expect("made");
        let text = file.to_json().into_bytes();
        let folder = tempfile::tempdir().expect("a folder");
        let endpoints = Endpoints::new(move || Ok(Some(text.clone())));
        let (terminal, log) = (FakeTerminal::new(), Arc::new(Log::default()));
        let outbox = Arc::new(Outbox::open(&folder.path().join("webhooks.db")).expect("opened"));
        let teller = teller(&terminal, &log, &outbox, &endpoints);
        Self {
            terminal,
            log,
            folder,
            endpoints,
            outbox,
            teller,
        }
    }

    /// Forgets all that is not durable.
    fn restart(&mut self) {
        let path = self.folder.path().join("webhooks.db");
        self.outbox = Arc::new(Outbox::open(&path).expect("opened"));
        self.teller = teller(&self.terminal, &self.log, &self.outbox, &self.endpoints);
    }

    async fn begin(&self, kind: Kind, original: Option<&TransactionId>) -> TransactionId {
        let request = Request {
            kind,
            amount_minor: 2500,
            tip_minor: 0,
            cashback_minor: 0,
            currency: "NZD".into(),
            entry: EntryPreference::Auto,
            accepts_partial_approval: false,
            online_decision: OnlineDecision::Acquirer,
            reference: Some("POS-1".into()),
            original: original.cloned(),
            metadata: [("till".to_owned(), "3".to_owned())].into(),
        };
        // Names have the millisecond, and these tests are quicker.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        match self.terminal.begin(request, None).await {
            Ok(Begun::Started(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    /// A transaction with this end.
    async fn ends(
        &self,
        kind: Kind,
        original: Option<&TransactionId>,
        end: Outcome,
    ) -> TransactionId {
        let id = self.begin(kind, original).await;
        self.terminal.end(&id, end);
        self.log.append(&id);
        id
    }

    /// Tells, and returns the type and the data of everything that is new.
    async fn told(&self) -> Vec<(String, Value)> {
        self.teller.tell().await.expect("told");
        self.taken()
    }

    /// Takes what is queued out of the outbox.
    fn taken(&self) -> Vec<(String, Value)> {
        let id = self.endpoints.now()[0].id.clone();
        let mut taken = Vec::new();
        while let Some(delivery) = self.outbox.claim(&id, Timestamp::now()).expect("read") {
            let body: Value = serde_json::from_slice(&delivery.body).expect("JSON");
            check(&delivery.kind, &body);
            assert_eq!(body["id"], delivery.event.as_str());
            taken.push((delivery.kind, body["data"].clone()));
        }
        taken
    }

    async fn told_types(&self) -> Vec<String> {
        self.told()
            .await
            .into_iter()
            .map(|(kind, _)| kind)
            .collect()
    }

    /// The transaction as it is answered over HTTP.
    async fn shown(&self, id: &TransactionId) -> Value {
        let record = self.terminal.transaction(id).await.expect("read");
        let merchant = self.terminal.merchant();
        let response = TransactionResponse::of(&record.expect("a record"), &merchant);
        serde_json::to_value(response).expect("JSON")
    }
}

fn teller(
    terminal: &FakeTerminal,
    log: &Arc<Log>,
    outbox: &Arc<Outbox>,
    endpoints: &Endpoints,
) -> Teller {
    Teller::new(
        Arc::new(terminal.clone()),
        Arc::<Log>::clone(log),
        Arc::clone(outbox),
        endpoints.clone(),
    )
}

/// Holds a body against the document.
fn check(kind: &str, body: &Value) {
    let document = openapi::document();
    let schema =
        &document["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{kind} is not documented");
    let faults = Document(&OPENAPI).faults(schema, body);
    assert!(faults.is_empty(), "{kind}: {faults:#?} in {body}");
}

#[tokio::test]
async fn every_end_is_told_with_what_a_look_up_shows() {
    let world = World::new();
    let none = ReversalState::None;
    for (end, kind) in [
        (approved(), "transaction.approved"),
        (
            outcome(Ending::Declined(DeclineReason::Acquirer), none),
            "transaction.declined",
        ),
        (
            outcome(Ending::Cancelled(CancelReason::Cardholder), none),
            "transaction.cancelled",
        ),
        (
            outcome(Ending::Failed(Failure::CardUnreadable), none),
            "transaction.failed",
        ),
        (
            outcome(
                Ending::Failed(Failure::AnswerLost),
                ReversalState::Confirmed,
            ),
            "transaction.reversed",
        ),
    ] {
        let id = world.ends(Kind::Sale, None, end).await;
        assert_eq!(
            world.told().await,
            [(kind.to_owned(), world.shown(&id).await)]
        );
        assert!(world.told().await.is_empty(), "told once");
    }
}

#[tokio::test]
async fn a_transaction_that_runs_is_told_when_it_has_ended() {
    let world = World::new();
    let id = world.begin(Kind::Sale, None).await;
    world.log.append(&id);
    assert!(world.told().await.is_empty());
    world.terminal.end(&id, approved());
    assert_eq!(world.told_types().await, ["transaction.approved"]);
    assert!(world.told().await.is_empty());
}

#[tokio::test]
async fn what_failed_is_told_again_when_its_reversal_is_confirmed() {
    let mut world = World::new();
    for (ending, last) in [
        (Ending::Failed(Failure::AnswerLost), "transaction.reversed"),
        (
            Ending::Declined(DeclineReason::Card),
            "transaction.declined",
        ),
        (
            Ending::Cancelled(CancelReason::PointOfSale),
            "transaction.cancelled",
        ),
    ] {
        let pending = outcome(ending, ReversalState::Pending);
        let id = world.ends(Kind::Sale, None, pending).await;
        assert_eq!(world.told_types().await, ["transaction.failed"]);
        assert!(world.told().await.is_empty());
        // Over a restart, and although no further end is in the log.
        world.restart();
        world
            .terminal
            .end(&id, outcome(ending, ReversalState::Confirmed));
        assert_eq!(world.told_types().await, [last]);
        assert!(world.told().await.is_empty());
        assert!(world.outbox.watched().expect("read").is_empty());
    }
    // What must be settled by hand is not waited for.
    let by_hand = outcome(Ending::Failed(Failure::EngineFault), ReversalState::ByHand);
    world.ends(Kind::Sale, None, by_hand).await;
    assert_eq!(world.told_types().await, ["transaction.failed"]);
    assert!(world.outbox.watched().expect("read").is_empty());
}

#[tokio::test]
async fn a_void_reverses_its_original_whose_own_end_is_told_as_it_was() {
    let world = World::new();
    let sale = world.ends(Kind::Sale, None, approved()).await;
    let void = world.ends(Kind::Void, Some(&sale), approved()).await;
    let voided = Referred {
        voided: true,
        ..Referred::default()
    };
    world.terminal.refer(&sale, voided);
    let told = world.told().await;
    let of: Vec<_> = told
        .iter()
        .map(|(kind, data)| {
            (
                kind.as_str(),
                data["transactionId"].as_str().expect("an id"),
            )
        })
        .collect();
    assert_eq!(
        of,
        [
            ("transaction.approved", sale.as_str()),
            ("transaction.approved", void.as_str()),
            ("transaction.reversed", sale.as_str()),
        ]
    );
    assert_eq!(told[0].1["status"], "APPROVED", "it was late to be told");
    assert_eq!(told[2].1, world.shown(&sale).await);
}

#[tokio::test]
async fn a_restart_tells_nothing_twice_and_a_lost_outbox_tells_under_the_same_names() {
    let mut world = World::new();
    world.ends(Kind::Sale, None, approved()).await;
    assert_eq!(world.teller.tell().await.expect("told"), 1);
    let names = |world: &World| -> Vec<_> {
        let listed = world.outbox.deliveries(false).expect("read");
        listed.into_iter().map(|one| one.event).collect()
    };
    let first = names(&world);
    world.restart();
    assert_eq!(world.teller.tell().await.expect("told"), 0);
    world.folder = tempfile::tempdir().expect("a folder");
    world.restart();
    assert_eq!(world.teller.tell().await.expect("told"), 1);
    assert_eq!(names(&world), first);
}

#[tokio::test]
async fn what_began_before_the_endpoint_is_not_told() {
    let world = World::new();
    let earlier = TransactionId::parse("txn_01JQXYZA7B8C9D0E1F2G3H4J5K").expect("an id");
    world.log.append(&earlier);
    world.ends(Kind::Sale, None, approved()).await;
    assert_eq!(world.told_types().await, ["transaction.approved"]);
    assert_eq!(world.outbox.cursor().expect("read"), Some(2));
}

#[tokio::test]
async fn a_long_log_is_told_whole_and_in_order() {
    let world = World::new();
    let mut made = Vec::new();
    for _ in 0..120 {
        let id = world.ends(Kind::Sale, None, approved()).await;
        made.push(Value::from(id.as_str()));
    }
    let told = world.told().await;
    let names: Vec<_> = told
        .iter()
        .map(|(_, data)| data["transactionId"].clone())
        .collect();
    assert_eq!(names, made);
}

#[tokio::test]
async fn a_settlement_is_told_when_the_acquirer_has_answered() {
    let mut world = World::new();
    let now = jiff::Zoned::now();
    let settlement = |state| Settlement {
        id: SettlementId::parse("stl_01JQXYZA7B8C9D0E1F2G3H4J5K").expect("an id"),
        batch: 7,
        totals: totals(),
        state,
        frozen: now.clone(),
        closed: (state == SettlementState::Settled).then(jiff::Zoned::now),
    };
    world
        .terminal
        .settle(vec![settlement(SettlementState::Pending)]);
    assert!(world.told().await.is_empty());
    world
        .terminal
        .settle(vec![settlement(SettlementState::Disputed)]);
    let told = world.told().await;
    assert_eq!(told[0].0, "settlement.failed");
    assert_eq!((&told[0].1["status"], told.len()), (&json!("FAILED"), 1));
    world
        .terminal
        .settle(vec![settlement(SettlementState::Settled)]);
    assert_eq!(world.told_types().await, ["settlement.closed"]);
    assert!(world.told().await.is_empty());
    world.restart();
    assert!(world.told().await.is_empty());
}

#[tokio::test]
async fn start_stop_and_tests_are_events_too() {
    let world = World::new();
    world.teller.online().await.expect("told");
    world.teller.offline().await.expect("told");
    let told = world.taken();
    let types: Vec<_> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(types, ["terminal.online", "terminal.offline"]);
    assert_eq!(told[0].1["terminalId"], "TENON001");
    let now = Timestamp::now();
    let test = Teller::test_event(now);
    check(
        &test.kind,
        &serde_json::from_slice(&test.body(now)).expect("JSON"),
    );
}

#[tokio::test]
async fn the_event_log_is_a_source_that_shows_ends_in_order() {
    let world = World::new();
    let source = LogSource::new(Arc::new(world.terminal.clone()));
    let first = world.ends(Kind::Sale, None, approved()).await;
    let second = world.begin(Kind::Sale, None).await;
    source.changed().await;
    let after = |sequence| source.after(sequence, 10);
    let ends = after(0).await.expect("read");
    assert_eq!(ends.len(), 1, "what runs is not shown");
    assert_eq!(ends[0].transaction, first);
    // Steps between ends, more than are read at one time.
    for _ in 0..600 {
        world.terminal.progress(&second, Progress::Authorising);
    }
    world.terminal.end(&second, approved());
    source.changed().await;
    let ends = after(ends[0].sequence).await.expect("read");
    assert_eq!(ends.len(), 1);
    assert_eq!(ends[0].transaction, second);
    assert_eq!(after(ends[0].sequence).await, Ok(Vec::new()));
    // A log that counts anew is read from its beginning.
    assert_eq!(after(u64::MAX).await.expect("read").len(), 2);
}

#[test]
fn every_type_is_documented_and_no_other() {
    let documented = OPENAPI["webhooks"].as_object().expect("webhooks");
    let names: Vec<_> = EventType::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(documented.len(), names.len());
    assert!(names.iter().all(|name| documented.contains_key(*name)));
    let page = include_str!("../../../../docs/webhooks.md");
    for name in names {
        assert!(
            page.contains(&format!("| `{name}` |")),
            "{name} is not in docs/webhooks.md"
        );
    }
}
