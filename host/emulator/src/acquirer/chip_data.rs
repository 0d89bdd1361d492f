//! Field 55: BER-TLV, as far as an acquirer needs it (EMV 4.4 Book 3, annex B).

use std::collections::BTreeMap;

/// The data elements of field 55, by tag. `None` when the field is no list of primitive elements, or
/// holds one twice.
pub(super) fn parse(mut bytes: &[u8]) -> Option<BTreeMap<u32, Vec<u8>>> {
    let mut elements = BTreeMap::new();
    while let Some((first, rest)) = bytes.split_first() {
        let mut tag = u32::from(*first);
        let mut rest = rest;
        if first & 0x1F == 0x1F {
            let (second, after) = rest.split_first()?;
            // Tags of three bytes are not sent to acquirers.
            if second & 0x80 != 0 {
                return None;
            }
            tag = (tag << 8) | u32::from(*second);
            rest = after;
        }
        let (length, after) = rest.split_first()?;
        let (length, after) = match length {
            0..=0x7F => (usize::from(*length), after),
            0x81 => {
                let (length, after) = after.split_first()?;
                (usize::from(*length), after)
            }
            _ => return None,
        };
        let (value, after) = after.split_at_checked(length)?;
        if elements.insert(tag, value.to_vec()).is_some() {
            return None;
        }
        bytes = after;
    }
    Some(elements)
}

/// One element of at most 127 bytes.
pub(super) fn element(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len()).unwrap_or(u8::MAX).min(0x7F);
    let mut bytes = vec![tag, length];
    bytes.extend(value.iter().take(usize::from(length)));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_tag() {
        let elements = parse(&[
            0x9F, 0x27, 1, 0x80, 0x95, 5, 0, 0, 0, 0, 0, 0x9A, 0x81, 1, 7,
        ]);
        let elements = elements.unwrap();
        assert_eq!(elements[&0x9F27], [0x80]);
        assert_eq!(elements[&0x9A], [7]);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for bytes in [
            &[0x9F][..],
            &[0x95, 5, 0],
            &[0x95, 0x82, 0, 1, 0],
            &[0x95, 0, 0x95, 0],
            &[0x9F, 0x81, 0x01, 0],
        ] {
            assert_eq!(parse(bytes), None, "{bytes:02X?}");
        }
    }
}
