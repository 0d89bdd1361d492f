//! The card reader: driver trait, view and errors.

mod host;

use async_trait::async_trait;

/// A card reader. Owns EMV Level 1.
#[async_trait]
pub trait CardReader: Send {
    /// Waits until a card of an accepted technology is presented and activates it.
    ///
    /// A card that was already in the slot when the last one was dropped, or that could not be
    /// activated, does not count: it must be taken out first. Dropping the future stops waiting and leaves the reader usable. The host
    /// ends the wait on time-out and on abort; the driver itself fails only with the other cases.
    async fn wait_for_card(&mut self, accepted: Technologies) -> Result<Presented, Fault>;
}

/// An activated chip card. Dropping it powers the card down.
#[async_trait]
pub trait Card: Send {
    /// Sends a command APDU and returns the response APDU, SW1-SW2 included. The driver does T=0,
    /// T=1 and ISO 14443-4, GET RESPONSE and Le correction.
    ///
    /// The host drops the future when the point of sale has an abort accepted, and when a card asks for
    /// more time for a minute; it asks nothing more of the card then.
    async fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Fault>;
}

/// The ways of presenting a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Technologies {
    /// A chip in the contact slot.
    pub contact: bool,
    /// A chip in the contactless field.
    pub contactless: bool,
    /// A magnetic stripe.
    pub magstripe: bool,
}

/// A card, however it was presented.
pub enum Presented {
    /// A chip in the contact slot.
    Contact(Box<dyn Card>),
    /// A chip in the contactless field.
    Contactless(Box<dyn Card>),
    /// A magnetic stripe, already read.
    Magstripe(Tracks),
}

impl Presented {
    /// Whether a card was asked for in this way.
    pub(crate) fn is_accepted(&self, accepted: Technologies) -> bool {
        match self {
            Self::Contact(_) => accepted.contact,
            Self::Contactless(_) => accepted.contactless,
            Self::Magstripe(_) => accepted.magstripe,
        }
    }
}

/// The tracks of a magnetic stripe, without sentinels and LRC.
#[derive(Default)]
pub struct Tracks {
    /// Track 1 (ISO 7813).
    pub track_1: Option<Vec<u8>>,
    /// Track 2 (ISO 7813).
    pub track_2: Option<Vec<u8>>,
}

/// Why a reader driver failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The cardholder pressed cancel.
    #[error("the cardholder pressed cancel")]
    Cancelled,
    /// The card left the slot or the field.
    #[error("the card was removed")]
    CardRemoved,
    /// The card did not answer, or broke the transmission protocol.
    #[error("the card does not answer")]
    CardUnresponsive,
    /// More than one card was in the field.
    #[error("more than one card was presented")]
    CardCollision,
    /// The reader itself failed.
    #[error("the card reader failed")]
    Reader,
}

/// The card a guest holds.
pub struct ActiveCard {
    pub(crate) driver: Box<dyn Card>,
    /// Why the card answers no more.
    pub(crate) dead: Option<Fault>,
}
