//! Where ends of transactions are read from.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use terminal_host::{
    service::{Event, Progress, StorageFault},
    transaction::{Record, TransactionId},
};
use tokio::sync::{Mutex, broadcast};

use crate::terminal::Terminal;

/// A transaction has an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Rises from end to end, and stays the same over restarts.
    pub sequence: u64,
    /// Which.
    pub transaction: TransactionId,
}

/// The durable list of ends. What it shows once it shows again after a restart, under the same
/// sequence; a transaction may appear more than once.
#[async_trait]
pub trait Source: Send + Sync {
    /// The ends after `sequence`, in their order, `count_max` at most. Zero is before the first one.
    /// An empty answer says that there is no further one yet.
    async fn after(&self, sequence: u64, count_max: usize) -> Result<Vec<End>, StorageFault>;

    /// Waits until there may be a further one. Nothing that happens between two calls is missed.
    async fn changed(&self);
}

/// Ends as the records have them: the sequence is when a transaction began, in milliseconds, since one
/// runs at a time. An end is not shown before those of all that began earlier. A clock that was set back
/// hides ends until it has caught up.
pub struct RecordSource {
    terminal: Arc<dyn Terminal>,
    events: Mutex<broadcast::Receiver<Event>>,
}

impl RecordSource {
    /// How many records are read at one time.
    const PAGE: u32 = 200;

    /// The ends of this terminal.
    pub fn new(terminal: Arc<dyn Terminal>) -> Self {
        let events = Mutex::new(terminal.events());
        Self { terminal, events }
    }

    /// Every record that began after this millisecond, the oldest first.
    async fn records_after(&self, unix_ms: u64) -> Result<Vec<Record>, StorageFault> {
        let from = i64::try_from(unix_ms).ok();
        let from = from.and_then(|from| Timestamp::from_millisecond(from).ok());
        let mut records: Vec<Record> = Vec::new();
        loop {
            let before = records.last().map(|record| record.id.clone());
            let page = self
                .terminal
                .transactions(before.as_ref(), from, Self::PAGE)
                .await?;
            let is_last = page.len() < usize::try_from(Self::PAGE).unwrap_or(usize::MAX);
            records.extend(page);
            if is_last {
                break;
            }
        }
        records.retain(|record| began_ms(&record.id) > unix_ms);
        records.reverse();
        Ok(records)
    }
}

#[async_trait]
impl Source for RecordSource {
    async fn after(&self, sequence: u64, count_max: usize) -> Result<Vec<End>, StorageFault> {
        let records = self.records_after(sequence).await?;
        let ended = records
            .into_iter()
            .take_while(|record| record.outcome.is_some());
        let end = |record: Record| End {
            sequence: began_ms(&record.id),
            transaction: record.id,
        };
        Ok(ended.take(count_max).map(end).collect())
    }

    async fn changed(&self) {
        let mut events = self.events.lock().await;
        loop {
            match events.recv().await {
                Ok(event) if matches!(event.what, Progress::Ended(_)) => return,
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => return,
                // The terminal is gone, and so is whoever waits.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// When a transaction began, by its name: milliseconds since 1970.
pub(super) fn began_ms(id: &TransactionId) -> u64 {
    let ulid = id.as_str().trim_start_matches("txn_");
    ulid::Ulid::from_string(ulid).map_or(0, |ulid| ulid.timestamp_ms())
}
