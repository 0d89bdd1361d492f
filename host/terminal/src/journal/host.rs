//! `terminal:journal` for the guest.

use wasmtime::{Result, bail};

use super::{Account, AppendError, Counter, Entry, Phase, in_scope};
use crate::{
    bindings::terminal::journal::journal as wit,
    terminal::{Scope, Terminal},
};

const CONTENT_LENGTH_MAX: usize = 16_384;

/// The most entries handed to a guest at a time, whatever it asks for.
const ENTRIES_MAX: u32 = 256;

/// The lengths of tag 5A.
const PAN_LENGTHS: std::ops::RangeInclusive<usize> = 4..=10;

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
        let own = self.scope.runs(&transaction_id);
        let phase = self.may_append(own, phase, &content)?;
        let allowed = if own {
            Phase::may_follow
        } else {
            Phase::may_settle
        };
        let written = self
            .journal
            .append(&transaction_id, phase, &content, allowed);
        self.appended(own, phase, written)
    }

    async fn append_approval(
        &mut self,
        transaction_id: String,
        phase: wit::Phase,
        content: Vec<u8>,
        account: wit::Account,
    ) -> Answer<u64> {
        let account = self.account(&account)?;
        let Scope::Transaction { id, .. } = self.scope.clone() else {
            bail!("the guest approves a transaction that does not run");
        };
        if id.as_str() != transaction_id || !Phase::from(phase).is_approved() {
            bail!("the guest notes a payment that is no approval of its own");
        }
        let phase = self.may_append(true, phase, &content)?;
        let written = self.journal.append_approval(&id, phase, &content, account);
        self.appended(true, phase, written)
    }

    async fn last_payment(&mut self, account: wit::Account) -> Answer<Option<u64>> {
        self.conduct.count_lookup(&self.scope)?;
        let account = self.account(&account)?;
        let Scope::Transaction { id, .. } = &self.scope else {
            bail!("the guest looks a card up outside of a transaction");
        };
        Ok(self
            .journal
            .last_payment(id, account)
            .map_err(|_| wit::ErrorCode::StorageFault))
    }

    async fn unsettled(&mut self, after_sequence: u64, count_max: u32) -> Answer<Vec<wit::Entry>> {
        in_scope(&self.scope)?;
        let before_this_call = after_sequence.saturating_add(1)..self.conduct.written_from();
        Ok(self
            .journal
            .unsettled(before_this_call, count_max.min(ENTRIES_MAX))
            .map(|entries| entries.into_iter().map(Into::into).collect())
            .map_err(|_| wit::ErrorCode::StorageFault))
    }

    async fn batch(&mut self, after_sequence: u64, count_max: u32) -> Answer<Vec<wit::Entry>> {
        let Scope::Reconciliation { batch } = self.scope else {
            bail!("the guest reads a batch and closes none");
        };
        Ok(self
            .journal
            .batch_entries(batch, after_sequence, count_max.min(ENTRIES_MAX))
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
        self.conduct.count_write(&self.scope)?;
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

impl Terminal {
    /// Whether the guest may write this now; the phase as the journal knows it.
    fn may_append(&mut self, own: bool, phase: wit::Phase, content: &[u8]) -> Result<Phase> {
        if content.len() > CONTENT_LENGTH_MAX {
            bail!("the guest writes a journal entry that is too long");
        }
        self.conduct.count_write(&self.scope)?;
        let phase = phase.into();
        self.conduct.check(own, phase, || self.abort.proceed())?;
        Ok(phase)
    }

    /// What the guest is told of a write.
    fn appended(
        &mut self,
        own: bool,
        phase: Phase,
        written: std::result::Result<u64, AppendError>,
    ) -> Answer<u64> {
        match written {
            Ok(sequence) => {
                self.conduct.wrote(own, phase, sequence);
                Ok(Ok(sequence))
            }
            Err(AppendError::Full) => Ok(Err(wit::ErrorCode::Full)),
            Err(AppendError::StorageFault) => Ok(Err(wit::ErrorCode::StorageFault)),
            Err(AppendError::OutOfOrder) => bail!("the guest writes a phase that may not follow"),
        }
    }

    fn account(&self, account: &wit::Account) -> Result<Account> {
        if !PAN_LENGTHS.contains(&account.pan.len()) {
            bail!("the guest names an account that is none");
        }
        Ok(self.journal.account(&account.pan, account.sequence_number))
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
