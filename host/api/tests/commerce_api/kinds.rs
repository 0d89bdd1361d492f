//! Every kind of transaction has its path, its fields and its refusals.

use serde_json::{Value, json};
use terminal_host::{
    service::{BeginError, OriginalRefused},
    transaction::{Ending, Kind, Outcome, Referred, ReversalState, TransactionId},
};

use crate::{
    client::{Running, UNKNOWN_ID},
    fake_terminal::{approved, outcome},
};

const ORIGINAL: &str = "txn_01JQXYZA7B8C9D0E1F2G3H4J5K";

/// Each kind with its path and a body that is right.
fn kinds() -> [(Kind, &'static str, Value); 7] {
    let asked = |kind: &str, amount: u64, original: bool| {
        let mut body = json!({"type": kind, "amount": amount, "currency": "NZD"});
        if original {
            body["originalTransactionId"] = ORIGINAL.into();
        }
        body
    };
    [
        (Kind::Sale, "sale", asked("SALE", 2500, false)),
        (Kind::Refund, "refund", asked("REFUND", 2500, true)),
        (Kind::Void, "void", asked("VOID", 2500, true)),
        (Kind::PreAuth, "pre-auth", asked("PRE_AUTH", 2500, false)),
        (
            Kind::PreAuthComplete,
            "pre-auth/complete",
            asked("PRE_AUTH_COMPLETE", 2500, true),
        ),
        (Kind::CardRead, "card-read", asked("CARD_READ", 0, false)),
        (
            Kind::BalanceInquiry,
            "balance-inquiry",
            asked("BALANCE_INQUIRY", 0, false),
        ),
    ]
}

async fn run(running: &Running, path: &str, body: &Value, end: Outcome) -> (TransactionId, Value) {
    let path = format!("/v1/transaction/{path}");
    let (answer, id) = tokio::join!(running.post(&path, body), async {
        let id = running.terminal.runs().await;
        running.terminal.end(&id, end);
        id
    });
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    (id, answer.body)
}

#[tokio::test]
async fn each_kind_is_started_at_its_own_path() {
    let running = Running::start().await;
    for (kind, path, body) in kinds() {
        let end = if matches!(kind, Kind::CardRead | Kind::BalanceInquiry) {
            outcome(Ending::Completed, ReversalState::None)
        } else {
            approved()
        };
        let (id, answer) = run(&running, path, &body, end).await;
        assert_eq!(answer["type"], body["type"]);
        assert_eq!(answer["status"], "APPROVED");
        assert_eq!(
            answer["originalTransactionId"], body["originalTransactionId"],
            "{answer}"
        );
        let shown = running
            .get(&format!("/v1/transaction/{}", id.as_str()))
            .await;
        assert_eq!(shown.body, answer);
        // A body for another path is refused.
        let mut other = body.clone();
        other["type"] = if kind == Kind::Sale { "VOID" } else { "SALE" }.into();
        let refused = running
            .post(&format!("/v1/transaction/{path}"), &other)
            .await;
        refused.check_error(400, "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn an_original_that_does_not_allow_it_is_named_with_the_reason() {
    for (refused, status, code, field) in [
        (
            OriginalRefused::Unknown,
            404,
            "NOT_FOUND",
            "originalTransactionId",
        ),
        (
            OriginalRefused::NotApproved,
            400,
            "INVALID_REQUEST",
            "originalTransactionId",
        ),
        (
            OriginalRefused::OtherKind,
            400,
            "INVALID_REQUEST",
            "originalTransactionId",
        ),
        (
            OriginalRefused::BatchClosed,
            400,
            "INVALID_REQUEST",
            "originalTransactionId",
        ),
        (
            OriginalRefused::Used,
            400,
            "INVALID_REQUEST",
            "originalTransactionId",
        ),
        (
            OriginalRefused::OtherCurrency,
            400,
            "INVALID_CURRENCY",
            "currency",
        ),
        (
            OriginalRefused::TooMuch { left_minor: 1 },
            400,
            "INVALID_AMOUNT",
            "amount",
        ),
        (
            OriginalRefused::NotWhole { whole_minor: 1 },
            400,
            "INVALID_AMOUNT",
            "amount",
        ),
    ] {
        let running = Running::start().await;
        running.terminal.refuse(BeginError::Original(refused));
        let body = json!({
            "type": "REFUND", "amount": 2500, "currency": "NZD", "originalTransactionId": UNKNOWN_ID,
        });
        let answer = running.post("/v1/transaction/refund", &body).await;
        answer.check_error(status, code);
        assert_eq!(answer.body["details"]["field"], field, "{refused}");
    }
}

#[tokio::test]
async fn what_was_voided_or_refunded_says_so() {
    let running = Running::start().await;
    let (_, path, body) = &kinds()[0];
    let (id, _) = run(&running, path, body, approved()).await;
    let shown = async || {
        running
            .get(&format!("/v1/transaction/{}", id.as_str()))
            .await
            .body
    };
    let refunded = Referred {
        refunded_minor: 1000,
        ..Referred::default()
    };
    running.terminal.refer(&id, refunded);
    let answer = shown().await;
    assert_eq!(answer["status"], "APPROVED");
    assert_eq!(answer["refundedAmount"], 1000);
    let voided = Referred {
        voided: true,
        ..Referred::default()
    };
    running.terminal.refer(&id, voided);
    assert_eq!(shown().await["status"], "REVERSED");
}
