//! Granular mode: what the point of sale is asked, what it may decide, and what it is told.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use terminal_host::{
    point_of_sale::{DetectedCard, Enciphered, OnlineRequest, PinBlock, PinBlockFormat},
    transaction::{
        CancelReason, DeclineReason, Ending, EntryMode, Failure, OnlineDecision, Outcome,
        ReversalState, Scheme, TransactionId,
    },
};

use crate::{
    client::{Answer, Running, UNKNOWN_ID, sale},
    fake_terminal::{approved, outcome},
};

pub(crate) fn question() -> OnlineRequest {
    let enciphered = |bytes: &str, key: &str| Enciphered {
        bytes: bytes.to_owned(),
        key_serial_number: key.to_owned(),
    };
    let tags = [
        ("9F26", "0011223344556677"),
        ("95", "0000008000"),
        ("84", "A0000000031010"),
    ];
    OnlineRequest {
        card: Some(DetectedCard {
            entry_mode: EntryMode::Contact,
            scheme: Scheme::Visa,
            masked_pan: "************1234".into(),
        }),
        chip_data: BTreeMap::from(tags.map(|(tag, value)| (tag.to_owned(), value.to_owned()))),
        pin: Some(PinBlock {
            block: enciphered("1122334455667788", "FFFF9876543210E00001"),
            format: PinBlockFormat::Iso0,
        }),
        track_2: Some(enciphered("AABB", "FFFF9876543210E00002")),
    }
}

/// Initiates a sale and asks about it.
async fn initiated(running: &Running) -> (TransactionId, Answer) {
    let body = sale();
    let (answer, id) = tokio::join!(running.post("/v1/transaction/initiate", &body), async {
        let id = running.terminal.runs().await;
        running.terminal.ask(&id, question());
        id
    });
    (id, answer)
}

fn decision(id: &TransactionId, code: &str) -> Value {
    json!({"transactionId": id.as_str(), "responseCode": code, "authorizationCode": "A12345"})
}

/// Completes with this decision, while the transaction ends so.
async fn completed(running: &Running, id: &TransactionId, code: &str, end: Outcome) -> Answer {
    let body = decision(id, code);
    let (answer, ()) = tokio::join!(running.post("/v1/transaction/complete", &body), async {
        while running.terminal.decisions().is_empty() {
            tokio::task::yield_now().await;
        }
        running.terminal.end(id, end);
    });
    answer
}

/// An end with what the point of sale's acquirer answered.
fn answered(ending: Ending, code: &str) -> Outcome {
    let mut end = outcome(ending, ReversalState::None);
    let mut given = approved().answer.expect("an answer");
    given.response_code = code.to_owned();
    end.answer = Some(given);
    end
}

#[tokio::test]
async fn a_sale_is_asked_about_and_decided() {
    let running = Running::start().await;
    let (id, asked) = initiated(&running).await;
    assert_eq!(asked.status, 200, "{asked:?}");
    assert_eq!(asked.body["status"], "PENDING_ONLINE");
    assert_eq!(asked.body["cryptogramType"], "ARQC");
    assert_eq!(asked.body["tvr"], "0000008000");
    assert_eq!(asked.body["aid"], "A0000000031010");
    assert_eq!(asked.body["maskedPan"], "************1234");
    let expected = json!({
        "emvTags": {"9F26": "0011223344556677", "95": "0000008000", "84": "A0000000031010"},
        "encryptedPinBlock": "1122334455667788", "pinKsn": "FFFF9876543210E00001",
        "pinBlockFormat": "ISO_0", "encryptedTrack2": "AABB", "track2Ksn": "FFFF9876543210E00002",
    });
    assert_eq!(asked.body["chipData"], expected);
    // It is not consumed by being read.
    let shown = running
        .get(&format!("/v1/transaction/{}", id.as_str()))
        .await;
    assert_eq!(shown.body, asked.body);
    let answer = completed(&running, &id, "00", approved()).await;
    assert_eq!(
        (answer.status, &answer.body["status"]),
        (200, &json!("APPROVED"))
    );
    assert_eq!(answer.body.get("chipData"), None);
    assert_eq!(answer.body.get("reversalRequired"), None);
    let decided = running.terminal.decisions();
    assert_eq!(decided.len(), 1);
    assert_eq!(decided[0].authorisation_code.as_deref(), Some("A12345"));
    // Repeated, it is answered alike; another decision is a conflict.
    let again = running
        .post("/v1/transaction/complete", &decision(&id, "00"))
        .await;
    assert_eq!(again.body, answer.body);
    let other = running
        .post("/v1/transaction/complete", &decision(&id, "51"))
        .await;
    other.check_error(409, "IDEMPOTENCY_CONFLICT");
}

#[tokio::test]
async fn the_point_of_sale_is_told_when_it_has_something_to_reverse() {
    let cancelled = |reason| outcome(Ending::Cancelled(reason), ReversalState::None);
    for (end, status, required) in [
        (
            answered(Ending::Declined(DeclineReason::Acquirer), "51"),
            "DECLINED",
            None,
        ),
        (
            answered(Ending::Declined(DeclineReason::Card), "00"),
            "DECLINED",
            Some(true),
        ),
        (cancelled(CancelReason::NoDecision), "CANCELLED", Some(true)),
        (
            cancelled(CancelReason::PointOfSale),
            "CANCELLED",
            Some(true),
        ),
        (
            cancelled(CancelReason::Interrupted),
            "CANCELLED",
            Some(true),
        ),
        (
            answered(Ending::Failed(Failure::CardUnreadable), "00"),
            "ERROR",
            Some(true),
        ),
        (answered(Ending::Approved, "00"), "APPROVED", None),
    ] {
        let running = Running::start().await;
        let (id, _) = initiated(&running).await;
        running.terminal.end(&id, end);
        // Whatever the ending, the decision is answered with the transaction, never with less.
        let late = running
            .post("/v1/transaction/complete", &json!({"transactionId": id.as_str(), "responseCode": "00", "authorizationCode": "A12345"}))
            .await;
        assert!(late.status == 200 || late.status == 409, "{late:?}");
        let shown = running
            .get(&format!("/v1/transaction/{}", id.as_str()))
            .await;
        assert_eq!(shown.body["status"], status);
        let told = shown.body.get("reversalRequired").and_then(Value::as_bool);
        assert_eq!(told, required, "{:?}", shown.body);
    }
    // Before it was asked there is nothing to reverse.
    let running = Running::start().await;
    let (_, answer) = running.sale_ending(cancelled(CancelReason::NoCard)).await;
    assert_eq!(answer.body.get("reversalRequired"), None);
}

#[tokio::test]
async fn a_decision_that_comes_too_late_is_answered_with_the_truth() {
    let running = Running::start().await;
    let (id, _) = initiated(&running).await;
    let late = outcome(
        Ending::Cancelled(CancelReason::NoDecision),
        ReversalState::None,
    );
    running.terminal.end(&id, late);
    let answer = running
        .post("/v1/transaction/complete", &decision(&id, "00"))
        .await;
    assert_eq!(
        (answer.status, &answer.body["status"]),
        (200, &json!("CANCELLED"))
    );
    assert_eq!(answer.body["reversalRequired"], true);
}

#[tokio::test]
async fn what_ends_without_a_question_answers_the_initiation() {
    let running = Running::start().await;
    let body = sale();
    let (answer, ()) = tokio::join!(running.post("/v1/transaction/initiate", &body), async {
        let id = running.terminal.runs().await;
        let declined = Ending::Declined(DeclineReason::Card);
        running
            .terminal
            .end(&id, outcome(declined, ReversalState::None));
    });
    assert_eq!(
        (answer.status, &answer.body["status"]),
        (200, &json!("DECLINED"))
    );
    // And cannot be completed.
    let id = answer.body["transactionId"].as_str().expect("a name");
    let body = json!({"transactionId": id, "responseCode": "00"});
    let refused = running.post("/v1/transaction/complete", &body).await;
    refused.check_error(400, "INVALID_REQUEST");
    refused.check_field("transactionId", "granular");
}

#[tokio::test]
async fn what_granular_mode_does_not_do_is_refused_by_name() {
    let running = Running::start().await;
    for (body, code, field, constraint) in [
        (
            json!({"type": "CARD_READ", "amount": 0, "currency": "NZD"}),
            "INVALID_REQUEST",
            "type",
            "granular",
        ),
        (
            json!({"type": "VOID", "amount": 1, "currency": "NZD", "originalTransactionId": UNKNOWN_ID}),
            "INVALID_REQUEST",
            "type",
            "granular",
        ),
        (
            json!({"amount": 1, "currency": "NZD"}),
            "MISSING_FIELD",
            "type",
            "required",
        ),
        (
            json!({"type": "SALE", "amount": 1, "currency": "NZD", "allowPartialApproval": true}),
            "INVALID_REQUEST",
            "allowPartialApproval",
            "not",
        ),
        (
            json!({"type": "REFUND", "amount": 1, "currency": "NZD"}),
            "MISSING_FIELD",
            "originalTransactionId",
            "required",
        ),
    ] {
        let refused = running.post("/v1/transaction/initiate", &body).await;
        refused.check_error(400, code);
        refused.check_field(field, constraint);
    }
    let unknown = json!({"transactionId": UNKNOWN_ID, "responseCode": "00"});
    let refused = running.post("/v1/transaction/complete", &unknown).await;
    refused.check_error(404, "NOT_FOUND");
    assert_eq!(running.terminal.begun(), 0);
}

#[tokio::test]
async fn a_session_is_asked_and_decides() {
    let running = Running::start().await;
    let mut session = running.session().await;
    session
        .send(&json!({
            "action": "sale", "granular": true, "amount": 2500, "currency": "NZD",
            "idempotencyKey": "one",
        }))
        .await;
    let id = running.terminal.runs().await;
    let record = running.terminal.record(&id);
    assert_eq!(record.request.online_decision, OnlineDecision::PointOfSale);
    let early = json!({"action": "complete", "transactionId": id.as_str(), "responseCode": "00"});
    session.send(&early).await;
    assert_eq!(session.event().await["details"]["constraint"], "granular");
    running.terminal.ask(&id, question());
    let asked = session.event().await;
    assert_eq!(asked["event"], "online_authorization");
    assert_eq!(
        (&asked["amount"], &asked["currency"]),
        (&json!(2500), &json!("NZD"))
    );
    assert_eq!(asked["chipData"]["pinBlockFormat"], "ISO_0");
    // The same request over HTTP joins it.
    let joined = running
        .send(
            "POST",
            "/v1/transaction/initiate",
            &[("Idempotency-Key", "one")],
            &sale().to_string(),
        )
        .await;
    assert_eq!(joined.body["status"], "PENDING_ONLINE");
    assert_eq!(joined.body["chipData"], asked["chipData"]);
    let mut complete = decision(&id, "00");
    complete["action"] = "complete".into();
    session.send(&complete).await;
    while running.terminal.decisions().is_empty() {
        tokio::task::yield_now().await;
    }
    running.terminal.end(&id, approved());
    let result = session.event().await;
    assert_eq!(result["response"]["status"], "APPROVED");
    // A session that comes later is told that it was asked, and no more of the card.
    session.send(&complete).await;
    let again = session.event().await;
    assert_eq!(again["response"], result["response"]);
    assert_eq!(again.get("resumeToken"), None);
}
