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

/// A scheme's choice of what a cryptogram covers beside the data objects common to all.
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
    let key = version.cryptogram_key(master, elements)?;
    Some(key.mac(&message, version.input().padding()))
}

impl CryptogramVersion {
    /// The key of a cryptogram. `None` when what it is made of is missing or of another length.
    fn cryptogram_key(self, master: &TdesKey, elements: &Elements) -> Option<TdesKey> {
        let counter = <[u8; 2]>::try_from(elements.get(&0x9F36)?.as_slice()).ok()?;
        Some(match self {
            Self::Visa10 => master.clone(),
            Self::MChip16 => {
                let number = <[u8; 4]>::try_from(elements.get(&0x9F37)?.as_slice()).ok()?;
                let ([high, low], [a, b, c, d]) = (counter, number);
                master.session_key([high, low, 0, 0, a, b, c, d])
            }
            Self::Visa18 | Self::MChip20 => session_key(master, counter),
        })
    }

    /// The key of the issuer's answer, the ARPC.
    pub(crate) fn response_key(self, master: &TdesKey, counter: [u8; 2]) -> TdesKey {
        match self {
            Self::Visa10 | Self::MChip16 => master.clone(),
            Self::Visa18 | Self::MChip20 => session_key(master, counter),
        }
    }

    /// The key and the chained cryptogram for the nth script command of a transaction, from 0. Each
    /// command has a cryptogram one higher, so that none can be played again.
    pub(crate) fn script_key(
        self,
        master: &TdesKey,
        (arqc, counter): (Block, [u8; 2]),
        nth: u8,
    ) -> (TdesKey, Block) {
        let chained = u64::from_be_bytes(arqc)
            .wrapping_add(u64::from(nth))
            .to_be_bytes();
        let key = match self {
            Self::Visa10 => master.exclusive_or_key(counter),
            Self::Visa18 | Self::MChip16 | Self::MChip20 => master.session_key(chained),
        };
        (key, chained)
    }
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
fn session_key(master: &TdesKey, counter: [u8; 2]) -> TdesKey {
    let [high, low] = counter;
    master.session_key([high, low, 0, 0, 0, 0, 0, 0])
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The card master key of `tests/vectors/ac.json`, cases `ac-visa-cvn10` and `ac-mc-cvn16`.
    const MASTER: [u8; 16] = [
        0x15, 0x4F, 0x34, 0x9D, 0x85, 0x85, 0xCB, 0x7F, 0x6B, 0x07, 0x98, 0xE9, 0x83, 0x9B, 0x10,
        0xC1,
    ];

    fn elements(values: [&[u8]; 11]) -> Elements {
        let tags = [
            0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37, 0x82, 0x9F36, 0x9F10,
        ];
        let values = values.iter().map(|value| value.to_vec());
        tags.into_iter().zip(values).collect()
    }

    #[test]
    fn versions_without_the_common_session_key_make_the_published_values() {
        let visa = elements([
            &[0, 0, 0, 0, 0x40, 0],
            &[0; 6],
            &[0x01, 0x24],
            &[0x80, 0, 0x04, 0x80, 0],
            &[0x01, 0x24],
            &[0x19, 0x11, 0x05],
            &[0x01],
            &[0x52, 0xBF, 0x45, 0x85],
            &[0x18, 0],
            &[0, 0x1C],
            &[0x06, 0x01, 0x0A, 0x03, 0xA0, 0x60, 0x10],
        ]);
        let mchip = elements([
            &[0, 0, 0, 0, 0x99, 0x99],
            &[0; 6],
            &[0x01, 0x24],
            &[0x80, 0, 0, 0, 0],
            &[0x01, 0x24],
            &[0x20, 0x99, 0x06],
            &[0],
            &[0xAB, 0xCD, 0xEF, 0x12],
            &[0x18, 0],
            &[0, 0x1C],
            &[
                0x01, 0x10, 0xA0, 0, 0x03, 0x22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            ],
        ]);
        let master = TdesKey::new(MASTER);
        for (version, elements, cryptogram, code, response) in [
            (
                CryptogramVersion::Visa10,
                visa,
                0x29CC_A15A_E665_FA2E_u64,
                *b"00",
                0x2899_3816_AFAE_4AEB_u64,
            ),
            (
                CryptogramVersion::MChip16,
                mchip,
                0x24CC_F3DE_E315_8C70,
                [0x00, 0x10],
                0x73F6_BBF3_89A6_586C,
            ),
        ] {
            let made = application_cryptogram(&master, version, &elements);
            let made = made.unwrap_or_default();
            assert_eq!(u64::from_be_bytes(made), cryptogram, "{version:?}");
            let key = version.response_key(&master, [0, 0x1C]);
            let answer = u64::from_be_bytes(key.arpc_method_1(made, code));
            assert_eq!(answer, response, "{version:?}");
        }
    }

    #[test]
    fn a_script_key_of_version_10_does_not_depend_on_the_cryptogram() {
        let master = TdesKey::new([
            0x94, 0xF8, 0x67, 0x16, 0x7C, 0x64, 0xEF, 0x3E, 0xEA, 0xB0, 0xCB, 0x62, 0x7A, 0x7A,
            0x34, 0x80,
        ]);
        let arqc = 0x29CC_A15A_E665_FA2E_u64.to_be_bytes();
        let header = [0x84, 0x18, 0, 0, 0x08];
        let counter = [0, 0x1C];
        let key = CryptogramVersion::Visa10.script_key(&master, (arqc, counter), 0);
        let mac = u64::from_be_bytes(script_mac(&key, header, counter, &[]));
        assert_eq!(mac, 0xDB56_BA60_087C_EFD3);
        let other = CryptogramVersion::Visa18.script_key(&master, (arqc, counter), 0);
        assert!(key != other);
    }
}
