//! Who may call, and what: permissions, rotation, revocation, bearer tokens.

use std::sync::{Arc, Mutex};

use api::{ApiKeys, KeyFile, KeyMode, OPERATIONS, Permission, Permissions, Tokens};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Zoned};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use terminal_host::clock::Clock;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::{
    client::{KEY, Running, UNKNOWN_ID, sale},
    granular::question,
};

/// A clock that stands still until it is moved.
#[derive(Clone)]
struct StoppedClock(Arc<Mutex<Zoned>>);

impl StoppedClock {
    fn new() -> Self {
        let now = "2026-04-09T12:00:00+12:00[+12:00]"
            .parse()
            .expect("a moment");
        Self(Arc::new(Mutex::new(now)))
    }

    fn forward(&self, by: SignedDuration) {
        let mut now = self.0.lock().expect("not poisoned");
        *now = now.checked_add(by).expect("a moment");
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Zoned {
        self.0.lock().expect("not poisoned").clone()
    }
}

/// A key that has these permissions.
fn key_with(permissions: Permissions) -> (KeyFile, String, String) {
    let mut file = KeyFile::default();
    let now = StoppedClock::new().now().timestamp();
    let (id, key) = file
        .make("till", KeyMode::Test, permissions, now)
        .expect("made");
    (file, id, key)
}

fn keys_of(file: &KeyFile) -> ApiKeys {
    ApiKeys::new(file.api_keys().expect("a valid file"))
}

fn path_of(operation: &api::Operation) -> String {
    operation.path.replace("{transactionId}", UNKNOWN_ID)
}

#[tokio::test]
async fn each_operation_needs_its_permission_and_no_other() {
    for permission in Permission::ALL {
        let (file, _, key) = key_with(Permissions::NONE.with(permission));
        let running = Running::start_configured(keys_of(&file), |api| api).await;
        for operation in OPERATIONS {
            let headers = [("X-Api-Key", key.as_str())];
            // A body that starts nothing: the permission is looked at before it is read.
            let answer = running
                .send(
                    operation.method.as_str(),
                    &path_of(operation),
                    &headers,
                    "[]",
                )
                .await;
            if operation.permission == permission {
                assert!(![401, 403].contains(&answer.status), "{answer:?}");
            } else {
                answer.check_error(403, "FORBIDDEN");
                answer.check_field("scope", operation.permission.as_str());
            }
        }
        assert_eq!(running.terminal.begun(), 0);
    }
}

#[tokio::test]
async fn a_session_may_watch_and_not_sell_when_its_key_may_only_read() {
    let (file, _, key) = key_with(Permissions::NONE.with(Permission::TerminalRead));
    let running = Running::start_configured(keys_of(&file), |api| api).await;
    let mut session = running.session_with_key(&key).await;
    for action in [
        json!({"action": "sale", "amount": 2500, "currency": "NZD"}),
        json!({"action": "abort", "transactionId": UNKNOWN_ID}),
        json!({"action": "display", "lines": [{"text": "x"}]}),
        json!({"action": "input", "prompt": "Name?", "inputType": "TEXT"}),
    ] {
        session.send(&action).await;
        let refused = session.event().await;
        assert_eq!(refused["error"], "FORBIDDEN", "{refused}");
    }
    assert_eq!(running.terminal.begun(), 0);
}

#[tokio::test]
async fn who_may_only_read_sees_no_pin_block_and_no_track() {
    let mut file = KeyFile::default();
    let now = StoppedClock::new().now().timestamp();
    let mut key_of = |permissions| {
        let made = file.make("till", KeyMode::Test, permissions, now);
        made.expect("made").1
    };
    let reads = key_of(Permissions::NONE.with(Permission::TerminalRead));
    let sells = key_of(Permissions::ALL);
    let running = Running::start_configured(keys_of(&file), |api| api).await;
    let mut watching = running.session_with_key(&reads).await;
    let mut selling = running.session_with_key(&sells).await;
    let granular = json!({"action": "sale", "granular": true, "amount": 2500, "currency": "NZD"});
    selling.send(&granular).await;
    let id = running.terminal.runs().await;
    running.terminal.ask(&id, question());
    let path = format!("/v1/transaction/{}", id.as_str());
    for (session, key, shown) in [(&mut watching, &reads, false), (&mut selling, &sells, true)] {
        let event = session.event().await;
        assert_eq!(event["event"], "online_authorization");
        assert_eq!(event.get("chipData").is_some(), shown, "{event}");
        let headers = [("X-Api-Key", key.as_str())];
        let answer = running.send("GET", &path, &headers, "").await;
        assert_eq!(answer.body["status"], "PENDING_ONLINE", "{answer:?}");
        assert_eq!(answer.body["maskedPan"], "************1234");
        assert_eq!(answer.body.get("chipData").is_some(), shown, "{answer:?}");
    }
}

#[tokio::test]
async fn a_rotated_key_opens_for_a_day_and_is_the_same_caller() {
    let (mut file, id, old) = key_with(Permissions::ALL);
    let clock = StoppedClock::new();
    let keys = keys_of(&file);
    let with_clock = clock.clone();
    let running =
        Running::start_configured(keys.clone(), |api| api.with_clock(Arc::new(with_clock))).await;
    let new = file.rotate(&id, clock.now().timestamp()).expect("rotated");
    keys.replace(file.api_keys().expect("a valid file"));

    // A sale that is repeated under the new key is the same sale.
    let body = sale().to_string();
    let headers = [("X-Api-Key", old.as_str()), ("Idempotency-Key", "one")];
    let (first, transaction) = tokio::join!(
        running.send("POST", "/v1/transaction/sale", &headers, &body),
        async {
            let transaction = running.terminal.runs().await;
            running
                .terminal
                .end(&transaction, crate::fake_terminal::approved());
            transaction
        }
    );
    let headers = [("X-Api-Key", new.as_str()), ("Idempotency-Key", "one")];
    let again = running
        .send("POST", "/v1/transaction/sale", &headers, &body)
        .await;
    assert_eq!(first.body, again.body);
    assert_eq!(again.body["transactionId"], transaction.as_str());
    assert_eq!(running.terminal.begun(), 1);

    let health = async |key: &str| {
        running
            .send("GET", "/v1/device/health", &[("X-Api-Key", key)], "")
            .await
            .status
    };
    clock.forward(SignedDuration::from_secs(24 * 60 * 60 - 1));
    assert_eq!((health(&old).await, health(&new).await), (200, 200));
    clock.forward(SignedDuration::from_secs(1));
    assert_eq!((health(&old).await, health(&new).await), (401, 200));
}

#[tokio::test]
async fn a_revoked_key_closes_its_sessions_at_their_next_word() {
    let (file, _, key) = key_with(Permissions::ALL);
    let keys = keys_of(&file);
    let running = Running::start_configured(keys.clone(), |api| api).await;
    let mut session = running.session_with_key(&key).await;
    keys.replace([]);
    session
        .send(&json!({"action": "sale", "amount": 2500, "currency": "NZD"}))
        .await;
    assert_eq!(session.close_code().await, CloseCode::Policy);
    assert_eq!(running.terminal.begun(), 0);
}

/// An issuer with one key.
struct Issuer(Ed25519KeyPair);

impl Issuer {
    fn new() -> Self {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        Self(Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("a key"))
    }

    fn key_set(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": x}]}).to_string()
    }

    fn tokens(&self) -> Tokens {
        Tokens::new(self.key_set().as_bytes(), "TENON001").expect("valid keys")
    }

    fn token(&self, scope: &str, end: i64) -> String {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({
            "sub": "cli_1", "exp": end, "terminal_id": "TENON001", "scope": scope,
        });
        let header = part(json!({"alg": "EdDSA", "typ": "JWT", "kid": "a"}));
        let message = format!("{header}.{}", part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(message.as_bytes()).as_ref());
        format!("{message}.{signature}")
    }
}

#[tokio::test]
async fn a_token_opens_what_its_scopes_name_until_it_ends() {
    let issuer = Issuer::new();
    let clock = StoppedClock::new();
    let with_clock = clock.clone();
    let tokens = issuer.tokens();
    let running = Running::start_configured(ApiKeys::from_keys([KEY]), |api| {
        api.with_tokens(tokens).with_clock(Arc::new(with_clock))
    })
    .await;
    let end = clock.now().timestamp().as_second() + 3600;
    let token = issuer.token("terminal:read", end);
    let ask = async |path: &str, method: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("X-Api-Key", "(none)"), ("Authorization", bearer.as_str())];
        running.send(method, path, &headers, "[]").await
    };
    let health = "/v1/device/health";
    assert_eq!(ask(health, "GET", &token).await.status, 200);
    let refused = ask("/v1/transaction/sale", "POST", &token).await;
    refused.check_error(403, "FORBIDDEN");
    refused.check_field("scope", "transactions:write");

    let forged = Issuer::new().token("terminal:read", end);
    let refused = ask(health, "GET", &forged).await;
    refused.check_error(401, "UNAUTHORIZED");
    assert_eq!(refused.header("WWW-Authenticate"), Some("bearer"));

    clock.forward(SignedDuration::from_secs(3600 + api::TOKEN_LEEWAY_S));
    let refused = ask(health, "GET", &token).await;
    refused.check_error(401, "UNAUTHORIZED");
    assert!(
        refused.body["message"]
            .as_str()
            .expect("text")
            .contains("expired"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_session_of_a_token_ends_with_the_token_and_with_its_issuers_key() {
    for key_is_gone in [false, true] {
        let issuer = Issuer::new();
        let clock = StoppedClock::new();
        let (with_clock, tokens) = (clock.clone(), issuer.tokens());
        let with_tokens = tokens.clone();
        let running = Running::start_configured(ApiKeys::from_keys([KEY]), |api| {
            api.with_tokens(with_tokens)
                .with_clock(Arc::new(with_clock))
        })
        .await;
        let end = clock.now().timestamp().as_second() + 3600;
        let mut session = running
            .session_with_token(&issuer.token("terminal:read", end))
            .await;
        clock.forward(SignedDuration::from_secs(3599 + api::TOKEN_LEEWAY_S));
        // The same keys again, and a text that is none: nothing changes.
        tokens
            .replace_keys(issuer.key_set().as_bytes())
            .expect("valid keys");
        assert!(tokens.replace_keys(b"{}").is_err());
        session.send(&json!({"action": "ping"})).await;
        assert_eq!(session.event().await["event"], "pong");
        if key_is_gone {
            // Another key under the same id.
            let other = Issuer::new().key_set();
            tokens.replace_keys(other.as_bytes()).expect("valid keys");
        } else {
            clock.forward(SignedDuration::from_secs(1));
        }
        session.send(&json!({"action": "ping"})).await;
        assert_eq!(session.close_code().await, CloseCode::Policy);
    }
}

#[tokio::test]
async fn a_request_with_a_key_and_a_token_is_refused() {
    let running = Running::start().await;
    let headers = [("Authorization", "Bearer x")];
    let refused = running.send("GET", "/v1/device/health", &headers, "").await;
    refused.check_error(400, "INVALID_REQUEST");
    refused.check_field("Authorization", "oneOf");
}
