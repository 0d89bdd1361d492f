//! Batches: what a terminal sold between two reconciliations, and what became of each.
//!
//! Every transaction belongs to the batch that is open when it begins. Reconciling freezes a batch,
//! opens the next one, and asks the acquirer about the frozen one until it has closed it. A batch
//! has one *settlement* for each currency in it.

use jiff::Zoned;
use serde::{Deserialize, Serialize};

/// `stl_` and a ULID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SettlementId(pub(crate) String);

impl SettlementId {
    /// Parses an identifier a client sent. `None` when it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("stl_")?;
        ulid::Ulid::from_string(rest).ok()?;
        Some(Self(text.into()))
    }

    pub(crate) fn new() -> Self {
        Self(format!("stl_{}", ulid::Ulid::new()))
    }

    /// A name that sorts before every name made from `unix_ms` on, and after every earlier one.
    pub(crate) fn first_at(unix_ms: u64) -> Self {
        Self(format!("stl_{}", ulid::Ulid::from_parts(unix_ms, 0)))
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many, and how much, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sum {
    /// How many.
    pub count: u32,
    /// How much.
    pub minor: u64,
}

impl Sum {
    /// One more.
    pub(crate) fn add(&mut self, minor: u64) {
        self.count = self.count.saturating_add(1);
        self.minor = self.minor.saturating_add(minor);
    }

    fn without(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_sub(other.count),
            minor: self.minor.saturating_sub(other.minor),
        }
    }
}

/// What was approved in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Sales and completions, those that were voided later too.
    pub sale: Sum,
    /// Refunds.
    pub refund: Sum,
    /// Voids of sales and completions.
    pub void: Sum,
    /// Pre-authorisations: no money of the batch.
    pub pre_auth: Sum,
}

impl Totals {
    /// What cardholders paid: sales and completions without those that were voided.
    pub fn debit(&self) -> Sum {
        self.sale.without(self.void)
    }

    /// What the merchant gets, in minor units: below zero when more was given back.
    pub fn net_minor(&self) -> i64 {
        let signed = |minor| i64::try_from(minor).unwrap_or(i64::MAX);
        signed(self.debit().minor).saturating_sub(signed(self.refund.minor))
    }
}

/// The totals of one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrencyTotals {
    /// ISO 4217 alphabetic code.
    pub currency: String,
    /// What was approved in it.
    pub totals: Totals,
}

/// A batch that the acquirer is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    /// 1 to 999999.
    pub(crate) number: u32,
    /// What it has that is not closed yet.
    pub(crate) totals: Vec<CurrencyTotals>,
}

/// How far a settlement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SettlementState {
    /// The acquirer has not answered yet; it is asked again.
    Pending,
    /// The acquirer has closed it with these totals.
    Settled,
    /// The acquirer did not close it: its totals differ after every transaction was told.
    Disputed,
}

/// What one batch came to in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Its name.
    pub id: SettlementId,
    /// The batch.
    pub batch: u32,
    /// What was approved, frozen.
    pub totals: CurrencyTotals,
    /// How far it is.
    pub state: SettlementState,
    /// When the batch was frozen.
    pub frozen: Zoned,
    /// When the acquirer closed it.
    pub closed: Option<Zoned>,
}

/// Why no reconciliation was made. What the acquirer was told by then, it knows; it is told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReconcileError {
    /// A transaction is running.
    #[error("a transaction is running")]
    Busy,
    /// Another reconciliation is running.
    #[error("another reconciliation is running")]
    InProgress,
    /// The terminal is shutting down.
    #[error("the terminal is shutting down")]
    ShuttingDown,
    /// The journal could not be read or written.
    #[error("the journal could not be read or written")]
    StorageFault,
    /// The engine failed or refused. The settlements stay pending.
    #[error("the engine failed")]
    EngineFault,
}
