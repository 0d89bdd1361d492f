//! Sessions that go on where their client was: each event once, in order, or a plain refusal.

use serde_json::{Value, json};
use terminal_host::service::Progress;
use tokio_tungstenite::{connect_async, tungstenite::protocol::frame::coding::CloseCode};

use crate::{
    client::{KEY, Running, Session, sale},
    fake_terminal::approved,
};

const LOG: &str = "0123456789abcdef";

/// Ends a sale over HTTP after these steps.
async fn sell(running: &Running, steps: usize) {
    let answer = running.sale_with_key(&ulid::Ulid::new().to_string(), &sale());
    let id = running.terminal.runs().await;
    for _ in 0..steps {
        running.terminal.progress(&id, Progress::Authorising);
    }
    running.terminal.end(&id, approved());
    assert_eq!(answer.await.expect("an answer").status, 200);
}

async fn resumed(running: &Running, token: &str) -> Session {
    let url = format!(
        "ws://{}/v1/session?apiKey={KEY}&resumeToken={token}",
        running.address
    );
    Session(connect_async(url).await.expect("a session").0)
}

fn token(event: &Value) -> &str {
    event["resumeToken"].as_str().expect("a token")
}

async fn events(session: &mut Session, count: usize) -> Vec<Value> {
    let mut events = Vec::new();
    for _ in 0..count {
        events.push(session.event().await);
    }
    events
}

#[tokio::test]
async fn a_client_that_was_away_sees_what_it_missed_once_and_in_order() {
    let running = Running::start().await;
    let mut watcher = running.session().await;
    for steps in [2, 0, 70] {
        sell(&running, steps).await;
    }
    let all = events(&mut watcher, 75).await;
    // From every place that it may have been at, over more than one reading of the log.
    for (seen, last) in all.iter().enumerate() {
        let mut session = resumed(&running, token(last)).await;
        let opened = session.event().await;
        let expected = json!({"event": "session_opened", "resumeToken": token(last)});
        assert_eq!(opened, expected);
        let missed = events(&mut session, all.len() - seen - 1).await;
        let expected = all.get(seen + 1..).expect("the rest");
        // The request's name in an error is each answer's own; there is none here.
        assert_eq!(missed, expected, "after {seen}");
    }
    // And it goes on with what happens then.
    let mut session = resumed(&running, token(all.last().expect("events"))).await;
    assert_eq!(session.event().await["event"], "session_opened");
    sell(&running, 1).await;
    let live = events(&mut session, 2).await;
    assert_eq!(live, events(&mut watcher, 2).await);
}

#[tokio::test]
async fn a_client_has_a_token_before_the_first_event() {
    let running = Running::start().await;
    sell(&running, 0).await;
    let mut session = resumed(&running, "new").await;
    let opened = session.event().await;
    assert_eq!(
        opened,
        json!({"event": "session_opened", "resumeToken": format!("rt_{LOG}_1")})
    );
    let url = format!("ws://{}/v1/session?apiKey={KEY}", running.address);
    let (_socket, answer) = connect_async(url).await.expect("a session");
    let header = answer.headers().get("Atlas-Resume-Token").expect("a token");
    assert_eq!(header.to_str().ok(), opened["resumeToken"].as_str());
}

#[tokio::test]
async fn a_token_that_cannot_be_honoured_is_refused_and_the_session_closed() {
    let running = Running::start().await;
    for _ in 0..3 {
        sell(&running, 0).await;
    }
    running.terminal.forget(2);
    for (token, constraint) in [
        // What comes after it is not kept.
        (format!("rt_{LOG}_0"), "kept"),
        (format!("rt_{LOG}_1"), "kept"),
        // What was never told, in this log.
        (format!("rt_{LOG}_4"), "exists"),
        ("rt_fedcba9876543210_3".to_owned(), "exists"),
        ("3".to_owned(), "exists"),
    ] {
        let mut session = resumed(&running, &token).await;
        let refused = session.event().await;
        assert_eq!(
            (refused["event"].as_str(), refused["error"].as_str()),
            (Some("error"), Some("NOT_FOUND")),
            "{token}"
        );
        let details = &refused["details"];
        assert_eq!(details["field"], "resumeToken", "{token}");
        assert_eq!(details["constraint"], constraint, "{token}");
        assert_eq!(session.close_code().await, CloseCode::Policy);
    }
    // The last one seen, and what comes after it, is kept.
    let mut session = resumed(&running, &format!("rt_{LOG}_2")).await;
    assert_eq!(session.event().await["event"], "session_opened");
    assert_eq!(token(&session.event().await), format!("rt_{LOG}_3"));
}

#[tokio::test]
async fn an_action_with_a_key_starts_one_transaction_over_any_number_of_sessions() {
    let running = Running::start().await;
    let action = json!({
        "action": "sale", "amount": 2500, "currency": "NZD", "idempotencyKey": "one",
    });
    let mut session = running.session().await;
    session.send(&action).await;
    let id = running.terminal.runs().await;
    drop(session);
    // It runs: the second session joins it.
    let mut second = running.session().await;
    second.send(&action).await;
    second.send(&json!({"action": "ping"})).await;
    assert_eq!(second.event().await, json!({"event": "pong"}));
    running.terminal.end(&id, approved());
    let result = second.event().await;
    // It has ended: the third is told, with no token, since it may see the event itself.
    let mut third = running.session().await;
    third.send(&action).await;
    let told = third.event().await;
    assert_eq!(told.get("resumeToken"), None);
    assert_eq!(told["response"], result["response"]);
    // The same key over HTTP is the same sale, and another body under it a conflict.
    let answer = running
        .sale_with_key("one", &sale())
        .await
        .expect("an answer");
    assert_eq!(answer.body, result["response"]);
    third
        .send(&json!({"action": "sale", "amount": 1, "currency": "NZD", "idempotencyKey": "one"}))
        .await;
    let conflict = third.event().await;
    assert_eq!(conflict["error"], "IDEMPOTENCY_CONFLICT");
    assert_eq!(conflict["details"]["field"], "idempotencyKey", "{conflict}");
    assert_eq!(running.terminal.begun(), 1);
}

#[tokio::test]
async fn a_client_that_reads_too_slowly_is_dropped_and_resumes() {
    const STEPS: usize = 60_000;
    let running = Running::start().await;
    let mut slow = running.session().await;
    let answer = running.sale_with_key("one", &sale());
    let id = running.terminal.runs().await;
    // More than lies between the two, and longer unread than the terminal waits.
    for _ in 0..STEPS {
        running.terminal.progress(&id, Progress::Authorising);
    }
    tokio::time::sleep(std::time::Duration::from_secs(7)).await;
    let mut last = None;
    let mut seen = 0;
    while let Ok(Some(event)) = slow.event_or_end().await {
        last = Some(token(&event).to_owned());
        seen += 1;
    }
    assert!((1..STEPS).contains(&seen), "{seen}");
    running.terminal.end(&id, approved());
    assert_eq!(answer.await.expect("an answer").body["status"], "APPROVED");
    let mut session = resumed(&running, &last.expect("a token")).await;
    assert_eq!(session.event().await["event"], "session_opened");
    for _ in seen..STEPS {
        assert_eq!(session.event().await["event"], "processing");
    }
    assert_eq!(session.event().await["event"], "result");
}
