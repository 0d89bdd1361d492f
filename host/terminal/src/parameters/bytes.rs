//! Bytes that are written as hexadecimal in JSON.

use std::{fmt::Write as _, ops::Deref};

use serde::{Deserialize, Deserializer, de::Error as _};

/// Bytes, as an even number of hexadecimal digits in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HexBytes(pub Vec<u8>);

impl Deref for HexBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        from_hex(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom("expected an even number of hexadecimal digits"))
    }
}

/// Bytes as upper-case hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// Hexadecimal digits of either case as bytes, or `None`.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| digit(*high)?.checked_mul(16)?.checked_add(digit(*low)?))
        .collect()
}

fn digit(character: u8) -> Option<u8> {
    char::from(character)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::{from_hex, to_hex};

    #[test]
    fn reads_pairs_of_digits_only() {
        for (text, expected) in [
            ("", Some(vec![])),
            ("00ffA5", Some(vec![0x00, 0xff, 0xa5])),
            ("0", None),
            ("0g", None),
            ("é", None),
            ("+1", None),
        ] {
            assert_eq!(from_hex(text), expected, "{text:?}");
        }
        assert_eq!(to_hex(&[0x0a, 0xff]), "0AFF");
    }
}
