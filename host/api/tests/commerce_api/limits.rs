//! Rate limits as a client meets them.

use api::{ApiKeys, Limits};
use serde_json::json;

use crate::client::{KEY, Running, UNKNOWN_ID};

async fn limited() -> Running {
    let keys = ApiKeys::from_keys([KEY, "sk_test_other"]);
    Running::start_configured(keys, |api| api.with_limits(Limits::reference())).await
}

#[tokio::test]
async fn one_who_asks_too_often_is_told_how_long_to_wait() {
    let running = limited().await;
    let path = format!("/v1/transaction/{UNKNOWN_ID}");
    let mut refused = None;
    for _ in 0..200 {
        let answer = running.get(&path).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        answer.check_error(404, "NOT_FOUND");
    }
    let refused = refused.expect("a refusal");
    refused.check_error(429, "RATE_LIMITED");
    refused.check_field("Retry-After", "minimum");
    let seconds = refused.header("Retry-After").expect("how long");
    assert!(
        (1..=60).contains(&seconds.parse::<u64>().expect("seconds")),
        "{seconds}"
    );
    assert_eq!(refused.body["details"]["value"].to_string(), seconds);

    // Other groups, the abort and other callers are not touched.
    assert_eq!(running.get("/v1/device/health").await.status, 200);
    running
        .post(&format!("{path}/abort"), &json!({}))
        .await
        .check_error(404, "NOT_FOUND");
    let other = [("X-Api-Key", "sk_test_other")];
    running
        .send("GET", &path, &other, "")
        .await
        .check_error(404, "NOT_FOUND");
}

#[tokio::test]
async fn actions_of_a_session_count_in_the_group_of_their_operation() {
    let running = limited().await;
    let mut session = running.session().await;
    // Not one of them is an action, and every one counts.
    for _ in 0..200 {
        session.send_text("[]").await;
        let refused = session.event().await;
        if refused["error"] == "RATE_LIMITED" {
            assert_eq!(refused["details"]["field"], "Retry-After", "{refused}");
            session
                .send(&json!({"action": "sale", "amount": 2500, "currency": "NZD"}))
                .await;
            assert_eq!(session.event().await["error"], "RATE_LIMITED");
            session
                .send(&json!({"action": "abort", "transactionId": UNKNOWN_ID}))
                .await;
            assert_eq!(session.event().await["error"], "NOT_FOUND");
            assert_eq!(running.terminal.begun(), 0);
            return;
        }
        assert_eq!(refused["error"], "INVALID_REQUEST", "{refused}");
    }
    panic!("nothing is limited");
}

#[tokio::test]
async fn who_is_not_let_in_is_not_counted() {
    let running = limited().await;
    for _ in 0..50 {
        let wrong = [("X-Api-Key", "wrong")];
        running
            .send("GET", "/v1/device/health", &wrong, "")
            .await
            .check_error(401, "UNAUTHORIZED");
    }
    assert_eq!(running.get("/v1/device/health").await.status, 200);
}
