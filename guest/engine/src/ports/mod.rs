//! The traits through which the engine reaches the terminal, one for each WIT package.
//!
//! `component` implements them by calling imports, one line each; a benchmark implements them
//! natively. Every promise and every error is that of `wit/`.

mod card;
mod people;

use crate::parameters::{
    Acquirer, Application, CaPublicKey, EllipticCaPublicKey, MagstripeRules, TerminalData, Timeouts,
};
pub use card::{
    CardReader, CardReaderError, Crypto, CryptoError, PinEntry, PinEntryError, PinRules,
    PresentedCard, Protected, Technologies,
};
pub use people::{
    DetectedCard, Display, DisplayError, DisplayMessage, EntryMode, Line, NoDecision, OnlineAnswer,
    OnlineRequest, PinBlock, PointOfSale, Printer, PrinterError, Progress,
};

/// Everything the engine can reach.
pub trait Terminal:
    Parameters
    + CardReader
    + PinEntry
    + Crypto
    + Display
    + Printer
    + PointOfSale
    + AcquirerLink
    + Journal
    + Trace
{
}

impl<T> Terminal for T where
    T: Parameters
        + CardReader
        + PinEntry
        + Crypto
        + Display
        + Printer
        + PointOfSale
        + AcquirerLink
        + Journal
        + Trace
{
}

/// `terminal:parameters`.
pub trait Parameters {
    /// Who and where the terminal is.
    fn terminal_data(&mut self) -> TerminalData;
    /// How long to wait.
    fn time_limits(&mut self) -> Timeouts;
    /// The applications accepted, in the terminal's order of preference.
    fn applications(&mut self) -> Vec<Application>;
    /// One certification authority's RSA key, when the terminal holds it.
    fn find_ca_public_key(&mut self, rid: &[u8], index: u8) -> Option<CaPublicKey>;
    /// One certification authority's key on an elliptic curve, when the terminal holds it.
    fn find_elliptic_ca_public_key(&mut self, rid: &[u8], index: u8)
    -> Option<EllipticCaPublicKey>;
    /// Whether an issuer's certificate is on the revocation list.
    fn is_issuer_certificate_revoked(&mut self, rid: &[u8], index: u8, serial: &[u8]) -> bool;
    /// Whether a card is on the exception file; `pan` as in tag 5A.
    fn is_on_exception_file(&mut self, pan: &[u8], sequence_number: Option<u8>) -> bool;
    /// The acquirer and its dialect.
    fn acquirer_data(&mut self) -> Acquirer;
    /// How stripes are taken. `None`: not at all.
    fn magstripe_rules(&mut self) -> Option<MagstripeRules>;
}

/// Why no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkError {
    /// No connection could be made. Nothing was sent.
    Unreachable,
    /// The peer's certificate was refused. Nothing was sent.
    PeerRefused,
    /// The request was sent, or partly sent, and no whole answer came.
    AnswerLost,
    /// The answer is longer than the host accepts. The request was sent.
    AnswerTooLong,
}

impl LinkError {
    /// Whether the acquirer may have acted on the request.
    pub const fn may_have_been_sent(self) -> bool {
        match self {
            Self::Unreachable | Self::PeerRefused => false,
            Self::AnswerLost | Self::AnswerTooLong => true,
        }
    }
}

/// `terminal:acquirer-link`.
pub trait AcquirerLink {
    /// Sends one request of at most 8192 bytes and blocks until its answer.
    fn exchange(&mut self, request: &[u8], timeout_ms: u32) -> Result<Vec<u8>, LinkError>;
}

/// The journal is full, or storage failed. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalError;

/// Where a transaction stands. The last entry of a transaction decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The host accepted the request. Nothing was sent.
    Begun,
    /// A request is about to leave. From here on money may have moved.
    Sent,
    /// A reversal must reach the acquirer. It will never be an approval.
    ReversalDue,
    /// Approved offline; an advice must reach the acquirer.
    AdviceDue,
    /// Approved. Final.
    Approved,
    /// Ended without an approval, and nothing is left to reverse. Final.
    Closed,
    /// The acquirer confirmed the reversal. Final.
    Reversed,
}

/// A number that counts up in durable storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// ISO 8583 field 11: 1 to 999999, then 1 again.
    TraceNumber,
    /// Tag 9F41: 1 to 99999999, then 1 again.
    TransactionSequence,
}

/// One entry as it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Position in the journal, rising.
    pub sequence: u64,
    /// The transaction it belongs to.
    pub transaction_id: String,
    /// Where it put the transaction.
    pub phase: Phase,
    /// Whether the host's own records hold an end of the transaction.
    pub ended: bool,
    /// The bytes given to `append`; `None` when what is stored is damaged. They may hold a PAN.
    pub content: Option<zeroize::Zeroizing<Vec<u8>>>,
}

/// A card's account, as the card log knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The PAN as in tag 5A.
    pub pan: zeroize::Zeroizing<Vec<u8>>,
    /// Tag 5F34, when the card has one.
    pub sequence_number: Option<u8>,
}

/// `terminal:journal`.
pub trait Journal {
    /// Writes an entry. When this returns, the entry is durable; when it fails, nothing was
    /// written.
    fn append(&mut self, id: &str, phase: Phase, content: &[u8]) -> Result<(), JournalError>;
    /// Writes an entry that approves the running transaction, and in the same commit that
    /// `account` paid what it asked for.
    fn append_approval(
        &mut self,
        id: &str,
        phase: Phase,
        content: &[u8],
        account: &Account,
    ) -> Result<(), JournalError>;
    /// What `account` paid last in the running transaction's currency, in minor units.
    fn last_payment(&mut self, account: &Account) -> Result<Option<u64>, JournalError>;
    /// The last entry of every transaction that is not final or whose end the host does not
    /// know, in the order of their sequence numbers: those after `after_sequence`, at most
    /// `count_max`. The running transaction, and what this call of the engine wrote, are left out.
    fn unsettled(
        &mut self,
        after_sequence: u64,
        count_max: u32,
    ) -> Result<Vec<Entry>, JournalError>;
    /// The last entry of each approved transaction of the batch that is reconciled, as
    /// [`unsettled`](Self::unsettled) gives them.
    fn batch(&mut self, after_sequence: u64, count_max: u32) -> Result<Vec<Entry>, JournalError>;
    /// The last entry of the running transaction, or of the original that its request names.
    fn last_entry(&mut self, id: &str) -> Result<Option<Entry>, JournalError>;
    /// Counts `counter` up and returns its new value.
    fn next(&mut self, counter: Counter) -> Result<u32, JournalError>;
}

/// Which part of the program records an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraceEvent {
    /// The kernel.
    Kernel(emv::trace::Event),
    /// The engine: a rule's name and a fixed sentence.
    Engine {
        /// The rule's name, such as `TX-03`.
        rule: &'static str,
        /// What the rule came to.
        finding: emv::trace::Finding,
        /// What happened: a fixed sentence.
        statement: &'static str,
    },
}

/// `terminal:trace`.
pub trait Trace {
    /// Records one decision.
    fn record_event(&mut self, event: TraceEvent);
}
