//! A running API and a client that can send anything, valid HTTP or not.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use api::{Api, ApiKeys, Limits};
use axum::Router;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _, protocol::frame::coding::CloseCode},
};

use crate::{documents, fake_terminal::FakeTerminal};

pub(crate) const KEY: &str = "sk_test_4f9d0c2a7b61e835";
pub(crate) const UNKNOWN_ID: &str = "txn_01JQXYZA7B8C9D0E1F2G3H4J5K";

/// Longer than anything that is expected to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// An API on a port of its own.
pub(crate) struct Running {
    pub(crate) terminal: FakeTerminal,
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: watch::Sender<bool>,
    pub(crate) server: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::start_with(|router| router).await
    }

    /// Starts with what an embedder adds to the router.
    pub(crate) async fn start_with(extend: impl FnOnce(Router) -> Router) -> Self {
        Self::start_as(ApiKeys::from_keys([KEY]), |api| api, extend).await
    }

    /// Starts with other keys, and with what `configure` sets. Without it nothing is limited.
    pub(crate) async fn start_configured(
        keys: ApiKeys,
        configure: impl FnOnce(Api) -> Api,
    ) -> Self {
        Self::start_as(keys, configure, |router| router).await
    }

    async fn start_as(
        keys: ApiKeys,
        configure: impl FnOnce(Api) -> Api,
        extend: impl FnOnce(Router) -> Router,
    ) -> Self {
        let terminal = FakeTerminal::new();
        let (shutdown, closing) = watch::channel(false);
        let api = Api::new(Arc::new(terminal.clone()), keys, closing.clone())
            .with_amount_ceiling(1_000_000)
            .with_limits(Limits::off());
        let router = extend(api::router(configure(api)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(api::serve(listener, router, closing));
        Self {
            terminal,
            address,
            shutdown,
            server,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// An answer that is no JSON.
    pub(crate) async fn get_text(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], &body.to_string()).await
    }

    /// Starts a sale with an Idempotency-Key, and does not wait for its answer.
    pub(crate) fn sale_with_key(&self, key: &str, body: &Value) -> JoinHandle<Answer> {
        let head = head(
            "POST",
            "/v1/transaction/sale",
            &[("Idempotency-Key", key)],
            body.to_string().len(),
        );
        let message = format!("{head}{body}");
        let address = self.address;
        tokio::spawn(async move { exchange(address, message.as_bytes()).await })
    }

    /// A sale of NZD 25.00 that ends with `outcome`.
    pub(crate) async fn sale_ending(
        &self,
        outcome: terminal_host::transaction::Outcome,
    ) -> (terminal_host::transaction::TransactionId, Answer) {
        let body = sale();
        let (answer, id) = tokio::join!(self.post("/v1/transaction/sale", &body), async {
            let id = self.terminal.runs().await;
            self.terminal.end(&id, outcome);
            id
        });
        (id, answer)
    }

    /// Sends a JSON request with the key and `headers`; a header of the same name replaces.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let message = format!("{}{body}", head(method, path, headers, body.len()));
        let answer = exchange(self.address, message.as_bytes()).await;
        documents::check_exchange((method, path, body), &answer);
        answer
    }

    /// Sends bytes as they are.
    pub(crate) async fn send_raw(&self, message: &[u8]) -> Answer {
        exchange(self.address, message).await
    }

    pub(crate) async fn session(&self) -> Session {
        self.session_with_key(KEY).await
    }

    pub(crate) async fn session_with_key(&self, key: &str) -> Session {
        let url = format!("ws://{}/v1/session?apiKey={key}", self.address);
        let (socket, _) = connect_async(url).await.expect("a session");
        Session(socket)
    }

    pub(crate) async fn session_with_token(&self, token: &str) -> Session {
        let url = format!("ws://{}/v1/session", self.address);
        let mut request = url.into_client_request().expect("a request");
        let bearer = format!("Bearer {token}").parse().expect("a header");
        request.headers_mut().insert("Authorization", bearer);
        let (socket, _) = connect_async(request).await.expect("a session");
        Session(socket)
    }
}

/// The request of the reference's sample.
pub(crate) fn sale() -> Value {
    json!({"type": "SALE", "amount": 2500, "currency": "NZD"})
}

pub(crate) fn head(method: &str, path: &str, headers: &[(&str, &str)], length: usize) -> String {
    let mut lines = vec![
        ("Host", "terminal".to_owned()),
        ("X-Api-Key", KEY.to_owned()),
        ("Content-Type", "application/json".to_owned()),
        ("Content-Length", length.to_string()),
        ("Connection", "close".to_owned()),
    ];
    lines.retain(|(name, _)| {
        !headers
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(name))
    });
    lines.extend(
        headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    let lines: String = lines
        .iter()
        .filter(|(_, value)| value != "(none)")
        .fold(String::new(), |head, (name, value)| {
            head + &format!("{name}: {value}\r\n")
        });
    format!("{method} {path} HTTP/1.1\r\n{lines}\r\n")
}

/// One HTTP answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Self {
            status: status.unwrap_or_else(|| panic!("no HTTP answer: {text:?}")),
            head: head.to_ascii_lowercase(),
            body: serde_json::from_str(body).unwrap_or(Value::Null),
            text: body.to_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_lowercase();
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(&name)?.strip_prefix(": "))
    }

    /// Checks that this is the error envelope, whole, and that its name is in the header too.
    pub(crate) fn check_error(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status, self.body["error"].as_str()),
            (status, Some(code)),
            "{self:?}"
        );
        let request_id = self.body["requestId"].as_str().expect("a request's name");
        assert!(
            request_id.starts_with("req_") && request_id.len() == 30,
            "{request_id}"
        );
        assert_eq!(
            self.header("X-Request-Id"),
            Some(request_id.to_ascii_lowercase().as_str())
        );
        assert!(
            self.body["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{self:?}"
        );
        assert!(self.body["details"].is_object(), "{self:?}");
        let keys: Vec<_> = self.body.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["details", "error", "message", "requestId"]);
    }

    pub(crate) fn check_field(&self, field: &str, constraint: &str) {
        let details = &self.body["details"];
        assert_eq!(
            (details["field"].as_str(), details["constraint"].as_str()),
            (Some(field), Some(constraint)),
            "{self:?}"
        );
    }
}

async fn exchange(address: SocketAddr, message: &[u8]) -> Answer {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream
            .write_all(message)
            .await
            .expect("the request is taken");
        let mut text = Vec::new();
        stream.read_to_end(&mut text).await.expect("an answer");
        Answer::parse(&String::from_utf8_lossy(&text))
    };
    tokio::time::timeout(PATIENCE, exchange)
        .await
        .expect("an answer in time")
}

/// One WebSocket session.
pub(crate) struct Session(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Session {
    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.0
            .send(Message::text(text))
            .await
            .expect("the message is taken");
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Value {
        loop {
            match self.message().await {
                Some(Message::Text(text)) => {
                    let event = serde_json::from_str(&text).expect("JSON");
                    documents::check_event(&event);
                    return event;
                }
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("no event: {other:?}"),
            }
        }
    }

    /// The next event; none when the session is closed, an error when its connection broke.
    pub(crate) async fn event_or_end(
        &mut self,
    ) -> Result<Option<Value>, tokio_tungstenite::tungstenite::Error> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.0.next());
            match next.await.expect("a message in time").transpose()? {
                Some(Message::Text(text)) => {
                    return Ok(Some(serde_json::from_str(&text).expect("JSON")));
                }
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                Some(_) | None => return Ok(None),
            }
        }
    }

    /// The code with which the terminal closes.
    pub(crate) async fn close_code(&mut self) -> CloseCode {
        loop {
            match self.message().await {
                Some(Message::Close(Some(frame))) => return frame.code,
                Some(Message::Text(_) | Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("no close: {other:?}"),
            }
        }
    }

    async fn message(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(PATIENCE, self.0.next())
            .await
            .expect("a message in time");
        next.map(|message| message.expect("a valid message"))
    }
}
