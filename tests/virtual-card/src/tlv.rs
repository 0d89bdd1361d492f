//! BER-TLV as a card writes it, and data object lists as a card reads them
//! (EMV 4.4 Book 3, annex B and 5.4).

/// The longest data object a short response can carry.
pub(crate) const VALUE_MAX: usize = 253;

/// One data object. The value is cut to `VALUE_MAX` bytes, more than any object of these cards has.
pub(crate) fn object(tag: u32, value: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = tag
        .to_be_bytes()
        .into_iter()
        .skip_while(|byte| *byte == 0)
        .collect();
    let length = u8::try_from(value.len().min(VALUE_MAX)).unwrap_or(u8::MAX);
    if length > 0x7F {
        bytes.push(0x81);
    }
    bytes.push(length);
    bytes.extend(value.iter().take(usize::from(length)));
    bytes
}

/// A constructed object around objects already written.
pub(crate) fn template(tag: u32, objects: &[Vec<u8>]) -> Vec<u8> {
    object(tag, &objects.concat())
}

/// What is in an object of one byte of tag, such as template 70. `None` when it is none.
pub(crate) fn content(bytes: &[u8]) -> Option<&[u8]> {
    let ([_, 0x81, length, rest @ ..] | [_, length @ 0..=0x7F, rest @ ..]) = bytes else {
        return None;
    };
    (usize::from(*length) == rest.len()).then_some(rest)
}

/// One entry of a data object list: what is wanted, and in how many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) tag: u32,
    pub(crate) length: usize,
}

/// Reads a data object list (EMV 4.4 Book 3, 5.4). `None` when it ends inside an entry.
pub(crate) fn parse_dol(list: &[u8]) -> Option<Vec<Wanted>> {
    let mut rest = list;
    let mut entries = Vec::new();
    while let Some((first, mut after)) = rest.split_first() {
        let mut tag = u32::from(*first);
        if first & 0x1F == 0x1F {
            loop {
                let (next, tail) = after.split_first()?;
                tag = tag.checked_mul(0x100)?.checked_add(u32::from(*next))?;
                after = tail;
                if next & 0x80 == 0 {
                    break;
                }
            }
        }
        let (length, tail) = after.split_first()?;
        entries.push(Wanted {
            tag,
            length: usize::from(*length),
        });
        rest = tail;
    }
    Some(entries)
}

/// The values a terminal sent for a data object list, by tag. `None` when the length is not exactly
/// the list's, which a card refuses.
pub(crate) fn split_by_dol(list: &[u8], data: &[u8]) -> Option<Vec<(u32, Vec<u8>)>> {
    let mut rest = data;
    let mut values = Vec::new();
    for wanted in parse_dol(list)? {
        let (value, tail) = rest.split_at_checked(wanted.length)?;
        values.push((wanted.tag, value.to_vec()));
        rest = tail;
    }
    rest.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_short_and_long_lengths() {
        assert_eq!(object(0x9F36, &[0, 1]), [0x9F, 0x36, 2, 0, 1]);
        assert_eq!(object(0x70, &[7; 0x80])[..4], [0x70, 0x81, 0x80, 7]);
        assert_eq!(
            template(0x70, &[object(0x82, &[1, 2])]),
            [0x70, 4, 0x82, 2, 1, 2]
        );
    }

    #[test]
    fn splits_a_list_and_refuses_other_lengths() {
        let list = [0x9F, 0x02, 2, 0x95, 1];
        assert_eq!(
            split_by_dol(&list, &[1, 2, 3]),
            Some(vec![(0x9F02, vec![1, 2]), (0x95, vec![3])])
        );
        assert_eq!(split_by_dol(&list, &[1, 2]), None);
        assert_eq!(split_by_dol(&list, &[1, 2, 3, 4]), None);
        assert_eq!(parse_dol(&[0x9F]), None);
        assert_eq!(parse_dol(&[0x95]), None);
        assert_eq!(parse_dol(&[0x9F, 0x81, 0x81, 0x81, 0x81, 1, 1]), None);
    }
}
