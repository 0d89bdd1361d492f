//! The version of the API, what is counted, and what is logged.

use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tracing_subscriber::fmt::MakeWriter;

use crate::client::{KEY, Running, UNKNOWN_ID, head};

const HEALTH: &str = "/v1/device/health";

#[tokio::test]
async fn every_answer_names_the_version_and_another_is_refused() {
    let running = Running::start().await;
    for path in [HEALTH, "/v1/nothing"] {
        let answer = running.get(path).await;
        assert_eq!(answer.header("Atlas-API-Version"), Some("2026-04-09"));
    }
    let pinned = [("Atlas-API-Version", "2026-04-09")];
    assert_eq!(running.send("GET", HEALTH, &pinned, "").await.status, 200);
    for other in ["2026-03-01", "2026-04-10", "", "latest"] {
        let answer = running
            .send("GET", HEALTH, &[("Atlas-API-Version", other)], "")
            .await;
        answer.check_error(400, "INVALID_REQUEST");
        answer.check_field("Atlas-API-Version", "enum");
        assert_eq!(answer.body["details"]["value"], other);
        assert_eq!(answer.header("Atlas-API-Version"), Some("2026-04-09"));
    }
}

/// The metrics, as text.
async fn metrics(running: &Running) -> String {
    let mut stream = TcpStream::connect(running.address)
        .await
        .expect("a connection");
    let request = head("GET", "/metrics", &[], 0);
    stream.write_all(request.as_bytes()).await.expect("taken");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("an answer");
    assert!(
        text.contains("content-type: text/plain; version=0.0.4"),
        "{text}"
    );
    text
}

#[tokio::test]
async fn answers_and_actions_are_counted() {
    let running = Running::start().await;
    running.get(HEALTH).await;
    running.get(HEALTH).await;
    running.get("/v1/4111111111111111").await;
    let wrong = [("X-Api-Key", "wrong")];
    running.send("GET", HEALTH, &wrong, "").await;
    let mut session = running.session().await;
    session
        .send(&json!({"action": "abort", "transactionId": UNKNOWN_ID}))
        .await;
    session.event().await;
    let text = metrics(&running).await;
    for line in [
        "tenon_http_requests_total{operation=\"getDeviceHealth\",status=\"200\"} 2",
        "tenon_http_requests_total{operation=\"getDeviceHealth\",status=\"401\"} 1",
        "tenon_http_requests_total{operation=\"none\",status=\"404\"} 1",
        "tenon_http_requests_total{operation=\"openSession\",status=\"101\"} 1",
        "tenon_http_request_duration_seconds_count{operation=\"getDeviceHealth\"} 3",
        "tenon_session_actions_total{operation=\"abortTransaction\",result=\"NOT_FOUND\"} 1",
        "tenon_sessions_open 1",
        "tenon_terminal_ready 1",
        "tenon_awaiting_acquirer 1",
        "tenon_damaged_entries 2",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
    assert!(!text.contains("4111111"), "{text}");
}

#[tokio::test]
async fn metrics_need_a_key_that_may_read() {
    let running = Running::start().await;
    running
        .send("GET", "/metrics", &[("X-Api-Key", "(none)")], "")
        .await
        .check_error(401, "UNAUTHORIZED");
}

/// What was logged.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'writer> MakeWriter<'writer> for Logged {
    type Writer = Self;

    fn make_writer(&'writer self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_request_is_one_line_without_key_query_or_card() {
    let logged = Logged::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(logged.clone())
        .finish();
    // Every thread's: where one thread alone listens, what another meets first is silent for ever. So
    // the other tests' lines are here too, and none of them may show what these must not.
    tracing::subscriber::set_global_default(subscriber).expect("the only one");
    let running = Running::start().await;
    let answer = running
        .get(&format!("/v1/transaction/4111111111111111?apiKey={KEY}"))
        .await;
    let name = answer
        .header("X-Request-Id")
        .expect("a name")
        .to_ascii_uppercase();
    running
        .send(
            "GET",
            "/4111111111111111",
            &[("Authorization", "Bearer 4111111111111111")],
            "",
        )
        .await;
    let session = running.session().await;
    drop(session);

    let text = String::from_utf8(logged.0.lock().expect("not poisoned").clone()).expect("UTF-8");
    assert!(!text.contains(KEY), "a key is logged");
    assert!(
        !text.contains("4111"),
        "what a client put into a path is logged"
    );
    let line = text
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find(|line| {
            let id = line["fields"]["request_id"].as_str().unwrap_or_default();
            line["fields"]["message"] == "answered" && id.to_ascii_uppercase() == name
        })
        .expect("the request's line");
    assert_eq!(line["fields"]["operation"], "getTransaction");
    assert_eq!(line["fields"]["status"], 404);
    assert!(line["fields"]["milliseconds"].is_u64(), "{line}");
}
