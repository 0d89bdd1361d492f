//! Field 55 of a request: BER-TLV, one object after the other (EMV 4.4 Book 3, Annex B).

use std::collections::BTreeMap;

/// The objects by tag. `None` when the bytes are not BER-TLV throughout, or name a tag twice.
pub(super) fn elements(mut bytes: &[u8]) -> Option<BTreeMap<u32, Vec<u8>>> {
    let mut elements = BTreeMap::new();
    while !bytes.is_empty() {
        let (tag, rest) = tag(bytes)?;
        let (length, rest) = length(rest)?;
        let (value, rest) = rest.split_at_checked(length)?;
        if elements.insert(tag, value.to_vec()).is_some() {
            return None;
        }
        bytes = rest;
    }
    Some(elements)
}

/// A tag of one or two bytes: EMV has no longer ones.
fn tag(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    if first & 0x1F != 0x1F {
        return Some((u32::from(*first), rest));
    }
    let (second, rest) = rest.split_first()?;
    let tag = u32::from(u16::from_be_bytes([*first, *second]));
    (second & 0x80 == 0).then_some((tag, rest))
}

/// A length of one or two bytes: field 55 holds no more than 255.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [short @ 0..=0x7F, rest @ ..] => Some((usize::from(*short), rest)),
        [0x81, long, rest @ ..] => Some((usize::from(*long), rest)),
        _ => None,
    }
}

/// A number in BCD. `None` when a nibble is no digit, or it does not fit.
pub(super) fn decimal(bytes: &[u8]) -> Option<u64> {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0x0F])
        .try_fold(0_u64, |number, digit| {
            let digit = (digit <= 9).then_some(u64::from(digit))?;
            number.checked_mul(10)?.checked_add(digit)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_objects_and_refuses_what_is_cut_or_repeated() {
        let read = elements(&[0x9F, 0x36, 2, 0, 1, 0x95, 0x81, 1, 7]).expect("two objects");
        assert_eq!(read.get(&0x9F36), Some(&vec![0, 1]));
        assert_eq!(read.get(&0x95), Some(&vec![7]));
        let broken: [&[u8]; 6] = [
            &[0x9F],
            &[0x95],
            &[0x95, 2, 0],
            &[0x95, 0x82, 0, 1, 0],
            &[0x95, 0, 0x95, 0],
            &[0x9F, 0x81, 1, 0],
        ];
        for bytes in broken {
            assert_eq!(elements(bytes), None, "{bytes:02X?}");
        }
        assert_eq!(decimal(&[0x00, 0x25, 0x10]), Some(2510));
        assert_eq!(decimal(&[0x0A]), None);
    }
}
