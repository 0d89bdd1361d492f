//! A journal in memory that keeps the host's rules and can fail.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use crate::ports::{Account, Counter, Entry, JournalError, Phase};
use crate::record::Record;

/// Which writes fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Faults {
    /// None.
    #[default]
    Never,
    /// The write of this number, counted from zero.
    Once(usize),
    /// All from this number on: the journal is full.
    From(usize),
}

/// What the point of sale was asked in the running call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Decision {
    #[default]
    NotAsked,
    Asked,
    Given,
}

#[derive(Default)]
pub(super) struct MemoryJournal {
    entries: Vec<Entry>,
    counters: BTreeMap<&'static str, u32>,
    /// Transactions whose end the host's own records hold.
    pub(super) ended: BTreeSet<String>,
    /// The transaction that runs.
    running: Option<String>,
    pub(super) decision: Decision,
    /// The sequence number of the first entry that the running call of the engine may write.
    call_from: u64,
    /// The running transaction's request may leave: its `sent` is written, and nothing left since.
    request_due: bool,
    /// The transactions of the batch that is reconciled, while it is.
    pub(super) batch: Option<Vec<String>>,
    /// What each account paid last.
    paid: BTreeMap<(Vec<u8>, Option<u8>), u64>,
    /// Whether the card log can be read.
    pub(super) card_log_broken: bool,
    pub(super) faults: Faults,
    /// How many writes were tried.
    pub(super) writes: usize,
}

impl MemoryJournal {
    /// The phases of a transaction, oldest first.
    pub(super) fn phases(&self, id: &str) -> Vec<Phase> {
        self.entries
            .iter()
            .filter(|entry| entry.transaction_id == id)
            .map(|entry| entry.phase)
            .collect()
    }

    pub(super) fn last(&self, id: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .rev()
            .find(|entry| entry.transaction_id == id)
    }

    /// Every transaction once, in the order of its last entry.
    pub(super) fn last_entries(&self) -> Vec<Entry> {
        let mut seen = BTreeSet::new();
        let mut last: Vec<Entry> = self
            .entries
            .iter()
            .rev()
            .filter(|entry| seen.insert(entry.transaction_id.clone()))
            .map(|entry| Entry {
                ended: self.ended.contains(&entry.transaction_id),
                ..entry.clone()
            })
            .collect();
        last.reverse();
        last
    }

    pub(super) fn append(
        &mut self,
        id: &str,
        phase: Phase,
        content: &[u8],
    ) -> Result<(), JournalError> {
        let last = self.last(id).map(|entry| entry.phase);
        let own = self.running.as_deref() == Some(id);
        assert!(
            may_follow(last, phase, own, self.decision),
            "{id}: {phase:?} may not follow {last:?}"
        );
        assert!(content.len() <= 16384);
        self.write()?;
        self.request_due = own && phase == Phase::Sent;
        self.push(id, phase, Some(content));
        Ok(())
    }

    /// Notes a payment in the commit that was written just now.
    pub(super) fn note(&mut self, account: &Account, minor: u64) {
        let key = (account.pan.to_vec(), account.sequence_number);
        self.paid.insert(key, minor);
    }

    pub(super) fn last_payment(&self, account: &Account) -> Result<Option<u64>, JournalError> {
        let key = (account.pan.to_vec(), account.sequence_number);
        if self.card_log_broken {
            return Err(JournalError);
        }
        Ok(self.paid.get(&key).copied())
    }

    /// The host begins a transaction.
    pub(super) fn begin(&mut self, id: &str) -> Result<(), JournalError> {
        assert!(self.last(id).is_none(), "{id} is begun twice");
        self.write()?;
        self.push(id, Phase::Begun, Some(&[]));
        Ok(())
    }

    /// An entry that this engine did not write, or that was damaged since.
    pub(super) fn push(&mut self, id: &str, phase: Phase, content: Option<&[u8]>) {
        self.entries.push(Entry {
            sequence: self.next_sequence(),
            transaction_id: id.to_owned(),
            phase,
            ended: false,
            content: content.map(|content| Zeroizing::new(content.to_vec())),
        });
    }

    /// A call of the engine begins, for the transaction `running` or for recovery.
    pub(super) fn call(&mut self, running: Option<&str>) {
        self.running = running.map(str::to_owned);
        self.decision = Decision::NotAsked;
        self.call_from = self.next_sequence();
        self.request_due = false;
    }

    /// A message leaves. The host lets it only when the journal says why.
    pub(super) fn exchange(&mut self) {
        let due = |entry: Entry| matches!(entry.phase, Phase::ReversalDue | Phase::AdviceDue);
        assert!(
            self.batch.is_some() || self.request_due || self.last_entries().into_iter().any(due),
            "a message leaves and the journal does not say why"
        );
        self.request_due = false;
    }

    fn next_sequence(&self) -> u64 {
        self.entries.last().map_or(1, |entry| entry.sequence + 1)
    }

    pub(super) fn unsettled(&self, after_sequence: u64, count_max: u32) -> Vec<Entry> {
        self.last_entries()
            .into_iter()
            .filter(|entry| self.running.as_ref() != Some(&entry.transaction_id))
            .filter(|entry| (after_sequence + 1..self.call_from).contains(&entry.sequence))
            .filter(|entry| !is_final(entry.phase) || !entry.ended)
            .take(usize::try_from(count_max).expect("usize"))
            .collect()
    }

    pub(super) fn batch(&self, after_sequence: u64, count_max: u32) -> Vec<Entry> {
        let batch = self.batch.as_ref().expect("a batch is reconciled");
        self.last_entries()
            .into_iter()
            .filter(|entry| batch.contains(&entry.transaction_id))
            .filter(|entry| entry.sequence > after_sequence && entry.phase == Phase::Approved)
            .take(usize::try_from(count_max).expect("usize"))
            .collect()
    }

    pub(super) fn next(&mut self, counter: Counter) -> Result<u32, JournalError> {
        self.write()?;
        let name = match counter {
            Counter::TraceNumber => "trace-number",
            Counter::TransactionSequence => "transaction-sequence",
        };
        let value = self.counters.entry(name).or_default();
        *value += 1;
        Ok(*value)
    }

    fn write(&mut self) -> Result<(), JournalError> {
        let number = self.writes;
        self.writes += 1;
        let fails = match self.faults {
            Faults::Never => false,
            Faults::Once(failing) => number == failing,
            Faults::From(first) => number >= first,
        };
        if fails { Err(JournalError) } else { Ok(()) }
    }
}

/// What an entry holds, when it is a record of this engine and not damaged.
pub(super) fn record(entry: &Entry) -> Option<Record> {
    Record::decode(entry.content.as_ref()?).ok()
}

pub(super) const fn is_final(phase: Phase) -> bool {
    matches!(phase, Phase::Approved | Phase::Closed | Phase::Reversed)
}

/// The host's rule (`wit/deps/journal.wit`): what may follow what, in the transaction's own run and
/// when another call settles it.
fn may_follow(last: Option<Phase>, next: Phase, own: bool, decision: Decision) -> bool {
    let allowed: &[Phase] = match last {
        Some(Phase::Begun) if own && decision == Decision::Given => {
            &[Phase::Approved, Phase::Closed]
        }
        Some(Phase::Begun) if own && decision == Decision::Asked => &[Phase::Closed],
        Some(Phase::Begun) if own => &[Phase::Sent, Phase::AdviceDue, Phase::Closed],
        Some(Phase::Begun) => &[Phase::Closed],
        Some(Phase::Sent) if own => &[
            Phase::ReversalDue,
            Phase::AdviceDue,
            Phase::Approved,
            Phase::Closed,
        ],
        Some(Phase::Sent) => &[Phase::ReversalDue],
        Some(Phase::ReversalDue) => &[Phase::ReversalDue, Phase::Reversed],
        Some(Phase::AdviceDue) => &[Phase::AdviceDue, Phase::Approved],
        None | Some(Phase::Approved | Phase::Closed | Phase::Reversed) => &[],
    };
    allowed.contains(&next)
}
