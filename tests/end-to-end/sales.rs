//! Sales that go as they should.

use serde_json::json;

use crate::world::World;

#[test]
fn a_sale_is_approved_recorded_and_printed() {
    let mut world = World::new(Some("visa-credit"));
    let (status, body) = world.sale(2500);
    assert_eq!(status, 200, "{body}");
    for (field, value) in [
        ("status", json!("APPROVED")),
        ("type", json!("SALE")),
        ("amount", json!(2500)),
        ("currency", json!("NZD")),
        ("responseCode", json!("00")),
        ("cardScheme", json!("VISA")),
        ("maskedPan", json!("************1111")),
        ("entryMode", json!("CONTACT")),
        ("aid", json!("A0000000031010")),
        ("applicationLabel", json!("VISA CREDIT")),
        ("cryptogramType", json!("TC")),
        ("cvmResult", json!("NO_CVM")),
    ] {
        assert_eq!(body[field], value, "{field} in {body}");
    }
    assert_eq!(body["tvr"].as_str().map(str::len), Some(10), "{body}");
    assert_eq!(body["rrn"].as_str().map(str::len), Some(12), "{body}");
    assert_eq!(body["receiptData"]["approvalStatus"], "APPROVED", "{body}");
    assert_eq!(world.record_of(&body), body, "the record is the answer");
    assert_eq!(world.charged(), 2500);
    let (_, paper) = world.terminal.get("/emulator/paper").expect("the paper");
    let paper = paper.as_str().expect("text");
    for part in [
        "TENONCOFFEE0001",
        "TENON001",
        "************1111",
        "NZD 25.00",
        "APPROVED",
    ] {
        assert!(paper.contains(part), "{part} is not on\n{paper}");
    }
}

#[test]
fn each_card_goes_its_own_way() {
    for (card, amount, status, verification, charged) in [
        ("visa-credit", 2500, "APPROVED", "NO_CVM", 2500),
        ("visa-credit", 8000, "APPROVED", "SIGNATURE", 8000),
        ("mastercard-debit", 2500, "APPROVED", "PIN", 2500),
        ("eftpos", 2500, "APPROVED", "PIN", 2500),
        ("visa-issuer-scripts", 2500, "APPROVED", "NO_CVM", 2500),
        ("visa-elliptic-curve", 8000, "APPROVED", "NO_CVM", 8000),
        ("visa-offline-decline", 2500, "DECLINED", "NO_CVM", 0),
        ("visa-expired", 2500, "DECLINED", "NO_CVM", 0),
    ] {
        let mut world = World::new(Some(card));
        let (http, body) = world.sale(amount);
        assert_eq!(
            (http, &body["status"]),
            (200, &json!(status)),
            "{card}: {body}"
        );
        assert_eq!(body["cvmResult"], verification, "{card}: {body}");
        assert_eq!(world.charged(), charged, "{card}");
    }
}

#[test]
fn an_offline_approval_reaches_the_acquirer_as_an_advice() {
    let mut world = World::new(Some("visa-offline-approve"));
    let (status, body) = world.sale(1500);
    assert_eq!(
        (status, &body["status"]),
        (200, &json!("APPROVED")),
        "{body}"
    );
    assert_eq!(body["cryptogramType"], "TC", "{body}");
    world.terminal.wait_until_settled();
    assert_eq!(world.charged(), 1500);
    assert_eq!(world.acquirer.ledger().messages().get("0200"), None);
}

#[test]
fn a_sale_split_in_two_below_the_floor_limit_goes_online() {
    let mut world = World::new(Some("visa-offline-approve"));
    let floor_limit = |body: &serde_json::Value| {
        let tvr = body["tvr"].as_str().expect("a TVR");
        u8::from_str_radix(&tvr[6..8], 16).expect("hexadecimal") & 0x80 != 0
    };
    // The floor limit is 100.00. The first is approved by the card alone.
    let (_, first) = world.sale(6000);
    assert_eq!(
        (&first["status"], floor_limit(&first)),
        (&json!("APPROVED"), false),
        "{first}"
    );
    // The second would be too; what the card paid before is remembered over a restart.
    world.restart(Some("visa-offline-approve"));
    let (_, second) = world.sale(4000);
    assert_eq!(
        (&second["status"], floor_limit(&second)),
        (&json!("APPROVED"), true),
        "{second}"
    );
    world.terminal.wait_until_settled();
    assert_eq!(world.charged(), 10_000);
    let requests = |world: &World| world.acquirer.ledger().messages().get("0200").copied();
    assert_eq!(requests(&world), Some(1), "the second asked the issuer");
    // Another card is another matter.
    world.restart(Some("visa-credit"));
    let (_, other) = world.sale(4000);
    assert_eq!(
        (&other["status"], floor_limit(&other)),
        (&json!("APPROVED"), false),
        "{other}"
    );
}

#[test]
fn the_amount_chooses_the_response_code() {
    let mut world = World::new(Some("visa-credit"));
    for (amount, code) in [
        (2505, "05"),
        (2551, "51"),
        (2554, "54"),
        (2561, "61"),
        (2591, "91"),
    ] {
        let (status, body) = world.sale(amount);
        assert_eq!(
            (status, &body["status"]),
            (200, &json!("DECLINED")),
            "{body}"
        );
        assert_eq!(body["responseCode"], code, "{body}");
    }
    assert_eq!(world.charged(), 0);
}

#[test]
fn a_wrong_pin_is_declined_by_the_issuer() {
    let mut world = World::new(Some("eftpos"));
    world
        .terminal
        .post("/emulator/keypad", &json!({ "keys": "9999" }), None);
    world
        .terminal
        .post("/emulator/keypad", &json!({ "key": "ENTER" }), None);
    let (status, body) = world.sale(2500);
    assert_eq!(
        (status, &body["status"]),
        (200, &json!("DECLINED")),
        "{body}"
    );
    assert_eq!(body["responseCode"], "55", "{body}");
    assert_eq!(world.charged(), 0);
}

#[test]
fn a_repeated_request_is_answered_and_not_charged_again() {
    let mut world = World::new(Some("visa-credit"));
    let first = world.terminal.sale(2500, "one-key").expect("an answer");
    let again = world.terminal.sale(2500, "one-key").expect("an answer");
    assert_eq!(first, again);
    world.restart(Some("visa-credit"));
    let after_a_restart = world.terminal.sale(2500, "one-key").expect("an answer");
    assert_eq!(first, after_a_restart);
    let (status, other) = world.terminal.sale(2600, "one-key").expect("an answer");
    assert_eq!(
        (status, &other["error"]),
        (409, &json!("IDEMPOTENCY_CONFLICT")),
        "{other}"
    );
    assert_eq!(world.charged(), 2500);
}
