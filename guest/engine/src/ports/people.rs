//! Cardholder and merchant: display, printer, point of sale.

use super::Protected;
use crate::iso8583::dialect::PinBlockFormat;
use crate::money::Amount;
use crate::parameters::Scheme;

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
    /// 11.
    UseChipReader,
    /// 12.
    UseMagstripe,
    /// 13.
    TryAgain,
    /// The card was taken out too early.
    CardRemoved,
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

/// A PIN for the point of sale's acquirer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinBlock {
    /// The block, and the serial number of its key.
    pub block: Protected,
    /// Its format.
    pub format: PinBlockFormat,
}

/// What the point of sale needs to ask an acquirer of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnlineRequest {
    /// The chip data as BER-TLV; empty for a stripe.
    pub chip_data: Vec<u8>,
    /// The PIN, when one was entered for the issuer.
    pub pin: Option<PinBlock>,
    /// Field 35, enciphered.
    pub track_2: Option<Protected>,
}

/// What the point of sale's acquirer answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnlineAnswer {
    /// ISO 8583 field 39.
    pub response_code: String,
    /// ISO 8583 field 38.
    pub authorisation_code: Option<String>,
    /// Tag 91, without tag and length.
    pub issuer_authentication_data: Option<Vec<u8>>,
    /// Templates 71 and 72, with tags and lengths.
    pub issuer_scripts: Vec<u8>,
}

/// Why the point of sale decided nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoDecision {
    /// It did not decide in time.
    TimedOut,
    /// It asked for an abort.
    Aborted,
    /// It cannot be asked, and was not.
    Unavailable,
}

/// `terminal:point-of-sale`, as far as the engine asks it.
pub trait PointOfSale {
    /// Tells the point of sale how the transaction goes on.
    fn report(&mut self, progress: Progress);
    /// Closes the time in which an abort is possible; `false` when there was one.
    fn proceed(&mut self) -> bool;
    /// Asks for the online decision. An answer closes the time for an abort.
    fn authorise_online(
        &mut self,
        request: &OnlineRequest,
        timeout_ms: u32,
    ) -> Result<OnlineAnswer, NoDecision>;
}
