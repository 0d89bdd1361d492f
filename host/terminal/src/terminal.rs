//! What one guest reaches: a field for each capability, and the limits it lives in.

use std::sync::{Arc, Mutex};

use vault::Vault;
use wasmtime::{StoreLimits, StoreLimitsBuilder, component::ResourceTable};

use crate::{
    config::Devices,
    interruption::AbortWindow,
    journal::{Conduct, Journal},
    observer::Observer,
    parameters::Parameters,
    point_of_sale::{Desk, DetectedCard, LastEnciphered},
    service::Progress,
    transaction::TransactionId,
};

/// The most linear memory of a guest.
const MEMORY_MAX: usize = 16 * 1024 * 1024;

/// The most elements of a guest's table.
const TABLE_ELEMENTS_MAX: usize = 10_000;

/// The most handles of a guest: a card and a PIN, with room for an engine that holds two.
const HANDLES_MAX: usize = 16;

/// Told of every step of a transaction.
pub(crate) type ProgressSink = Arc<dyn Fn(Progress) + Send + Sync>;

/// On whose behalf a guest is called. What it may do to the journal, and send, follows from it.
#[derive(Debug, Clone)]
pub(crate) enum Scope {
    /// To run one transaction.
    Transaction {
        /// The one that runs.
        id: TransactionId,
        /// The earlier one that it refers to.
        original: Option<TransactionId>,
    },
    /// To settle what is open.
    Recovery,
    /// To close a batch.
    Reconciliation {
        /// Its number.
        batch: u32,
    },
    /// To say who it is: nothing may be written and nothing sent.
    Description,
}

impl Scope {
    /// Whether a guest runs this transaction.
    pub(crate) fn runs(&self, transaction: &str) -> bool {
        matches!(self, Self::Transaction { id, .. } if id.as_str() == transaction)
    }

    /// Whether a guest may ask for the last entry of this transaction.
    pub(crate) fn may_read(&self, transaction: &str) -> bool {
        let refers = |original: &TransactionId| original.as_str() == transaction;
        self.runs(transaction)
            || matches!(self, Self::Transaction { original, .. } if original.as_ref().is_some_and(refers))
    }
}

/// What a guest may use, handed in for one call.
#[derive(Clone)]
pub(crate) struct Capabilities {
    pub(crate) scope: Scope,
    pub(crate) parameters: Arc<Parameters>,
    pub(crate) devices: Arc<tokio::sync::Mutex<Devices>>,
    pub(crate) vault: Arc<Mutex<Vault>>,
    pub(crate) journal: Journal,
    pub(crate) abort: AbortWindow,
    /// Where the point of sale is asked, when the decision is its own.
    pub(crate) desk: Option<Desk>,
    pub(crate) progress: ProgressSink,
    pub(crate) observer: Arc<dyn Observer>,
}

/// What one call of the guest reaches: made for it and dropped after it.
pub struct Terminal {
    pub(crate) parameters: Arc<Parameters>,
    pub(crate) devices: Arc<tokio::sync::Mutex<Devices>>,
    pub(crate) vault: Arc<Mutex<Vault>>,
    pub(crate) journal: Journal,
    pub(crate) abort: AbortWindow,
    pub(crate) desk: Option<Desk>,
    pub(crate) progress: ProgressSink,
    pub(crate) observer: Arc<dyn Observer>,
    /// The card that watchers were told of.
    pub(crate) detected: Option<DetectedCard>,
    /// What the vault enciphered last.
    pub(crate) enciphered: LastEnciphered,
    /// Whether the guest holds a card. Invariant: at most one `card` exists.
    pub(crate) card_active: bool,
    /// Steps reported to the point of sale so far.
    pub(crate) reports: u32,
    /// Trace events recorded so far.
    pub(crate) trace_events: u32,
    /// Questions about the exception file so far.
    pub(crate) exception_questions: u32,
    /// On whose behalf the guest was called.
    pub(crate) scope: Scope,
    /// What it wrote and sent so far.
    pub(crate) conduct: Conduct,
    pub(crate) table: ResourceTable,
}

impl Terminal {
    /// The state of a fresh guest.
    pub(crate) fn new(capabilities: Capabilities) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        Self {
            parameters: capabilities.parameters,
            devices: capabilities.devices,
            vault: capabilities.vault,
            journal: capabilities.journal,
            abort: capabilities.abort,
            desk: capabilities.desk,
            progress: capabilities.progress,
            observer: capabilities.observer,
            detected: None,
            enciphered: LastEnciphered::default(),
            card_active: false,
            reports: 0,
            trace_events: 0,
            exception_questions: 0,
            scope: capabilities.scope,
            conduct: Conduct::default(),
            table,
        }
    }
}

/// The limits of one guest.
pub(crate) fn limits() -> StoreLimits {
    StoreLimitsBuilder::new()
        .memory_size(MEMORY_MAX)
        .table_elements(TABLE_ELEMENTS_MAX)
        .memories(4)
        .tables(16)
        .instances(32)
        .trap_on_grow_failure(true)
        .build()
}
