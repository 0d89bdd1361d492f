//! tests/vectors/transcripts.json: these cards answer in the shapes that published cards do.

use std::collections::BTreeSet;

use serde_json::Value;
use virtual_card::Card;

use crate::terminal::{CDOL1, MASTERCARD, VISA, expect, hex, objects, open, send};

/// Each recorded answer of a step, without its status word.
fn recorded(id: &str, step: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let file: Value =
        serde_json::from_str(include_str!("../../../vectors/transcripts.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["id"] == id).unwrap();
    let steps = case["apdus"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|apdu| apdu["step"] == step);
    steps
        .map(|apdu| {
            let mut answer = hex(apdu["r"].as_str().unwrap());
            assert_eq!(answer.split_off(answer.len() - 2), [0x90, 0x00]);
            (hex(apdu["c"].as_str().unwrap()), answer)
        })
        .collect()
}

fn tags(answer: &[u8]) -> BTreeSet<u32> {
    objects(answer).into_iter().map(|(tag, _)| tag).collect()
}

fn lengths(answer: &[u8]) -> Vec<(u32, usize)> {
    objects(answer)
        .into_iter()
        .map(|(tag, value)| (tag, value.len()))
        .collect()
}

#[test]
fn selection_and_options_have_the_recorded_objects() {
    for (id, name, aid) in [
        ("tr-contact-visa-1", "visa-credit", VISA),
        ("tr-contact-mc-1", "mastercard-debit", MASTERCARD),
    ] {
        let mut card = Card::named(name).unwrap();
        card.insert();
        let (select, expected) = recorded(id, "SELECT")[0].clone();
        assert_eq!(select[5..5 + aid.len() / 2], hex(aid));
        let selected = expect(&mut card, &select, 0x9000);
        assert_eq!(selected[0], expected[0], "{id}");
        let required = BTreeSet::from([0x84, 0x50]);
        assert!(tags(&selected).is_superset(&required) && tags(&expected).is_superset(&required));
        let (_, expected) = recorded(id, "GET PROCESSING OPTIONS")[0].clone();
        let options = send(&mut card, "80A8000002830000", 0x9000);
        assert_eq!(options[0], expected[0], "{id}");
        assert_eq!(tags(&options), tags(&expected), "{id}");
    }
}

#[test]
fn records_hold_what_recorded_cards_must_hold() {
    let mandatory = BTreeSet::from([0x57, 0x5A, 0x5F24, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x9F32]);
    for (id, name, aid) in [
        ("tr-contact-visa-1", "visa-credit", VISA),
        ("tr-contact-mc-1", "mastercard-debit", MASTERCARD),
    ] {
        let session = open(Card::named(name).unwrap(), aid);
        let ours: BTreeSet<u32> = session.elements.keys().copied().collect();
        assert!(ours.is_superset(&mandatory), "{id}: {ours:X?}");
        let theirs: BTreeSet<u32> = recorded(id, "READ RECORD")
            .iter()
            .flat_map(|(_, answer)| tags(answer))
            .collect();
        let common: Vec<&u32> = theirs.intersection(&mandatory).collect();
        assert!(common.len() >= 5, "{id}: {theirs:X?}");
    }
}

#[test]
fn a_visa_cryptogram_is_asked_and_answered_as_recorded() {
    let steps = recorded("tr-contact-visa-1", "GENERATE AC");
    let mut session = open(Card::named("visa-credit").unwrap(), VISA);
    for ((asked, expected), (header, values)) in steps.iter().zip([
        ("80AE8000", hex(CDOL1)),
        ("80AE4000", [b"00", &hex(CDOL1)[..]].concat()),
    ]) {
        assert_eq!(asked[..4], hex(header));
        assert_eq!(usize::from(asked[4]), values.len());
        let command = crate::terminal::command(header, &values);
        let answer = expect(&mut session.card, &command, 0x9000);
        let (ours, theirs) = (lengths(&answer), lengths(expected));
        // Tag 9F10 ends the answer; a recorded issuer may add sixteen bytes of its own data to it.
        assert_eq!((ours.len(), ours[0].0), (theirs.len(), theirs[0].0));
        assert!(
            [0, 16].contains(&(theirs[0].1 - ours[0].1)),
            "{ours:?} {theirs:?}"
        );
        assert_eq!(objects(&answer)[0].1[0], objects(expected)[0].1[0]);
    }
}
