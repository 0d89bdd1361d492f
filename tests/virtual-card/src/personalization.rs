//! What is written on each card, parsed from the text files under `cards/`.
//!
//! One line is one fact: a keyword and its value, or `TAG = VALUE` in hexadecimal. Lines before the
//! first `application` are about the whole card, later ones about the application above them. A `#`
//! starts a comment line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::alteration::{Alterations, Signed};
use crate::catalogue::FILES;
use crate::cryptogram::bcd;
use crate::language::{self, APPLICATIONS_MAX, Error, TEXT_BYTES_MAX};
use crate::quirk::{self, Quirk};
use crate::record::{self, RecordLayout};

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

/// The card of this name.
pub(crate) fn named(name: &str) -> Option<&'static Personalization> {
    all().iter().find(|card| card.name == name)
}

/// One card.
#[derive(Clone, Debug, Default)]
pub(crate) struct Personalization {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) scheme: String,
    /// Digits, at most nineteen.
    pub(crate) pan: String,
    /// Two digits, tag 5F34.
    pub(crate) sequence: String,
    pub(crate) pin: String,
    /// PIN tries at issuance, when they are not the usual three.
    pub(crate) tries: Option<u8>,
    /// Last day of use as YYMMDD.
    pub(crate) expiry: String,
    /// Whether there is no payment system environment.
    pub(crate) without_directory: bool,
    /// Bytes of the moduli, where they are not the usual ones.
    pub(crate) issuer_key_length: Option<usize>,
    pub(crate) icc_key_length: Option<usize>,
    /// Whether PINs are enciphered under a key of their own.
    pub(crate) pin_key: bool,
    /// Whether its certificates and signatures are on an elliptic curve instead of RSA.
    pub(crate) elliptic_keys: bool,
    /// What there is beside the stripe.
    pub(crate) chip: Chip,
    /// The service code on the stripe, when it is not the usual one of a card with a chip.
    pub(crate) service_code: Option<String>,
    /// The faults the chip was born with.
    pub(crate) quirks: Vec<Quirk>,
    pub(crate) applications: Vec<ApplicationData>,
}

/// The chip of a card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Chip {
    /// One with contacts.
    #[default]
    Contact,
    /// None.
    None,
}

/// One application of a card.
#[derive(Clone, Debug, Default)]
pub(crate) struct ApplicationData {
    pub(crate) aid: Vec<u8>,
    pub(crate) label: String,
    /// Tag 87.
    pub(crate) priority: Option<u8>,
    pub(crate) cryptogram: CryptogramVersion,
    pub(crate) response_format: ResponseFormat,
    /// The highest amount, in minor units, that the card approves without its issuer.
    pub(crate) offline_limit_minor: u64,
    pub(crate) declines_offline: bool,
    /// Whether an approval needs a right ARPC, not just no wrong one.
    pub(crate) issuer_authentication_mandatory: bool,
    /// Whether the issuer sends scripts with its answers.
    pub(crate) issuer_scripts: bool,
    /// Whether it was blocked before.
    pub(crate) state: State,
    /// Tags 9F36 and 9F13 before the first transaction.
    pub(crate) counter: u16,
    pub(crate) last_online_counter: u16,
    /// What the file says. A value here stands in place of a computed one.
    pub(crate) elements: BTreeMap<u32, Vec<u8>>,
    /// What is not on the card although it would be computed or a record names it.
    pub(crate) dropped: BTreeSet<u32>,
    /// What was put in place of an object after the issuer had signed.
    pub(crate) tampered: BTreeMap<u32, Vec<u8>>,
    /// What is wrong with what the keys sign.
    pub(crate) alterations: Alterations,
    /// In the order of the application file locator.
    pub(crate) records: Vec<RecordLayout>,
}

/// Whether an application may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// It may.
    #[default]
    Usable,
    /// Its issuer blocked it.
    Blocked,
}

/// How the cryptogram and the issuer application data are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CryptogramVersion {
    /// Visa's 10: the MAC covers the card verification results, under the master key itself.
    Visa10,
    /// Visa's 18: the MAC covers all issuer application data, under the common session key.
    #[default]
    Visa18,
    /// M/Chip's 16: the MAC covers the card verification results, under a session key made of
    /// counter and unpredictable number.
    MChip16,
    /// M/Chip's 20: the MAC covers the card verification results, under the common session key.
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
    /// Parses a card file of whatever origin.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(Error::TooLong);
        }
        let mut card = Self::default();
        card.apply_all(text)?;
        card.complete()
    }

    /// The same card with changes, in the language of a card file. Lines before the first
    /// `application` are about the whole card and its first application; `application` with a name
    /// that the card has goes on with that one.
    pub(crate) fn changed(&self, changes: &str) -> Result<Self, Error> {
        let mut card = self.clone();
        card.apply_all(changes)?;
        card.complete()
    }

    fn apply_all(&mut self, text: &str) -> Result<(), Error> {
        let mut current = 0;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                self.apply(line, index.saturating_add(1), &mut current)?;
            }
        }
        Ok(())
    }

    fn apply(&mut self, line: &str, number: usize, current: &mut usize) -> Result<(), Error> {
        let (keyword, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let value = value.trim();
        let bad = Error::Value(number, language::takes(keyword));
        match keyword {
            "name" => value.clone_into(&mut self.name),
            "description" => value.clone_into(&mut self.description),
            "scheme" => value.clone_into(&mut self.scheme),
            "pan" => self.pan = digits(value, 12..=19).ok_or(bad)?,
            "sequence" => self.sequence = digits(value, 2..=2).ok_or(bad)?,
            "pin" => self.pin = digits(value, 4..=12).ok_or(bad)?,
            "tries" => self.tries = Some(value.parse().map_err(|_| bad)?),
            "expiry" => self.expiry = digits(value, 6..=6).ok_or(bad)?,
            "directory" if value == "none" => self.without_directory = true,
            "issuer-key-length" => self.issuer_key_length = Some(key_length(value).ok_or(bad)?),
            "icc-key-length" => self.icc_key_length = Some(key_length(value).ok_or(bad)?),
            "pin-key" if value.is_empty() => self.pin_key = true,
            "elliptic-keys" if value.is_empty() => self.elliptic_keys = true,
            "chip" if value == "none" => self.chip = Chip::None,
            "service-code" => self.service_code = Some(digits(value, 3..=3).ok_or(bad)?),
            "fault" => self.quirks.push(quirk::parse(value).ok_or(bad)?),
            "application" => *current = self.turn_to(aid(value).ok_or(bad)?, number)?,
            "directory" | "pin-key" | "elliptic-keys" | "chip" => return Err(bad),
            _ => {
                let Some(application) = self.applications.get_mut(*current) else {
                    // Nobody looks for a word's place who has misspelt it.
                    let mut unplaced = ApplicationData::default();
                    unplaced.apply(keyword, value, number)?;
                    return Err(Error::BeforeApplication(number));
                };
                application.apply(keyword, value, number)?;
            }
        }
        Ok(())
    }

    /// The place of the application with this name, which is a new one when the card has none.
    fn turn_to(&mut self, aid: Vec<u8>, number: usize) -> Result<usize, Error> {
        let mut applications = self.applications.iter();
        if let Some(known) = applications.position(|application| application.aid == aid) {
            return Ok(known);
        }
        let place = self.applications.len();
        if place >= APPLICATIONS_MAX {
            return Err(Error::TooManyApplications(number));
        }
        self.applications.push(ApplicationData {
            aid,
            ..ApplicationData::default()
        });
        Ok(place)
    }

    fn complete(self) -> Result<Self, Error> {
        let texts = [
            ("name", &self.name),
            ("scheme", &self.scheme),
            ("pan", &self.pan),
            ("sequence", &self.sequence),
            ("pin", &self.pin),
            ("expiry", &self.expiry),
        ];
        if let Some((keyword, _)) = texts.iter().find(|(_, text)| text.is_empty()) {
            return Err(Error::Missing(keyword));
        }
        if self.applications.is_empty() && self.chip == Chip::Contact {
            return Err(Error::Missing("application"));
        }
        for application in &self.applications {
            for (tag, name) in [(0x82, "82"), (0x8C, "8C"), (0x8D, "8D"), (0x9F49, "9F49")] {
                let dropped = application.dropped.contains(&tag);
                if application.element(tag).is_empty() && !dropped {
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
        match bcd(&self.expiry).as_slice() {
            [year, month, ..] => [*month, *year],
            _ => [0, 0],
        }
    }
}

impl ApplicationData {
    fn apply(&mut self, keyword: &str, value: &str, number: usize) -> Result<(), Error> {
        let bad = Error::Value(number, language::takes(keyword));
        match keyword {
            "aid" => self.aid = aid(value).ok_or(bad)?,
            "label" => value.clone_into(&mut self.label),
            "priority" if value == "none" => self.priority = None,
            "priority" => self.priority = Some(u8::from_str_radix(value, 16).map_err(|_| bad)?),
            "cryptogram" => {
                self.cryptogram = match value {
                    "visa-10" => CryptogramVersion::Visa10,
                    "visa-18" => CryptogramVersion::Visa18,
                    "mchip-16" => CryptogramVersion::MChip16,
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
            "decline-offline" if value.is_empty() => self.declines_offline = true,
            "issuer-scripts" if value.is_empty() => self.issuer_scripts = true,
            "blocked" if value.is_empty() => self.state = State::Blocked,
            "decline-offline" | "issuer-scripts" | "blocked" => return Err(bad),
            "counter" => self.counter = value.parse().map_err(|_| bad)?,
            "last-online-counter" => self.last_online_counter = value.parse().map_err(|_| bad)?,
            "issuer-authentication" => {
                self.issuer_authentication_mandatory = match value {
                    "mandatory" => true,
                    "optional" => false,
                    _ => return Err(bad),
                }
            }
            "record" => self.place(record::parse(value).ok_or(bad)?),
            "no-record" => {
                let (sfi, number) = record::location(value).ok_or(bad)?;
                self.records
                    .retain(|layout| (layout.sfi, layout.number) != (sfi, number));
            }
            "drop" => {
                for tag in value.split_whitespace() {
                    let tag = u32::from_str_radix(tag, 16).map_err(|_| bad)?;
                    self.elements.remove(&tag);
                    self.dropped.insert(tag);
                }
            }
            "tamper" => {
                let (tag, value) = value.split_once('=').ok_or(bad)?;
                let tag = u32::from_str_radix(tag.trim(), 16).map_err(|_| bad)?;
                self.tampered.insert(tag, hex(value.trim()).ok_or(bad)?);
            }
            "issuer-certificate" => self.alter(Signed::Issuer, value).ok_or(bad)?,
            "icc-certificate" => self.alter(Signed::Icc, value).ok_or(bad)?,
            "pin-certificate" => self.alter(Signed::Pin, value).ok_or(bad)?,
            "static-signature" => self.alter(Signed::Static, value).ok_or(bad)?,
            "dynamic-signature" => self.alter(Signed::Dynamic, value).ok_or(bad)?,
            _ => {
                let tag = u32::from_str_radix(keyword, 16).map_err(|_| Error::Keyword(number))?;
                let value = value.strip_prefix('=').and_then(|value| hex(value.trim()));
                self.elements.insert(tag, value.ok_or(bad)?);
                self.dropped.remove(&tag);
            }
        }
        Ok(())
    }

    /// Writes a record in place of one with the same number, or behind the others.
    fn place(&mut self, record: RecordLayout) {
        let same =
            |other: &&mut RecordLayout| (other.sfi, other.number) == (record.sfi, record.number);
        match self.records.iter_mut().find(same) {
            Some(other) => *other = record,
            None => self.records.push(record),
        }
    }

    /// Reads `FIELD VALUE`: what is wrong with something signed.
    fn alter(&mut self, signed: Signed, text: &str) -> Option<()> {
        let (field, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        self.alterations.add(signed, field, hex(value.trim())?)
    }
}

/// Reads the length of a modulus: an even number of bytes that a certificate can be made with.
fn key_length(text: &str) -> Option<usize> {
    let length = text.parse::<usize>().ok()?;
    ((64..=248).contains(&length) && length.is_multiple_of(2)).then_some(length)
}

fn digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<String> {
    let valid = lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| text.to_owned())
}

fn aid(text: &str) -> Option<Vec<u8>> {
    hex(text).filter(|aid| (5..=16).contains(&aid.len()))
}

pub(crate) fn hex(text: &str) -> Option<Vec<u8>> {
    let nibbles: Vec<u32> = text
        .chars()
        .map(|digit| digit.to_digit(16))
        .collect::<Option<_>>()?;
    (nibbles.len().is_multiple_of(2)).then(|| bcd(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::{APPLICATION_KEYWORDS, CARD_KEYWORDS};

    fn value(line: usize, keyword: &str) -> Error {
        Error::Value(line, language::takes(keyword))
    }

    #[test]
    fn every_keyword_of_the_language_is_read() {
        for keyword in CARD_KEYWORDS.iter().chain(&APPLICATION_KEYWORDS) {
            let base = named("visa-credit").unwrap();
            assert!(keyword.example.starts_with(keyword.name), "{keyword:?}");
            base.changed(keyword.example)
                .unwrap_or_else(|error| panic!("{}: {error}", keyword.example));
            if !keyword.takes.ends_with("text") && !matches!(keyword.name, "name" | "scheme") {
                let error = base.changed(&format!("{} ?", keyword.name)).unwrap_err();
                assert_eq!(error, value(1, keyword.name));
            }
        }
    }

    #[test]
    fn says_in_words_what_was_expected() {
        let error = Personalization::parse("# mine\nexpiry 2031").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2: bad value; expected six digits, YYMMDD"
        );
    }

    #[test]
    fn a_text_is_bounded() {
        let long = "#".repeat(TEXT_BYTES_MAX + 1);
        assert_eq!(Personalization::parse(&long).unwrap_err(), Error::TooLong);
        let many: Vec<String> = (0..=APPLICATIONS_MAX)
            .map(|number| format!("application A0000000{number:02X}01\n"))
            .collect();
        let error = Personalization::parse(&many.concat()).unwrap_err();
        assert_eq!(error, Error::TooManyApplications(APPLICATIONS_MAX + 1));
    }

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
            ("label RED", Error::BeforeApplication(1)),
            ("\npan 12", value(2, "pan")),
            ("chip contact", value(1, "chip")),
            ("application A0", value(1, "application")),
            ("application A000000003\ncolour red", Error::Keyword(2)),
            ("application A000000003\n82 = 1", value(2, "82")),
            ("application A000000003\nblocked by", value(2, "blocked")),
            ("application A000000003\nrecord 11.1 5A", value(2, "record")),
            (
                "application A000000003\nresponse-format 3",
                value(2, "response-format"),
            ),
        ] {
            assert_eq!(Personalization::parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn changes_a_card() {
        let base = all()
            .iter()
            .find(|card| card.name == "visa-credit")
            .unwrap();
        let changed = base
            .changed("tries 0\n9F07 = 0000\ndrop 9F08\nrecord 3.2 93 93\nno-record 1.1\nrecord 12.1 = AABB")
            .unwrap();
        let application = &changed.applications[0];
        assert_eq!(changed.tries, Some(0));
        assert_eq!(application.element(0x9F07), [0, 0]);
        assert!(application.dropped.contains(&0x9F08));
        assert_eq!(
            application.records.len(),
            base.applications[0].records.len()
        );
        for (text, error) in [
            ("colour red", Error::Keyword(1)),
            ("\nrecord 31.1 5A", value(2, "record")),
            ("record 11.1 5A", value(1, "record")),
            ("tamper 5A", value(1, "tamper")),
            ("service-code 20", value(1, "service-code")),
            ("fault silent-at", value(1, "fault")),
            ("fault lost", value(1, "fault")),
            ("icc-certificate colour 01", value(1, "icc-certificate")),
            ("icc-key-length 63", value(1, "icc-key-length")),
        ] {
            assert_eq!(base.changed(text).unwrap_err(), error, "{text}");
        }
    }
}
