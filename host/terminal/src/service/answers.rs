//! What the service is asked and what it answers.

use std::{sync::Arc, time::Duration};

use jiff::Zoned;

use crate::{
    trace::TraceEvent,
    transaction::{EntryMode, Record, Scheme, TransactionId},
};

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
    /// The transaction that it refers to does not allow it.
    #[error("the original does not allow it: {0}")]
    Original(#[from] OriginalRefused),
    /// The terminal is shutting down.
    #[error("the terminal is shutting down")]
    ShuttingDown,
    /// The request could not be made durable.
    #[error("the journal could not be written")]
    StorageFault,
}

/// Why an earlier transaction cannot be refunded, voided or completed as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginalRefused {
    /// None is named where one is needed, or one where none belongs.
    #[error("none is named, or one where none belongs")]
    Misplaced,
    /// There is no such transaction.
    #[error("there is no such transaction")]
    Unknown,
    /// It was not approved, or is not known to be.
    #[error("it was not approved")]
    NotApproved,
    /// It is of a kind that this cannot be done with.
    #[error("this cannot be done with a transaction of its kind")]
    OtherKind,
    /// Another acquirer decided it: the terminal's, or the point of sale's own.
    #[error("another acquirer decided it")]
    OtherAcquirer,
    /// It was in another currency.
    #[error("it was in another currency")]
    OtherCurrency,
    /// Its batch is closed, or being closed: it can be refunded, and not voided.
    #[error("its batch is closed; it can be refunded")]
    BatchClosed,
    /// It was voided, refunded or completed before.
    #[error("it was voided, refunded or completed before")]
    Used,
    /// The amount is more than is left of it.
    #[error("the amount is more than is left of it")]
    TooMuch {
        /// What is left, in minor units.
        left_minor: u64,
    },
    /// A void is for the whole amount.
    #[error("a void is for the whole amount")]
    NotWhole {
        /// The whole amount, in minor units.
        whole_minor: u64,
    },
}

impl From<crate::journal::StorageFault> for BeginError {
    fn from(_: crate::journal::StorageFault) -> Self {
        Self::StorageFault
    }
}

impl From<StorageFault> for BeginError {
    fn from(_: StorageFault) -> Self {
        Self::StorageFault
    }
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

/// An event with its number in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedEvent {
    /// Rises from 1. Some numbers are left out whenever the terminal starts.
    pub sequence: u64,
    /// What watchers are told.
    pub event: Event,
}

/// A part of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedEvents {
    /// Whether events between the number asked for and the first of these are no longer kept.
    pub forgotten: bool,
    /// In the order of their numbers.
    pub events: Vec<LoggedEvent>,
}

/// The name of one event log. After the loss of its journal a terminal has another log, whose numbers
/// mean other events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLogId(String);

impl EventLogId {
    /// Sixteen hexadecimal digits in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (text.len() == 16 && digits).then(|| Self(text.to_owned()))
    }

    /// As [`Self::parse`] takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
    /// The point of sale is asked for the decision; [`super::TransactionService::question`] has what it needs.
    AskingPointOfSale,
    /// The engine explained a decision.
    Trace(TraceEvent),
    /// The transaction has an end, and its record is durable.
    Ended(Arc<Record>),
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
    /// Journal entries found damaged since the start: what they were about must be settled by hand.
    pub damaged: u32,
    /// When the last transaction ended.
    pub last_transaction: Option<Zoned>,
    /// Since start.
    pub uptime: Duration,
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
