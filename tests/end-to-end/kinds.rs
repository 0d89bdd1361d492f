//! Refunds, voids, reservations, inquiries, and the end of the day: what terminal and acquirer make of
//! them together.

use emulator::acquirer::Behaviour;
use serde_json::{Value, json};

use crate::world::World;

/// Asks for a transaction under a key of its own.
fn ask(world: &World, path: &str, body: &Value) -> (u16, Value) {
    let key = format!("{path} {body}");
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    let path = format!("/v1/transaction/{path}");
    world
        .terminal
        .post(&path, body, Some(&key))
        .expect("the terminal answers")
}

fn approved(answer: (u16, Value)) -> Value {
    let (status, body) = answer;
    assert_eq!(
        (status, &body["status"]),
        (200, &json!("APPROVED")),
        "{body}"
    );
    body
}

fn about(kind: &str, amount: u64, original: &Value) -> Value {
    json!({
        "type": kind, "amount": amount, "currency": "NZD",
        "originalTransactionId": original["transactionId"],
    })
}

fn plain(kind: &str, amount: u64) -> Value {
    json!({"type": kind, "amount": amount, "currency": "NZD"})
}

fn reconcile(world: &World) -> Value {
    let (status, body) = world
        .terminal
        .post("/v1/reconciliation", &json!({"closeDay": true}), None)
        .expect("the terminal answers");
    assert_eq!(status, 200, "{body}");
    body
}

fn totals(world: &World) -> Value {
    let (_, totals) = world.terminal.get("/v1/totals").expect("an answer");
    totals
}

#[test]
fn a_sale_is_refunded_in_parts_and_never_more_than_it_was() {
    let mut world = World::new(Some("visa-credit"));
    let (_, sale) = world.sale(2500);
    // Read again without a change, and after one.
    for _ in 0..2 {
        assert_eq!(world.record_of(&sale), sale);
    }
    let first = approved(ask(&world, "refund", &about("REFUND", 1000, &sale)));
    assert_eq!(first["originalTransactionId"], sale["transactionId"]);
    assert_eq!(
        first["cryptogramType"], "AAC",
        "the card pays nothing: {first}"
    );
    assert_eq!(world.charged(), 1500);
    assert_eq!(world.record_of(&sale)["refundedAmount"], 1000);
    let (status, refused) = ask(&world, "refund", &about("REFUND", 1501, &sale));
    assert_eq!((status, &refused["error"]), (400, &json!("INVALID_AMOUNT")));
    approved(ask(&world, "refund", &about("REFUND", 1500, &sale)));
    let (status, _) = ask(&world, "refund", &about("REFUND", 1, &sale));
    assert_eq!(status, 400);
    let (status, refused) = ask(&world, "void", &about("VOID", 2500, &sale));
    assert_eq!(
        (status, &refused["details"]["constraint"]),
        (400, &json!("unused"))
    );
    assert_eq!(world.charged(), 0);
}

#[test]
fn a_refund_goes_to_the_card_that_paid() {
    let mut world = World::new(Some("visa-credit"));
    let (_, sale) = world.sale(2500);
    world.restart(Some("mastercard-debit"));
    let (status, refused) = ask(&world, "refund", &about("REFUND", 2500, &sale));
    assert_eq!(
        (status, &refused["error"]),
        (503, &json!("UNSUPPORTED_CARD"))
    );
    assert_eq!(world.charged(), 2500);
    assert_eq!(world.record_of(&sale).get("refundedAmount"), None);
}

#[test]
fn a_void_undoes_a_sale_of_the_open_batch_and_no_other() {
    let mut world = World::new(Some("visa-credit"));
    let (_, sale) = world.sale(2500);
    let (status, refused) = ask(&world, "void", &about("VOID", 2400, &sale));
    assert_eq!((status, &refused["error"]), (400, &json!("INVALID_AMOUNT")));
    let void = approved(ask(&world, "void", &about("VOID", 2500, &sale)));
    assert_eq!(void["maskedPan"], sale["maskedPan"]);
    assert_eq!(world.charged(), 0);
    assert_eq!(world.record_of(&sale)["status"], "REVERSED");
    // A repeated request is the same void.
    assert_eq!(ask(&world, "void", &about("VOID", 2500, &sale)).1, void);
    let (_, other) = world.sale(1000);
    assert_eq!(reconcile(&world)["status"], "SUCCESS");
    let (status, refused) = ask(&world, "void", &about("VOID", 1000, &other));
    assert_eq!(
        (status, &refused["details"]["constraint"]),
        (400, &json!("batch"))
    );
    // It can still be refunded.
    approved(ask(&world, "refund", &about("REFUND", 1000, &other)));
    assert_eq!(world.charged(), 0);
}

#[test]
fn a_void_whose_answer_is_lost_is_taken_back() {
    let mut world = World::new(Some("visa-credit"));
    let (_, sale) = world.sale(2500);
    world.acquirer.set_behaviour(Behaviour::Close);
    let (status, lost) = ask(&world, "void", &about("VOID", 2500, &sale));
    assert_eq!((status, &lost["error"]), (504, &json!("TIMEOUT")));
    world.acquirer.set_behaviour(Behaviour::Normal);
    world.terminal.wait_until_settled();
    assert_eq!(world.charged(), 2500, "the sale stands");
    assert_eq!(world.record_of(&sale)["status"], "APPROVED");
    let mut again = about("VOID", 2500, &sale);
    again["referenceId"] = "again".into();
    approved(ask(&world, "void", &again));
    assert_eq!(world.charged(), 0);
}

#[test]
fn a_reservation_is_completed_once_and_for_no_more() {
    let world = World::new(Some("mastercard-debit"));
    let reserved = approved(ask(&world, "pre-auth", &plain("PRE_AUTH", 5000)));
    assert_eq!(world.charged(), 0);
    let path = "pre-auth/complete";
    let (status, refused) = ask(&world, path, &about("PRE_AUTH_COMPLETE", 5100, &reserved));
    assert_eq!((status, &refused["error"]), (400, &json!("INVALID_AMOUNT")));
    let taken = approved(ask(
        &world,
        path,
        &about("PRE_AUTH_COMPLETE", 3000, &reserved),
    ));
    assert_eq!(taken["amount"], 3000);
    assert_eq!(world.charged(), 3000);
    let (status, _) = ask(&world, path, &about("PRE_AUTH_COMPLETE", 1000, &reserved));
    assert_eq!(status, 400);
    // Another one is given up.
    let reserved = approved(ask(&world, "pre-auth", &plain("PRE_AUTH", 4000)));
    approved(ask(&world, "void", &about("VOID", 4000, &reserved)));
    let (status, _) = ask(&world, path, &about("PRE_AUTH_COMPLETE", 4000, &reserved));
    assert_eq!(status, 400);
    assert_eq!(totals(&world)["saleAmount"], 3000);
    assert_eq!(totals(&world)["voidAmount"], 0, "no money of the batch");
}

#[test]
fn a_card_is_read_and_a_balance_is_told() {
    let world = World::new(Some("eftpos"));
    let read = approved(ask(&world, "card-read", &plain("CARD_READ", 0)));
    assert_eq!(
        (&read["cardScheme"], &read["amount"]),
        (&json!("EFTPOS"), &json!(0))
    );
    assert_eq!(
        world.acquirer.ledger().messages().len(),
        0,
        "nobody was asked"
    );
    let told = approved(ask(&world, "balance-inquiry", &plain("BALANCE_INQUIRY", 0)));
    assert_eq!(told["amount"], 8750);
    assert_eq!(told.get("receiptData"), None);
    assert_eq!(world.charged(), 0);
}

#[test]
fn a_day_is_closed_with_what_the_acquirer_knows() {
    let mut world = World::new(Some("visa-credit"));
    world.sale(2500);
    let (_, second) = world.sale(1000);
    let (_, third) = world.sale(700);
    approved(ask(&world, "void", &about("VOID", 700, &third)));
    approved(ask(&world, "refund", &about("REFUND", 400, &second)));
    let open = totals(&world);
    for (member, value) in [
        ("saleCount", 3),
        ("saleAmount", 4200),
        ("voidAmount", 700),
        ("refundAmount", 400),
    ] {
        assert_eq!(open[member], value, "{member} in {open}");
    }
    let closed = reconcile(&world);
    assert_eq!(closed["status"], "SUCCESS", "{closed}");
    assert_eq!(closed["settlements"][0]["netAmount"], 3100);
    assert_eq!(totals(&world)["saleCount"], 0);
    let id = closed["settlements"][0]["id"].as_str().expect("an id");
    let path = format!("/v1/settlements/{id}/transactions");
    let (_, page) = world.terminal.get(&path).expect("an answer");
    let kinds: Vec<_> = page["data"].as_array().expect("a list").iter().collect();
    assert_eq!(kinds.len(), 5, "{page}");
    // Nothing is open: closing again closes nothing.
    assert_eq!(reconcile(&world)["status"], "SUCCESS");
    let (_, list) = world.terminal.get("/v1/settlements").expect("an answer");
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1), "{list}");
}

#[test]
fn a_batch_is_told_one_by_one_where_the_acquirer_counts_otherwise() {
    let mut world = World::new(Some("visa-credit"));
    world.sale(2500);
    world.sale(1000);
    world.acquirer.set_behaviour(Behaviour::OtherTotals);
    let closed = reconcile(&world);
    assert_eq!(closed["status"], "SUCCESS", "{closed}");
    let ledger = world.acquirer.ledger();
    assert_eq!(ledger.messages().get("0320"), Some(&2));
    assert_eq!(ledger.messages().get("0520"), Some(&1));
    assert!(ledger.entries().all(|entry| entry.settled));
}

#[test]
fn a_batch_whose_answer_was_lost_is_closed_later_and_keeps_its_transactions() {
    let mut world = World::new(Some("visa-credit"));
    world.sale(2500);
    // The acquirer closes the batch, and nobody hears of it.
    world.acquirer.set_behaviour(Behaviour::Close);
    assert_eq!(reconcile(&world)["status"], "FAILED");
    world.acquirer.set_behaviour(Behaviour::Normal);
    world.restart(Some("visa-credit"));
    // What is sold meanwhile belongs to the next batch.
    world.sale(1000);
    assert_eq!(totals(&world)["saleAmount"], 1000);
    let closed = reconcile(&world);
    assert_eq!(closed["status"], "SUCCESS", "{closed}");
    assert_eq!(closed["settlements"].as_array().map(Vec::len), Some(2));
    assert_eq!(world.charged(), 3500);
}

#[test]
fn transactions_are_listed_by_what_they_are() {
    let mut world = World::new(Some("visa-credit"));
    let (_, sale) = world.sale(2500);
    world.sale(2551);
    approved(ask(&world, "refund", &about("REFUND", 500, &sale)));
    for (filter, count) in [
        ("", 3),
        ("?type=REFUND", 1),
        ("?status=DECLINED", 1),
        ("?status=APPROVED&type=SALE", 1),
        ("?limit=1", 1),
    ] {
        let path = format!("/v1/transactions{filter}");
        let (status, page) = world.terminal.get(&path).expect("an answer");
        assert_eq!(status, 200, "{page}");
        assert_eq!(
            page["data"].as_array().map(Vec::len),
            Some(count),
            "{filter}"
        );
    }
}
