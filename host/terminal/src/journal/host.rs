//! `terminal:journal` for the guest.

use wasmtime::{Result, bail};

use super::{AppendError, Counter, Entry, Phase, StorageFault};
use crate::{
    bindings::terminal::journal::journal as wit,
    terminal::{Scope, Terminal},
};

const CONTENT_LENGTH_MAX: usize = 16_384;

/// The most entries handed to a guest at a time, whatever it asks for.
const UNSETTLED_MAX: u32 = 256;

/// The most durable writes of one call of the guest: recovery of [`UNSETTLED_MAX`] transactions has
/// room in it. Storage wears out, and a write takes the time of a commit.
const WRITES_MAX: u32 = 2048;

type Answer<T> = Result<std::result::Result<T, wit::ErrorCode>>;

// Each call is one short transaction of SQLite. It is made on the calling thread: a transaction
// has nothing else to do until it is durable.
impl wit::Host for Terminal {
    async fn append(
        &mut self,
        transaction_id: String,
        phase: wit::Phase,
        content: Vec<u8>,
    ) -> Answer<u64> {
        if content.len() > CONTENT_LENGTH_MAX {
            bail!("the guest writes a journal entry that is too long");
        }
        self.count_a_write()?;
        let runs = self.scope.runs(&transaction_id);
        let allowed = match &self.scope {
            Scope::Description => bail!("the guest writes the journal while it says who it is"),
            Scope::Transaction { .. } if runs => Phase::may_follow,
            Scope::Transaction { .. } | Scope::Recovery => Phase::may_settle,
        };
        let phase = phase.into();
        match self
            .journal
            .append(&transaction_id, phase, &content, allowed)
        {
            Ok(sequence) => {
                self.written.first.get_or_insert(sequence);
                if runs {
                    self.written.request_due = phase == Phase::Sent;
                }
                Ok(Ok(sequence))
            }
            Err(AppendError::Full) => Ok(Err(wit::ErrorCode::Full)),
            Err(AppendError::StorageFault) => Ok(Err(wit::ErrorCode::StorageFault)),
            Err(AppendError::OutOfOrder) => bail!("the guest writes a phase that may not follow"),
        }
    }

    async fn unsettled(&mut self, after_sequence: u64, count_max: u32) -> Answer<Vec<wit::Entry>> {
        let end = self.written.first.unwrap_or(u64::MAX);
        Ok(self
            .journal
            .unsettled(
                after_sequence.saturating_add(1)..end,
                count_max.min(UNSETTLED_MAX),
            )
            .map(|entries| entries.into_iter().map(Into::into).collect())
            .map_err(|_| wit::ErrorCode::StorageFault))
    }

    async fn last_entry(&mut self, transaction_id: String) -> Answer<Option<wit::Entry>> {
        if !self.scope.may_read(&transaction_id) {
            bail!("the guest reads the entry of a transaction that is not its own");
        }
        Ok(self
            .journal
            .last_entry(&transaction_id)
            .map(|entry| entry.map(Into::into))
            .map_err(|_| wit::ErrorCode::StorageFault))
    }

    async fn next(&mut self, counter: wit::Counter) -> Answer<u32> {
        self.count_a_write()?;
        let counter = match counter {
            wit::Counter::TraceNumber => Counter::TraceNumber,
            wit::Counter::TransactionSequence => Counter::TransactionSequence,
        };
        Ok(self.journal.next(counter).map_err(|error| match error {
            AppendError::Full => wit::ErrorCode::Full,
            AppendError::StorageFault | AppendError::OutOfOrder => wit::ErrorCode::StorageFault,
        }))
    }
}

/// What one call of the guest wrote.
#[derive(Debug, Default)]
pub(crate) struct GuestWrites {
    /// Entries and counters.
    count: u32,
    /// The sequence number of the first entry.
    first: Option<u64>,
    /// The running transaction's `sent` is the last entry, and nothing left for it yet.
    request_due: bool,
}

impl Terminal {
    fn count_a_write(&mut self) -> Result<()> {
        if self.written.count >= WRITES_MAX {
            bail!("the guest writes the journal too often");
        }
        self.written.count = self.written.count.saturating_add(1);
        Ok(())
    }

    /// Whether the journal says why a message may leave now: a request that was written down and
    /// has not left yet, or something that must reach the acquirer. A request leaves once.
    pub(crate) fn spend_reason_to_send(&mut self) -> std::result::Result<bool, StorageFault> {
        match self.scope {
            Scope::Description => Ok(false),
            Scope::Transaction { .. } if std::mem::take(&mut self.written.request_due) => Ok(true),
            Scope::Transaction { .. } | Scope::Recovery => self.journal.is_due(),
        }
    }
}

impl From<wit::Phase> for Phase {
    fn from(phase: wit::Phase) -> Self {
        match phase {
            wit::Phase::Begun => Self::Begun,
            wit::Phase::Sent => Self::Sent,
            wit::Phase::ReversalDue => Self::ReversalDue,
            wit::Phase::AdviceDue => Self::AdviceDue,
            wit::Phase::Approved => Self::Approved,
            wit::Phase::Closed => Self::Closed,
            wit::Phase::Reversed => Self::Reversed,
        }
    }
}

impl From<Entry> for wit::Entry {
    fn from(entry: Entry) -> Self {
        Self {
            sequence: entry.sequence,
            transaction_id: entry.transaction,
            phase: match entry.phase {
                Phase::Begun => wit::Phase::Begun,
                Phase::Sent => wit::Phase::Sent,
                Phase::ReversalDue => wit::Phase::ReversalDue,
                Phase::AdviceDue => wit::Phase::AdviceDue,
                Phase::Approved => wit::Phase::Approved,
                Phase::Closed => wit::Phase::Closed,
                Phase::Reversed => wit::Phase::Reversed,
            },
            ended: entry.ended,
            content: entry.content.map(|content| content.to_vec()),
        }
    }
}
