//! From the terminal's records to the outbox.
//!
//! Nothing is told from memory. What has ended is read from the durable [`Source`], and how far it was read is
//! written in the commit that queues the events: whatever a crash cuts off is found again, and has the
//! same id.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use terminal_host::{
    batch::Settlement,
    service::StorageFault,
    transaction::{Kind, Record, Referred, ReversalState, TransactionId},
};
use webhooks::{Batch, Endpoint, Endpoints, Event, EventId, Outbox};

use super::{EventType, source::Source};
use crate::{
    device::HealthResponse,
    response::TransactionResponse,
    settlements::SettlementResponse,
    status::{self, Status},
    terminal::{Merchant, Terminal},
};

/// How many ends are queued in one commit.
const ENDS_MAX: usize = 100;

/// Why not everything was told. It is told later.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    /// The records could not be read.
    #[error(transparent)]
    Records(#[from] StorageFault),
    /// The outbox could not be read or written.
    #[error(transparent)]
    Outbox(#[from] webhooks::StorageFault),
    /// The program is ending.
    #[error("interrupted")]
    Interrupted,
}

/// Queues what happens.
pub struct Teller {
    terminal: Arc<dyn Terminal>,
    merchant: Merchant,
    source: Arc<dyn Source>,
    outbox: Arc<Outbox>,
    endpoints: Endpoints,
    /// Settlements that were queued since the start, so that the outbox is not asked again.
    settlements: Mutex<BTreeSet<EventId>>,
}

impl Teller {
    /// Tells of `terminal`, whose ends are in `source`.
    pub fn new(
        terminal: Arc<dyn Terminal>,
        source: Arc<dyn Source>,
        outbox: Arc<Outbox>,
        endpoints: Endpoints,
    ) -> Self {
        Self {
            merchant: terminal.merchant(),
            terminal,
            source,
            outbox,
            endpoints,
            settlements: Mutex::default(),
        }
    }

    /// Waits until something may have happened.
    pub async fn changed(&self) {
        self.source.changed().await;
    }

    /// Queues everything that happened since the last time, and says how many deliveries there are
    /// more. Nothing is queued, and nothing noted, while there is no endpoint.
    pub async fn tell(&self) -> Result<usize, TellError> {
        let endpoints = self.endpoints.now();
        let Some(since) = endpoints.iter().map(|endpoint| endpoint.created).min() else {
            return Ok(0);
        };
        let ends = self.tell_ends(&endpoints, since).await?;
        let reversals = self.tell_watched(&endpoints).await?;
        let settlements = self.tell_settlements(&endpoints, since).await?;
        Ok(ends.saturating_add(reversals).saturating_add(settlements))
    }

    /// Queues that the terminal takes requests.
    pub async fn online(&self) -> Result<usize, TellError> {
        self.tell_health(EventType::TerminalOnline).await
    }

    /// Queues that the terminal stops.
    pub async fn offline(&self) -> Result<usize, TellError> {
        self.tell_health(EventType::TerminalOffline).await
    }

    /// The event that tries an endpoint.
    pub fn test_event(now: Timestamp) -> Event {
        Event {
            id: EventId::new(),
            kind: EventType::WebhookTest.as_str().into(),
            since: now,
            data: json!({}),
            remembered: false,
        }
    }

    async fn tell_ends(
        &self,
        endpoints: &Arc<Vec<Endpoint>>,
        since: Timestamp,
    ) -> Result<usize, TellError> {
        let mut queued = 0_usize;
        loop {
            let cursor = self.on_disk(Outbox::cursor).await?.unwrap_or(0);
            let ends = self.source.after(cursor, ENDS_MAX).await?;
            let Some(last) = ends.last() else {
                return Ok(queued);
            };
            let mut batch = Batch {
                cursor: Some(last.sequence),
                ..Batch::default()
            };
            for end in &ends {
                // What nobody gets is not read.
                if began(&end.transaction) >= since {
                    self.look_at(&end.transaction, &mut batch).await?;
                }
            }
            queued = queued.saturating_add(self.queue(batch, endpoints).await?);
        }
    }

    /// What had no final status when it was told is looked at again.
    async fn tell_watched(&self, endpoints: &Arc<Vec<Endpoint>>) -> Result<usize, TellError> {
        let failed = EventType::TransactionFailed.as_str();
        let mut batch = Batch::default();
        for source in self.on_disk(Outbox::watched).await? {
            let Some(id) = TransactionId::parse(&source) else {
                batch.unwatch.push(source);
                continue;
            };
            let mut found = Batch::default();
            self.look_at(&id, &mut found).await?;
            if !found.unwatch.is_empty() {
                // That it failed was told before.
                found.events.retain(|event| event.kind != failed);
                batch.events.append(&mut found.events);
                batch.unwatch.append(&mut found.unwatch);
            }
        }
        self.queue(batch, endpoints).await
    }

    /// Adds what there is to tell of a transaction now, and whether it is to be looked at again.
    async fn look_at(&self, id: &TransactionId, batch: &mut Batch) -> Result<(), TellError> {
        let name = || id.as_str().to_owned();
        let Some(record) = self.terminal.transaction(id).await? else {
            batch.unwatch.push(name());
            return Ok(());
        };
        let mut record = Arc::unwrap_or_clone(record);
        let original = record.request.original.clone();
        // Its own end is told as it was: what later transactions made of it, they tell.
        record.referred = Referred::default();
        let status = status::now(&record);
        if is_final(&record, status) {
            batch.unwatch.push(name());
        } else {
            batch.watch.push(name());
        }
        if let Some(kind) = EventType::of_status(status) {
            batch.events.push(self.of_record(&record, kind, began(id)));
        }
        if let (Kind::Void, Status::Approved, Some(original)) =
            (record.request.kind, status, original)
            && let Some(voided) = self.terminal.transaction(&original).await?
        {
            let kind = EventType::TransactionReversed;
            batch.events.push(self.of_record(&voided, kind, began(id)));
        }
        Ok(())
    }

    async fn tell_settlements(
        &self,
        endpoints: &Arc<Vec<Endpoint>>,
        since: Timestamp,
    ) -> Result<usize, TellError> {
        let mut batch = Batch::default();
        for settlement in self.terminal.settlements().await? {
            let event = self.of_settlement(&settlement);
            batch.events.extend(event.filter(|event| {
                event.since >= since && !self.known_settlements().contains(&event.id)
            }));
        }
        let names: Vec<_> = batch.events.iter().map(|event| event.id.clone()).collect();
        let queued = self.queue(batch, endpoints).await?;
        self.known_settlements().extend(names);
        Ok(queued)
    }

    async fn tell_health(&self, kind: EventType) -> Result<usize, TellError> {
        let health = HealthResponse::of(self.terminal.health().await, &self.merchant);
        let event = Event {
            id: EventId::new(),
            kind: kind.as_str().into(),
            since: Timestamp::now(),
            data: data(&health),
            remembered: false,
        };
        let batch = Batch {
            events: vec![event],
            ..Batch::default()
        };
        self.queue(batch, &self.endpoints.now()).await
    }

    fn of_record(&self, record: &Record, kind: EventType, since: Timestamp) -> Event {
        let id = record.id.as_str();
        Event {
            id: EventId::derived(began(&record.id), &[id, kind.as_str()]),
            kind: kind.as_str().into(),
            since,
            data: data(&TransactionResponse::of(record, &self.merchant)),
            remembered: false,
        }
    }

    fn of_settlement(&self, settlement: &Settlement) -> Option<Event> {
        let kind = EventType::of_settlement(settlement.state)?;
        let frozen = settlement.frozen.timestamp();
        let closed = settlement.closed.as_ref().map(jiff::Zoned::timestamp);
        Some(Event {
            id: EventId::derived(frozen, &[settlement.id.as_str(), kind.as_str()]),
            kind: kind.as_str().into(),
            since: closed.unwrap_or(frozen),
            data: data(&SettlementResponse::of(settlement, &self.merchant)),
            remembered: true,
        })
    }

    async fn queue(
        &self,
        batch: Batch,
        endpoints: &Arc<Vec<Endpoint>>,
    ) -> Result<usize, TellError> {
        let nothing = batch.events.is_empty() && batch.cursor.is_none();
        if nothing && batch.watch.is_empty() && batch.unwatch.is_empty() {
            return Ok(0);
        }
        let endpoints = Arc::clone(endpoints);
        self.on_disk(move |outbox| outbox.queue(&batch, &endpoints, Timestamp::now()))
            .await
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Outbox) -> Result<T, webhooks::StorageFault> + Send + 'static,
    ) -> Result<T, TellError> {
        let outbox = Arc::clone(&self.outbox);
        let done = tokio::task::spawn_blocking(move || job(&outbox)).await;
        Ok(done.map_err(|_| TellError::Interrupted)??)
    }

    fn known_settlements(&self) -> std::sync::MutexGuard<'_, BTreeSet<EventId>> {
        self.settlements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a status stays as it is, what later transactions make of it apart.
fn is_final(record: &Record, status: Status) -> bool {
    let reversal = record.outcome.as_ref().map(|outcome| outcome.reversal);
    match status {
        Status::PendingOnline | Status::PendingCompletion => false,
        Status::Error => reversal != Some(ReversalState::Pending),
        Status::Approved | Status::Declined | Status::Cancelled | Status::Reversed => true,
    }
}

/// When a transaction began, by its name.
fn began(id: &TransactionId) -> Timestamp {
    let ulid = id.as_str().trim_start_matches("txn_");
    let unix_ms = ulid::Ulid::from_string(ulid).map_or(0, |ulid| ulid.timestamp_ms());
    let unix_ms = i64::try_from(unix_ms).unwrap_or_default();
    Timestamp::from_millisecond(unix_ms).unwrap_or_default()
}

/// An answer of the API as an event's data.
fn data(answer: &impl Serialize) -> Value {
    // Texts, numbers and objects of them: nothing that JSON could not hold.
    serde_json::to_value(answer).unwrap_or_default()
}
