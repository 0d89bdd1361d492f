//! A card that a file describes, at an emulator with its own acquirer, through the command line.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::json;

use crate::terminal::{API_KEY, Options, Terminal};

const VISA_CREDIT: &str = include_str!("../virtual-card/cards/visa-credit.card");

/// A number that no card of the catalogue has.
const NUMBER: &str = "4000000000009995";

fn own_card(folder: &Path, changes: &str) -> String {
    let text = VISA_CREDIT
        .replace("visa-credit", "mine")
        .replace("4111111111111111", NUMBER);
    let path = folder.join("mine.card");
    std::fs::write(&path, format!("{text}\n{changes}\n")).expect("a file");
    path.to_str().expect("a name").to_owned()
}

fn tenon_sale(url: &str, card: &str) -> Output {
    let arguments = ["sale", "--amount", "2500", "--api-key", API_KEY];
    Command::new(env!("CARGO_BIN_EXE_tenon"))
        .args(arguments)
        .args(["--url", url, "--card", card])
        .output()
        .expect("tenon runs")
}

fn said(output: &Output) -> String {
    let texts = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    texts.concat()
}

#[test]
fn a_card_of_a_file_is_sold_to_and_its_issuer_knows_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start(&Options::on(folder.path())).expect("a terminal");
    let output = tenon_sale(terminal.url(), &own_card(folder.path(), ""));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("APPROVED"), "{}", said(&output));
    // Of a card with this number, the issuer knows what was presented last.
    let output = tenon_sale(terminal.url(), &own_card(folder.path(), "expiry 281231"));
    assert!(said(&output).contains("APPROVED"), "{}", said(&output));
}

/// The first recipe of `docs/virtual-cards.md`.
#[test]
fn a_card_with_an_expired_certificate_fails_authentication() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start(&Options::on(folder.path())).expect("a terminal");
    for (changes, status) in [
        ("icc-certificate expiry 1220", "APPROVED"),
        ("icc-certificate expiry 1220\n9F0E = 0810000000", "DECLINED"),
    ] {
        let card = own_card(folder.path(), changes);
        let text = std::fs::read_to_string(card).expect("a file");
        terminal.post("/emulator/card", &json!({ "personalization": text }), None);
        let (_, body) = terminal.sale(2500, status).expect("an answer");
        // EMV 4.4 Book 3, annex C5, byte 1: bit 4 says that DDA failed.
        let verification = body["tvr"].as_str().expect("verification results");
        assert_eq!(verification.get(..2), Some("08"), "{body}");
        assert_eq!(body["status"], status, "{body}");
    }
}

#[test]
fn a_card_of_a_file_is_presented_to_every_sale() {
    let folder = tempfile::tempdir().expect("a folder");
    let card = own_card(folder.path(), "");
    let options = Options {
        card: Some(&card),
        ..Options::on(folder.path())
    };
    let terminal = Terminal::start(&options).expect("a terminal");
    for key in ["first", "second"] {
        let (status, body) = terminal.sale(2500, key).expect("an answer");
        let expected = (200, &json!("APPROVED"), &json!("************9995"));
        let answered = (status, &body["status"], &body["maskedPan"]);
        assert_eq!(answered, expected, "{body}");
    }
}

#[test]
fn a_file_that_is_no_card_is_refused_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start(&Options::on(folder.path())).expect("a terminal");
    let card = own_card(folder.path(), "colour red");
    let line = VISA_CREDIT.lines().count() + 2;
    let output = tenon_sale(terminal.url(), &card);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let expected = format!("line {line}: unknown keyword");
    for expected in ["mine.card", &expected] {
        assert!(said(&output).contains(expected), "{}", said(&output));
    }
}

#[test]
fn hostile_cards_cost_their_own_sale_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::start(&Options::on(folder.path())).expect("a terminal");
    for (number, changes) in [
        format!("94 = {}", "08010A00".repeat(60)),
        format!("94 = {}", "F8010100".repeat(62)),
        "94 = 080101".to_owned(),
        format!("record 1.1 = {}", "70".repeat(20_000)),
        format!("record 2.1 signed{}", " 5A".repeat(2000)),
        format!("8C = {}", "9F02FF".repeat(3000)),
        format!("9F38 = {}", "9F02FF".repeat(80)),
    ]
    .iter()
    .enumerate()
    {
        let card = own_card(folder.path(), changes);
        let text = std::fs::read_to_string(card).expect("a file");
        let presented = terminal.post("/emulator/card", &json!({ "personalization": text }), None);
        assert_eq!(
            presented.map(|(status, _)| status),
            Some(200),
            "{changes:.40}"
        );
        let selling = std::thread::scope(|scope| {
            let selling = scope.spawn(|| terminal.sale(2500, &format!("hostile-{number}")));
            while !selling.is_finished() {
                // Nobody puts it in again.
                let screen = terminal.get("/emulator/screen");
                let screen = screen.map(|(_, screen)| screen.to_string());
                if screen
                    .is_some_and(|screen| screen.contains("AGAIN") || screen.contains("STRIPE"))
                {
                    terminal.post("/emulator/keypad", &json!({ "key": "CANCEL" }), None);
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            selling.join().expect("no panic")
        });
        let (_, body) = selling.expect("the terminal answers");
        assert_ne!(body["status"], "APPROVED", "{changes:.40}: {body}");
        terminal.delete("/emulator/card");
    }
    let output = tenon_sale(terminal.url(), "visa-credit");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}
