//! Cards that misbehave: a clear error, never a hang, a panic or a lie about the money.

use serde_json::{Value, json};

use crate::{terminal::Answer, world::World};

/// More commands than a sale sends.
const COMMANDS_MAX: u32 = 60;

#[test]
fn a_card_may_be_pulled_at_any_command() {
    at_every_command(|command| json!({ "kind": "REMOVED_AT", "command": command }));
}

#[test]
fn a_card_may_answer_garbage_at_any_command() {
    at_every_command(|command| json!({ "kind": "GARBAGE_AT", "command": command }));
}

#[test]
fn a_card_may_refuse_any_command() {
    at_every_command(
        |command| json!({ "kind": "STATUS_AT", "command": command, "status": 0x6F00 }),
    );
}

#[test]
fn a_card_that_answers_nothing_but_garbage_is_no_card() {
    broken_from_the_start(
        &json!({ "kind": "ALWAYS_GARBAGE" }),
        (503, "UNSUPPORTED_CARD"),
    );
}

#[test]
fn a_card_that_never_comes_to_an_end_does() {
    // After three times its stripe is asked for, and the cardholder gives up.
    broken_from_the_start(&json!({ "kind": "ENDLESS_RECORDS" }), (200, "CANCELLED"));
}

#[test]
fn a_card_in_the_hand_may_be_pulled_by_the_hand() {
    let mut world = World::new(None);
    world
        .terminal
        .post("/emulator/keypad", &json!({ "mode": "SILENT" }), None);
    world.present("eftpos", None);
    let answer = std::thread::scope(|scope| {
        let selling = scope.spawn(|| world.terminal.sale(2500, "pulled"));
        world.wait_until("the PIN prompt", |world| {
            world
                .terminal
                .get("/emulator/screen")
                .is_some_and(|(_, screen)| screen["lines"].to_string().contains("PIN"))
        });
        let (status, _) = world.terminal.delete("/emulator/card").expect("an answer");
        assert_eq!(status, 204);
        // The keypad learns of it with the next key.
        world
            .terminal
            .post("/emulator/keypad", &json!({ "key": "CANCEL" }), None);
        selling.join().expect("no panic")
    });
    let (_, body) = answer.expect("the terminal answers");
    assert_ne!(body["status"], "APPROVED", "{body}");
    assert_eq!(world.charged(), 0);
    world
        .terminal
        .post("/emulator/keypad", &json!({ "mode": "AUTOMATIC" }), None);
    world.check_that_the_next_sale_works();
}

/// Sells with a card that has the fault at its first command, then at its second, and so on until
/// the fault comes after the sale's end.
fn at_every_command(fault: impl Fn(u32) -> Value) {
    let mut world = World::new(None);
    for command in 1..=COMMANDS_MAX {
        let before = world.charged();
        let key = format!("command-{command}");
        let (status, body) = insist(&world, "visa-credit", &fault(command), &key);
        world.terminal.wait_until_settled();
        let record = world.record_of(&body);
        let charged = world.charged() - before;
        let approved = record["status"] == "APPROVED";
        assert_eq!(
            charged,
            if approved { 2500 } else { 0 },
            "command {command}: {record}"
        );
        if !approved {
            let known = [
                (200, "DECLINED"),
                (200, "CANCELLED"),
                (200, "REVERSED"),
                (503, "CARD_READ_ERROR"),
                (503, "UNSUPPORTED_CARD"),
                (504, "TIMEOUT"),
            ];
            let said = body["status"]
                .as_str()
                .or(body["error"].as_str())
                .unwrap_or_default();
            assert!(
                known.contains(&(status, said)),
                "command {command}: {status} {body}"
            );
        }
        if approved && command > 10 {
            world.check_that_the_next_sale_works();
            return;
        }
        world.terminal.delete("/emulator/card");
    }
    panic!("the sale never got through");
}

/// Sells with a card that has the fault each time it is inserted: as often as the terminal asks for
/// it, and no stripe in its place.
fn insist(world: &World, card: &str, quirk: &Value, key: &str) -> (u16, Value) {
    world.present(card, Some(quirk.clone()));
    let answer = with_hands(world, key, |screen| {
        if screen.contains("TRY AGAIN") {
            let again = json!({ "card": card, "quirk": quirk });
            // Refused while the terminal reads it.
            world.terminal.post("/emulator/card", &again, None);
        } else if screen.contains("USE MAG STRIPE") {
            let cancel = json!({ "key": "CANCEL" });
            world.terminal.post("/emulator/keypad", &cancel, None);
        }
    });
    answer.expect("the terminal answers")
}

/// Sells, and shows the screen to the cardholder's hands until the sale has ended.
fn with_hands(world: &World, key: &str, mut hands: impl FnMut(&str)) -> Answer {
    std::thread::scope(|scope| {
        let selling = scope.spawn(|| world.terminal.sale(2500, key));
        while !selling.is_finished() {
            let screen = world.terminal.get("/emulator/screen");
            hands(
                &screen
                    .map(|(_, screen)| screen.to_string())
                    .unwrap_or_default(),
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        selling.join().expect("no panic")
    })
}

#[test]
fn a_card_that_is_pulled_too_early_may_be_inserted_again() {
    for kind in ["REMOVED_AT", "SILENT_AT"] {
        let world = World::new(None);
        let quirk = json!({ "kind": kind, "command": 2 });
        world.present("visa-credit", Some(quirk));
        let mut inserted_again = false;
        let answer = with_hands(&world, kind, |screen| {
            if screen.contains("TRY AGAIN") && !inserted_again {
                world.present("visa-credit", None);
                inserted_again = true;
            }
        });
        let (status, body) = answer.expect("an answer");
        assert_eq!(
            (status, &body["status"]),
            (200, &json!("APPROVED")),
            "{body}"
        );
        assert_eq!(body["entryMode"], "CONTACT", "{body}");
        assert!(inserted_again, "{kind}");
        assert_eq!(world.charged(), 2500);
    }
}

#[test]
fn a_mute_chip_falls_back_to_its_stripe_and_the_issuer_is_told() {
    let mut world = World::new(Some("visa-mute-chip"));
    let (status, body) = world.sale(2500);
    assert_eq!(
        (status, &body["status"]),
        (200, &json!("APPROVED")),
        "{body}"
    );
    for (field, value) in [
        ("entryMode", json!("MAGSTRIPE")),
        ("cardScheme", json!("VISA")),
        ("maskedPan", json!("************0000")),
        ("cvmResult", json!("SIGNATURE")),
        ("tvr", Value::Null),
        ("aid", Value::Null),
        ("cryptogramType", Value::Null),
    ] {
        assert_eq!(body[field], value, "{field} in {body}");
    }
    assert_eq!(world.charged(), 2500);
    let (_, paper) = world.terminal.get("/emulator/paper").expect("the paper");
    let paper = paper.as_str().expect("text");
    assert!(
        paper.contains("MAGSTRIPE") && paper.contains("SIGNATURE"),
        "{paper}"
    );
}

#[test]
fn a_stripe_without_a_chip_sells_and_one_beside_a_chip_asks_for_the_chip() {
    let mut world = World::new(None);
    world.swipe("visa-stripe");
    let (status, body) = world.sale(2500);
    assert_eq!(
        (status, &body["status"]),
        (200, &json!("APPROVED")),
        "{body}"
    );
    assert_eq!(body["entryMode"], "MAGSTRIPE", "{body}");
    world.swipe("visa-credit");
    let mut inserted = false;
    let answer = with_hands(&world, "chip", |screen| {
        if screen.contains("USE CHIP READER") && !inserted {
            world.present("visa-credit", None);
            inserted = true;
        }
    });
    let (_, body) = answer.expect("an answer");
    assert!(inserted, "{body}");
    assert_eq!(body["entryMode"], "CONTACT", "{body}");
    assert_eq!(world.charged(), 5000);
}

#[test]
fn a_blocked_application_is_not_accepted_and_opens_no_stripe() {
    let mut world = World::new(Some("visa-blocked"));
    let (status, body) = world.sale(2500);
    assert_eq!(
        (status, &body["error"]),
        (503, &json!("UNSUPPORTED_CARD")),
        "{body}"
    );
    assert_eq!(world.charged(), 0);
}

fn broken_from_the_start(quirk: &Value, expected: (u16, &str)) {
    let mut world = World::new(None);
    let (status, body) = insist(&world, "visa-credit", quirk, "broken");
    let said = body["status"].as_str().or(body["error"].as_str());
    assert_eq!((status, said), (expected.0, Some(expected.1)), "{body}");
    assert_eq!(world.charged(), 0);
    world.check_that_the_next_sale_works();
}
