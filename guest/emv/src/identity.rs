//! Who the card belongs to: the secrets of the kernel, masked wherever they are shown.

use core::fmt;

use zeroize::Zeroizing;

use crate::parameters::Aid;

/// What identifies the card and explains it to the merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Tag 5A.
    pub pan: Pan,
    /// Tag 5F24: the last day of validity as YYMMDD, BCD.
    pub expiry: [u8; 3],
    /// Tag 5F34, when the card gave one.
    pub sequence_number: Option<u8>,
    /// Tag 57, when the card gave one.
    pub track_2: Option<Track2>,
    /// The name of the application selected: tag 84 as the card gave it.
    pub aid: Aid,
    /// The preferred name (tag 9F12) when the terminal can show its characters, else the label
    /// (tag 50); empty when the card gave neither. At most sixteen bytes.
    pub label: Vec<u8>,
}

/// A primary account number of eight to nineteen digits. Wiped when dropped; shown masked.
#[derive(Clone, PartialEq, Eq)]
pub struct Pan {
    digits: Zeroizing<Vec<u8>>,
}

impl Pan {
    /// Reads tag 5A: compressed numeric, padded with F on the right. `None` when it is not eight
    /// to nineteen digits.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let nibbles = || value.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
        let count = nibbles().take_while(|nibble| *nibble < 10).count();
        let padded = nibbles().skip(count).all(|nibble| nibble == 0x0F);
        ((8..=19).contains(&count) && padded).then(|| Self {
            digits: Zeroizing::new(
                nibbles()
                    .take(count)
                    .map(|digit| b'0'.saturating_add(digit))
                    .collect(),
            ),
        })
    }

    /// The digits in ASCII, for messages to the acquirer and nothing else.
    pub fn digits(&self) -> &[u8] {
        &self.digits
    }

    /// The digits as tag 5A writes them: two a byte, filled with F on the right.
    pub fn compressed(&self) -> Zeroizing<Vec<u8>> {
        let pair = |pair: &[u8]| match pair {
            [high, low] => ((high & 0x0F) << 4) | (low & 0x0F),
            [high] => ((high & 0x0F) << 4) | 0x0F,
            _ => 0xFF,
        };
        Zeroizing::new(self.digits.chunks(2).map(pair).collect())
    }

    /// The digits in ASCII, all but the last four replaced by asterisks.
    pub fn masked(&self) -> Vec<u8> {
        let hidden = self.digits.len().saturating_sub(4);
        let hide = |(position, digit): (usize, &u8)| if position < hidden { b'*' } else { *digit };
        self.digits.iter().enumerate().map(hide).collect()
    }
}

impl fmt::Debug for Pan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Pan({})",
            String::from_utf8_lossy(&self.masked())
        )
    }
}

/// Track 2 equivalent data. Wiped when dropped; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Track2 {
    bytes: Zeroizing<Vec<u8>>,
}

impl Track2 {
    /// Reads tag 57: digits, the separator D, and F as padding. `None` when it is longer than 19
    /// bytes, holds another character, or lacks the separator.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let allowed = |nibble: u8| nibble < 10 || nibble == 0x0D || nibble == 0x0F;
        let mut nibbles = value.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
        let separated = nibbles.clone().any(|nibble| nibble == 0x0D);
        (value.len() <= 19 && separated && nibbles.all(allowed)).then(|| Self {
            bytes: Zeroizing::new(value.to_vec()),
        })
    }

    /// The bytes of tag 57, for messages to the acquirer and nothing else.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Track2 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Track2(masked)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pan_is_eight_to_nineteen_digits() {
        for (value, digits) in [
            (
                &[0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10][..],
                Some("4761739001010010"),
            ),
            (
                &[0x37, 0x42, 0x45, 0x00, 0x17, 0x41, 0x00, 0x7F],
                Some("374245001741007"),
            ),
            (&[0x62; 10], None),
            (&[0x62, 0x10, 0x94, 0x8F, 0xFF], None),
            (&[0x62, 0x10, 0x94, 0x80, 0xF1], None),
            (&[0x62, 0x1A, 0x94, 0x80, 0x11], None),
            (&[], None),
        ] {
            let pan = Pan::parse(value);
            assert_eq!(pan.as_ref().map(Pan::digits), digits.map(str::as_bytes));
            if let Some(pan) = pan {
                assert_eq!(pan.compressed().as_slice(), value, "{digits:?}");
            }
        }
    }

    #[test]
    fn debug_shows_the_last_four_digits_only() {
        let pan = Pan::parse(&[0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10]).expect("valid");
        assert_eq!(format!("{pan:?}"), "Pan(************0010)");
        let track_2 = Track2::parse(&[0x47, 0x61, 0x73, 0x90, 0xD2, 0x21, 0x22, 0x0F]);
        assert_eq!(format!("{track_2:?}"), "Some(Track2(masked))");
    }

    #[test]
    fn track_2_has_a_separator_and_only_its_characters() {
        for (value, valid) in [
            (&[0x47, 0xD2, 0x21][..], true),
            (&[0x47, 0x22, 0x21], false),
            (&[0x47, 0xD2, 0xA1], false),
            (&[0xD1; 20], false),
        ] {
            let track_2 = Track2::parse(value);
            let bytes = track_2.as_ref().map(Track2::as_bytes);
            assert_eq!(bytes, valid.then_some(value), "{value:02X?}");
        }
    }
}
