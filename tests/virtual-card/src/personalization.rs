//! What is written on each card, parsed from the text files under `cards/`.
//!
//! One line is one fact: a keyword and its value, or `TAG = VALUE` in hexadecimal. Lines before the
//! first `application` are about the whole card, later ones about the application above them. A `#`
//! starts a comment line.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::cryptogram::bcd;

/// The card files, in the catalogue's order.
const FILES: [&str; 9] = [
    include_str!("../cards/visa-credit.card"),
    include_str!("../cards/mastercard-debit.card"),
    include_str!("../cards/eftpos.card"),
    include_str!("../cards/visa-expired.card"),
    include_str!("../cards/visa-offline-decline.card"),
    include_str!("../cards/visa-offline-approve.card"),
    include_str!("../cards/visa-issuer-scripts.card"),
    include_str!("../cards/mastercard-two-applications.card"),
    include_str!("../cards/mastercard-signed-cryptogram.card"),
];

/// All cards. A file with a fault would be missing here; a test parses each of them.
pub(crate) fn all() -> &'static [Personalization] {
    static CARDS: OnceLock<Vec<Personalization>> = OnceLock::new();
    CARDS.get_or_init(|| {
        FILES
            .iter()
            .filter_map(|text| Personalization::parse(text).ok())
            .collect()
    })
}

/// One card.
#[derive(Clone, Debug, Default)]
pub(crate) struct Personalization {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) scheme: &'static str,
    /// Digits, at most nineteen.
    pub(crate) pan: &'static str,
    /// Two digits, tag 5F34.
    pub(crate) sequence: &'static str,
    pub(crate) pin: &'static str,
    /// Last day of use as YYMMDD.
    pub(crate) expiry: &'static str,
    pub(crate) applications: Vec<ApplicationData>,
}

/// One application of a card.
#[derive(Clone, Debug, Default)]
pub(crate) struct ApplicationData {
    pub(crate) aid: Vec<u8>,
    pub(crate) label: &'static str,
    /// Tag 87.
    pub(crate) priority: u8,
    pub(crate) cryptogram: CryptogramVersion,
    pub(crate) response_format: ResponseFormat,
    /// The highest amount, in minor units, that the card approves without its issuer.
    pub(crate) offline_limit_minor: u64,
    pub(crate) declines_offline: bool,
    /// Whether an approval needs a right ARPC, not just no wrong one.
    pub(crate) issuer_authentication_mandatory: bool,
    /// Whether the issuer sends scripts with its answers.
    pub(crate) issuer_scripts: bool,
    pub(crate) elements: BTreeMap<u32, Vec<u8>>,
    /// In the order of the application file locator.
    pub(crate) records: Vec<RecordLayout>,
}

/// How the cryptogram and the issuer application data are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CryptogramVersion {
    /// Visa's 18: the MAC covers all issuer application data.
    #[default]
    Visa18,
    /// M/Chip's 20: the MAC covers the card verification results.
    MChip20,
}

/// How GET PROCESSING OPTIONS, INTERNAL AUTHENTICATE and GENERATE AC answer
/// (EMV 4.4 Book 3, 6.5.5.4, 6.5.8.4 and 6.5.9.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ResponseFormat {
    /// Template 80: values without tags.
    #[default]
    One,
    /// Template 77: data objects.
    Two,
}

/// One record and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordLayout {
    /// Short file identifier, 1 to 10.
    pub(crate) sfi: u8,
    pub(crate) number: u8,
    /// Whether offline data authentication covers it.
    pub(crate) signed: bool,
    pub(crate) tags: Vec<u32>,
}

/// Why a card file was refused, with the line's number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// The keyword is unknown, or stands before the first application.
    #[error("line {0}: unknown keyword")]
    Keyword(usize),
    /// The value does not fit its keyword.
    #[error("line {0}: bad value")]
    Value(usize),
    /// Something every card needs is not in the file.
    #[error("{0} is missing")]
    Missing(&'static str),
}

impl ApplicationData {
    /// The registered application provider identifier: the first five bytes of the AID.
    pub(crate) fn rid(&self) -> [u8; 5] {
        self.aid.first_chunk().copied().unwrap_or_default()
    }

    /// The value of a data object, empty when the card has none.
    pub(crate) fn element(&self, tag: u32) -> &[u8] {
        self.elements.get(&tag).map_or(&[], Vec::as_slice)
    }
}

impl Personalization {
    /// Parses a card file.
    pub(crate) fn parse(text: &'static str) -> Result<Self, Error> {
        let mut card = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                card.apply(line, index.saturating_add(1))?;
            }
        }
        card.complete()
    }

    fn apply(&mut self, line: &'static str, number: usize) -> Result<(), Error> {
        let (keyword, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let value = value.trim();
        match keyword {
            "name" => self.name = value,
            "description" => self.description = value,
            "scheme" => self.scheme = value,
            "pan" => self.pan = digits(value, 12..=19).ok_or(Error::Value(number))?,
            "sequence" => self.sequence = digits(value, 2..=2).ok_or(Error::Value(number))?,
            "pin" => self.pin = digits(value, 4..=12).ok_or(Error::Value(number))?,
            "expiry" => self.expiry = digits(value, 6..=6).ok_or(Error::Value(number))?,
            "application" => {
                let aid = hex(value).filter(|aid| (5..=16).contains(&aid.len()));
                let aid = aid.ok_or(Error::Value(number))?;
                self.applications.push(ApplicationData {
                    aid,
                    ..ApplicationData::default()
                });
            }
            _ => {
                let application = self.applications.last_mut().ok_or(Error::Keyword(number))?;
                application.apply(keyword, value, number)?;
            }
        }
        Ok(())
    }

    fn complete(self) -> Result<Self, Error> {
        let texts = [
            ("name", self.name),
            ("scheme", self.scheme),
            ("pan", self.pan),
            ("sequence", self.sequence),
            ("pin", self.pin),
            ("expiry", self.expiry),
        ];
        if let Some((keyword, _)) = texts.iter().find(|(_, text)| text.is_empty()) {
            return Err(Error::Missing(keyword));
        }
        if self.applications.is_empty() {
            return Err(Error::Missing("application"));
        }
        for application in &self.applications {
            for (tag, name) in [(0x82, "82"), (0x8C, "8C"), (0x8D, "8D"), (0x9F49, "9F49")] {
                if application.element(tag).is_empty() {
                    return Err(Error::Missing(name));
                }
            }
        }
        Ok(self)
    }

    /// The number in packed digits, filled up with F on the right to `length` bytes.
    pub(crate) fn pan_bytes(&self, length: usize) -> Vec<u8> {
        let width = length.saturating_mul(2);
        bcd(&format!("{:F<width$}", self.pan))
    }

    /// The month of expiry as certificates write it: MMYY.
    pub(crate) fn expiry_month_year(&self) -> [u8; 2] {
        match bcd(self.expiry).as_slice() {
            [year, month, ..] => [*month, *year],
            _ => [0, 0],
        }
    }
}

impl ApplicationData {
    fn apply(&mut self, keyword: &str, value: &'static str, number: usize) -> Result<(), Error> {
        let bad = Error::Value(number);
        match keyword {
            "label" => self.label = value,
            "priority" => self.priority = u8::from_str_radix(value, 16).map_err(|_| bad)?,
            "cryptogram" => {
                self.cryptogram = match value {
                    "visa-18" => CryptogramVersion::Visa18,
                    "mchip-20" => CryptogramVersion::MChip20,
                    _ => return Err(bad),
                }
            }
            "response-format" => {
                self.response_format = match value {
                    "1" => ResponseFormat::One,
                    "2" => ResponseFormat::Two,
                    _ => return Err(bad),
                }
            }
            "offline-limit" => self.offline_limit_minor = value.parse().map_err(|_| bad)?,
            "decline-offline" => self.declines_offline = true,
            "issuer-scripts" => self.issuer_scripts = true,
            "issuer-authentication" if value == "mandatory" => {
                self.issuer_authentication_mandatory = true;
            }
            "record" => self.records.push(record(value).ok_or(bad)?),
            _ => {
                let tag = u32::from_str_radix(keyword, 16).map_err(|_| Error::Keyword(number))?;
                let value = value.strip_prefix('=').and_then(|value| hex(value.trim()));
                self.elements.insert(tag, value.ok_or(bad)?);
            }
        }
        Ok(())
    }
}

/// Reads `SFI.NUMBER [signed] TAG...`.
fn record(text: &str) -> Option<RecordLayout> {
    let mut words = text.split_whitespace().peekable();
    let (sfi, number) = words.next()?.split_once('.')?;
    let sfi = sfi.parse().ok().filter(|sfi| (1..=10).contains(sfi))?;
    let number = number.parse().ok().filter(|number| *number > 0)?;
    let signed = words.next_if_eq(&"signed").is_some();
    let tags = words
        .map(|tag| u32::from_str_radix(tag, 16).ok())
        .collect::<Option<_>>()?;
    Some(RecordLayout {
        sfi,
        number,
        signed,
        tags,
    })
}

fn digits(text: &'static str, lengths: std::ops::RangeInclusive<usize>) -> Option<&'static str> {
    let valid = lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    valid.then_some(text)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let nibbles: Vec<u32> = text
        .chars()
        .map(|digit| digit.to_digit(16))
        .collect::<Option<_>>()?;
    (nibbles.len().is_multiple_of(2)).then(|| bcd(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_file_parses_and_has_a_valid_number() {
        for text in FILES {
            let card = Personalization::parse(text).unwrap();
            let sum: u32 = card
                .pan
                .bytes()
                .rev()
                .enumerate()
                .map(|(index, digit)| u32::from(digit - b'0') * if index % 2 == 1 { 2 } else { 1 })
                .map(|value| value / 10 + value % 10)
                .sum();
            assert_eq!(sum % 10, 0, "{}", card.name);
        }
        assert_eq!(all().len(), FILES.len());
    }

    #[test]
    fn says_what_is_wrong_with_a_file() {
        for (text, error) in [
            ("", Error::Missing("name")),
            ("colour red", Error::Keyword(1)),
            ("\npan 12", Error::Value(2)),
            ("application A0", Error::Value(1)),
            ("application A000000003\ncolour red", Error::Keyword(2)),
            ("application A000000003\n82 = 1", Error::Value(2)),
            ("application A000000003\nrecord 11.1 5A", Error::Value(2)),
            ("application A000000003\nresponse-format 3", Error::Value(2)),
        ] {
            assert_eq!(Personalization::parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn reads_a_record_line() {
        let expected = RecordLayout {
            sfi: 2,
            number: 1,
            signed: true,
            tags: vec![0x5A, 0x9F07],
        };
        assert_eq!(record("2.1 signed 5A 9F07"), Some(expected));
    }
}
