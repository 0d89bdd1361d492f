//! The exception file: cards that must not be accepted offline (EMV 4.4 Book 4, 6.5.5).
//!
//! It holds the numbers of other people's cards. They are masked wherever they could be printed,
//! wiped on drop, and never written again.

use std::fmt;

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{HexBytes, Parameters, given::given};

/// A card on the exception file, or every card of a number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct ExceptionEntry {
    /// The card's number.
    pub pan: CardNumber,
    /// Tag 5F34, one BCD byte; `null` for every card of the number.
    #[serde(deserialize_with = "given")]
    pub sequence_number: Option<HexBytes>,
}

/// A primary account number of 8 to 19 digits. Wiped on drop, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct CardNumber {
    /// Each 0 to 9.
    digits: Zeroizing<Vec<u8>>,
}

impl CardNumber {
    /// Takes the digits, each 0 to 9. `None` when they are fewer than 8, more than 19, or no digits.
    fn from_digits(digits: Zeroizing<Vec<u8>>) -> Option<Self> {
        let valid = (8..=19).contains(&digits.len()) && digits.iter().all(|digit| *digit < 10);
        valid.then_some(Self { digits })
    }

    /// Takes a number as in tag 5A: two digits a byte, filled with F on the right.
    fn from_bcd(bytes: &[u8]) -> Option<Self> {
        let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
        let mut digits: Zeroizing<Vec<u8>> = Zeroizing::new(nibbles.collect());
        while digits.last() == Some(&0x0F) {
            digits.pop();
        }
        Self::from_digits(digits)
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CardNumber(masked)")
    }
}

impl<'de> Deserialize<'de> for ExceptionEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer).map_err(without_content)
    }
}

/// The whole file.
pub(super) fn entries<'de, D>(deserializer: D) -> Result<Vec<ExceptionEntry>, D::Error>
where
    D: Deserializer<'de>,
{
    Vec::deserialize(deserializer).map_err(without_content)
}

/// A refusal that repeats nothing of what it refuses: a number may stand where none should.
fn without_content<E: serde::de::Error>(refused: E) -> E {
    let text = refused.to_string();
    if text.starts_with("invalid ") || text.starts_with("unknown ") {
        // The place, when the text ends with it.
        let place = text.rfind(" at line ").and_then(|at| text.get(at..));
        let place = place.unwrap_or_default();
        E::custom(format!(
            "expected entries of `pan` and `sequence_number`{place}"
        ))
    } else {
        refused
    }
}

impl<'de> Deserialize<'de> for CardNumber {
    /// A string of digits. A refusal never repeats what it refuses.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let refused = || D::Error::custom("expected a string of 8 to 19 digits");
        let Value::String(text) = Value::deserialize(deserializer)? else {
            return Err(refused());
        };
        let text = Zeroizing::new(text);
        let digit = |character: u8| character.wrapping_sub(b'0');
        let digits = Zeroizing::new(text.bytes().map(digit).collect());
        Self::from_digits(digits).ok_or_else(refused)
    }
}

impl Parameters {
    /// Whether a card is on the exception file. `pan` is that of tag 5A and `sequence_number` the
    /// byte of tag 5F34, when the card has one.
    pub(crate) fn is_on_exception_file(&self, pan: &[u8], sequence_number: Option<u8>) -> bool {
        // What is no number is on no list.
        let Some(pan) = CardNumber::from_bcd(pan) else {
            return false;
        };
        let asked = sequence_number.as_slice();
        self.exception_file.iter().any(|entry| {
            let listed = entry.sequence_number.as_deref();
            entry.pan == pan && listed.is_none_or(|listed| listed == asked)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RIGHT: &str = include_str!("../../tests/parameters.json");

    #[test]
    fn a_card_is_found_by_its_number_and_by_its_sequence_number_when_there_is_one() {
        let mut parameters = Parameters::from_json(RIGHT).expect("right parameters");
        parameters.exception_file = serde_json::from_value(json!([
            { "pan": "4761739001010010", "sequence_number": null },
            { "pan": "374245001741007", "sequence_number": "02" },
        ]))
        .expect("an exception file");
        let visa = [0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10];
        let amex = [0x37, 0x42, 0x45, 0x00, 0x17, 0x41, 0x00, 0x7F];
        let other = [0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x11];
        for (pan, sequence_number, found) in [
            (&visa[..], None, true),
            (&visa, Some(7), true),
            (&amex, Some(2), true),
            (&amex, Some(1), false),
            (&amex, None, false),
            (&other, None, false),
            (&[0xFF; 8], None, false),
            (&[], None, false),
        ] {
            let answer = parameters.is_on_exception_file(pan, sequence_number);
            assert_eq!(answer, found, "{pan:02X?} {sequence_number:?}");
        }
    }

    #[test]
    fn a_number_in_a_wrong_place_is_not_repeated_either() {
        let number = "4761739001010010";
        for wrong in [
            json!(number),
            json!(4_761_739_001_010_010_u64),
            json!([number]),
            json!([[number]]),
            json!([4_761_739_001_010_010_u64]),
            json!([{ number: null }]),
            json!([{ "pan": number, "sequence_number": 4_761_739_001_010_010_u64 }]),
            json!([{ "pan": number, number: null }]),
        ] {
            let mut set: Value = serde_json::from_str(RIGHT).expect("JSON");
            set["exception_file"] = wrong;
            let refused = Parameters::from_json(&set.to_string()).expect_err("refused");
            let refused = refused.to_string();
            assert!(refused.starts_with("line 1, column "), "{refused}");
            assert!(!refused.contains("4761739"), "{refused}");
        }
    }

    #[test]
    fn a_number_is_neither_printed_nor_repeated_in_a_refusal() {
        let entry = json!({ "pan": "4761739001010010", "sequence_number": null });
        let entry: ExceptionEntry = serde_json::from_value(entry).expect("an entry");
        assert!(!format!("{entry:?}").contains("0010"), "{entry:?}");
        for wrong in [
            json!(4_761_739_001_010_010_u64),
            json!("47617390010100x0"),
            json!("47617390010100100000"),
            json!("4761739"),
            json!(["4761739001010010"]),
        ] {
            let entry = json!({ "pan": wrong, "sequence_number": null });
            let refused = serde_json::from_value::<ExceptionEntry>(entry).expect_err("refused");
            let refused = refused.to_string();
            assert!(refused.starts_with("expected a string"), "{refused}");
            assert!(!refused.contains("4761739"), "{refused}");
        }
    }
}
