//! The application cryptogram as both the card and its issuer make it (EMV 4.4 Book 2, 8.1).

use std::collections::BTreeMap;

use crate::cryptogram::{Block, Padding, TdesKey};
use crate::personalization::CryptogramVersion;

/// Data objects by tag.
pub type Elements = BTreeMap<u32, Vec<u8>>;

/// What a cryptogram covers, in this order and these lengths, before issuer application data: amount,
/// other amount, country, TVR, currency, date, type, unpredictable number, AIP and ATC
/// (EMV 4.4 Book 2, 8.1.1, table 27).
const COVERED: [(u32, usize); 10] = [
    (0x9F02, 6),
    (0x9F03, 6),
    (0x9F1A, 2),
    (0x95, 5),
    (0x5F2A, 2),
    (0x9A, 3),
    (0x9C, 1),
    (0x9F37, 4),
    (0x82, 2),
    (0x9F36, 2),
];

/// A scheme's choice of what a cryptogram covers beside the data objects common to all. These cards
/// make versions 18 and 20; an issuer meets the others too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CryptogramInput {
    /// Visa's version 10: the card verification results.
    Visa10,
    /// Visa's version 18: all issuer application data.
    Visa18,
    /// M/Chip's versions 16 to 21: the card verification results.
    MChip,
}

impl CryptogramInput {
    /// The data that a cryptogram covers. `None` when an object is missing or of another length;
    /// only the other amount (9F03) may be missing, and then counts as zero.
    pub fn data(self, elements: &Elements) -> Option<Vec<u8>> {
        message(self.covered(elements.get(&0x9F10)?)?, elements)
    }

    /// How the data is filled up.
    pub const fn padding(self) -> Padding {
        match self {
            Self::Visa10 => Padding::Method1,
            Self::Visa18 | Self::MChip => Padding::Method2,
        }
    }

    /// The part of the issuer application data that is covered. `None` when the data is not of this
    /// shape.
    pub(crate) fn covered(self, issuer_application_data: &[u8]) -> Option<&[u8]> {
        let data = issuer_application_data;
        let version = |position: usize, versions: core::ops::RangeInclusive<u8>| {
            data.get(position)
                .is_some_and(|byte| versions.contains(byte))
        };
        match (self, data.len()) {
            (Self::Visa10, 7) if version(2, 0x0A..=0x0A) => data.get(3..),
            (Self::Visa18, 7) if version(2, 0x12..=0x12) => Some(data),
            (Self::MChip, 18) if version(1, 0x10..=0x15) => data.get(2..8),
            _ => None,
        }
    }
}

/// The application cryptogram over `elements`, the issuer application data (9F10) among them. `None`
/// when one is missing or of another length; only the other amount (9F03) may be missing, and then
/// counts as zero.
pub(crate) fn application_cryptogram(
    master: &TdesKey,
    version: CryptogramVersion,
    elements: &Elements,
) -> Option<Block> {
    let message = message(version.covered(elements.get(&0x9F10)?)?, elements)?;
    let counter = <[u8; 2]>::try_from(elements.get(&0x9F36)?.as_slice()).ok()?;
    Some(session_key(master, counter).mac(&message, Padding::Method2))
}

/// What every cryptogram covers, and then what this one does of the issuer application data.
fn message(covered: &[u8], elements: &Elements) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    for (tag, length) in COVERED {
        match elements.get(&tag) {
            Some(value) if value.len() == length => message.extend(value),
            None if tag == 0x9F03 => message.extend([0; 6]),
            Some(_) | None => return None,
        }
    }
    message.extend(covered);
    Some(message)
}

/// The session key of one transaction (EMV 4.4 Book 2, A1.3.1).
pub(crate) fn session_key(master: &TdesKey, counter: [u8; 2]) -> TdesKey {
    let [high, low] = counter;
    master.session_key([high, low, 0, 0, 0, 0, 0, 0])
}

/// The key and the chained cryptogram for the nth script command of a transaction, from 0. Each
/// command has a cryptogram one higher, so that none can be played again.
pub(crate) fn script_key(master: &TdesKey, arqc: Block, nth: u8) -> (TdesKey, Block) {
    let chained = u64::from_be_bytes(arqc)
        .wrapping_add(u64::from(nth))
        .to_be_bytes();
    (master.session_key(chained), chained)
}

/// The MAC of a script command (EMV 4.4 Book 2, 9.2.3): over its header, the ATC, the chained
/// cryptogram, and its data before the MAC.
pub(crate) fn script_mac(
    (key, chained): &(TdesKey, Block),
    header: [u8; 5],
    counter: [u8; 2],
    data: &[u8],
) -> Block {
    let message = [&header[..], &counter, chained, data].concat();
    key.mac(&message, Padding::Method2)
}
