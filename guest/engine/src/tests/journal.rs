//! A journal in memory that keeps the host's rules and can fail.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use crate::ports::{Counter, Entry, JournalError, Phase};

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

#[derive(Default)]
pub(super) struct MemoryJournal {
    entries: Vec<Entry>,
    counters: BTreeMap<&'static str, u32>,
    /// Transactions whose end the host's own records hold.
    pub(super) reported: BTreeSet<String>,
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
            .cloned()
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
        assert!(
            may_follow(last, phase),
            "{id}: {phase:?} may not follow {last:?}"
        );
        assert!(id.len() <= 64 && content.len() <= 16384);
        self.write()?;
        self.entries.push(Entry {
            transaction_id: id.to_owned(),
            phase,
            content: Zeroizing::new(content.to_vec()),
        });
        Ok(())
    }

    pub(super) fn unsettled(&self, count_max: u32, running: Option<&str>) -> Vec<Entry> {
        self.last_entries()
            .into_iter()
            .filter(|entry| Some(entry.transaction_id.as_str()) != running)
            .filter(|entry| {
                !is_final(entry.phase) || !self.reported.contains(&entry.transaction_id)
            })
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

pub(super) const fn is_final(phase: Phase) -> bool {
    matches!(phase, Phase::Approved | Phase::Closed | Phase::Reversed)
}

/// The host's rule (`wit/deps/journal.wit`): what may follow what.
fn may_follow(last: Option<Phase>, next: Phase) -> bool {
    let allowed: &[Phase] = match last {
        None => &[Phase::Begun],
        Some(Phase::Begun) => &[Phase::Sent, Phase::AdviceDue, Phase::Closed],
        Some(Phase::Sent) => &[
            Phase::ReversalDue,
            Phase::AdviceDue,
            Phase::Approved,
            Phase::Closed,
        ],
        Some(Phase::ReversalDue) => &[Phase::ReversalDue, Phase::Reversed],
        Some(Phase::AdviceDue) => &[Phase::AdviceDue, Phase::Approved],
        Some(Phase::Approved | Phase::Closed | Phase::Reversed) => &[],
    };
    allowed.contains(&next)
}
