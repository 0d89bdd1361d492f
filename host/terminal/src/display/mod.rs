//! The display: driver trait and screens.

mod host;

use async_trait::async_trait;

use crate::text::TextLine;

/// The cardholder's display.
#[async_trait]
pub trait Display: Send {
    /// Shows a screen until the next one. A broken display is the driver's to report.
    fn show(&mut self, screen: &Screen);

    /// Offers labels (already reduced to printable characters) and waits for a choice. The host
    /// ends the wait on time-out and on abort by dropping the future. `None`: cancel was pressed.
    async fn choose(&mut self, labels: &[String]) -> Option<usize>;
}

/// What can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// Nothing to do.
    Idle,
    /// An amount, and the request for a card.
    PresentCard {
        /// In minor units.
        amount_minor: u64,
        /// ISO 4217 numeric code.
        currency: u16,
    },
    /// A fixed message.
    Message(Message),
    /// The point of sale's own text, at most [`DISPLAY_LINES_MAX`](crate::text::DISPLAY_LINES_MAX)
    /// lines. Never while a transaction runs.
    Text(Vec<TextLine>),
}

/// The fixed messages (EMV 4.4 Book 4, 11.2, table 8, and the terminal's own).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the standard's table")]
pub enum Message {
    Approved,
    CardError,
    Declined,
    NotAccepted,
    PleaseWait,
    ProcessingError,
    RemoveCard,
    UseChipReader,
    UseMagstripe,
    TryAgain,
    CardRemoved,
    Cancelled,
    NoConnection,
}
