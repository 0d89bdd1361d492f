//! A point of sale: asks a terminal for a sale, and watches it.
//!
//! The sale goes over HTTP with an Idempotency-Key, so that a lost answer is asked for again and
//! not paid for again. The session beside it only shows progress; without it the sale goes on.

use std::{io, thread, time::Duration};

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::card_argument::CardArgument;

/// How long one attempt may take: longer than a terminal waits for a card, a PIN and the acquirer.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(5);

/// How long an emulator may take to put a card into its reader.
const PRESENT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a request is repeated when its answer was lost on the way.
const ATTEMPTS_MAX: u32 = 5;

/// How long to wait before a repetition.
const ATTEMPT_REST: Duration = Duration::from_secs(1);

/// Where a terminal is, and the key that opens it.
#[derive(Clone)]
pub(crate) struct Terminal {
    /// Such as `http://127.0.0.1:8443`, without a slash at the end.
    pub(crate) url: String,
    /// Sent as `X-Api-Key`.
    pub(crate) api_key: String,
}

/// What a terminal answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The transaction, or the error envelope.
    pub(crate) body: Value,
}

/// Why a sale has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// Nothing was sent.
    #[error("there is no terminal at {url}; `tenon emulator` starts one ({reason})")]
    NotReached {
        /// Where it was looked for.
        url: String,
        /// What the system said.
        reason: ureq::Error,
    },
    /// Nothing was sent that could be read.
    #[error(
        "the terminal at {url} speaks TLS, and this command plain HTTP only; start the emulator with \
         `--plain-http`, or sell with `curl --cacert` as docs/going-live.md shows"
    )]
    Tls {
        /// Where it is.
        url: String,
    },
    /// The request was sent, or may have been.
    #[error("the terminal does not answer any more ({0})")]
    Lost(ureq::Error),
}

impl Terminal {
    /// Asks for a sale and waits for its end. Blocks. The same `idempotency_key` is one sale,
    /// however often it is asked for, so a lost answer is asked for again.
    pub(crate) fn sale(&self, request: &Value, idempotency_key: &str) -> Result<Answer, NoAnswer> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_TIMEOUT))
            .build()
            .into();
        let mut attempt: u32 = 1;
        loop {
            match self.try_sale(&agent, request, idempotency_key) {
                Ok(answer) => {
                    let refused = self.refused_plain_http(answer.status, &answer.body);
                    return refused.map_or(Ok(answer), Err);
                }
                Err(reason) if attempt == 1 && is_refused(&reason) => {
                    return Err(NoAnswer::NotReached {
                        url: self.url.clone(),
                        reason,
                    });
                }
                Err(reason) if attempt >= ATTEMPTS_MAX => return Err(NoAnswer::Lost(reason)),
                Err(error) => tracing::warn!(attempt, %error, "no answer; asking again"),
            }
            attempt = attempt.saturating_add(1);
            thread::sleep(ATTEMPT_REST);
        }
    }

    /// The terminal at this URL. Fails for one that needs TLS.
    pub(crate) fn at(url: &str, api_key: &str) -> Result<Self, NoAnswer> {
        let url = url.trim_end_matches('/');
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")) {
            return Err(NoAnswer::Tls { url: url.into() });
        }
        Ok(Self {
            url: url.into(),
            api_key: api_key.into(),
        })
    }

    /// Presents a virtual card at an emulated terminal. Fails with what the emulator says.
    pub(crate) fn present(&self, card: &CardArgument, swipe: bool) -> Result<()> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PRESENT_TIMEOUT))
            .build()
            .into();
        let entry = if swipe { "MAGSTRIPE" } else { "CONTACT" };
        let mut answer = agent
            .post(format!("{}/emulator/card", self.url))
            .send_json(match card {
                CardArgument::Named(name) => json!({ "card": name, "entry": entry }),
                CardArgument::Written(text) => json!({ "personalization": text, "entry": entry }),
            })
            .with_context(|| format!("there is no emulator at {}", self.url))?;
        let status = answer.status();
        let body: Value = answer.body_mut().read_json().unwrap_or_default();
        if let Some(error) = self.refused_plain_http(status.as_u16(), &body) {
            return Err(error.into());
        }
        let said = body.get("message").and_then(Value::as_str);
        ensure!(
            status.is_success(),
            "the card was not taken: {}",
            said.unwrap_or(status.as_str())
        );
        Ok(())
    }

    /// The error of a terminal that takes TLS only, when this is its answer. It has taken no request.
    fn refused_plain_http(&self, status: u16, body: &Value) -> Option<NoAnswer> {
        let message = body.get("message").and_then(Value::as_str);
        let refused = status == 400 && message == Some(api::PLAIN_HTTP_REFUSED);
        refused.then(|| NoAnswer::Tls {
            url: self.url.clone(),
        })
    }

    fn try_sale(
        &self,
        agent: &ureq::Agent,
        request: &Value,
        key: &str,
    ) -> Result<Answer, ureq::Error> {
        let mut answer = agent
            .post(format!("{}/v1/transaction/sale", self.url))
            .header(api::API_KEY_HEADER, &self.api_key)
            .header(api::IDEMPOTENCY_KEY_HEADER, key)
            .send_json(request)?;
        Ok(Answer {
            status: answer.status().as_u16(),
            body: answer.body_mut().read_json()?,
        })
    }

    /// Opens a session and sends its events, until the receiver or the terminal goes away.
    pub(crate) async fn watch(&self, events: mpsc::Sender<Value>) -> Result<()> {
        let url = format!("{}/v1/session", self.url.replacen("http", "ws", 1));
        let mut request = url.into_client_request()?;
        request
            .headers_mut()
            .insert(api::API_KEY_HEADER, HeaderValue::from_str(&self.api_key)?);
        let (mut socket, _) = connect_async(request).await.context("opening a session")?;
        // Told apart from events by its name: the session is open, nothing will be missed.
        events.send(json!({"event": "connected"})).await?;
        while let Some(message) = socket.next().await {
            if let Message::Text(text) = message?
                && events.send(serde_json::from_str(&text)?).await.is_err()
            {
                break;
            }
        }
        Ok(())
    }
}

/// Whether no connection was made, so that nothing was sent.
fn is_refused(error: &ureq::Error) -> bool {
    if let ureq::Error::Io(error) = error {
        return error.kind() == io::ErrorKind::ConnectionRefused;
    }
    matches!(
        error,
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed | ureq::Error::BadUri(_)
    )
}

/// An event as a person reads it; `None` for what the answer will say.
pub(crate) fn describe(event: &Value) -> Option<String> {
    let text = |member: &str| {
        event
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    match text("event") {
        "waiting_for_card" | "processing" => Some(text("message").into()),
        "card_detected" => Some(format!(
            "{} {} ({})",
            text("scheme"),
            text("maskedPan"),
            text("entryMode").to_lowercase()
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread::JoinHandle,
    };

    use super::*;

    #[test]
    fn events_are_told_in_words() {
        let cases = [
            (
                json!({"event": "waiting_for_card", "message": "Present card"}),
                Some("Present card"),
            ),
            (
                json!({"event": "processing", "message": "Authorizing"}),
                Some("Authorizing"),
            ),
            (
                json!({
                    "event": "card_detected", "scheme": "VISA", "maskedPan": "****1234",
                    "entryMode": "CONTACT",
                }),
                Some("VISA ****1234 (contact)"),
            ),
            (json!({"event": "result", "response": {}}), None),
            (json!({}), None),
        ];
        for (event, expected) in cases {
            assert_eq!(describe(&event).as_deref(), expected, "{event}");
        }
    }

    /// A terminal that hangs up on the first request and answers the second. Returns both.
    fn forgetful_terminal(listener: TcpListener, body: &'static str) -> JoinHandle<Vec<String>> {
        thread::spawn(move || {
            [None, Some(body)]
                .map(|answer| {
                    let (mut stream, _) = listener.accept().expect("a connection");
                    let mut request = vec![0; 4096];
                    let length = stream.read(&mut request).expect("a request");
                    if let Some(body) = answer {
                        let length = body.len();
                        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
                        write!(stream, "{head}Content-Length: {length}\r\n\r\n{body}")
                            .expect("the answer is taken");
                    }
                    String::from_utf8_lossy(&request[..length]).to_ascii_lowercase()
                })
                .to_vec()
        })
    }

    #[test]
    fn a_lost_answer_is_asked_for_again_with_the_same_key() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = forgetful_terminal(listener, r#"{"status":"APPROVED"}"#);
        let terminal = Terminal {
            url,
            api_key: "sk_test_1".into(),
        };
        let answer = terminal
            .sale(&json!({"amount": 2500}), "key-1")
            .expect("an answer");
        assert_eq!(
            answer,
            Answer {
                status: 200,
                body: json!({"status": "APPROVED"})
            }
        );
        for request in serving.join().expect("no panic") {
            assert!(request.contains("idempotency-key: key-1\r\n"), "{request}");
            assert!(request.contains("x-api-key: sk_test_1\r\n"), "{request}");
        }
    }

    #[test]
    fn a_terminal_that_speaks_tls_is_told_apart_and_the_way_out_is_named() {
        let Err(error) = Terminal::at("HTTPS://localhost:8443/", "key") else {
            panic!("TLS is not spoken");
        };
        assert!(error.to_string().contains("`--plain-http`"), "{error}");
        let terminal = Terminal::at("http://localhost:8443/", "key").expect("plain HTTP");
        let said = |message: &str| json!({"error": "INVALID_REQUEST", "message": message});
        let refused = terminal.refused_plain_http(400, &said(api::PLAIN_HTTP_REFUSED));
        let named =
            matches!(refused, Some(NoAnswer::Tls { url }) if url == "http://localhost:8443");
        assert!(named);
        let other = terminal.refused_plain_http(400, &said("another mistake"));
        assert!(other.is_none());
    }

    #[test]
    fn a_terminal_that_is_not_there_is_told_from_a_lost_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        drop(listener);
        let terminal = Terminal {
            url: url.clone(),
            api_key: String::new(),
        };
        let Err(NoAnswer::NotReached { url: named, .. }) = terminal.sale(&json!({}), "key") else {
            panic!("nobody is there");
        };
        assert_eq!(named, url);
    }
}
