//! Requests that are refused: the seed's error, with the field, and nothing started.

use serde_json::{Value, json};

use crate::{terminal::API_KEY, world::World};

const SALE: &str = "/v1/transaction/sale";

#[test]
fn a_bad_request_is_refused_with_its_field() {
    let world = World::new(Some("visa-credit"));
    let with = |field: &str, value: Value| {
        let mut body = json!({ "type": "SALE", "amount": 2500, "currency": "NZD" });
        body[field] = value;
        body
    };
    for (body, code, field) in [
        (with("amount", json!(-1)), "INVALID_AMOUNT", "amount"),
        (with("amount", json!(0)), "INVALID_AMOUNT", "amount"),
        (
            with("amount", json!(9_223_372_036_854_775_808_u64)),
            "INVALID_AMOUNT",
            "amount",
        ),
        (
            with("currency", json!("XYZ")),
            "INVALID_CURRENCY",
            "currency",
        ),
        (
            with("currency", json!("EUR")),
            "INVALID_CURRENCY",
            "currency",
        ),
        (with("type", json!("SAIL")), "INVALID_REQUEST", "type"),
        (
            with("entryMode", json!("TELEPATHY")),
            "INVALID_REQUEST",
            "entryMode",
        ),
        (
            with("referenceId", json!("x".repeat(65))),
            "INVALID_REQUEST",
            "referenceId",
        ),
        (
            json!({ "type": "SALE", "currency": "NZD" }),
            "MISSING_FIELD",
            "amount",
        ),
        (
            json!({ "type": "SALE", "amount": 2500 }),
            "MISSING_FIELD",
            "currency",
        ),
    ] {
        let (status, answer) = world.terminal.post(SALE, &body, None).expect("an answer");
        assert_eq!(status, 400, "{body}: {answer}");
        assert_eq!(answer["error"], code, "{body}: {answer}");
        assert_eq!(answer["details"]["field"], field, "{body}: {answer}");
        assert!(
            answer["requestId"]
                .as_str()
                .is_some_and(|id| id.starts_with("req_")),
            "{answer}"
        );
    }
    assert_eq!(
        world.acquirer.ledger().messages().len(),
        0,
        "nothing was sent"
    );
}

#[test]
fn what_is_no_json_or_too_long_is_refused() {
    let mut world = World::new(Some("visa-credit"));
    let long = vec![b' '; 10 * 1024 * 1024];
    for (bytes, statuses) in [
        (&b"{\"type\":\"SALE\",\"amo"[..], &[400][..]),
        (b"", &[400]),
        (b"\xFF\xFE", &[400]),
        (b"[]", &[400]),
        (&long, &[400, 413]),
    ] {
        let answer = world.terminal.post_bytes(SALE, bytes, Some(API_KEY));
        // A body of ten megabytes may be cut off before it was sent whole.
        if let Some((status, body)) = answer {
            assert!(statuses.contains(&status), "{status} {body}");
            assert_eq!(body["error"], "INVALID_REQUEST", "{body}");
        } else {
            assert!(bytes.len() > 1024, "no answer to {bytes:?}");
        }
    }
    world.check_that_the_next_sale_works();
}

#[test]
fn a_missing_or_wrong_key_opens_nothing() {
    let world = World::new(Some("visa-credit"));
    let body = br#"{"type":"SALE","amount":2500,"currency":"NZD"}"#;
    for key in [None, Some(""), Some("sk_test_wrong"), Some(&API_KEY[1..])] {
        let (status, answer) = world
            .terminal
            .post_bytes(SALE, body, key)
            .expect("an answer");
        assert_eq!(
            (status, &answer["error"]),
            (401, &json!("UNAUTHORIZED")),
            "{answer}"
        );
    }
    assert_eq!(world.charged(), 0);
}

#[test]
fn an_abort_ends_a_sale_that_waits_for_a_card() {
    let mut world = World::new(None);
    let answer = std::thread::scope(|scope| {
        let selling = scope.spawn(|| world.terminal.sale(2500, "aborted"));
        world.wait_until("the request for a card", |world| {
            world
                .terminal
                .get("/emulator/screen")
                .is_some_and(|(_, screen)| screen["lines"].to_string().contains("NZD 25.00"))
        });
        let (status, busy) = world.terminal.sale(100, "second").expect("an answer");
        assert_eq!(
            (status, &busy["error"]),
            (409, &json!("TERMINAL_BUSY")),
            "{busy}"
        );
        let running = busy["details"]["transactionId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let path = format!("/v1/transaction/{running}/abort");
        let (status, aborted) = world
            .terminal
            .post(&path, &json!({}), None)
            .expect("an answer");
        assert_eq!(
            (status, &aborted["status"]),
            (200, &json!("CANCELLED")),
            "{aborted}"
        );
        selling.join().expect("no panic")
    });
    let (status, body) = answer.expect("the terminal answers");
    assert_eq!(
        (status, &body["status"]),
        (200, &json!("CANCELLED")),
        "{body}"
    );
    assert_eq!(world.charged(), 0);
    world.check_that_the_next_sale_works();
}
