//! The transaction service: one transaction at a time, abort, watchers, recovery.

use std::sync::Arc;

use tokio::sync::{broadcast, watch};

use crate::{
    config::TerminalConfig,
    parameters::Parameters,
    trace::TraceEvent,
    transaction::{EntryMode, Record, Request, Scheme, TransactionId},
};

/// Runs transactions. Cheap to clone; all clones are one terminal.
#[derive(Clone)]
pub struct TransactionService {
    _inner: Arc<()>,
}

impl TransactionService {
    /// Opens the journal, verifies and loads the engine, settles what a crash left open.
    ///
    /// When it returns, every transaction of the past has an end, or waits for the acquirer with a
    /// reversal in the journal; those are tried again in the background.
    pub async fn start(_config: TerminalConfig) -> Result<Self, StartError> {
        Err(StartError::Engine("to be written".into()))
    }

    /// Accepts a transaction and starts it on a task of its own, so that it goes on when nobody
    /// waits. When this returns `Started`, the request and its claim are durable.
    pub async fn begin(
        &self,
        _request: Request,
        _claim: Option<Claim>,
    ) -> Result<Begun, BeginError> {
        Err(BeginError::StorageFault)
    }

    /// Waits until a transaction has an end and returns its record. Dropping the future changes
    /// nothing for the transaction. `None` when there is no such transaction.
    pub async fn ended(&self, _id: &TransactionId) -> Option<Record> {
        None
    }

    /// Asks the running transaction to stop.
    pub async fn abort(&self, _id: &TransactionId) -> AbortAnswer {
        AbortAnswer::Unknown
    }

    /// One transaction of the records.
    pub async fn transaction(&self, _id: &TransactionId) -> Result<Option<Record>, StorageFault> {
        Ok(None)
    }

    /// Every event of every transaction from now on. A receiver that lags is told how many events
    /// it missed.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        broadcast::channel(1).1
    }

    /// The transaction that runs now, if any.
    pub fn running(&self) -> watch::Receiver<Option<TransactionId>> {
        watch::channel(None).1
    }

    /// The terminal's parameters.
    pub fn parameters(&self) -> &Parameters {
        std::unimplemented!()
    }

    /// How the terminal is, probed now.
    pub async fn health(&self) -> Health {
        std::unimplemented!()
    }

    /// Stops taking transactions, waits for the running one, stops the background work.
    pub async fn shut_down(&self) {}
}

/// A point of sale's name for a request, so that repeating it does not repeat the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The scope and the client's key, as one string.
    pub key: String,
    /// A digest of the request, to notice another body under the same key.
    pub fingerprint: [u8; 32],
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It was accepted and runs.
    Started(TransactionId),
    /// The same claim was made before, with the same fingerprint: this transaction, running or
    /// ended, is its answer. A claim whose transaction failed before anything was sent and for a
    /// passing reason is free again and gives `Started`.
    Known(TransactionId),
}

/// Why a request was not accepted. Nothing was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BeginError {
    /// Another transaction is running.
    #[error("another transaction is running")]
    Busy,
    /// The claim was made before with another fingerprint.
    #[error("the key was used before for another request")]
    ClaimConflict,
    /// The terminal does not take the currency.
    #[error("the terminal does not take this currency")]
    CurrencyNotAccepted,
    /// The terminal is shutting down.
    #[error("the terminal is shutting down")]
    ShuttingDown,
    /// The request could not be made durable.
    #[error("the journal could not be written")]
    StorageFault,
}

/// The answer to an abort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbortAnswer {
    /// The transaction will end as cancelled.
    Accepted,
    /// The request may have left for the acquirer: the transaction goes on to its end.
    TooLate,
    /// It has ended already.
    Ended,
    /// There is no such transaction.
    Unknown,
}

/// The records could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the records could not be read")]
pub struct StorageFault;

/// What watchers see.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The transaction it belongs to.
    pub transaction: TransactionId,
    /// What happened.
    pub what: Progress,
}

/// What happened in a transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// The terminal asks for a card.
    WaitingForCard,
    /// A card was read.
    CardDetected {
        /// How.
        entry_mode: EntryMode,
        /// Its scheme.
        scheme: Scheme,
        /// The last four digits and a star for each other one.
        masked_pan: String,
    },
    /// The cardholder is asked for a PIN.
    EnteringPin,
    /// The acquirer is asked.
    Authorising,
    /// An earlier transaction is being reversed first.
    Reversing,
    /// The engine explained a decision.
    Trace(TraceEvent),
    /// The transaction has an end, and its record is durable.
    Ended(Box<Record>),
}

/// How the terminal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether a transaction could run: engine loaded, journal writable.
    pub ready: bool,
    /// ISO 8583 field 41.
    pub terminal_id: String,
    /// The engine's name and version.
    pub engine: String,
    /// SHA-256 of the engine component, hexadecimal.
    pub engine_digest: String,
    /// The host's version.
    pub host_version: String,
    /// Journal entries that wait for the acquirer.
    pub waiting: u32,
    /// When the last transaction ended.
    pub last_transaction: Option<jiff::Zoned>,
    /// Since start.
    pub uptime: std::time::Duration,
}

/// Why the terminal did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The engine was refused: signature, imports, or it does not compile.
    #[error("the engine was refused: {0}")]
    Engine(String),
    /// The journal could not be opened or recovered.
    #[error("the journal cannot be used: {0}")]
    Journal(String),
    /// The parameters contradict themselves.
    #[error("the parameters were refused: {0}")]
    Parameters(String),
}
