//! How transactions end, seen over HTTP; abort; health.

use serde_json::{Value, json};
use terminal_host::transaction::{
    CancelReason, DeclineReason, Ending, Failure, ReversalState, TransactionId,
};

use crate::{
    client::{Answer, Running, sale},
    fake_terminal::{approved, outcome},
};

async fn state(running: &Running, id: &TransactionId) -> Value {
    let answer = running
        .get(&format!("/v1/transaction/{}", id.as_str()))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

async fn abort(running: &Running, id: &TransactionId) -> Answer {
    running
        .post(
            &format!("/v1/transaction/{}/abort", id.as_str()),
            &json!({}),
        )
        .await
}

#[tokio::test]
async fn an_approved_sale_is_answered_and_can_be_read_again() {
    let running = Running::start().await;
    let (id, answer) = running.sale_ending(approved()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["transactionId"], id.as_str());
    assert_eq!(answer.body["status"], "APPROVED");
    assert_eq!(answer.body["type"], "SALE");
    assert_eq!(answer.body["responseCode"], "00");
    assert_eq!(answer.body["cvmResult"], "PIN");
    assert_eq!(answer.body["timestamp"], "2026-03-28T09:14:22Z");
    assert_eq!(answer.body["receiptData"]["merchantName"], "Tenon Coffee");
    assert_eq!(
        answer.body["receiptData"]["dateTime"],
        "2026-03-28T22:14:22+13:00"
    );
    assert!(
        answer
            .header("X-Request-Id")
            .is_some_and(|id| id.starts_with("req_"))
    );
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    for _ in 0..2 {
        assert_eq!(state(&running, &id).await, answer.body);
    }
}

#[tokio::test]
async fn a_clean_end_is_no_error() {
    let cases = [
        (
            Ending::Declined(DeclineReason::Acquirer),
            ReversalState::None,
            "DECLINED",
        ),
        (
            Ending::Cancelled(CancelReason::NoCard),
            ReversalState::None,
            "CANCELLED",
        ),
        (
            Ending::Failed(Failure::AnswerLost),
            ReversalState::Confirmed,
            "REVERSED",
        ),
    ];
    for (ending, reversal, status) in cases {
        let running = Running::start().await;
        let (id, answer) = running.sale_ending(outcome(ending, reversal)).await;
        assert_eq!(
            (answer.status, answer.body["status"].as_str()),
            (200, Some(status))
        );
        assert_eq!(state(&running, &id).await["status"], status);
    }
}

#[tokio::test]
async fn a_failure_is_an_error_that_names_its_transaction() {
    let cases = [
        (Failure::CardUnreadable, 503, "CARD_READ_ERROR"),
        (Failure::CardNotAccepted, 503, "UNSUPPORTED_CARD"),
        (Failure::AcquirerUnreachable, 503, "COMMUNICATION_ERROR"),
        (Failure::DeviceFault, 503, "TERMINAL_UNAVAILABLE"),
        (Failure::EngineFault, 500, "INTERNAL_ERROR"),
    ];
    for (failure, status, code) in cases {
        let running = Running::start().await;
        let ended = outcome(Ending::Failed(failure), ReversalState::None);
        let (id, answer) = running.sale_ending(ended).await;
        answer.check_error(status, code);
        assert_eq!(answer.body["details"]["transactionId"], id.as_str());
        assert_eq!(state(&running, &id).await["status"], "ERROR");
    }
}

#[tokio::test]
async fn a_lost_answer_is_a_timeout_until_the_reversal_is_confirmed() {
    for ending in [
        Ending::Failed(Failure::AnswerLost),
        Ending::Declined(DeclineReason::Card),
        Ending::Cancelled(CancelReason::Interrupted),
    ] {
        let running = Running::start().await;
        let (id, answer) = running
            .sale_ending(outcome(ending, ReversalState::Pending))
            .await;
        answer.check_error(504, "TIMEOUT");
        assert_eq!(answer.body["details"]["transactionId"], id.as_str());
        assert_eq!(state(&running, &id).await["status"], "ERROR");
    }
    let running = Running::start().await;
    let lost = outcome(Ending::Failed(Failure::AnswerLost), ReversalState::Pending);
    let (id, _) = running.sale_ending(lost).await;
    let reversed = outcome(
        Ending::Failed(Failure::AnswerLost),
        ReversalState::Confirmed,
    );
    running.terminal.end(&id, reversed);
    assert_eq!(state(&running, &id).await["status"], "REVERSED");
}

#[tokio::test]
async fn a_running_sale_is_pending_and_makes_the_terminal_busy() {
    let running = Running::start().await;
    let first = running.sale_with_key("one", &sale());
    let id = running.terminal.runs().await;
    assert_eq!(state(&running, &id).await["status"], "PENDING_COMPLETION");
    let second = running.post("/v1/transaction/sale", &sale()).await;
    second.check_error(409, "TERMINAL_BUSY");
    assert_eq!(second.header("Retry-After"), Some("1"));
    assert_eq!(second.body["details"]["transactionId"], id.as_str());
    running.terminal.end(&id, approved());
    assert_eq!(first.await.expect("an answer").status, 200);
    assert_eq!(running.terminal.begun(), 1);
}

#[tokio::test]
async fn an_abort_is_accepted_and_may_be_repeated() {
    let running = Running::start().await;
    let sale = running.sale_with_key("one", &sale());
    let id = running.terminal.runs().await;
    for _ in 0..2 {
        let answer = abort(&running, &id).await;
        assert_eq!(
            (answer.status, answer.body["status"].as_str()),
            (200, Some("CANCELLED"))
        );
        assert_eq!(answer.body["transactionId"], id.as_str());
    }
    assert_eq!(sale.await.expect("an answer").body["status"], "CANCELLED");
}

#[tokio::test]
async fn an_abort_that_comes_too_late_says_so() {
    let running = Running::start().await;
    let sale = running.sale_with_key("one", &sale());
    let id = running.terminal.runs().await;
    running.terminal.pass_abort();
    let answer = abort(&running, &id).await;
    answer.check_error(409, "TERMINAL_BUSY");
    answer.check_field("transactionId", "abortable");
    running.terminal.end(&id, approved());
    assert_eq!(sale.await.expect("an answer").body["status"], "APPROVED");
    let answer = abort(&running, &id).await;
    answer.check_error(400, "INVALID_REQUEST");
    answer.check_field("transactionId", "running");
    assert_eq!(answer.body["details"]["value"], "APPROVED");
}

#[tokio::test]
async fn health_is_what_the_terminal_says_now() {
    let running = Running::start().await;
    let answer = running.get("/v1/device/health").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        json!({
            "connected": true, "terminalId": "TENON001", "serialNumber": "SN000001",
            "firmwareVersion": "0.1.0", "batteryLevel": null, "lastTransactionTime": null,
            "uptime": 61, "engine": "engine 0.1.0", "engineDigest": "00".repeat(32),
            "damagedEntries": 2,
            "awaitingAcquirer": 1,
        })
    );
}
