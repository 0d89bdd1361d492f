//! What the parameters say reaches the kernel: keys, lists, capabilities, modes.

use std::process::Command;

use serde_json::{Value, json};

use crate::{terminal::API_KEY, world::World};

/// The emulator's parameters.
fn usual() -> Value {
    serde_json::from_str(emulator::PARAMETERS).expect("the emulator's parameters are JSON")
}

/// One value of them changed.
fn with(pointer: &str, value: Value) -> Value {
    let mut parameters = usual();
    *parameters.pointer_mut(pointer).expect("the member exists") = value;
    parameters
}

/// The certification authority's RSA key of Visa's test cards has ended.
fn expired() -> Value {
    with("/ca_public_keys/0/expires", json!("251231"))
}

/// The certificate of the issuer of Visa's test cards is on the revocation list.
fn revoked() -> Value {
    let certificate = json!({ "rid": "A000000003", "index": 0xF1, "serial_number": "000001" });
    with("/revoked_issuer_certificates", json!([certificate]))
}

/// The card `visa-offline-approve` is on the exception file.
fn hot_listed(sequence_number: &Value) -> Value {
    let card = json!({ "pan": "4242424242424242", "sequence_number": sequence_number });
    with("/exception_file", json!([card]))
}

/// Sells for 15.00, which this card and terminal approve offline when nothing speaks against it.
/// Returns the terminal verification results, and whether the acquirer was asked.
fn asked(card: &str, parameters: &Value) -> (String, bool) {
    let mut world = World::with_parameters(card, parameters);
    let (status, body) = world.sale(1500);
    assert_eq!(
        (status, &body["status"]),
        (200, &json!("APPROVED")),
        "{body}"
    );
    world.terminal.wait_until_settled();
    assert_eq!(world.charged(), 1500);
    let tvr = body["tvr"].as_str().expect("text").to_owned();
    let requests = world.acquirer.ledger().messages().get("0200").copied();
    (tvr, requests.is_some())
}

#[test]
fn what_speaks_against_an_offline_approval_is_asked_online() {
    let card = "visa-offline-approve";
    for (what, parameters, first_byte, online) in [
        ("nothing", usual(), "00", false),
        ("an expired key", expired(), "08", true),
        ("a revoked certificate", revoked(), "08", true),
        ("the exception file", hot_listed(&json!("01")), "10", true),
        (
            "another card's entry",
            hot_listed(&json!("02")),
            "00",
            false,
        ),
        ("its number's entry", hot_listed(&Value::Null), "10", true),
    ] {
        let (tvr, asked) = asked(card, &parameters);
        assert_eq!((&tvr[..2], asked), (first_byte, online), "{what}: {tvr}");
    }
}

#[test]
fn a_hot_listed_card_is_declined_where_the_denial_code_says_so() {
    let mut parameters = hot_listed(&Value::Null);
    parameters["applications"][0]["tac_denial"] = json!("1010000000");
    let mut world = World::with_parameters("visa-offline-approve", &parameters);
    let (status, body) = world.sale(1500);
    assert_eq!(
        (status, &body["status"]),
        (200, &json!("DECLINED")),
        "{body}"
    );
    assert_eq!(body["cryptogramType"], "AAC", "{body}");
    assert_eq!(world.charged(), 0);
}

#[test]
fn a_card_signs_its_cryptogram_where_the_terminal_asks_for_it() {
    let card = "mastercard-signed-cryptogram";
    // Offline, so that one signature decides: with a floor limit the card approves.
    let offline = |parameters: &mut Value| {
        parameters["applications"][2]["floor_limit_minor"] = json!(10_000);
    };
    let mut right = usual();
    offline(&mut right);
    assert_eq!(asked(card, &right), ("0000000000".to_owned(), false));
    // Without the authority's key the signature proves nothing, and the issuer is asked.
    let mut expired = with("/ca_public_keys/1/expires", json!("251231"));
    offline(&mut expired);
    let (tvr, online) = asked(card, &expired);
    assert_eq!((&tvr[..2], online), ("04", true), "{tvr}");
    // The card has SDA, DDA and CDA; a terminal with none of them authenticates nothing.
    let mut without = with("/terminal/capabilities", json!("20F800"));
    offline(&mut without);
    assert_eq!(&asked(card, &without).0[..2], "80");
}

#[test]
fn a_card_signs_on_an_elliptic_curve() {
    let card = "visa-elliptic-curve";
    // Byte 2 says that the card is new: it counts its transactions from one.
    assert_eq!(asked(card, &usual()), ("0108000000".to_owned(), false));
    // Byte 5: no key of the authority, or none of the card by its certificates. The issuer is asked
    // with the TC that the card gave, and this one approves on an ARQC only; a card that gave a TC
    // takes no answer of its issuer (bit 7).
    let expired = with("/elliptic_ca_public_keys/0/expires", json!("251231"));
    for (parameters, tvr) in [(expired, "0108000044"), (revoked(), "0108000042")] {
        let mut world = World::with_parameters(card, &parameters);
        let (status, body) = world.sale(1500);
        assert_eq!(
            (status, &body["status"]),
            (200, &json!("DECLINED")),
            "{body}"
        );
        assert_eq!(
            (&body["tvr"], &body["responseCode"]),
            (&json!(tvr), &json!("05")),
            "{body}"
        );
        assert_eq!(world.charged(), 0);
    }
    // Without XDA in tag 9F33 this card cannot be authenticated.
    let without = with("/terminal/capabilities", json!("20F8C8"));
    assert_eq!(&asked(card, &without).0[..2], "80");
}

/// `tenon sale` puts the card in, and the terminal approves.
#[test]
fn every_form_of_authentication_ends_in_an_approval() {
    let mut world = World::new(None);
    for card in [
        "visa-credit",
        "mastercard-signed-cryptogram",
        "visa-elliptic-curve",
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_tenon"))
            .args(["sale", "--amount", "2500", "--api-key", API_KEY])
            .args(["--card", card, "--url", world.terminal.url()])
            .output()
            .expect("tenon starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.starts_with("APPROVED"), "{card}: {said} {output:?}");
        world.terminal.delete("/emulator/card");
    }
    world.terminal.wait_until_settled();
    assert_eq!(world.charged(), 3 * 2500);
    world.check_that_the_next_sale_works();
    let output = Command::new(env!("CARGO_BIN_EXE_tenon"))
        .args(["sale", "--amount", "2500", "--api-key", API_KEY])
        .args(["--card", "gold", "--url", world.terminal.url()])
        .output()
        .expect("tenon starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("there is no card named \"gold\""), "{said}");
}

/// Parameters that begin as what the schemes publish, with the test cards' keys.
#[test]
fn a_terminal_sells_with_what_the_schemes_publish() {
    let limits = json!({
        "floor_limit_minor": 0, "random_threshold_minor": 0, "random_target_percent": 0,
        "random_target_percent_max": 0, "default_tdol": "",
    });
    let element = |set: &str, aid: &str, own: Value| {
        let mut element = limits.clone();
        let members = element.as_object_mut().expect("an object");
        members.insert("scheme_set".into(), json!(set));
        members.insert("aid".into(), json!(aid));
        members.extend(own.as_object().expect("an object").clone());
        element
    };
    // What eftpos does not publish, its acquirer gives.
    let eftpos = json!({
        "application_version": 150, "default_ddol": "9F3704", "tac_denial": "0010000000",
        "tac_online": "FC50BCF800", "tac_default": "FC50BCF800",
    });
    let parameters = with(
        "/applications",
        json!([
            element("visa", "A0000000031010", json!({})),
            element("mastercard", "A0000000041010", json!({})),
            element("eftpos_australia", "A00000038410", eftpos),
        ]),
    );
    for card in ["visa-credit", "mastercard-debit", "eftpos"] {
        let mut world = World::with_parameters(card, &parameters);
        let (status, body) = world.sale(2500);
        assert_eq!(
            (status, &body["status"]),
            (200, &json!("APPROVED")),
            "{card}: {body}"
        );
        assert_eq!(world.charged(), 2500);
    }
}

#[test]
fn an_expired_key_is_named_in_the_log() {
    let world = World::with_parameters("visa-credit", &expired());
    let log = world.into_log();
    let named = "the certification authority's key A000000003 index F1, last day 251231 has ended";
    assert!(log.contains(named), "{log}");
    assert!(!log.contains("A000000004"), "{log}");
}

#[test]
fn a_terminal_does_not_start_with_wrong_parameters() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("terminal.json");
    let wrong = with("/ca_public_keys/1/checksum", json!("00".repeat(20)));
    std::fs::write(&file, wrong.to_string()).expect("a file");
    for words in [
        &["parameters", "check"][..],
        &["emulator", "--listen", "127.0.0.1:0", "--parameters"],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenon"));
        let output = command
            .current_dir(folder.path())
            .args(words)
            .arg(&file)
            .output()
            .expect("tenon starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let key = "ca_public_keys[1].checksum: key A000000004 index F1: not the SHA-1";
        assert!(said.contains(key), "{said}");
        assert!(output.stdout.is_empty());
    }
}
