//! Why a transaction went as it did: one event for each decision.

use crate::bits::Tvr;
use crate::card_data::CardData;
use crate::parameters::Application;
use crate::rules::{self, Conclusion};
use crate::tag::{self, Sensitivity, Tag};

/// A part of the transaction, in the order of EMV 4.4 Book 3, chapter 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Book 1, 12.
    ApplicationSelection,
    /// Book 3, 10.1.
    InitiateApplication,
    /// Book 3, 10.2.
    ReadApplicationData,
    /// Book 3, 10.3.
    OfflineDataAuthentication,
    /// Book 3, 10.4.
    ProcessingRestrictions,
    /// Book 3, 10.5.
    CardholderVerification,
    /// Book 3, 10.6.
    TerminalRiskManagement,
    /// Book 3, 10.7.
    TerminalActionAnalysis,
    /// Book 3, 10.8.
    CardActionAnalysis,
    /// Book 3, 10.9.
    OnlineProcessing,
    /// Book 3, 10.10.
    IssuerScripts,
    /// Book 3, 10.11.
    Completion,
}

/// What a rule came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The rule was applied and nothing spoke against the transaction.
    Passed,
    /// The rule found something; a TVR bit was set or the flow changed.
    Failed,
    /// The rule's condition was not met.
    NotApplicable,
    /// Something was done or chosen; the data elements say what.
    Done,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Where in the transaction.
    pub step: Step,
    /// The rule's name, such as `PR-04`.
    pub rule: &'static str,
    /// The section of the standard, such as `EMV 4.4 Book 3, 10.4.3`.
    pub section: &'static str,
    /// What the rule came to.
    pub finding: Finding,
    /// What happened, in words: a fixed sentence of the kernel.
    pub statement: &'static str,
    /// The elements looked at, with those that identify the cardholder masked: the PAN to its
    /// last four digits, the others to an empty value. An element that was absent is not here.
    pub elements: Vec<(Tag, Vec<u8>)>,
}

/// The tags under which a trace shows the terminal action codes, default, denial and online. EMV
/// gives these tags to the contactless kernel C-2; the contact books leave the codes without.
pub const TAC_DEFAULT: Tag = Tag::new(0xDF_8120);
/// See [`TAC_DEFAULT`].
pub const TAC_DENIAL: Tag = Tag::new(0xDF_8121);
/// See [`TAC_DEFAULT`].
pub const TAC_ONLINE: Tag = Tag::new(0xDF_8122);

/// The TVR bits that the event with this statement set: no two events of the kernel's have the same
/// one. `None` when the statement is none of this kernel.
pub fn bits_set_with(statement: &str) -> Option<Tvr> {
    let mut conclusions = rules::ALL.iter();
    let conclusion = conclusions.find(|conclusion| conclusion.statement == statement)?;
    Some(conclusion.sets)
}

/// Every event a trace can hold, in the order of the table of rules, without elements: for those
/// who check that they know them all.
pub fn every_event() -> impl Iterator<Item = Event> {
    let nothing = CardData::default();
    rules::ALL
        .iter()
        .map(move |conclusion| Event::new(conclusion, &nothing))
}

impl Event {
    /// The event for a conclusion, with the elements it looked at as they are now.
    pub(crate) fn new(conclusion: &Conclusion, card: &CardData) -> Self {
        let elements = conclusion
            .elements
            .iter()
            .filter_map(|tag| Some((*tag, masked(*tag, card.value(*tag)?))))
            .collect();
        Self {
            step: conclusion.step,
            rule: conclusion.rule,
            section: conclusion.section,
            finding: conclusion.finding,
            statement: conclusion.statement,
            elements,
        }
    }
}

/// The terminal's side of the action codes that a conclusion looked at.
pub(crate) fn terminal_action_codes(
    conclusion: &Conclusion,
    application: &Application,
) -> Vec<(Tag, Vec<u8>)> {
    [
        (tag::IAC_DEFAULT, TAC_DEFAULT, application.tac_default),
        (tag::IAC_DENIAL, TAC_DENIAL, application.tac_denial),
        (tag::IAC_ONLINE, TAC_ONLINE, application.tac_online),
    ]
    .into_iter()
    .filter(|(issuer, ..)| conclusion.elements.contains(issuer))
    .map(|(_, terminal, code)| (terminal, code.to_bytes().to_vec()))
    .collect()
}

/// The value as the trace may show it. An element that is not in the table is left out, since
/// nothing says that it is harmless.
fn masked(tag: Tag, value: &[u8]) -> Vec<u8> {
    match tag.element().map(|element| element.sensitivity) {
        Some(Sensitivity::Open) => value.to_vec(),
        Some(Sensitivity::Sensitive) if tag == tag::PAN => masked_pan(value),
        Some(Sensitivity::Sensitive) | None => Vec::new(),
    }
}

/// Replaces everything but the last four digits by F, in place, so that the length stays visible.
/// What is no digit hides nothing of its neighbours: a number with one wrong place is one still.
fn masked_pan(value: &[u8]) -> Vec<u8> {
    let nibbles: Vec<u8> = value
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0x0F])
        .collect();
    let last = nibbles.iter().rposition(|nibble| *nibble != 0x0F);
    let length = last.map_or(0, |last| last.saturating_add(1));
    let hidden = length.saturating_sub(4);
    let masked: Vec<u8> = nibbles
        .iter()
        .enumerate()
        .map(|(position, nibble)| if position < hidden { 0x0F } else { *nibble })
        .collect();
    masked
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, nibble| (byte << 4) | nibble))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::hex;
    use crate::specimen::application;

    #[test]
    fn a_pan_keeps_its_last_four_digits_and_its_length() {
        for (value, shown) in [
            (
                &[0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10][..],
                "FFFFFFFFFFFF0010",
            ),
            (
                &[0x37, 0x42, 0x45, 0x00, 0x17, 0x41, 0x00, 0x7F],
                "FFFFFFFFFFF1007F",
            ),
            // A number with one wrong place is no less secret.
            (
                &[0x47, 0x61, 0x73, 0x9A, 0x01, 0x01, 0x00, 0x10],
                "FFFFFFFFFFFF0010",
            ),
            (&[0x12], "12"),
            (&[], ""),
        ] {
            assert_eq!(hex(&masked(tag::PAN, value)), shown);
        }
    }

    #[test]
    fn what_names_the_cardholder_or_is_unknown_is_emptied() {
        for tag in [
            tag::TRACK_2_EQUIVALENT_DATA,
            tag::CARDHOLDER_NAME,
            Tag::new(0x9F7E),
        ] {
            assert_eq!(masked(tag, b"4761739001010010"), Vec::<u8>::new());
        }
        assert_eq!(masked(tag::AIP, &[0x18, 0x00]), [0x18, 0x00]);
    }
    #[test]
    fn a_statement_tells_the_bits_that_were_set_with_it() {
        for conclusion in rules::ALL {
            let sets = Some(conclusion.sets);
            assert_eq!(bits_set_with(conclusion.statement), sets, "{conclusion:?}");
        }
        assert_eq!(bits_set_with("The card sings."), None);
        assert_eq!(every_event().count(), rules::ALL.len());
    }

    #[test]
    fn the_terminals_codes_stand_beside_the_issuers() {
        let application = Application {
            tac_default: Tvr::from_bytes([1; 5]),
            tac_denial: Tvr::from_bytes([2; 5]),
            tac_online: Tvr::from_bytes([3; 5]),
            ..application(&[0xA0, 0, 0, 0, 0x03], true).expect("an application")
        };
        for (conclusion, code) in [
            (&rules::DEFAULT_DENIED, Some((TAC_DEFAULT, vec![1; 5]))),
            (&rules::DENIED, Some((TAC_DENIAL, vec![2; 5]))),
            (&rules::ONLINE_NEEDED, Some((TAC_ONLINE, vec![3; 5]))),
            (&rules::OFFLINE_ALLOWED, None),
        ] {
            let codes: Vec<_> = code.into_iter().collect();
            assert_eq!(terminal_action_codes(conclusion, &application), codes);
        }
    }
}
