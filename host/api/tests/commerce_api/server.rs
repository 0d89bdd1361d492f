//! Connections that keep silent, and shutting down with a request in progress.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use api::CONNECTIONS_MAX;
use axum::{Router, routing::get};

use crate::{
    client::{Answer, Running, sale},
    fake_terminal::approved,
};

#[tokio::test]
async fn half_a_head_is_cut_off_and_others_are_served() {
    let running = Running::start().await;
    let mut silent = TcpStream::connect(running.address)
        .await
        .expect("a connection");
    silent
        .write_all(b"POST /v1/transaction/sale HTTP/1.1\r\nHost:")
        .await
        .expect("taken");
    assert_eq!(running.get("/v1/device/health").await.status, 200);
    let mut rest = Vec::new();
    let cut = tokio::time::timeout(Duration::from_secs(15), silent.read_to_end(&mut rest)).await;
    assert!(cut.is_ok(), "the connection is still open");
    Answer::parse(&String::from_utf8_lossy(&rest)).check_error(408, "TIMEOUT");
}

#[tokio::test]
async fn a_connection_that_asks_nothing_more_ends_without_an_answer() {
    let running = Running::start().await;
    let mut idle = TcpStream::connect(running.address)
        .await
        .expect("a connection");
    let request = b"GET /v1/nothing HTTP/1.1\r\nHost: terminal\r\n\r\n";
    idle.write_all(request).await.expect("taken");
    let mut all = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(15), idle.read_to_end(&mut all)).await;
    assert!(ended.is_ok(), "the connection is still open");
    let all = String::from_utf8_lossy(&all);
    assert_eq!(all.matches("HTTP/1.1").count(), 1, "{all}");
}

#[tokio::test]
async fn a_head_out_of_bounds_is_answered_with_the_envelope() {
    let running = Running::start().await;
    let long = "x".repeat(40 * 1024);
    let many = "X-Many: 1\r\n".repeat(100);
    let cases = [
        (
            format!("GET /{long} HTTP/1.1\r\nHost: terminal\r\n\r\n"),
            [414, 431],
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: terminal\r\nX-Long: {long}\r\n\r\n"),
            [431, 431],
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: terminal\r\n{many}\r\n"),
            [431, 431],
        ),
        (
            "GET / HTTP/3.9\r\nHost: terminal\r\n\r\n".to_owned(),
            [400, 400],
        ),
        ("GET\r\n\r\n".to_owned(), [400, 400]),
    ];
    for (request, statuses) in cases {
        let answer = running.send_raw(request.as_bytes()).await;
        assert!(statuses.contains(&answer.status), "{answer:?}");
        answer.check_error(answer.status, "INVALID_REQUEST");
    }
    assert_eq!(running.get("/v1/device/health").await.status, 200);
}

#[tokio::test]
async fn half_a_body_is_answered_with_a_timeout() {
    let running = Running::start().await;
    let length = [("Content-Length", "100")];
    let answer = running
        .send("POST", "/v1/transaction/sale", &length, "{")
        .await;
    answer.check_error(408, "TIMEOUT");
    assert_eq!(running.terminal.begun(), 0);
}

#[tokio::test]
async fn what_is_not_http_ends_its_own_connection() {
    let running = Running::start().await;
    let answer = running
        .send_raw(b"\x16\x03\x01\x02\x00 not HTTP\r\n\r\n")
        .await;
    answer.check_error(400, "INVALID_REQUEST");
    let newer = running.send_raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    newer.check_error(400, "INVALID_REQUEST");
    assert_eq!(running.get("/v1/device/health").await.status, 200);
}

#[tokio::test]
async fn a_shutdown_lets_a_request_in_progress_finish() {
    let running = Running::start().await;
    let request = running.sale_with_key("one", &sale());
    let id = running.terminal.runs().await;
    running.shutdown.send_replace(true);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(
        TcpStream::connect(running.address).await.is_err(),
        "no new connections"
    );
    running.terminal.end(&id, approved());
    assert_eq!(request.await.expect("an answer").body["status"], "APPROVED");
    running.server.await.expect("the server ends");
}

#[tokio::test]
async fn an_embedder_may_add_paths_of_its_own() {
    let own = Router::new().route("/emulator/screen", get(async || "IDLE"));
    let running = Running::start_with(|router| router.merge(own)).await;
    assert_eq!(running.get("/emulator/screen").await.status, 200);
    running
        .get("/emulator/nothing")
        .await
        .check_error(404, "NOT_FOUND");
    running
        .send("DELETE", "/v1/device/health", &[], "")
        .await
        .check_error(405, "INVALID_REQUEST");
}

#[tokio::test]
async fn a_client_that_reads_nothing_loses_its_place() {
    let running = Running::start().await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(2048).expect("a small buffer");
    let mut stream = socket.connect(running.address).await.expect("served");
    let request = b"GET /v1/device/health HTTP/1.1\r\nHost: terminal\r\n\r\n".repeat(100);
    // Its answers fill every buffer on the way; then nothing of it is read any more.
    let asking = async { while stream.write_all(&request).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(20), asking)
        .await
        .expect("the connection ends");
    assert_eq!(running.get("/v1/device/health").await.status, 200);
}

#[tokio::test]
async fn silent_connections_do_not_shut_out_who_asks() {
    let running = Running::start().await;
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        let stream = TcpStream::connect(running.address).await;
        silent.push(stream.expect("a connection"));
    }
    let began = Instant::now();
    assert_eq!(running.get("/v1/device/health").await.status, 200);
    let waited = began.elapsed();
    assert!(waited < Duration::from_secs(5), "{waited:?}");
}
