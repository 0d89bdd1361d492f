//! What a browser could be made to do, and what it is allowed to.

use std::net::{IpAddr, Ipv4Addr};

use api::{ApiKeys, WebRules};
use axum::{Router, routing::post};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{client::IntoClientRequest, http::HeaderValue},
};

use crate::client::{KEY, Running, sale};

const HEALTH: &str = "/v1/device/health";
const SALE: &str = "/v1/transaction/sale";
const TILL: &str = "https://till.example";

fn rules() -> WebRules {
    WebRules::new(IpAddr::V4(Ipv4Addr::LOCALHOST), ["sn000001.local"])
        .and_then(|rules| rules.with_origins([TILL]))
        .expect("valid rules")
}

async fn running() -> Running {
    Running::start_configured(ApiKeys::from_keys([KEY]), |api| api.with_web_rules(rules())).await
}

#[tokio::test]
async fn a_rebound_name_is_refused_on_every_path() {
    let running = running().await;
    for path in [HEALTH, SALE, "/v1/session", "/metrics", "/nothing"] {
        for method in ["GET", "POST", "OPTIONS"] {
            let headers = [("Host", "evil.example:8443")];
            let answer = running
                .send(method, path, &headers, &sale().to_string())
                .await;
            answer.check_error(403, "FORBIDDEN");
            answer.check_field("Host", "enum");
        }
    }
    assert_eq!(running.terminal.begun(), 0);
    let own = running.address.to_string();
    for host in [
        "terminal",
        "localhost:1",
        "SN000001.local:8443",
        own.as_str(),
    ] {
        let answer = running.send("GET", HEALTH, &[("Host", host)], "").await;
        assert_eq!(answer.status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_request_has_one_host_and_both_places_count() {
    let running = running().await;
    let cases = [
        ("GET / HTTP/1.1\r\n", "", 400, "INVALID_REQUEST"),
        (
            "GET / HTTP/1.1\r\n",
            "Host: terminal\r\nHost: evil.example\r\n",
            400,
            "INVALID_REQUEST",
        ),
        (
            "GET http://evil.example/ HTTP/1.1\r\n",
            "Host: terminal\r\n",
            403,
            "FORBIDDEN",
        ),
        (
            "GET http://terminal/ HTTP/1.1\r\n",
            "Host: evil.example\r\n",
            403,
            "FORBIDDEN",
        ),
    ];
    for (line, hosts, status, code) in cases {
        let request = format!("{line}{hosts}Connection: close\r\n\r\n");
        let answer = running.send_raw(request.as_bytes()).await;
        answer.check_error(status, code);
        answer.check_field("Host", if status == 400 { "required" } else { "enum" });
    }
}

#[tokio::test]
async fn a_foreign_page_gets_nothing() {
    let running = running().await;
    for origin in [
        "https://evil.example",
        "null",
        "https://till.example.evil.example",
        "",
    ] {
        let headers = [("Origin", origin), ("Content-Type", "text/plain")];
        let answer = running
            .send("POST", SALE, &headers, &sale().to_string())
            .await;
        answer.check_error(403, "FORBIDDEN");
        answer.check_field("Origin", "enum");
        assert_eq!(answer.header("Access-Control-Allow-Origin"), None);
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
        ];
        let answer = running.send("OPTIONS", SALE, &headers, "").await;
        answer.check_error(403, "FORBIDDEN");
        assert_eq!(answer.header("Access-Control-Allow-Origin"), None);
    }
    assert_eq!(running.terminal.begun(), 0);
}

#[tokio::test]
async fn an_allowed_page_asks_first_and_may_read_the_answer() {
    let running = running().await;
    let headers = [
        ("X-Api-Key", "(none)"),
        ("Origin", TILL),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "idempotency-key, x-api-key",
        ),
    ];
    let answer = running.send("OPTIONS", SALE, &headers, "").await;
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some(TILL));
    assert_eq!(answer.header("Access-Control-Allow-Credentials"), None);
    let allowed = answer
        .header("Access-Control-Allow-Headers")
        .expect("headers");
    for name in [
        "authorization",
        "content-type",
        "idempotency-key",
        "x-api-key",
        "atlas-api-version",
    ] {
        assert!(allowed.contains(name), "{name}");
    }
    assert_eq!(
        answer.header("Access-Control-Allow-Methods"),
        Some("get, post")
    );

    // An error can be read too, and it is no cookie that opens.
    for (key, status) in [(KEY, 200), ("wrong", 401)] {
        let headers = [("Origin", TILL), ("X-Api-Key", key)];
        let answer = running.send("GET", HEALTH, &headers, "").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("Access-Control-Allow-Origin"), Some(TILL));
        let exposed = answer.header("Access-Control-Expose-Headers");
        assert!(exposed.is_some_and(|names| names.contains("retry-after")));
        assert_eq!(answer.header("Vary"), Some("origin"));
    }
    let answer = running.get(HEALTH).await;
    assert_eq!(answer.header("Access-Control-Allow-Origin"), None);
}

#[tokio::test]
async fn a_page_of_the_terminal_itself_may_ask() {
    let running = running().await;
    let origin = "http://terminal:8443";
    let headers = [("Host", "terminal:8443"), ("Origin", origin)];
    assert_eq!(running.send("GET", HEALTH, &headers, "").await.status, 200);
    let headers = [("Host", "terminal"), ("Origin", origin)];
    running
        .send("GET", HEALTH, &headers, "")
        .await
        .check_error(403, "FORBIDDEN");
}

#[tokio::test]
async fn a_session_opens_for_known_pages_only() {
    let running = running().await;
    for (origin, opens) in [
        (TILL, true),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let url = format!("ws://{}/v1/session?apiKey={KEY}", running.address);
        let mut request = url.into_client_request().expect("a request");
        request
            .headers_mut()
            .insert("Origin", HeaderValue::from_static(origin));
        let connected = connect_async(request).await;
        assert_eq!(connected.is_ok(), opens, "{origin}");
        if let Err(error) = connected {
            assert!(error.to_string().contains("403"), "{error}");
        }
    }
}

#[tokio::test]
async fn the_rules_protect_paths_of_an_embedder_too() {
    let own = Router::new().route("/emulator/card", post(async || "taken"));
    let running = Running::start_with(|router| router.merge(rules().protect(own))).await;
    let post = async |headers: &[(&str, &str)]| {
        running.send("POST", "/emulator/card", headers, "{}").await
    };
    assert_eq!(post(&[]).await.status, 200);
    post(&[("Host", "evil.example")])
        .await
        .check_error(403, "FORBIDDEN");
    post(&[("Origin", "https://evil.example")])
        .await
        .check_error(403, "FORBIDDEN");
}
