//! Transactions from SELECT to the second GENERATE AC.

use virtual_card::{Card, Issuer, catalogue};

use crate::terminal::{CDOL1, MASTERCARD, VISA, command, expect, hex, objects, open, send, shown};

const AAC: u8 = 0x00;
const TC: u8 = 0x40;
const ARQC: u8 = 0x80;

fn card(name: &str) -> Card {
    Card::named(name).unwrap()
}

#[test]
fn visa_goes_online_and_approves() {
    let mut session = open(card("visa-credit"), VISA);
    let issuer = Issuer::for_pan("4111111111111111").unwrap();
    assert_eq!(session.elements[&0x5A], hex("4111111111111111"));
    assert_eq!(session.elements[&0x94].len(), 16);
    assert_eq!(session.first(0x80), ARQC);
    assert!(issuer.verify_cryptogram(&session.elements));
    let data = issuer.authentication_data(&session.elements, *b"00");
    assert_eq!(data.len(), 10);
    expect(&mut session.card, &command("00820000", &data), 0x9000);
    assert_eq!(session.second(0x40, "00"), TC);
    assert!(issuer.verify_cryptogram(&session.elements));
    send(&mut session.card, &format!("80AE40001F3030{CDOL1}"), 0x6985);
    assert_eq!(
        send(&mut session.card, "80CA9F1300", 0x9000),
        hex("9F13020001")
    );
}

#[test]
fn mastercard_checks_the_issuer_in_the_second_cryptogram() {
    for (name, wrong, expected) in [("right", 0, TC), ("wrong ARPC", 1, AAC), ("none", 2, AAC)] {
        let mut session = open(card("mastercard-debit"), MASTERCARD);
        let issuer = Issuer::for_pan("5555555555554444").unwrap();
        assert_eq!(session.first(0x80), ARQC);
        assert!(issuer.verify_cryptogram(&session.elements));
        let mut data = issuer.authentication_data(&session.elements, *b"00");
        match wrong {
            1 => data[0] ^= 1,
            2 => data = vec![0; 10],
            _ => {}
        }
        let values = [&data[..], b"00", &hex("000000800001020304")].concat();
        assert_eq!(session.generate(0x40, &values), expected, "{name}");
        assert!(issuer.verify_cryptogram(&session.elements), "{name}");
    }
}

#[test]
fn every_field_of_the_cryptogram_counts() {
    for (name, aid) in [("visa-credit", VISA), ("mastercard-debit", MASTERCARD)] {
        let mut session = open(card(name), aid);
        session.first(0x80);
        let pan = shown(&session.elements[&0x5A]);
        let issuer = Issuer::for_pan(&pan).unwrap();
        assert!(issuer.verify_cryptogram(&session.elements), "{name}");
        for tag in [
            0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37, 0x82, 0x9F36, 0x9F10, 0x9F26,
        ] {
            let mut changed = session.elements.clone();
            changed.get_mut(&tag).unwrap()[if tag == 0x9F10 { 4 } else { 0 }] ^= 1;
            assert!(
                !issuer.verify_cryptogram(&changed),
                "{name}: {tag:X} changed"
            );
            let mut missing = session.elements.clone();
            missing.remove(&tag);
            // An other amount of zero may be left out.
            assert_eq!(
                issuer.verify_cryptogram(&missing),
                tag == 0x9F03,
                "{name}: {tag:X} missing"
            );
        }
        let other = Issuer::for_pan("4012888888881881").unwrap();
        assert!(!other.verify_cryptogram(&session.elements));
    }
}

#[test]
fn a_wrong_arpc_is_refused_and_the_card_declines() {
    let mut session = open(card("visa-credit"), VISA);
    session.first(0x80);
    let issuer = Issuer::for_pan("4111111111111111").unwrap();
    // The ARPC belongs to its response code: an approval made of a decline fails.
    let mut data = issuer.authentication_data(&session.elements, *b"05");
    data[8..].copy_from_slice(b"00");
    expect(&mut session.card, &command("00820000", &data[..8]), 0x6700);
    expect(&mut session.card, &command("00820000", &data), 0x6300);
    let right = issuer.authentication_data(&session.elements, *b"00");
    expect(&mut session.card, &command("00820000", &right), 0x6985);
    assert_eq!(session.second(0x40, "00"), AAC);
}

#[test]
fn cards_decide_offline_as_personalized() {
    for (name, p1, expected) in [
        ("visa-offline-decline", 0x40, AAC),
        ("visa-offline-decline", 0x80, AAC),
        ("visa-offline-approve", 0x40, TC),
        ("visa-offline-approve", 0x80, ARQC),
        ("visa-credit", 0x40, ARQC),
        ("visa-credit", 0x00, AAC),
    ] {
        let mut session = open(card(name), VISA);
        assert_eq!(session.first(p1), expected, "{name} {p1:02X}");
    }
    let mut session = open(card("visa-offline-approve"), VISA);
    session.first(0x80);
    assert_eq!(session.second(0x40, "Y3"), TC);
    let mut session = open(card("visa-credit"), VISA);
    session.first(0x80);
    assert_eq!(session.second(0x40, "Y3"), AAC);
}

#[test]
fn offline_pin_counts_down_and_blocks() {
    let mut session = open(card("visa-credit"), VISA);
    let card = &mut session.card;
    assert_eq!(send(card, "80CA9F1700", 0x9000), hex("9F170103"));
    send(card, "0020008008241234FFFFFFFFFF", 0x9000);
    for status in [0x63C2, 0x63C1, 0x63C0, 0x6983] {
        send(card, "0020008008241235FFFFFFFFFF", status);
    }
    send(card, "0020008008241234FFFFFFFFFF", 0x6983);
    card.insert();
    send(card, "00A4040007A0000000031010", 0x9000);
    assert_eq!(send(card, "80CA9F1700", 0x9000), hex("9F170100"));
}

#[test]
fn the_environment_lists_what_can_be_selected() {
    for info in catalogue() {
        let mut card = card(info.name);
        if card.insert().is_empty() || info.name == "visa-blocked" {
            continue;
        }
        let environment = send(
            &mut card,
            "00A404000E315041592E5359532E444446303100",
            0x9000,
        );
        assert!(objects(&environment).contains(&(0x88, vec![1])));
        let mut count = 0;
        for number in 1.. {
            let answer = card.transmit(&[0, 0xB2, number, 0x0C, 0]);
            if answer == [0x6A, 0x83] {
                break;
            }
            let aid = objects(&answer[..answer.len() - 2])[0].1.clone();
            let mut chosen = card.clone();
            let found = expect(&mut chosen, &command("00A40400", &aid), 0x9000);
            assert!(objects(&found).contains(&(0x84, aid)));
            count += 1;
        }
        assert_eq!(
            count,
            if info.name == "mastercard-two-applications" {
                2
            } else {
                1
            }
        );
    }
}

#[test]
fn partial_names_find_the_next_application() {
    let mut card = card("mastercard-two-applications");
    card.insert();
    let name = |answer: Vec<u8>| objects(&answer)[0].1.clone();
    assert_eq!(
        name(send(&mut card, "00A4040007A0000000041010", 0x9000)),
        hex(MASTERCARD)
    );
    assert_eq!(
        name(send(&mut card, "00A4040207A0000000041010", 0x9000)),
        hex("A0000000041010D0")
    );
    send(&mut card, "00A4040207A0000000041010", 0x6A82);
    send(&mut card, "00A4040007A0000000031010", 0x6A82);
}

#[test]
fn wrong_order_length_and_parameters_have_their_status() {
    for (before, command, status) in [
        (&[][..], "80A8000002830000", 0x6985),
        (&[], "00A4010007A0000000031010", 0x6A86),
        (&[], "00A4040002A000", 0x6700),
        (&["SELECT"], "00B2010C00", 0x6985),
        (&["SELECT"], "80A8010002830000", 0x6A86),
        (&["SELECT"], "80A800000383010000", 0x6700),
        (&["SELECT"], "80A80000028301", 0x6700),
        (&["SELECT"], "0088000004010203040", 0x6985),
        (&["SELECT"], "80AE800000", 0x6985),
        (&["SELECT"], "FF00000000", 0x6E00),
        (&["SELECT"], "00FF000000", 0x6D00),
        (&["SELECT", "OPTIONS"], "80A8000002830000", 0x6985),
        (&["SELECT", "OPTIONS"], "00B2010A00", 0x6A86),
        (&["SELECT", "OPTIONS"], "00B2000C00", 0x6A86),
        (&["SELECT", "OPTIONS"], "00B2090C00", 0x6A83),
        (&["SELECT", "OPTIONS"], "00B2015400", 0x6A82),
        (&["SELECT", "OPTIONS"], "80CA9F1800", 0x6A88),
        (&["SELECT", "OPTIONS"], "00200080021234", 0x6700),
        (&["SELECT", "OPTIONS"], "0020008108241234FFFFFFFFFF", 0x6A86),
        (&["SELECT", "OPTIONS"], "008800000301020300", 0x6700),
        (&["SELECT", "OPTIONS"], "80AE8000020102", 0x6700),
        (&["SELECT", "OPTIONS"], "80AEC00000", 0x6A86),
        (&["SELECT", "OPTIONS"], "80AE800100", 0x6A86),
        (
            &["SELECT", "OPTIONS"],
            "0082000008000000000000000000",
            0x6985,
        ),
        (&["SELECT", "OPTIONS"], "841E0000080000000000000000", 0x6985),
        (&["SELECT", "OPTIONS"], "801E000000", 0x6987),
        (&["SELECT", "OPTIONS"], "0084000004010203040", 0x6700),
    ] {
        let mut card = card("visa-credit");
        card.insert();
        for step in before {
            let known = if *step == "SELECT" {
                "00A4040007A000000003101000"
            } else {
                "80A8000002830000"
            };
            send(&mut card, known, 0x9000);
        }
        let bytes = hex(command.get(..command.len() / 2 * 2).unwrap());
        expect(&mut card, &bytes, status);
    }
}

#[test]
fn an_expired_card_says_so_and_the_issuer_knows() {
    let session = open(card("visa-expired"), VISA);
    assert_eq!(session.elements[&0x5F24], hex("201231"));
    let issuer = Issuer::for_pan("4012888888881881").unwrap();
    assert_eq!(issuer.expiry(), "2012");
    assert!(
        issuer.pin_matches("1234") && !issuer.pin_matches("12345") && !issuer.pin_matches("4321")
    );
    assert!(Issuer::for_pan("4012888888881882").is_none());
    assert!(Card::named("nothing").is_none());
}
