//! What the acquirer believes: who was charged what.

use std::collections::BTreeMap;

use serde::Serialize;

use super::service::Service;

/// Most transactions an acquirer keeps. Later ones are refused with 96.
pub(super) const ENTRIES_MAX: usize = 100_000;

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// Approved by the issuer: money moved.
    Approved,
    /// Refused: no money moved.
    Declined,
    /// Taken back, or named by a reversal before it came: no money moved.
    Reversed,
    /// Approved offline and told afterwards: money moved.
    Advised,
    /// Voided, or taken by a completion: what it moved is undone or stands there.
    Replaced,
}

/// One transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Field 41.
    pub terminal_id: String,
    /// Field 11.
    pub trace_number: String,
    /// Field 7, `MMDDhhmmss` in UTC.
    pub transmitted: String,
    /// Field 37 of the request, when it had one.
    pub retrieval_reference: Option<String>,
    /// Field 2, all but the first six and the last four digits masked. Empty when a reversal came
    /// without it.
    pub masked_pan: String,
    /// Field 4, in minor units; less after a partial reversal.
    pub amount_minor: u64,
    /// What was asked for.
    pub service: Service,
    /// Field 60, the terminal's batch; empty when it names none.
    pub batch: String,
    /// Field 49, ISO 4217 numeric. Empty when a reversal came without it.
    pub currency: String,
    /// What became of it.
    pub state: State,
    /// Field 39 of the answer.
    pub response_code: String,
    /// Field 38 of the answer, when approved.
    pub authorisation_code: Option<String>,
    /// Whether a reconciliation has closed it.
    pub settled: bool,
    /// Whether the terminal has told it once more when its totals differed.
    pub uploaded: bool,
    /// What it voids or completes, and how that stood.
    #[serde(skip)]
    pub(super) replaces: Option<(TransactionKey, State)>,
}

impl Entry {
    /// What the cardholder was charged, in minor units; below zero for a refund.
    pub fn net_minor(&self) -> i64 {
        let amount = i64::try_from(self.amount_minor).unwrap_or(i64::MAX);
        match (self.state, self.service) {
            (State::Approved | State::Advised, Service::Refund) => amount.saturating_neg(),
            (State::Approved | State::Advised, Service::Sale | Service::PreAuthComplete) => amount,
            (State::Declined | State::Reversed | State::Replaced, _)
            | (_, Service::PreAuth | Service::Void | Service::BalanceInquiry) => 0,
        }
    }
}

/// What names a transaction: terminal, trace number and transmission time (ISO 8583:1987, 4.4,
/// fields 7 and 11, which stay unchanged for its whole life).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TransactionKey {
    pub(super) terminal_id: String,
    pub(super) trace_number: String,
    pub(super) transmitted: String,
}

/// Every transaction, and how many messages came.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    entries: BTreeMap<TransactionKey, Entry>,
    messages: BTreeMap<String, u64>,
    /// Batches that were closed, and with which totals.
    closed: BTreeMap<Batch, Totals>,
    /// Messages that were no message, or whose code was wrong.
    refused: u64,
}

impl Ledger {
    /// Every transaction, by terminal and trace number.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// How many authentic messages of each type came, repeats counted.
    pub fn messages(&self) -> &BTreeMap<String, u64> {
        &self.messages
    }

    /// How many messages could not be read, or had a wrong authentication code.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// What all cardholders together were charged, in minor units, refunds and reversals taken off.
    pub fn net_minor(&self) -> i64 {
        self.entries()
            .map(Entry::net_minor)
            .fold(0, i64::saturating_add)
    }

    /// What each card was charged, by masked number.
    pub fn net_by_card(&self) -> BTreeMap<String, i64> {
        self.net_by(|entry| &entry.masked_pan)
    }

    /// What was charged on each terminal.
    pub fn net_by_terminal(&self) -> BTreeMap<String, i64> {
        self.net_by(|entry| &entry.terminal_id)
    }

    fn net_by(&self, of: impl Fn(&Entry) -> &String) -> BTreeMap<String, i64> {
        let mut sums = BTreeMap::new();
        for entry in self.entries().filter(|entry| entry.net_minor() != 0) {
            let sum: &mut i64 = sums.entry(of(entry).clone()).or_default();
            *sum = sum.saturating_add(entry.net_minor());
        }
        sums
    }

    pub(super) fn count_message(&mut self, message_type: String) {
        let count = self.messages.entry(message_type).or_default();
        *count = count.saturating_add(1);
    }

    pub(super) fn count_refused(&mut self) {
        self.refused = self.refused.saturating_add(1);
    }

    pub(super) fn entry(&self, key: &TransactionKey) -> Option<&Entry> {
        self.entries.get(key)
    }

    pub(super) fn entry_mut(&mut self, key: &TransactionKey) -> Option<&mut Entry> {
        self.entries.get_mut(key)
    }

    /// Records a transaction. `false` when the ledger is full; nothing was recorded then.
    pub(super) fn record(&mut self, key: TransactionKey, entry: Entry) -> bool {
        if self.entries.len() >= ENTRIES_MAX && !self.entries.contains_key(&key) {
            return false;
        }
        self.entries.insert(key, entry);
        true
    }

    /// What the open transactions of a batch add up to, those alone that were uploaded where
    /// `uploaded`: debits and credits, each number and amount.
    pub(super) fn totals(&self, batch: &Batch, uploaded: bool) -> Totals {
        let mut totals = Totals::default();
        let open =
            |entry: &&Entry| batch.holds(entry) && !entry.settled && (entry.uploaded || !uploaded);
        for entry in self.entries().filter(open) {
            let net = entry.net_minor();
            let (number, amount) = match net {
                0 => continue,
                1.. => (&mut totals.debits, &mut totals.debits_amount),
                _ => (&mut totals.credits, &mut totals.credits_amount),
            };
            *number = number.saturating_add(1);
            *amount = amount.saturating_add(net.unsigned_abs());
        }
        totals
    }

    /// With which totals a batch was closed.
    pub(super) fn closed_with(&self, batch: &Batch) -> Option<Totals> {
        self.closed.get(batch).copied()
    }

    /// Closes a batch.
    pub(super) fn close(&mut self, batch: Batch, totals: Totals) {
        for entry in self.entries.values_mut() {
            entry.settled |= batch.holds(entry);
        }
        self.closed.insert(batch, totals);
    }
}

/// A terminal's batch in one currency.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Batch {
    pub(super) terminal_id: String,
    /// Field 60.
    pub(super) number: String,
    /// Field 49.
    pub(super) currency: String,
}

impl Batch {
    fn holds(&self, entry: &Entry) -> bool {
        entry.terminal_id == self.terminal_id
            && entry.batch == self.number
            && entry.currency == self.currency
    }
}

impl Serialize for Ledger {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Json<'ledger> {
            net_minor: i64,
            net_by_card: BTreeMap<String, i64>,
            net_by_terminal: BTreeMap<String, i64>,
            messages: &'ledger BTreeMap<String, u64>,
            refused: u64,
            transactions: Vec<&'ledger Entry>,
        }
        Json {
            net_minor: self.net_minor(),
            net_by_card: self.net_by_card(),
            net_by_terminal: self.net_by_terminal(),
            messages: &self.messages,
            refused: self.refused,
            transactions: self.entries().collect(),
        }
        .serialize(serializer)
    }
}

/// The totals of a reconciliation (ISO 8583:1987, fields 74, 76, 86 and 88). What was reversed
/// counts in none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    pub(super) credits: u64,
    pub(super) debits: u64,
    pub(super) credits_amount: u64,
    pub(super) debits_amount: u64,
}
