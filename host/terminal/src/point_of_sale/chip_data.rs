//! Chip data for the point of sale: what ISO 8583 field 55 holds, and nothing that names the card.

use std::collections::BTreeMap;

use crate::parameters::to_hex;

/// The tags that are passed on (EMV 4.4 Book 4, 12.1.1, and what schemes add to it). No other one is,
/// whatever the engine hands out: not the PAN, track 2, the cardholder's name or the expiry date.
const PASSED_ON: [u32; 25] = [
    0x4F, 0x50, 0x5F2A, 0x5F34, 0x82, 0x84, 0x95, 0x9A, 0x9B, 0x9C, 0x9F02, 0x9F03, 0x9F09, 0x9F10,
    0x9F1A, 0x9F1E, 0x9F26, 0x9F27, 0x9F33, 0x9F34, 0x9F35, 0x9F36, 0x9F37, 0x9F41, 0x9F53,
];

/// Reads primitive BER-TLV objects (EMV 4.4 Book 3, Annex B) up to the first one that is out of form.
pub(super) fn passed_on(bytes: &[u8]) -> BTreeMap<String, String> {
    let mut objects = BTreeMap::new();
    let mut rest = bytes;
    while let Some((tag, value, after)) = object(rest) {
        if PASSED_ON.contains(&tag) {
            objects.insert(format!("{tag:02X}"), to_hex(value));
        }
        rest = after;
    }
    objects
}

/// The first object: its tag, its value, and what follows.
fn object(bytes: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (tag, rest) = if first & 0x1F == 0x1F {
        let (second, rest) = rest.split_first()?;
        // Tags of three bytes are none of ours.
        if second & 0x80 != 0 {
            return None;
        }
        ((u32::from(*first) << 8) | u32::from(*second), rest)
    } else {
        (u32::from(*first), rest)
    };
    let (length, rest) = match rest.split_first()? {
        (0x81, rest) => rest.split_first()?,
        (length, rest) if *length < 0x80 => (length, rest),
        _ => return None,
    };
    let length = usize::from(*length);
    Some((tag, rest.get(..length)?, rest.get(length..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_the_card_is_left_out() {
        let mut bytes = vec![0x95, 5, 0, 0, 0, 0x80, 0];
        bytes.extend([0x5A, 8, 0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10]);
        bytes.extend([0x57, 3, 0x47, 0x61, 0xD3]);
        bytes.extend([0x5F, 0x20, 2, b'A', b'B']);
        bytes.extend([0x9F, 0x26, 0x81, 2, 0xAB, 0xCD]);
        let objects = passed_on(&bytes);
        let expected = [("95", "0000008000"), ("9F26", "ABCD")];
        let expected = expected.map(|(tag, value)| (tag.to_owned(), value.to_owned()));
        assert_eq!(objects, BTreeMap::from(expected));
    }

    #[test]
    fn what_is_out_of_form_ends_it() {
        for bytes in [
            &[0x95][..],
            &[0x95, 5, 0],
            &[0x9F],
            &[0x9F, 0x80, 1, 0],
            &[0x95, 0x82, 0, 1, 0],
            &[0x95, 0x81],
        ] {
            assert!(passed_on(bytes).is_empty(), "{bytes:02X?}");
        }
    }
}
