//! What watchers see: the event log, and what happens now.

use std::sync::Arc;

use tokio::sync::{broadcast, watch};

use super::{Event, EventLogId, Inner, LoggedEvents, StorageFault, TransactionService};
use crate::{terminal::ProgressSink, transaction::TransactionId};

impl TransactionService {
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
}

impl Inner {
    /// Logs what happens in `transaction`, and tells it. Nobody need listen.
    pub(super) fn progress(&self, transaction: &TransactionId) -> ProgressSink {
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
    pub(super) fn tell(&self, transaction: &TransactionId) -> ProgressSink {
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
