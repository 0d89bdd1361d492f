//! Cards that misbehave: a clear error, never a hang, a panic or a lie about the money.

use serde_json::{Value, json};

use crate::world::World;

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
    broken_from_the_start(json!({ "kind": "ALWAYS_GARBAGE" }));
}

#[test]
fn a_card_that_never_comes_to_an_end_does() {
    broken_from_the_start(json!({ "kind": "ENDLESS_RECORDS" }));
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
        world.present("visa-credit", Some(fault(command)));
        let (status, body) = world.sale(2500);
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

fn broken_from_the_start(quirk: Value) {
    let mut world = World::new(None);
    world.present("visa-credit", Some(quirk));
    let (status, body) = world.sale(2500);
    assert_eq!(status, 503, "{body}");
    assert!(
        ["CARD_READ_ERROR", "UNSUPPORTED_CARD"].contains(&body["error"].as_str().unwrap_or("")),
        "{body}",
    );
    assert_eq!(world.charged(), 0);
    world.check_that_the_next_sale_works();
}
