//! Application selection: what can be used, in which order, and under which name.
//!
//! EMV 4.4 Book 1, 12.

use std::cmp::Reverse;

use crate::bits::AdditionalTerminalCapabilities;
use crate::parameters::{Aid, Application};
use crate::tag::{self, Tag};
use crate::tlv;

/// How many applications are kept and offered; what the card names beyond is left out.
pub(crate) const CANDIDATES_MAX: usize = 16;

/// How many letters of a name are shown (EMV 4.4 Book 1, 12.2.4).
const NAME_LENGTH_MAX: usize = 16;

/// An application that card and terminal both support.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The name to select: tag 4F or 84.
    pub(crate) name: Aid,
    /// What the card says of it.
    pub(crate) labels: Labels,
    /// Bits 4 to 1 of tag 87; zero or absent means last.
    priority: u8,
    /// Bit 8 of tag 87: the cardholder must confirm.
    confirm: bool,
}

/// The names of an application, for people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Labels {
    /// Tag 50.
    pub(crate) label: Vec<u8>,
    /// Tag 9F12.
    pub(crate) preferred_name: Option<Vec<u8>>,
    /// Tag 9F11.
    pub(crate) code_table: Option<u8>,
}

impl Labels {
    /// The name to show (EMV 4.4 Book 1, 12.4): the preferred one when the terminal has its
    /// characters, at most sixteen bytes.
    pub(crate) fn displayed(&self, capabilities: AdditionalTerminalCapabilities) -> &[u8] {
        let shown = match (&self.preferred_name, self.code_table) {
            (Some(name), Some(table)) if capabilities.supports_code_table(table) => name,
            _ => &self.label,
        };
        shown.get(..NAME_LENGTH_MAX).unwrap_or(shown)
    }

    /// Reads the labels among the objects of a template.
    fn parse(template: &[u8]) -> Self {
        Self {
            label: tlv::find(template, tag::APPLICATION_LABEL)
                .unwrap_or_default()
                .to_vec(),
            preferred_name: tlv::find(template, tag::APPLICATION_PREFERRED_NAME)
                .map(<[u8]>::to_vec),
            code_table: single(template, tag::ISSUER_CODE_TABLE_INDEX),
        }
    }
}

/// File control information of an application (EMV 4.4 Book 1, 11.3.4, table 10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fci {
    /// Tag 84.
    pub(crate) name: Aid,
    /// The names for people.
    pub(crate) labels: Labels,
    /// Tag 87.
    priority_indicator: Option<u8>,
    /// The elements to keep, in the order the card gave them.
    pub(crate) elements: Vec<(Tag, Vec<u8>)>,
}

/// The elements of the FCI that the kernel keeps.
pub(crate) const KEPT: &[Tag] = &[
    tag::APPLICATION_LABEL,
    tag::APPLICATION_PRIORITY_INDICATOR,
    tag::PDOL,
    tag::LANGUAGE_PREFERENCE,
    tag::ISSUER_CODE_TABLE_INDEX,
    tag::APPLICATION_PREFERRED_NAME,
];

impl Fci {
    /// Reads the data of a response to SELECT. `None` when it is not an FCI with a name.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let template = tlv::only(data, tag::FCI_TEMPLATE)?;
        tlv::primitives(template).ok()?;
        let name = Aid::parse(tlv::find(template, tag::DF_NAME)?)?;
        let proprietary = tlv::find(template, tag::FCI_PROPRIETARY_TEMPLATE)?;
        let kept = |tag: &Tag| Some((*tag, tlv::find(proprietary, *tag)?.to_vec()));
        let elements = KEPT
            .iter()
            .filter_map(kept)
            .filter(|(_, value)| !value.is_empty());
        Some(Self {
            name,
            labels: Labels::parse(proprietary),
            priority_indicator: single(proprietary, tag::APPLICATION_PRIORITY_INDICATOR),
            elements: elements.collect(),
        })
    }
}

impl From<Fci> for Candidate {
    fn from(fci: Fci) -> Self {
        Self::new(fci.name, fci.labels, fci.priority_indicator)
    }
}

impl Candidate {
    fn new(name: Aid, labels: Labels, priority_indicator: Option<u8>) -> Self {
        let indicator = priority_indicator.unwrap_or(0);
        Self {
            name,
            labels,
            priority: indicator & 0x0F,
            confirm: indicator & 0x80 != 0,
        }
    }
}

/// The directory's short file identifier in the FCI of the payment system environment
/// (EMV 4.4 Book 1, 11.3.4, table 8).
pub(crate) fn directory_sfi(data: &[u8]) -> Option<u8> {
    let template = tlv::only(data, tag::FCI_TEMPLATE)?;
    tlv::find(template, tag::DF_NAME)?;
    let proprietary = tlv::find(template, tag::FCI_PROPRIETARY_TEMPLATE)?;
    single(proprietary, tag::SFI).filter(|sfi| (1..=10).contains(sfi))
}

/// The applications one record of the directory names (EMV 4.4 Book 1, 12.2.3). `None` when the
/// record is not a directory record. An entry without an application name is passed over.
pub(crate) fn directory_entries(record: &[u8]) -> Option<Vec<Candidate>> {
    let template = tlv::only(record, tag::RECORD_TEMPLATE)?;
    tlv::primitives(template).ok()?;
    let entries = tlv::objects(template)
        .filter_map(Result::ok)
        .filter(|object| object.tag == tag::APPLICATION_TEMPLATE)
        .filter_map(|object| {
            let name = Aid::parse(tlv::find(object.value, tag::ADF_NAME)?)?;
            let indicator = single(object.value, tag::APPLICATION_PRIORITY_INDICATOR);
            Some(Candidate::new(name, Labels::parse(object.value), indicator))
        });
    Some(entries.collect())
}

/// The application of the terminal that `name` belongs to: the one with the longest identifier
/// that matches (EMV 4.4 Book 1, 12.3.1).
pub(crate) fn find_application<'a>(
    name: &Aid,
    applications: &'a [Application],
) -> Option<&'a Application> {
    applications
        .iter()
        .filter(|application| {
            let aid = application.aid.as_bytes();
            name.as_bytes() == aid
                || (application.partial_selection && name.as_bytes().starts_with(aid))
        })
        .min_by_key(|application| Reverse(application.aid.as_bytes().len()))
}

/// Adds a candidate unless it is there or the list is full. Two entries with the same name and
/// label are one.
pub(crate) fn add(candidates: &mut Vec<Candidate>, candidate: Candidate) {
    let known = candidates
        .iter()
        .any(|other| other.name == candidate.name && other.labels.label == candidate.labels.label);
    if !known && candidates.len() < CANDIDATES_MAX {
        candidates.push(candidate);
    }
}

/// Orders by priority; equal ones stay as the card gave them (EMV 4.4 Book 1, 12.4).
pub(crate) fn order(candidates: &mut [Candidate]) {
    candidates.sort_by_key(|candidate| match candidate.priority {
        0 => u8::MAX,
        priority => priority,
    });
}

/// Whether the cardholder must choose or confirm (EMV 4.4 Book 1, 12.4). Once `asked`, always: what
/// was chosen could not be used, and nothing else is without consent.
pub(crate) fn needs_cardholder(candidates: &[Candidate], asked: bool) -> bool {
    match candidates {
        [only] => only.confirm || asked,
        _ => !candidates.is_empty(),
    }
}

/// The best application that needs nobody's confirmation, for a terminal that offers no selection
/// (EMV 4.4 Book 1, 12.4).
pub(crate) fn best_unconfirmed(candidates: &[Candidate]) -> Option<usize> {
    candidates.iter().position(|candidate| !candidate.confirm)
}

/// The first language the card prefers that the terminal speaks, whatever the case of its letters
/// (EMV 4.4 Book 4, 11.1).
pub(crate) fn choose_language(preference: &[u8], languages: &[[u8; 2]]) -> Option<[u8; 2]> {
    let (preferred, _) = preference.as_chunks::<2>();
    preferred
        .iter()
        .map(|[a, b]| [a.to_ascii_lowercase(), b.to_ascii_lowercase()])
        .find(|preferred| {
            languages
                .iter()
                .any(|language| language.eq_ignore_ascii_case(preferred.as_slice()))
        })
}

/// The value of an element of one byte.
fn single(template: &[u8], tag: Tag) -> Option<u8> {
    match tlv::find(template, tag)? {
        [value] => Some(*value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &[u8], label: &[u8]) -> Candidate {
        let labels = Labels {
            label: label.to_vec(),
            ..Labels::default()
        };
        Candidate::new(Aid::parse(name).expect("an AID"), labels, None)
    }

    #[test]
    fn the_same_name_and_label_are_one_and_the_list_is_bounded() {
        let mut candidates = Vec::new();
        for label in [&b"A"[..], b"A", b"B"] {
            add(&mut candidates, candidate(&[1, 2, 3, 4, 5], label));
        }
        assert_eq!(candidates.len(), 2);
        for last in 0..=0xFF {
            add(&mut candidates, candidate(&[1, 2, 3, 4, 5, last], b"A"));
        }
        assert_eq!(candidates.len(), CANDIDATES_MAX);
    }

    #[test]
    fn names_longer_than_sixteen_bytes_are_cut() {
        let labels = Labels {
            label: vec![b'X'; 40],
            ..Labels::default()
        };
        let capabilities = AdditionalTerminalCapabilities::from_bytes([0; 5]);
        assert_eq!(labels.displayed(capabilities), [b'X'; 16]);
    }

    #[test]
    fn a_preferred_name_needs_characters_the_terminal_has() {
        let labels = Labels {
            label: b"LABEL".to_vec(),
            preferred_name: Some(b"NAME".to_vec()),
            code_table: Some(5),
        };
        for (last, shown) in [(0x01, &b"LABEL"[..]), (0x10, b"NAME")] {
            let capabilities = AdditionalTerminalCapabilities::from_bytes([0, 0, 0, 0, last]);
            assert_eq!(labels.displayed(capabilities), shown);
        }
    }

    #[test]
    fn a_directory_is_in_a_file_of_the_payment_system() {
        for (sfi, accepted) in [(0, false), (1, true), (10, true), (11, false), (30, false)] {
            let fci = [
                0x6F, 0x0C, 0x84, 0x05, 1, 2, 3, 4, 5, 0xA5, 0x03, 0x88, 0x01, sfi,
            ];
            assert_eq!(directory_sfi(&fci).is_some(), accepted, "{sfi}");
        }
    }
}
