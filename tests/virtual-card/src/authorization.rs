//! The application cryptogram as both the card and its issuer make it (EMV 4.4 Book 2, 8.1).

use std::collections::BTreeMap;

use crate::cryptogram::{Block, Padding, TdesKey};
use crate::personalization::CryptogramVersion;

/// Data objects by tag.
pub(crate) type Elements = BTreeMap<u32, Vec<u8>>;

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

/// The application cryptogram over `elements`, the issuer application data (9F10) among them. `None`
/// when one is missing or of another length; only the other amount (9F03) may be missing, and then
/// counts as zero.
pub(crate) fn application_cryptogram(
    master: &TdesKey,
    version: CryptogramVersion,
    elements: &Elements,
) -> Option<Block> {
    let message = message(version, elements)?;
    let counter = <[u8; 2]>::try_from(elements.get(&0x9F36)?.as_slice()).ok()?;
    Some(session_key(master, counter).mac(&message, Padding::Method2))
}

fn message(version: CryptogramVersion, elements: &Elements) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    for (tag, length) in COVERED {
        match elements.get(&tag) {
            Some(value) if value.len() == length => message.extend(value),
            None if tag == 0x9F03 => message.extend([0; 6]),
            Some(_) | None => return None,
        }
    }
    message.extend(version.covered(elements.get(&0x9F10)?)?);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cryptogram::bcd;

    /// The vector `ac-input-cvn18`.
    #[test]
    fn covers_what_version_18_covers() {
        let file = include_str!("../../vectors/ac.json");
        let file: serde_json::Value = serde_json::from_str(file).unwrap();
        let cases = file["cases"].as_array().unwrap();
        let case = cases
            .iter()
            .find(|case| case["id"] == "ac-input-cvn18")
            .unwrap();
        let objects = case["input"]["data_objects"].as_object().unwrap();
        let elements = objects
            .iter()
            .map(|(tag, value)| {
                (
                    u32::from_str_radix(tag, 16).unwrap(),
                    bcd(value.as_str().unwrap()),
                )
            })
            .collect();
        let expected = bcd(case["expect"]["data"].as_str().unwrap());
        assert_eq!(
            message(CryptogramVersion::Visa18, &elements),
            Some(expected)
        );
    }
}
