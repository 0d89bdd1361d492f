//! Granular mode with a real card: what the point of sale decides, and what becomes of it.

use serde_json::{Value, json};

use crate::world::World;

fn initiate(world: &World, amount: i64, key: &str) -> (u16, Value) {
    let body = json!({"type": "SALE", "amount": amount, "currency": "NZD"});
    world
        .terminal
        .post("/v1/transaction/initiate", &body, Some(key))
        .expect("the terminal answers")
}

fn complete(world: &World, asked: &Value, more: Value) -> (u16, Value) {
    let mut body = more;
    body["transactionId"] = asked["transactionId"].clone();
    world
        .terminal
        .post("/v1/transaction/complete", &body, None)
        .expect("the terminal answers")
}

fn asked(world: &World, amount: i64, key: &str) -> Value {
    let (status, asked) = initiate(world, amount, key);
    assert_eq!(
        (status, &asked["status"]),
        (200, &json!("PENDING_ONLINE")),
        "{asked}"
    );
    asked
}

/// The terminal's own acquirer has heard of nothing.
fn check_silence(world: &World) {
    assert_eq!(world.acquirer.ledger().entries().count(), 0);
}

#[test]
fn a_sale_is_approved_by_the_point_of_sales_acquirer() {
    let world = World::new(Some("visa-credit"));
    let asked = asked(&world, 2500, "one");
    let tags = &asked["chipData"]["emvTags"];
    assert_eq!(tags["9F27"], "80", "an ARQC: {asked}");
    assert_eq!(tags["9F02"], "000000002500");
    for named in ["5A", "57", "5F20", "5F24"] {
        assert_eq!(tags.get(named), None, "{named}");
    }
    assert!(asked["chipData"]["encryptedTrack2"].is_string(), "{asked}");
    // The same request is asked again with the same question, and nothing runs twice.
    assert_eq!(initiate(&world, 2500, "one").1, asked);
    let approval = json!({"responseCode": "00", "authorizationCode": "A12345"});
    let (status, result) = complete(&world, &asked, approval.clone());
    assert_eq!(
        (status, &result["status"]),
        (200, &json!("APPROVED")),
        "{result}"
    );
    assert_eq!(result["cryptogramType"], "TC");
    assert_eq!(result["authorizationCode"], "A12345");
    assert_eq!(result["receiptData"]["totalAmount"], 2500);
    assert_eq!(complete(&world, &asked, approval).1, result);
    check_silence(&world);
    // What the point of sale's acquirer has is not in the batch of the terminal's.
    let (_, totals) = world.terminal.get("/v1/totals").expect("an answer");
    assert_eq!(totals["saleCount"], 0, "{totals}");
    // And is not the terminal's acquirer's to give back.
    let refund = json!({
        "type": "REFUND", "amount": 2500, "currency": "NZD",
        "originalTransactionId": result["transactionId"],
    });
    let (status, refused) = world
        .terminal
        .post("/v1/transaction/refund", &refund, None)
        .expect("the terminal answers");
    assert_eq!(
        (status, &refused["details"]["constraint"]),
        (400, &json!("granular"))
    );
    let (status, back) = world
        .terminal
        .post("/v1/transaction/initiate", &refund, None)
        .expect("the terminal answers");
    assert_eq!(
        (status, &back["status"]),
        (200, &json!("PENDING_ONLINE")),
        "{back}"
    );
    let (_, back) = complete(&world, &back, json!({"responseCode": "00"}));
    assert_eq!(back["status"], "APPROVED", "{back}");
    let original = world.record_of(&result);
    assert_eq!(original["refundedAmount"], 2500);
}

#[test]
fn a_decline_is_told_to_the_card() {
    let world = World::new(Some("visa-credit"));
    let asked = asked(&world, 2500, "one");
    let (status, result) = complete(&world, &asked, json!({"responseCode": "51"}));
    assert_eq!(
        (status, &result["status"]),
        (200, &json!("DECLINED")),
        "{result}"
    );
    assert_eq!(result["cryptogramType"], "AAC");
    assert_eq!(result.get("reversalRequired"), None);
    check_silence(&world);
}

#[test]
fn an_abort_and_a_decision_exclude_each_other() {
    let world = World::new(Some("visa-credit"));
    let asked = asked(&world, 2500, "one");
    let id = asked["transactionId"].as_str().expect("a name");
    let (status, aborted) = world
        .terminal
        .post(&format!("/v1/transaction/{id}/abort"), &json!({}), None)
        .expect("the terminal answers");
    assert_eq!(
        (status, &aborted["status"]),
        (200, &json!("CANCELLED")),
        "{aborted}"
    );
    assert_eq!(aborted["reversalRequired"], true);
    let (status, late) = complete(&world, &asked, json!({"responseCode": "00"}));
    assert_eq!(
        (status, &late["status"]),
        (200, &json!("CANCELLED")),
        "{late}"
    );
    assert_eq!(late["reversalRequired"], true);
    check_silence(&world);
}

#[test]
fn a_question_nobody_answers_expires() {
    let mut parameters: Value = serde_json::from_str(emulator::PARAMETERS).expect("JSON");
    parameters["timeouts"]["decision_ms"] = 300.into();
    let mut world = World::with_parameters("visa-credit", &parameters);
    let question = asked(&world, 2500, "one");
    world.wait_until("the end", |world| {
        world.record_of(&question)["status"] == "CANCELLED"
    });
    let ended = world.record_of(&question);
    assert_eq!(ended["reversalRequired"], true, "{ended}");
    assert_eq!(ended["cryptogramType"], "AAC");
    check_silence(&world);
    world.check_that_the_next_sale_works();
}

#[test]
fn a_terminal_that_stops_meanwhile_says_what_may_have_to_be_reversed() {
    let mut world = World::new(Some("visa-credit"));
    let question = asked(&world, 2500, "one");
    // It is killed.
    world.restart(Some("visa-credit"));
    let ended = world.record_of(&question);
    assert_eq!(ended["status"], "CANCELLED", "{ended}");
    assert_eq!(ended["reversalRequired"], true);
    // The request under the same key is the same transaction, and its decision comes too late.
    assert_eq!(initiate(&world, 2500, "one").1, ended);
    let (status, late) = complete(&world, &question, json!({"responseCode": "00"}));
    assert_eq!((status, &late), (200, &ended));
    check_silence(&world);
    world.check_that_the_next_sale_works();
}
