//! Issuer scripts, as field 55 brings them.

use virtual_card::{Card, Issuer};

use crate::terminal::{Session, VISA, command, expect, objects, open, send};

fn online() -> (Session, Issuer) {
    let mut session = open(Card::named("visa-issuer-scripts").unwrap(), VISA);
    send(&mut session.card, "0020008008249999FFFFFFFFFF", 0x63C2);
    assert_eq!(session.first(0x80), 0x80);
    (session, Issuer::for_pan("4000056655665556").unwrap())
}

fn commands(templates: &[u8]) -> Vec<Vec<u8>> {
    let found = objects(templates).into_iter();
    found
        .filter(|(tag, _)| *tag == 0x86)
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn both_scripts_run_once() {
    let (mut session, issuer) = online();
    let templates = issuer.scripts(&session.elements, *b"00");
    assert_eq!(templates[0], 0x71);
    let commands = commands(&templates);
    assert_eq!(commands.len(), 2);
    let data = issuer.authentication_data(&session.elements, *b"00");
    expect(&mut session.card, &command("00820000", &data), 0x9000);
    expect(&mut session.card, &commands[0], 0x9000);
    assert_eq!(session.second(0x40, "00"), 0x40);
    assert_eq!(session.elements[&0x9F10][6], 0x10);
    expect(&mut session.card, &commands[1], 0x9000);
    expect(&mut session.card, &commands[1], 0x6988);
    assert_eq!(
        send(&mut session.card, "80CA9F1400", 0x9000),
        [0x9F, 0x14, 1, 7]
    );
    assert_eq!(
        send(&mut session.card, "80CA9F1700", 0x9000),
        [0x9F, 0x17, 1, 3]
    );
}

#[test]
fn a_changed_script_changes_nothing() {
    let (session, issuer) = online();
    let commands = commands(&issuer.scripts(&session.elements, *b"00"));
    for index in [2, 3, 5, 6, 13] {
        let mut card = session.card.clone();
        let mut changed = commands[0].clone();
        changed[index] ^= 1;
        expect(&mut card, &changed, 0x6988);
        assert_eq!(
            send(&mut card, "80CA9F1400", 0x9000),
            [0x9F, 0x14, 1, 5],
            "{index}"
        );
    }
    let mut card = session.card.clone();
    send(&mut card, "841E000000", 0x6987);
    // Out of order: the second command's MAC is not the first's.
    let mut card = session.card;
    expect(&mut card, &commands[1], 0x6988);
}

#[test]
fn a_failed_issuer_may_send_no_script() {
    let (mut session, issuer) = online();
    let commands = commands(&issuer.scripts(&session.elements, *b"00"));
    send(&mut session.card, "008200000A00000000000000003030", 0x6300);
    expect(&mut session.card, &commands[0], 0x6985);
}

#[test]
fn a_stolen_card_is_blocked() {
    let (mut session, issuer) = online();
    let templates = issuer.scripts(&session.elements, *b"43");
    assert_eq!(templates[0], 0x72);
    assert_eq!(session.second(0x00, "43"), 0x00);
    expect(&mut session.card, &commands(&templates)[0], 0x9000);
    session.card.insert();
    let information = send(&mut session.card, "00A4040007A000000003101000", 0x6283);
    assert_eq!(information[0], 0x6F);
    send(&mut session.card, "80A8000002830000", 0x6985);
}

#[test]
fn other_cards_and_answers_have_no_scripts() {
    let (session, issuer) = online();
    assert!(issuer.scripts(&session.elements, *b"51").is_empty());
    let other = Issuer::for_pan("4111111111111111").unwrap();
    assert!(other.scripts(&session.elements, *b"00").is_empty());
    assert!(
        issuer
            .scripts(&crate::terminal::Elements::new(), *b"00")
            .is_empty()
    );
    assert!(
        issuer
            .authentication_data(&crate::terminal::Elements::new(), *b"00")
            .is_empty()
    );
}
