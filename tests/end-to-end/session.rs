//! The session sees what happens, in order.

use futures_util::StreamExt as _;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::{terminal::API_KEY, world::World};

#[test]
fn a_session_sees_a_sale_that_was_started_elsewhere() {
    let mut world = World::new(Some("visa-credit"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("one");
    let address = world.terminal.url().replace("http://", "ws://");
    let url = format!("{address}/v1/session?apiKey={API_KEY}");
    let (mut session, _) = runtime
        .block_on(tokio_tungstenite::connect_async(url))
        .expect("the session opens");
    let (status, answer) = world.sale(2500);
    assert_eq!(status, 200, "{answer}");
    let mut seen = Vec::new();
    let result = loop {
        let message = runtime
            .block_on(session.next())
            .expect("an event")
            .expect("a message");
        if let Message::Text(text) = message {
            let event: Value = serde_json::from_str(&text).expect("JSON");
            let name = event["event"].as_str().expect("a name").to_owned();
            if name == "result" {
                break event;
            }
            seen.push(name);
        }
    };
    seen.dedup();
    assert_eq!(seen, ["waiting_for_card", "card_detected", "processing"]);
    assert_eq!(
        result["response"], answer,
        "the session's result is the request's answer"
    );
}
