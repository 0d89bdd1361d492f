//! The journal.

use engine::ports::{Account, Counter, Entry, Phase};

use crate::bindings::terminal::journal::journal;

pub(crate) fn entry(entry: journal::Entry) -> Entry {
    Entry {
        sequence: entry.sequence,
        transaction_id: entry.transaction_id,
        phase: from_wit(entry.phase),
        ended: entry.ended,
        content: entry.content.map(Into::into),
    }
}

pub(crate) fn account(account: &Account) -> journal::Account {
    journal::Account {
        pan: account.pan.to_vec(),
        sequence_number: account.sequence_number,
    }
}

pub(crate) fn phase(phase: Phase) -> journal::Phase {
    match phase {
        Phase::Begun => journal::Phase::Begun,
        Phase::Sent => journal::Phase::Sent,
        Phase::ReversalDue => journal::Phase::ReversalDue,
        Phase::AdviceDue => journal::Phase::AdviceDue,
        Phase::Approved => journal::Phase::Approved,
        Phase::Closed => journal::Phase::Closed,
        Phase::Reversed => journal::Phase::Reversed,
    }
}

fn from_wit(phase: journal::Phase) -> Phase {
    match phase {
        journal::Phase::Begun => Phase::Begun,
        journal::Phase::Sent => Phase::Sent,
        journal::Phase::ReversalDue => Phase::ReversalDue,
        journal::Phase::AdviceDue => Phase::AdviceDue,
        journal::Phase::Approved => Phase::Approved,
        journal::Phase::Closed => Phase::Closed,
        journal::Phase::Reversed => Phase::Reversed,
    }
}

pub(crate) fn counter(counter: Counter) -> journal::Counter {
    match counter {
        Counter::TraceNumber => journal::Counter::TraceNumber,
        Counter::TransactionSequence => journal::Counter::TransactionSequence,
    }
}
