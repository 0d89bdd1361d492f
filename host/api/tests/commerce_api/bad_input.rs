//! Whatever a client sends, it gets the envelope, and nothing is started.

use serde_json::{Value, json};
use terminal_host::service::BeginError;

use crate::client::{Running, UNKNOWN_ID, sale};

const SALE: &str = "/v1/transaction/sale";

fn sale_with(changes: Value) -> Value {
    let mut body = sale();
    let Value::Object(changes) = changes else {
        panic!("an object")
    };
    body.as_object_mut().expect("an object").extend(changes);
    body
}

#[tokio::test]
async fn wrong_fields_are_named() {
    let running = Running::start().await;
    let cases = [
        (json!({"amount": -1}), "INVALID_AMOUNT", "amount", "minimum"),
        (json!({"amount": 0}), "INVALID_AMOUNT", "amount", "minimum"),
        (
            json!({"amount": 1_u64 << 63}),
            "INVALID_AMOUNT",
            "amount",
            "maximum",
        ),
        (
            json!({"amount": 1_000_001}),
            "INVALID_AMOUNT",
            "amount",
            "maximum",
        ),
        (json!({"amount": 25.5}), "INVALID_AMOUNT", "amount", "type"),
        (
            json!({"amount": "2500"}),
            "INVALID_AMOUNT",
            "amount",
            "type",
        ),
        (
            json!({"amount": null}),
            "MISSING_FIELD",
            "amount",
            "required",
        ),
        (
            json!({"currency": "EUR"}),
            "INVALID_CURRENCY",
            "currency",
            "enum",
        ),
        (
            json!({"currency": "???"}),
            "INVALID_CURRENCY",
            "currency",
            "pattern",
        ),
        (json!({"type": "CASH"}), "INVALID_REQUEST", "type", "enum"),
        (json!({"type": "VOID"}), "INVALID_REQUEST", "type", "const"),
        (
            json!({"entryMode": "SWIPE"}),
            "INVALID_REQUEST",
            "entryMode",
            "enum",
        ),
        (
            json!({"tipAmout": 1}),
            "INVALID_REQUEST",
            "tipAmout",
            "additionalProperties",
        ),
    ];
    for (changes, code, field, constraint) in cases {
        let answer = running.post(SALE, &sale_with(changes.clone())).await;
        answer.check_error(400, code);
        answer.check_field(field, constraint);
        if let Some(value) = changes.get(field).filter(|value| !value.is_null()) {
            assert_eq!(&answer.body["details"]["value"], value);
        }
    }
    assert_eq!(running.terminal.begun(), 0);
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    let running = Running::start().await;
    let deep = "[".repeat(60_000);
    let bodies = [
        "",
        "{\"type\":\"SALE\",\"amount\":25",
        "{\"type\":\"SALE\",\"amount\":2500,\"amount\":1,\"currency\":\"NZD\"}",
        "{} {}",
        "amount=2500",
        "[]",
        "null",
        "\u{feff}{}",
        deep.as_str(),
    ];
    for body in bodies {
        let answer = running.send("POST", SALE, &[], body).await;
        answer.check_error(400, "INVALID_REQUEST");
    }
    let twice = running.send("POST", SALE, &[], bodies[2]).await;
    twice.check_field("amount", "uniqueKeys");
    assert_eq!(running.terminal.begun(), 0);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_answered_and_not_kept() {
    let running = Running::start().await;
    let body = format!("{{\"referenceId\":\"{}\"}}", "x".repeat(10 * 1024 * 1024));
    let answer = running.send("POST", SALE, &[], &body).await;
    answer.check_error(413, "INVALID_REQUEST");

    let chunk = format!("{:x}\r\n{}\r\n", 1 << 20, "x".repeat(1 << 20));
    let message = format!(
        "POST {SALE} HTTP/1.1\r\nHost: terminal\r\nX-Api-Key: {}\r\nContent-Type: application/json\r\n\
         Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        crate::client::KEY,
        chunk.repeat(10),
    );
    running
        .send_raw(message.as_bytes())
        .await
        .check_error(413, "INVALID_REQUEST");

    let waits = [("Expect", "100-continue"), ("Content-Length", "10485760")];
    running
        .send("POST", SALE, &waits, "")
        .await
        .check_error(413, "INVALID_REQUEST");
    assert_eq!(running.terminal.begun(), 0);
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let running = Running::start().await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "(none)",
    ] {
        let headers = [("Content-Type", content_type)];
        let answer = running
            .send("POST", SALE, &headers, &sale().to_string())
            .await;
        answer.check_error(415, "INVALID_REQUEST");
        answer.check_field("Content-Type", "const");
    }
    assert_eq!(running.terminal.begun(), 0);
}

#[tokio::test]
async fn without_the_right_key_nothing_is_answered() {
    let running = Running::start().await;
    let paths = [
        ("POST", SALE.to_owned()),
        ("GET", format!("/v1/transaction/{UNKNOWN_ID}")),
        ("POST", format!("/v1/transaction/{UNKNOWN_ID}/abort")),
        ("GET", "/v1/device/health".to_owned()),
        ("GET", "/v1/session".to_owned()),
        ("GET", "/v1/session?apiKey=wrong".to_owned()),
        (
            "GET",
            format!("/v1/device/health?apiKey={}", crate::client::KEY),
        ),
    ];
    for (method, path) in paths {
        for key in ["(none)", "wrong", ""] {
            let headers = [("X-Api-Key", key)];
            let answer = running
                .send(method, &path, &headers, &sale().to_string())
                .await;
            answer.check_error(401, "UNAUTHORIZED");
        }
    }
    assert_eq!(running.terminal.begun(), 0);
}

#[tokio::test]
async fn unknown_paths_methods_and_transactions_have_the_envelope() {
    let running = Running::start().await;
    running
        .get("/v1/nothing")
        .await
        .check_error(404, "NOT_FOUND");
    running.get("/").await.check_error(404, "NOT_FOUND");
    let answer = running.get(SALE).await;
    // A transaction's name could be `sale`, so far as the path tells: GET belongs to it.
    assert!(answer.status == 404 || answer.status == 405, "{answer:?}");
    let answer = running.send("DELETE", "/v1/device/health", &[], "").await;
    answer.check_error(405, "INVALID_REQUEST");
    assert!(
        answer
            .header("Allow")
            .is_some_and(|allow| allow.contains("get")),
        "{answer:?}"
    );
    for id in [UNKNOWN_ID, "txn_1", "1", "%ff", "..%2f"] {
        running
            .get(&format!("/v1/transaction/{id}"))
            .await
            .check_error(404, "NOT_FOUND");
        let path = format!("/v1/transaction/{id}/abort");
        running
            .post(&path, &json!({}))
            .await
            .check_error(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn an_idempotency_key_out_of_shape_is_refused() {
    let running = Running::start().await;
    let long = "k".repeat(256);
    for (key, constraint) in [
        ("", "minLength"),
        (long.as_str(), "maxLength"),
        ("a b", "pattern"),
    ] {
        let headers = [("Idempotency-Key", key)];
        let answer = running
            .send("POST", SALE, &headers, &sale().to_string())
            .await;
        answer.check_error(400, "INVALID_REQUEST");
        answer.check_field("Idempotency-Key", constraint);
    }
    assert_eq!(running.terminal.begun(), 0);
}

#[tokio::test]
async fn what_the_terminal_refuses_has_its_code() {
    let cases = [
        (BeginError::Busy, 409, "TERMINAL_BUSY"),
        (BeginError::CurrencyNotAccepted, 400, "INVALID_CURRENCY"),
        (BeginError::ShuttingDown, 503, "TERMINAL_UNAVAILABLE"),
        (BeginError::StorageFault, 500, "INTERNAL_ERROR"),
    ];
    for (error, status, code) in cases {
        let running = Running::start().await;
        running.terminal.refuse(error);
        running.post(SALE, &sale()).await.check_error(status, code);
    }
}

#[tokio::test]
async fn a_panic_costs_its_own_request_and_tells_nothing() {
    let running = Running::start().await;
    running.terminal.break_health();
    let answer = running.get("/v1/device/health").await;
    answer.check_error(500, "INTERNAL_ERROR");
    assert!(!answer.body.to_string().contains("4111"), "{answer:?}");
    running
        .get(&format!("/v1/transaction/{UNKNOWN_ID}"))
        .await
        .check_error(404, "NOT_FOUND");
}
