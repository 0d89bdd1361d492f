//! The WebSocket: events in order, several watchers, refusals, clients that go away.

use futures_util::SinkExt;
use serde_json::{Value, json};
use terminal_host::{
    service::Progress,
    transaction::{Ending, EntryMode, Failure, ReversalState, Scheme, TransactionId},
};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest, protocol::frame::coding::CloseCode},
};

use crate::{
    client::{KEY, Running, UNKNOWN_ID},
    fake_terminal::{approved, outcome},
};

fn sale_action() -> Value {
    json!({"action": "sale", "amount": 2500, "currency": "NZD"})
}

fn play(running: &Running, id: &TransactionId) {
    running.terminal.progress(id, Progress::WaitingForCard);
    running.terminal.progress(
        id,
        Progress::CardDetected {
            entry_mode: EntryMode::Contact,
            scheme: Scheme::Visa,
            masked_pan: "************1234".into(),
        },
    );
    running.terminal.progress(id, Progress::Authorising);
    running.terminal.end(id, approved());
}

#[tokio::test]
async fn every_watcher_sees_every_event_in_order() {
    let running = Running::start().await;
    let mut first = running.session().await;
    let mut second = running.session().await;
    first.send(&sale_action()).await;
    let id = running.terminal.runs().await;
    play(&running, &id);
    for session in [&mut first, &mut second] {
        let waiting = session.event().await;
        assert_eq!(
            waiting,
            json!({
                "event": "waiting_for_card", "transactionId": id.as_str(), "message": "Present card",
                "resumeToken": "rt_0123456789abcdef_1",
            })
        );
        let detected = session.event().await;
        assert_eq!(
            detected,
            json!({
                "event": "card_detected", "transactionId": id.as_str(), "entryMode": "CONTACT",
                "scheme": "VISA", "maskedPan": "****1234", "resumeToken": "rt_0123456789abcdef_2",
            })
        );
        let processing = session.event().await;
        assert_eq!(
            processing,
            json!({
                "event": "processing", "transactionId": id.as_str(), "message": "Authorizing",
                "resumeToken": "rt_0123456789abcdef_3",
            })
        );
        let result = session.event().await;
        assert_eq!(result["event"], "result");
        assert_eq!(result["response"]["status"], "APPROVED");
        assert_eq!(result.get("error"), None);
    }
}

#[tokio::test]
async fn a_sale_over_http_is_seen_with_the_same_answer() {
    let running = Running::start().await;
    let mut session = running.session().await;
    let (_, answer) = running.sale_ending(approved()).await;
    let result = session.event().await;
    let token = "rt_0123456789abcdef_1";
    assert_eq!(
        result,
        json!({"event": "result", "response": answer.body, "resumeToken": token})
    );
}

#[tokio::test]
async fn a_failure_ends_with_a_result_that_explains_itself() {
    let running = Running::start().await;
    let mut session = running.session().await;
    session.send(&sale_action()).await;
    let id = running.terminal.runs().await;
    running.terminal.end(
        &id,
        outcome(Ending::Failed(Failure::AnswerLost), ReversalState::Pending),
    );
    let result = session.event().await;
    assert_eq!(result["event"], "result");
    assert_eq!(result["response"]["status"], "ERROR");
    assert_eq!(result["error"]["error"], "TIMEOUT");
    assert_eq!(result["error"]["details"]["transactionId"], id.as_str());
}

#[tokio::test]
async fn refused_actions_are_error_events_of_their_own_session() {
    let running = Running::start().await;
    let mut session = running.session().await;
    let mut other = running.session().await;
    let cases = [
        ("{", "INVALID_REQUEST"),
        ("[]", "INVALID_REQUEST"),
        (
            "{\"action\":\"sale\",\"action\":\"sale\"}",
            "INVALID_REQUEST",
        ),
        ("{\"action\":\"display\",\"lines\":[]}", "INVALID_REQUEST"),
        ("{\"action\":\"complete\"}", "MISSING_FIELD"),
        ("{\"action\":\"dance\"}", "INVALID_REQUEST"),
        (
            "{\"action\":\"sale\",\"amount\":0,\"currency\":\"NZD\"}",
            "INVALID_AMOUNT",
        ),
        (
            "{\"action\":\"sale\",\"amount\":1,\"currency\":\"EUR\"}",
            "INVALID_CURRENCY",
        ),
        (
            "{\"action\":\"sale\",\"currency\":\"NZD\"}",
            "MISSING_FIELD",
        ),
        ("{\"action\":\"abort\"}", "MISSING_FIELD"),
    ];
    for (text, code) in cases {
        session.send_text(text).await;
        let event = session.event().await;
        assert_eq!(
            (event["event"].as_str(), event["error"].as_str()),
            (Some("error"), Some(code))
        );
        assert!(
            event["requestId"]
                .as_str()
                .is_some_and(|id| id.starts_with("req_")),
            "{event}"
        );
        assert!(event["details"].is_object(), "{event}");
    }
    session
        .send(&json!({"action": "abort", "transactionId": UNKNOWN_ID}))
        .await;
    assert_eq!(session.event().await["error"], "NOT_FOUND");
    assert_eq!(running.terminal.begun(), 0);
    // The session lives on, and the other one has seen none of this.
    let (id, _) = running.sale_ending(approved()).await;
    for session in [&mut session, &mut other] {
        assert_eq!(
            session.event().await["response"]["transactionId"],
            id.as_str()
        );
    }
}

#[tokio::test]
async fn a_session_aborts_and_is_told_when_it_is_too_late() {
    let running = Running::start().await;
    let mut session = running.session().await;
    session.send(&sale_action()).await;
    let id = running.terminal.runs().await;
    session.send(&sale_action()).await;
    let busy = session.event().await;
    assert_eq!(busy["error"], "TERMINAL_BUSY");
    assert_eq!(busy["details"]["transactionId"], id.as_str());
    let abort = json!({"action": "abort", "transactionId": id.as_str()});
    for _ in 0..2 {
        session.send(&abort).await;
        let result = session.event().await;
        assert_eq!(result["response"]["status"], "CANCELLED");
    }
    session.send(&sale_action()).await;
    let id = running.terminal.runs().await;
    running.terminal.pass_abort();
    session
        .send(&json!({"action": "abort", "transactionId": id.as_str()}))
        .await;
    let late = session.event().await;
    assert_eq!(
        (late["event"].as_str(), late["error"].as_str()),
        (Some("error"), Some("TERMINAL_BUSY"))
    );
}

#[tokio::test]
async fn the_transaction_goes_on_without_its_session() {
    let running = Running::start().await;
    let mut session = running.session().await;
    session.send(&sale_action()).await;
    let id = running.terminal.runs().await;
    drop(session);
    let mut later = running.session().await;
    play(&running, &id);
    assert_eq!(later.event().await["event"], "waiting_for_card");
    let answer = running
        .get(&format!("/v1/transaction/{}", id.as_str()))
        .await;
    assert_eq!(answer.body["status"], "APPROVED");
}

#[tokio::test]
async fn messages_out_of_shape_close_the_session_with_a_code() {
    let running = Running::start().await;
    let mut session = running.session().await;
    session
        .send_text(&"x".repeat(api::MESSAGE_BYTES_MAX + 1))
        .await;
    assert_eq!(session.close_code().await, CloseCode::Size);
    let mut session = running.session().await;
    session
        .0
        .send(Message::binary(vec![0_u8; 3]))
        .await
        .expect("the message is taken");
    assert_eq!(session.close_code().await, CloseCode::Unsupported);
}

#[tokio::test]
async fn the_key_opens_a_session_in_the_header_too() {
    let running = Running::start().await;
    let url = format!("ws://{}/v1/session", running.address);
    let mut request = url.as_str().into_client_request().expect("a request");
    request
        .headers_mut()
        .insert("X-Api-Key", KEY.parse().expect("a value"));
    let (_socket, answer) = connect_async(request).await.expect("a session");
    assert!(answer.headers().contains_key("X-Request-Id"));
    assert!(connect_async(url).await.is_err(), "no key, no session");
}

#[tokio::test]
async fn a_plain_request_is_told_that_this_is_a_websocket() {
    let running = Running::start().await;
    let answer = running.get("/v1/session").await;
    answer.check_error(426, "INVALID_REQUEST");
    assert_eq!(answer.header("Upgrade"), Some("websocket"));
}

#[tokio::test]
async fn sessions_are_bounded_in_all_and_for_each_caller() {
    let keys: Vec<_> = (0..=api::SESSIONS_MAX / api::SESSIONS_PER_CALLER_MAX)
        .map(|number| format!("sk_test_{number}"))
        .collect();
    let all = api::ApiKeys::from_keys(keys.iter().map(String::as_str));
    let running = Running::start_configured(all, |api| api).await;
    let url = |key: &str| format!("ws://{}/v1/session?apiKey={key}", running.address);
    let mut sessions = Vec::new();
    let (last, full) = keys.split_last().expect("keys");
    for key in full {
        for _ in 0..api::SESSIONS_PER_CALLER_MAX {
            sessions.push(running.session_with_key(key).await);
        }
        let Err(refused) = connect_async(url(key)).await else {
            panic!("one session too many")
        };
        assert!(refused.to_string().contains("429"), "{refused}");
    }
    assert!(
        connect_async(url(last)).await.is_err(),
        "one in all too many"
    );
    let path = format!("/v1/session?apiKey={last}");
    let upgrade = [
        ("X-Api-Key", "(none)"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Content-Length", "(none)"),
    ];
    let head = crate::client::head("GET", &path, &upgrade, 0);
    // One that is refused stays a connection of HTTP; a second request ends it.
    let end = crate::client::head("GET", "/nothing", &[], 0);
    let refused = running.send_raw(format!("{head}{end}").as_bytes()).await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(refused.header("Retry-After"), Some("5"));
    sessions.pop();
    let mut tries = 0;
    while connect_async(url(last)).await.is_err() {
        tries += 1;
        assert!(tries < 100, "the place is not given back");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_shutdown_closes_sessions_and_the_server() {
    let running = Running::start().await;
    let mut session = running.session().await;
    running.shutdown.send_replace(true);
    assert_eq!(session.close_code().await, CloseCode::Away);
    running.server.await.expect("the server ends");
}
