//! How a transaction can go on or end.

use crate::card_data::CardData;
use crate::online::OnlineRequest;
use crate::ports::{CardFault, Interruption};
use crate::tag;

/// What the first GENERATE AC came to (EMV 4.4 Book 3, 10.8).
#[derive(Debug)]
pub enum Decision {
    /// Approved without asking the issuer.
    Approved(Completed),
    /// Declined without asking the issuer.
    Declined(Completed),
    /// The issuer must be asked.
    Online(OnlineRequest),
}

/// What the issuer answered, or that it could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostAnswer {
    /// A valid answer came.
    Answered {
        /// Whether the answer approves.
        approved: bool,
        /// Tag 8A: ISO 8583 field 39.
        response_code: [u8; 2],
        /// Tag 91, without tag and length.
        issuer_authentication_data: Option<Vec<u8>>,
        /// Templates 71 and 72 one after the other, with tags and lengths; empty for none.
        scripts: Vec<u8>,
    },
    /// No valid answer came.
    UnableToGoOnline,
}

/// A transaction the kernel has brought to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// Everything the card gave and the terminal decided.
    pub card: CardData,
    /// Whether it is approved. False exactly when `declined_by` says who declined.
    pub approved: bool,
    /// Who declined.
    pub declined_by: Option<Decliner>,
    /// Whether the issuer approved and the card did not, so that the acquirer must hear a
    /// reversal.
    pub reversal_required: bool,
    /// Whether the card asked for an advice to the issuer (EMV 4.4 Book 3, 6.5.5.4).
    pub advice_required: bool,
}

/// Who declined a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decliner {
    /// The card returned an AAC although more was asked for.
    Card,
    /// The terminal: its action analysis asked for a decline, or the card's answer was not
    /// authentic.
    Terminal,
    /// The issuer answered with a decline.
    Issuer,
}

/// A transaction that ended before the kernel could decide it.
///
/// No approval was given, and none may be assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Whose fault it was.
    pub cause: Cause,
    /// What the card gave so far, for the receipt and the record.
    pub card: Box<CardData>,
    /// Whether the issuer had approved already, so that the acquirer must hear a reversal.
    pub reversal_required: bool,
}

/// Why a transaction ended early, by fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The card left, stopped answering, or the reader failed.
    Card(CardFault),
    /// A person or time ended it.
    Interrupted(Interruption),
    /// The card answered against the standard.
    CardMisbehaved(Misbehaviour),
    /// The card is in order but not accepted here.
    NotAccepted(NotAccepted),
}

/// What a card did against the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// A response APDU shorter than two bytes or longer than 258.
    ResponseLength,
    /// A status word that does not belong to the command.
    StatusWord(u16),
    /// A response that is not the TLV the command asks for.
    ResponseFormat,
    /// A data element whose length or content its format does not allow.
    ElementFormat,
    /// The same data element twice.
    ElementRepeated,
    /// A mandatory data element was missing.
    ElementMissing,
    /// An Application File Locator against its rules.
    FileLocator,
    /// A data object list that cannot be read, or that asks for more than one command carries.
    DataObjectList,
    /// More commands were needed than one transaction may take.
    TooManyCommands,
    /// A cryptogram of a higher type than was asked for.
    CryptogramTooHigh,
}

impl Ended {
    /// Whether the card had begun the transaction: it answered GET PROCESSING OPTIONS (EMV 4.4
    /// Book 3, 10.1), after which a fault is no reason to read the card in another way.
    pub fn initiated(&self) -> bool {
        self.card.contains(tag::AIP)
    }
}

/// Why a card in order is not accepted, or the transaction cannot be done with any card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAccepted {
    /// The card is blocked, or does not know SELECT (status word 6A81).
    CardBlocked,
    /// No application is supported by card and terminal both.
    NoApplication,
    /// The card knows one that the terminal supports, and it is blocked (status word 6283).
    ApplicationBlocked,
    /// The card let none of those that both support be used in the end.
    ApplicationRefused,
    /// The card forbids the service.
    ServiceNotAllowed,
    /// The amount has more than twelve digits, or is less than the cashback in it.
    AmountOutOfRange,
    /// The date of the transaction is no date.
    DateInvalid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_that_gave_its_processing_options_has_begun() {
        let mut ended = Ended {
            cause: Cause::Card(CardFault::Removed),
            card: Box::default(),
            reversal_required: false,
        };
        assert!(!ended.initiated());
        ended.card.set(tag::AIP, &[0x18, 0x00]);
        assert!(ended.initiated());
    }
}
