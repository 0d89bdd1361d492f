//! Cards of a text that anybody wrote: refused or issued, and then every command is answered.

use virtual_card::{APPLICATION_KEYWORDS, CARD_KEYWORDS, Card, Error, Issuer};

const VISA_CREDIT: &str = include_str!("../../cards/visa-credit.card");
const SELECT: [u8; 12] = [0, 0xA4, 4, 0, 7, 0xA0, 0, 0, 0, 3, 0x10, 0x10];

/// Sends what a terminal would, and more: whatever the card is, it answers and does not panic.
fn use_up(card: &mut Card) {
    card.insert();
    card.transmit(&SELECT);
    card.transmit(&[0x80, 0xA8, 0, 0, 2, 0x83, 0, 0]);
    for file in 1..=30_u8 {
        for number in 1..=3 {
            card.transmit(&[0, 0xB2, number, file << 3 | 4, 0]);
        }
    }
    card.transmit(&[0, 0x84, 0, 0, 0]);
    card.transmit(&[0, 0x88, 0, 0, 4, 1, 2, 3, 4, 0]);
    for kind in [0x80, 0x90, 0x40] {
        for length in [0, 29, 31, 255_u8] {
            let mut command = vec![0x80, 0xAE, kind, 0, length];
            command.extend(vec![0; usize::from(length)]);
            card.transmit(&command);
        }
    }
}

#[test]
fn a_card_of_its_own_text_is_the_same_card() {
    let mut own = Card::from_text(VISA_CREDIT).unwrap();
    let mut known = Card::named("visa-credit").unwrap();
    assert_eq!(own.name(), "visa-credit");
    assert_eq!(own.insert(), known.insert());
    assert_eq!(own.transmit(&SELECT), known.transmit(&SELECT));
    let issuer = Issuer::of(&own).unwrap();
    assert!(issuer.issued("4111111111111111"));
    assert!(!issuer.issued("4111111111111112"));
}

#[test]
fn a_text_with_a_fault_is_refused_with_its_line() {
    let text = VISA_CREDIT.replace("expiry                  311231", "expiry 31-12");
    let Err(error) = Card::from_text(&text) else {
        panic!("it is no date");
    };
    let line = text.lines().position(|line| line.starts_with("expiry"));
    assert_eq!(error, Error::Value(line.unwrap() + 1, "six digits, YYMMDD"));
}

#[test]
fn hostile_lines_are_refused_or_answered() {
    let long = "AB".repeat(15_000);
    for line in [
        format!("94 = {}", "08010100".repeat(1000)),
        "94 = 08".to_owned(),
        format!("record 1.1 = {long}"),
        format!("record 1.1 signed = 70{long}"),
        format!("record 1.1 signed{}", " 5A".repeat(9000)),
        (1..=255)
            .map(|number| format!("record 30.{number} = 00\n"))
            .collect::<Vec<_>>()
            .concat(),
        format!("label {long}"),
        format!("84 = {long}"),
        format!("8C = {long}"),
        "8C = 9F".to_owned(),
        format!("9F38 = {}", "9F02FF".repeat(5000)),
        format!("icc-certificate header {long}"),
        format!("issuer-certificate identifier {long}"),
        format!("static-signature hash {long}"),
        "issuer-key-length 64\nicc-key-length 248".to_owned(),
        "FFFFFFFF = 00\n00 = 00\ndrop 0 FFFFFFFF".to_owned(),
        "drop 82 8C 8D 9F49 57 5A 5F24 8F".to_owned(),
        "fault removed-at 4294967295\nfault silent-at 0".to_owned(),
        "counter 65535".to_owned(),
        "\u{FEFF}name \u{1F4B3}\nlabel \u{1F4B3}".to_owned(),
    ] {
        if let Ok(mut card) = Card::from_text(&format!("{VISA_CREDIT}\n{line}")) {
            use_up(&mut card);
        }
    }
}

#[test]
fn no_text_makes_a_card_panic() {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
    };
    let lines: Vec<&str> = VISA_CREDIT.lines().collect();
    let keywords: Vec<_> = CARD_KEYWORDS.iter().chain(&APPLICATION_KEYWORDS).collect();
    let mut issued = 0;
    for _ in 0..200 {
        let mut text: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        for _ in 0..=random(3) {
            let place = random(text.len());
            match random(5) {
                0 => drop(text.remove(place)),
                1 => text.insert(place, keywords[random(keywords.len())].example.to_owned()),
                2 => text.swap(place, lines.len() / 2),
                3 => text[place] = text[place].chars().rev().collect(),
                _ => {
                    let mut characters: Vec<char> = text[place].chars().collect();
                    if !characters.is_empty() {
                        let character = random(characters.len());
                        characters[character] =
                            char::from(b' ' + u8::try_from(random(90)).unwrap());
                    }
                    text[place] = characters.into_iter().collect();
                }
            }
        }
        if let Ok(mut card) = Card::from_text(&text.join("\n")) {
            issued += 1;
            use_up(&mut card);
        }
    }
    assert!(issued > 20, "{issued}");
}

#[test]
fn the_reference_has_every_keyword_and_what_it_takes() {
    let page = include_str!("../../../../docs/virtual-cards.md");
    for keyword in CARD_KEYWORDS.iter().chain(&APPLICATION_KEYWORDS) {
        let row = format!("\n| `{}` | {} |", keyword.name, keyword.takes);
        assert!(page.contains(&row), "{row} is not in docs/virtual-cards.md");
    }
}
