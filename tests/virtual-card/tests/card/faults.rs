//! Faults on purpose, and commands without sense.

use proptest::prelude::*;
use virtual_card::{Card, Quirk, catalogue};

use crate::terminal::{CDOL1, hex, send};

const SELECT: &str = "00A4040007A000000003101000";

fn card(quirk: Quirk) -> Card {
    let mut card = Card::named("visa-credit").unwrap().with_quirk(quirk);
    card.insert();
    card
}

#[test]
fn faults_come_when_they_should() {
    let mut removed = card(Quirk::RemovedAt(2));
    for _ in 0..2 {
        send(&mut removed, SELECT, 0x9000);
        assert!(removed.transmit(&hex(SELECT)).is_empty());
        assert!(removed.transmit(&hex(SELECT)).is_empty());
        removed.insert();
    }
    let mut silent = card(Quirk::SilentAt(2));
    for _ in 0..2 {
        send(&mut silent, SELECT, 0x9000);
        assert!(!silent.is_silent());
        assert!(silent.transmit(&hex(SELECT)).is_empty());
        assert!(silent.is_silent());
        silent.insert();
    }
    let mut status = card(Quirk::StatusAt(2, 0x6F00));
    send(&mut status, SELECT, 0x9000);
    assert!(send(&mut status, "80A8000002830000", 0x6F00).is_empty());
    send(&mut status, "80A8000002830000", 0x9000);
    let mut garbage = card(Quirk::GarbageAt(1));
    let broken = garbage.transmit(&hex(SELECT));
    assert_eq!(broken[..3], [0x77, 0x81, 0xFF]);
    send(&mut garbage, SELECT, 0x9000);
    let mut always = card(Quirk::AlwaysGarbage);
    assert_eq!(
        (always.transmit(&hex(SELECT)), always.transmit(&[])),
        (broken.clone(), broken)
    );
    let mut endless = card(Quirk::EndlessRecords);
    send(&mut endless, SELECT, 0x9000);
    assert_eq!(send(&mut endless, "00B2FFF400", 0x9000), [0x70, 0]);
}

#[test]
fn a_chip_that_is_mute_or_missing_gives_no_answer_to_reset() {
    for (name, chip, track) in [
        ("visa-mute-chip", true, "4917610000000000=311220100000"),
        ("visa-stripe", false, "4539578763621486=311210100000"),
    ] {
        let mut card = Card::named(name).unwrap();
        assert!(card.insert().is_empty(), "{name}");
        assert!(card.is_silent(), "{name}");
        assert!(card.transmit(&hex(SELECT)).is_empty(), "{name}");
        assert_eq!((card.has_chip(), card.track_2()), (chip, track.to_owned()));
    }
    let mut blocked = Card::named("visa-blocked").unwrap();
    assert!(!blocked.insert().is_empty());
    send(&mut blocked, SELECT, 0x6283);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_get_a_status_word(
        index in 0..9_usize,
        commands in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..300),
                (
                    prop::sample::select(vec![0x00_u8, 0x04, 0x80, 0x84]),
                    prop::sample::select(vec![
                        0xA4_u8, 0xA8, 0xB2, 0xCA, 0x84, 0x20, 0x88, 0xAE, 0x82, 0x18, 0x1E, 0x24, 0xDA,
                    ]),
                    prop::collection::vec(any::<u8>(), 2..40),
                )
                    .prop_map(|(class, instruction, rest)| [vec![class, instruction], rest].concat()),
                Just(hex(SELECT)),
                Just(hex("00A4040007A000000004101000")),
                Just(hex("80A8000002830000")),
                Just(hex(&format!("80AE80001D{CDOL1}"))),
                Just(hex(&format!("80AE90001D{CDOL1}"))),
                Just(hex(&format!("80AE40001F3030{CDOL1}"))),
            ],
            1..24,
        ),
    ) {
        let mut card = Card::named(catalogue()[index].name).unwrap();
        card.insert();
        for command in commands {
            let answer = card.transmit(&command);
            prop_assert!((2..=258).contains(&answer.len()));
        }
    }
}
