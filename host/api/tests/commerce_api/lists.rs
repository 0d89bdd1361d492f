//! Lists, totals, reconciliation and settlements.

use serde_json::{Value, json};
use terminal_host::{
    batch::{ReconcileError, Settlement, SettlementId, SettlementState},
    transaction::{CancelReason, Ending, ReversalState},
};

use crate::{
    client::Running,
    fake_terminal::{approved, outcome, totals},
};

const SETTLEMENT: &str = "stl_01JQXYZA7B8C9D0E1F2G3H4J5K";

fn settlement(id: &str, state: SettlementState) -> Settlement {
    let moment = |text: &str| text.parse().expect("a moment");
    Settlement {
        id: SettlementId::parse(id).expect("an id"),
        batch: 7,
        totals: totals(),
        state,
        frozen: moment("2026-03-28T22:00:00+13:00[+13:00]"),
        closed: (state == SettlementState::Settled)
            .then(|| moment("2026-03-28T22:00:05+13:00[+13:00]")),
    }
}

/// The transactions of a page, by their ids.
fn ids(page: &Value) -> Vec<&str> {
    let data = page["data"].as_array().expect("a list");
    data.iter()
        .map(|one| one["transactionId"].as_str().expect("an id"))
        .collect()
}

#[tokio::test]
async fn transactions_are_listed_page_by_page_the_newest_first() {
    let running = Running::start().await;
    let mut made = Vec::new();
    for number in 0..5 {
        let end = if number == 2 {
            outcome(
                Ending::Cancelled(CancelReason::Cardholder),
                ReversalState::None,
            )
        } else {
            approved()
        };
        let (id, _) = running.sale_ending(end).await;
        made.push(id.as_str().to_owned());
    }
    // Names sort by the millisecond in which they were made.
    made.sort_unstable_by(|one, other| other.cmp(one));
    let mut seen = Vec::new();
    let mut path = "/v1/transactions?limit=2".to_owned();
    loop {
        let page = running.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.body);
        seen.extend(ids(&page.body).into_iter().map(str::to_owned));
        assert_eq!(page.body["hasMore"], page.body["nextCursor"].is_string());
        let Some(cursor) = page.body["nextCursor"].as_str() else {
            break;
        };
        path = format!("/v1/transactions?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, made);
    for (filter, count) in [
        ("status=CANCELLED", 1),
        ("status=APPROVED", 4),
        ("type=SALE", 5),
        ("type=REFUND", 0),
        ("cardScheme=VISA", 4),
        ("cardScheme=AMEX", 0),
        ("referenceId=nobody", 0),
        ("from=2026-03-28T09:14:22Z", 5),
        ("to=2026-03-28T09:14:22Z", 0),
        ("", 5),
    ] {
        let page = running.get(&format!("/v1/transactions?{filter}")).await;
        assert_eq!(ids(&page.body).len(), count, "{filter}");
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_made_says_which_parameter_is_wrong() {
    let running = Running::start().await;
    for (path, field) in [
        ("/v1/transactions?limit=0", "limit"),
        ("/v1/transactions?limit=201", "limit"),
        ("/v1/transactions?cursor=1", "cursor"),
        ("/v1/transactions?from=yesterday", "from"),
        ("/v1/transactions?status=OK", "status"),
        ("/v1/transactions?stauts=APPROVED", "stauts"),
        ("/v1/settlements?limit=101", "limit"),
        ("/v1/settlements?cursor=cursor_1", "cursor"),
    ] {
        let answer = running.get(path).await;
        answer.check_error(400, "INVALID_REQUEST");
        assert_eq!(answer.body["details"]["field"], field, "{path}");
    }
    let other = running.get("/v1/totals?currency=EUR").await;
    other.check_error(400, "INVALID_CURRENCY");
}

#[tokio::test]
async fn totals_are_those_of_the_reference() {
    let running = Running::start().await;
    let answer = running.get("/v1/totals?currency=NZD").await;
    assert_eq!(
        answer.body,
        json!({
            "saleCount": 12, "saleAmount": 30000, "refundCount": 2, "refundAmount": 3000,
            "voidCount": 1, "voidAmount": 2500, "preAuthCount": 3, "preAuthAmount": 9000,
            "currency": "NZD",
        })
    );
    let empty = running.get("/v1/totals?currency=AUD").await;
    assert_eq!(empty.body["saleCount"], 0);
}

#[tokio::test]
async fn a_reconciliation_says_what_was_closed() {
    use SettlementState::{Disputed, Pending, Settled};
    const OTHER: &str = "stl_01JQXYZA7B8C9D0E1F2G3H4J5M";
    let running = Running::start().await;
    for (states, status) in [
        (&[][..], "SUCCESS"),
        (&[Settled], "SUCCESS"),
        (&[Disputed], "FAILED"),
        (&[Pending], "FAILED"),
        (&[Settled, Pending], "PARTIAL"),
    ] {
        let made = states.iter().zip([SETTLEMENT, OTHER]);
        let made = made.map(|(state, id)| settlement(id, *state)).collect();
        running.terminal.settle(made);
        let answer = running
            .post("/v1/reconciliation", &json!({"closeDay": true}))
            .await;
        assert_eq!(
            (answer.status, &answer.body["status"]),
            (200, &json!(status))
        );
    }
    let dry = running
        .post("/v1/reconciliation", &json!({"closeDay": false}))
        .await;
    assert_eq!(dry.body["totals"]["saleAmount"], 30000);
    assert!(dry.body.get("settlements").is_none(), "{}", dry.body);
    for (body, code) in [
        (json!({}), "MISSING_FIELD"),
        (json!({"closeDay": "yes"}), "INVALID_REQUEST"),
        (json!({"closeDay": true, "force": true}), "INVALID_REQUEST"),
    ] {
        let answer = running.post("/v1/reconciliation", &body).await;
        answer.check_error(400, code);
    }
    for (error, status, code) in [
        (ReconcileError::Busy, 409, "TERMINAL_BUSY"),
        (
            ReconcileError::InProgress,
            409,
            "RECONCILIATION_IN_PROGRESS",
        ),
        (ReconcileError::EngineFault, 500, "INTERNAL_ERROR"),
    ] {
        running.terminal.refuse_reconciliation(error);
        let answer = running
            .post("/v1/reconciliation", &json!({"closeDay": true}))
            .await;
        answer.check_error(status, code);
    }
}

#[tokio::test]
async fn a_settlement_is_shown_listed_and_exported() {
    let running = Running::start().await;
    let settled = settlement(SETTLEMENT, SettlementState::Settled);
    running.terminal.settle(vec![settled]);
    let (id, sale) = running.sale_ending(approved()).await;
    let shown = running.get(&format!("/v1/settlements/{SETTLEMENT}")).await;
    for (member, value) in [
        ("id", json!(SETTLEMENT)),
        ("closedAt", json!("2026-03-28T09:00:05Z")),
        ("status", json!("SETTLED")),
        ("currency", json!("NZD")),
        ("netAmount", json!(30000 - 3000 - 2500)),
        ("saleCount", json!(12)),
        ("voidAmount", json!(2500)),
        ("acquirerBatchRef", json!("000007")),
    ] {
        assert_eq!(shown.body[member], value, "{member}");
    }
    let list = running.get("/v1/settlements?currency=NZD").await;
    assert_eq!(list.body["data"], json!([shown.body]));
    let none = running.get("/v1/settlements?to=2026-03-28T09:00:05Z").await;
    assert_eq!(none.body["data"], json!([]));
    let path = format!("/v1/settlements/{SETTLEMENT}");
    let transactions = running.get(&format!("{path}/transactions")).await;
    assert_eq!(ids(&transactions.body), [id.as_str()]);
    let csv = running.get_text(&format!("{path}/export?format=csv")).await;
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "transactionId,type,status,amount,currency,cardScheme,maskedPan,authorizationCode,timestamp,\
         tipAmount,cashbackAmount,originalTransactionId,referenceId"
    );
    let row = format!(
        "{},SALE,APPROVED,2500,NZD,VISA,************1234,A12345,2026-03-28T09:14:22Z,,,,",
        id.as_str()
    );
    assert_eq!(lines[1], row);
    let jsonl = running
        .get_text(&format!("{path}/export?format=jsonl"))
        .await;
    let line: Value = serde_json::from_str(jsonl.trim()).expect("a line of JSON");
    assert_eq!(line, sale.body);
    running
        .get(&format!("{path}/export"))
        .await
        .check_error(400, "MISSING_FIELD");
    running
        .get("/v1/settlements/stl_1")
        .await
        .check_error(404, "NOT_FOUND");
}
