//! One whole sale, up to the first cryptogram, by both kernels with the same card.

pub(crate) mod ours;
pub(crate) mod theirs;

use virtual_card::Card;

/// What both kernels are told.
#[derive(Debug, Clone)]
pub(crate) struct Sale {
    /// A card of the catalogue, and what is different on it, in the language of the card files.
    pub(crate) base: &'static str,
    pub(crate) changes: String,
    /// Byte 3 of tag 9F33: how the terminal can authenticate cards.
    pub(crate) security: u8,
    pub(crate) keys: Keys,
    /// Serial number of an issuer certificate on the revocation list.
    pub(crate) revoked: Option<[u8; 3]>,
}

/// The terminal's keys of certification authorities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    Right,
    Absent,
    /// The checksum that came with a key is another.
    WrongChecksum,
}

/// What a sale came to when the issuer would be asked, or it was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) decision: Decision,
    /// Tag 95.
    pub(crate) tvr: [u8; 5],
    /// Tag 9B.
    pub(crate) tsi: [u8; 2],
    /// Whether the card was asked for a signature with its first cryptogram: bits 5 and 4 of P1.
    pub(crate) signature_asked: u8,
}

/// How a sale goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Approved,
    Declined,
    Online,
    Terminated,
}

/// The day of all sales, and what it is about: NZD 25.00.
const DATE: [u8; 3] = [0x26, 0x11, 0x21];
const TIME: [u8; 3] = [0x12, 0x34, 0x56];
const AMOUNT: u64 = 2500;
const CURRENCY: u16 = 554;
const UNPREDICTABLE_NUMBER: [u8; 4] = [0xDE, 0xAD, 0xBE, 0xEF];
/// Tag 9F33 but for its third byte: no offline PIN.
const CAPABILITIES: [u8; 2] = [0xE0, 0x28];
/// The names of the applications of the catalogue, each with its version.
const APPLICATIONS: [([u8; 7], [u8; 2]); 2] = [
    ([0xA0, 0, 0, 0, 0x03, 0x10, 0x10], [0x00, 0x96]),
    ([0xA0, 0, 0, 0, 0x04, 0x10, 0x10], [0x00, 0x02]),
];

impl Sale {
    /// A fresh card in the reader.
    fn card(&self) -> Card {
        let card = Card::changed(self.base, &self.changes);
        let mut card = card.unwrap_or_else(|error| panic!("{error:?} in {}", self.changes));
        card.insert();
        card
    }

    /// What of the terminal's list of revoked certificates is about a card.
    fn is_revoked(&self, serial: [u8; 3]) -> bool {
        self.revoked == Some(serial)
    }
}
