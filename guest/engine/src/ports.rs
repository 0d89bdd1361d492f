//! The traits through which the engine reaches the terminal, one for each WIT package.
//!
//! `component` implements them by calling imports, one line each; a benchmark implements them
//! natively. Every promise and every error is that of `wit/`.

use crate::iso8583::dialect::{MacAlgorithm, PinBlockFormat};
use crate::money::Amount;
use crate::parameters::{Acquirer, Application, CaPublicKey, Scheme, TerminalData, Timeouts};

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
    /// One certification authority's public key, when the terminal holds it.
    fn find_ca_public_key(&mut self, rid: &[u8], index: u8) -> Option<CaPublicKey>;
    /// The acquirer and its dialect.
    fn acquirer_data(&mut self) -> Acquirer;
}

/// The ways of presenting a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Technologies {
    /// A chip in the contact slot.
    pub contact: bool,
    /// A chip in the contactless field.
    pub contactless: bool,
    /// A magnetic stripe.
    pub magstripe: bool,
}

/// Why a reader call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardReaderError {
    /// Nothing was presented before the timeout.
    TimedOut,
    /// The cardholder pressed cancel.
    Cancelled,
    /// The point of sale asked for an abort.
    Aborted,
    /// The card left the slot or the field.
    CardRemoved,
    /// The card did not answer, or broke the transmission protocol.
    CardUnresponsive,
    /// More than one card was in the field.
    CardCollision,
    /// The reader itself failed.
    ReaderFault,
}

/// A card, however it was presented. The tracks of a stripe stay at the boundary: the engine
/// takes no stripe.
#[derive(Debug)]
pub enum PresentedCard<C> {
    /// A chip in the contact slot, ready for SELECT.
    Contact(C),
    /// A chip in the contactless field, ready for SELECT.
    Contactless(C),
    /// A magnetic stripe.
    Magstripe,
}

/// `terminal:card-reader`.
pub trait CardReader {
    /// An activated chip card. Dropping it powers the card down.
    type Card;
    /// Blocks until a card of an accepted technology is presented.
    fn wait_for_card(
        &mut self,
        accepted: Technologies,
        timeout_ms: u32,
    ) -> Result<PresentedCard<Self::Card>, CardReaderError>;
    /// Sends one command APDU and returns the response APDU.
    fn transmit(&mut self, card: &Self::Card, command: &[u8]) -> Result<Vec<u8>, CardReaderError>;
}

/// Why a PIN was not taken or not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinEntryError {
    /// No key was pressed before the timeout.
    TimedOut,
    /// The cardholder pressed cancel.
    Cancelled,
    /// The point of sale asked for an abort.
    Aborted,
    /// Enter was pressed without a digit, and that was allowed.
    Bypassed,
    /// The card left, or stopped answering. The PIN is spent.
    CardRemoved,
    /// The keypad or the secure area failed.
    KeypadFault,
}

/// What the keypad should show and accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinRules {
    /// What is asked.
    pub prompt: emv::ports::PinPrompt,
    /// The amount shown with it.
    pub amount: Amount,
    /// ISO 4217 numeric code of the amount.
    pub currency: u16,
    /// Fewest digits accepted, 4 or more.
    pub digits_min: u8,
    /// Most digits accepted, 12 or fewer.
    pub digits_max: u8,
    /// Whether enter without a digit ends entry.
    pub allow_bypass: bool,
    /// Longest wait for each key.
    pub key_timeout_ms: u32,
}

/// `terminal:pin-entry`.
pub trait PinEntry: CardReader {
    /// A PIN in the secure area, spent by value.
    type Pin;
    /// Shows the PIN prompt and blocks until the cardholder ends entry.
    fn enter_pin(&mut self, rules: PinRules) -> Result<Self::Pin, PinEntryError>;
    /// Spends `pin` on a VERIFY command to `card` and returns SW1-SW2.
    fn verify_offline(
        &mut self,
        pin: Self::Pin,
        card: &Self::Card,
        method: &emv::ports::OfflinePinMethod,
    ) -> Result<u16, PinEntryError>;
}

/// Why a key could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CryptoError {
    /// No key is loaded for this purpose and scheme.
    KeyMissing,
    /// The key has reached its last use.
    KeyExhausted,
    /// An input the operation does not accept.
    InvalidInput,
    /// The secure area failed or has detected tampering.
    VaultFault,
}

/// A result, and the key serial number the acquirer needs to follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    /// The enciphered bytes, or the authentication code.
    pub bytes: Vec<u8>,
    /// The DUKPT key serial number (ANSI X9.24), empty for a fixed key.
    pub key_serial_number: Vec<u8>,
}

/// `terminal:crypto`.
pub trait Crypto: PinEntry {
    /// Spends `pin` on one PIN block for `pan`, given as in tag 5A.
    fn encrypt_pin(
        &mut self,
        pin: Self::Pin,
        pan: &[u8],
        format: PinBlockFormat,
    ) -> Result<Protected, CryptoError>;
    /// The key serial number that the next `generate_mac` will use. Uses nothing up.
    fn next_key_serial_number(&mut self, algorithm: MacAlgorithm) -> Result<Vec<u8>, CryptoError>;
    /// Authenticates a message to the acquirer.
    fn generate_mac(
        &mut self,
        message: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<Protected, CryptoError>;
    /// Checks the code of an answer under the key of `key_serial_number`.
    fn verify_mac(
        &mut self,
        message: &[u8],
        mac: &[u8],
        key_serial_number: &[u8],
        algorithm: MacAlgorithm,
    ) -> Result<bool, CryptoError>;
    /// Applies an RSA public key. `None` when the sizes do not fit.
    fn rsa_recover(&mut self, modulus: &[u8], exponent: &[u8], data: &[u8]) -> Option<Vec<u8>>;
    /// Returns `length` random bytes, at most 256.
    fn random(&mut self, length: u32) -> Vec<u8>;
}

/// A fixed message (EMV 4.4 Book 4, 11.2, table 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisplayMessage {
    /// 03.
    Approved,
    /// 06.
    CardError,
    /// 07.
    Declined,
    /// 0C.
    NotAccepted,
    /// 0E.
    PleaseWait,
    /// 0F.
    ProcessingError,
    /// 10.
    RemoveCard,
    /// Cancelled before a decision.
    Cancelled,
    /// Declined for now: the acquirer could not be reached.
    NoConnection,
}

/// Why a choice was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisplayError {
    /// No key was pressed before the timeout.
    TimedOut,
    /// The cardholder pressed cancel.
    Cancelled,
    /// The point of sale asked for an abort.
    Aborted,
}

/// `terminal:display`.
pub trait Display {
    /// Shows `message` until the next one.
    fn show(&mut self, message: DisplayMessage);
    /// Shows an amount and asks for a card.
    fn present_card(&mut self, amount: Amount, currency: u16);
    /// Offers one to sixteen application labels and returns the index chosen.
    fn choose_application(
        &mut self,
        labels: &[Vec<u8>],
        timeout_ms: u32,
    ) -> Result<u32, DisplayError>;
}

/// One line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Text, left-aligned, cut at the paper width.
    Text(String),
    /// Text on the left and on the right of the same line.
    Columns(String, String),
    /// An empty line.
    Blank,
}

/// Why a receipt was not printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrinterError {
    /// The paper ran out, perhaps part way.
    OutOfPaper,
    /// The printer failed.
    PrinterFault,
}

/// `terminal:printer`.
pub trait Printer {
    /// Prints at most 100 lines and cuts the paper.
    fn print(&mut self, lines: &[Line]) -> Result<(), PrinterError>;
}

/// How a card was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryMode {
    /// Chip in the contact slot.
    Contact,
    /// Chip in the contactless field.
    Contactless,
    /// Magnetic stripe.
    Magstripe,
    /// Typed by hand.
    Manual,
}

/// What is told of a card before the outcome is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectedCard {
    /// How it was read.
    pub entry_mode: EntryMode,
    /// The scheme of the application selected.
    pub scheme: Scheme,
    /// The PAN in ASCII, masked to its last four digits.
    pub masked_pan: Vec<u8>,
}

/// A step the point of sale may show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The terminal asks for a card.
    WaitingForCard,
    /// A card was read.
    CardDetected(DetectedCard),
    /// The cardholder is asked for a PIN.
    EnteringPin,
    /// The acquirer is asked.
    Authorising,
    /// An earlier transaction is being reversed first.
    Reversing,
}

/// `terminal:point-of-sale`, as far as the engine asks it.
pub trait PointOfSale {
    /// Tells the point of sale how the transaction goes on.
    fn report(&mut self, progress: Progress);
    /// Closes the time in which an abort is possible; `false` when there was one.
    fn proceed(&mut self) -> bool;
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
    /// The transaction it belongs to.
    pub transaction_id: String,
    /// Where it put the transaction.
    pub phase: Phase,
    /// The bytes given to `append`. They may hold a PAN.
    pub content: zeroize::Zeroizing<Vec<u8>>,
}

/// `terminal:journal`.
pub trait Journal {
    /// Writes an entry. When this returns, the entry is durable; when it fails, nothing was
    /// written.
    fn append(&mut self, id: &str, phase: Phase, content: &[u8]) -> Result<(), JournalError>;
    /// The last entry of every transaction that is not final or whose end the host does not
    /// know, oldest first, at most `count_max`.
    fn unsettled(&mut self, count_max: u32) -> Result<Vec<Entry>, JournalError>;
    /// The last entry of one transaction, if it has any.
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
