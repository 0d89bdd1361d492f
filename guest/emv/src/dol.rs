//! Data object lists: what the card wants to be told, and in how many bytes.
//!
//! EMV 4.4 Book 3, 5.4.

use crate::tag::{Format, Tag};
use crate::tlv;

/// How many bytes one command can carry for a list.
pub const LENGTH_MAX: usize = 255;

/// A list the card gave, parsed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dol {
    entries: Vec<(Tag, u8)>,
}

/// Why a list cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// It ends within a tag, or a tag has no length.
    Malformed,
    /// It asks for more than one command can carry.
    TooLong,
}

impl Dol {
    /// Reads a list: tags, each with a length of one byte.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut entries = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (tag, after) = tlv::parse_tag(rest).map_err(|_| Error::Malformed)?;
            let (length, after) = after.split_first().ok_or(Error::Malformed)?;
            entries.push((tag, *length));
            rest = after;
        }
        let total: usize = entries.iter().map(|(_, length)| usize::from(*length)).sum();
        if total > LENGTH_MAX {
            return Err(Error::TooLong);
        }
        Ok(Self { entries })
    }

    /// The tags asked for, each with the length wanted.
    pub fn entries(&self) -> &[(Tag, u8)] {
        &self.entries
    }

    /// Whether an element is asked for.
    pub fn contains(&self, tag: Tag) -> bool {
        self.entries.iter().any(|(entry, _)| *entry == tag)
    }

    /// The values asked for, one after the other, each in the length wanted. `value` gives what
    /// the terminal has.
    pub fn fill<'a>(&self, value: impl Fn(Tag) -> Option<&'a [u8]>) -> Vec<u8> {
        self.entries
            .iter()
            .flat_map(|(tag, length)| {
                // EMV 4.4 Book 3, 5.4: a template or an unknown element is answered with zeros.
                let known = if tag.is_constructed() {
                    None
                } else {
                    value(*tag)
                };
                let format = tag.element().map_or(Format::B, |element| element.format);
                fit(known.unwrap_or_default(), format, usize::from(*length))
            })
            .collect()
    }
}

/// Brings a value to the length wanted (EMV 4.4 Book 3, 5.4): digits keep their right end,
/// everything else its left end; compressed digits are filled with F, everything else with zeros.
fn fit(value: &[u8], format: Format, length: usize) -> Vec<u8> {
    let missing = length.saturating_sub(value.len());
    let excess = value.len().saturating_sub(length);
    match format {
        Format::N => {
            let kept = value.get(excess..).unwrap_or_default();
            [vec![0; missing], kept.to_vec()].concat()
        }
        Format::Cn if !value.is_empty() => {
            let kept = value.get(..length).unwrap_or(value);
            [kept.to_vec(), vec![0xFF; missing]].concat()
        }
        Format::A | Format::An | Format::Ans | Format::B | Format::Cn | Format::Var => {
            let kept = value.get(..length).unwrap_or(value);
            [kept.to_vec(), vec![0; missing]].concat()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_cut_and_filled_by_its_format() {
        let value = [0x12, 0x34];
        for (format, length, filled) in [
            (Format::N, 1, &[0x34][..]),
            (Format::N, 3, &[0x00, 0x12, 0x34]),
            (Format::Cn, 1, &[0x12]),
            (Format::Cn, 3, &[0x12, 0x34, 0xFF]),
            (Format::B, 1, &[0x12]),
            (Format::B, 3, &[0x12, 0x34, 0x00]),
            (Format::Ans, 4, &[0x12, 0x34, 0x00, 0x00]),
            (Format::Var, 0, &[]),
        ] {
            assert_eq!(fit(&value, format, length), filled, "{format:?} {length}");
        }
    }

    #[test]
    fn a_missing_value_is_zeros_in_every_format() {
        for format in [Format::N, Format::Cn, Format::An, Format::B] {
            assert_eq!(fit(&[], format, 2), [0, 0], "{format:?}");
        }
    }

    #[test]
    fn a_list_asks_for_no_more_than_a_command_carries() {
        assert!(Dol::parse(&[0x9F, 0x33, 0xFF]).is_ok());
        assert_eq!(
            Dol::parse(&[0x9F, 0x33, 0xFF, 0x9C, 0x01]),
            Err(Error::TooLong)
        );
        assert_eq!(Dol::parse(&[0x9F]), Err(Error::Malformed));
        assert_eq!(Dol::parse(&[0x9C]), Err(Error::Malformed));
    }
}
