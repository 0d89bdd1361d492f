//! Where ends of transactions are read from.

use std::sync::Arc;

use async_trait::async_trait;
use terminal_host::{
    service::{LoggedEvent, Progress, StorageFault},
    transaction::TransactionId,
};
use tokio::sync::{Mutex, watch};

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

/// Ends as the terminal's event log has them.
pub struct LogSource {
    terminal: Arc<dyn Terminal>,
    newest: Mutex<watch::Receiver<u64>>,
}

impl LogSource {
    /// How many events are read at one time.
    const PAGE: u32 = 256;

    /// The ends of this terminal.
    pub fn new(terminal: Arc<dyn Terminal>) -> Self {
        let newest = Mutex::new(terminal.newest_event());
        Self { terminal, newest }
    }
}

#[async_trait]
impl Source for LogSource {
    async fn after(&self, sequence: u64, count_max: usize) -> Result<Vec<End>, StorageFault> {
        // A terminal that lost its journal has another log, which counts anew.
        let newest = *self.terminal.newest_event().borrow();
        let mut seen = if sequence > newest { 0 } else { sequence };
        let mut ends = Vec::new();
        loop {
            let read = self.terminal.events_after(seen, Self::PAGE).await?;
            if read.forgotten {
                tracing::error!("events are no longer kept that were not told to every endpoint");
            }
            let Some(last) = read.events.last() else {
                return Ok(ends);
            };
            seen = last.sequence;
            ends.extend(read.events.into_iter().filter_map(end));
            if ends.len() >= count_max {
                ends.truncate(count_max);
                return Ok(ends);
            }
        }
    }

    async fn changed(&self) {
        // An error means that the terminal is gone, and so is whoever waits.
        if self.newest.lock().await.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn end(logged: LoggedEvent) -> Option<End> {
    matches!(logged.event.what, Progress::Ended(_)).then_some(End {
        sequence: logged.sequence,
        transaction: logged.event.transaction,
    })
}
