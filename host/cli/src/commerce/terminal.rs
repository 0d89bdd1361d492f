//! A terminal over HTTP: one call, and what it came to.
//!
//! What moves money has an Idempotency-Key, so that a lost answer is asked for again and nothing is
//! paid twice; all else may be repeated by its nature.

use std::{io, io::Write, sync::Arc, thread, time::Duration};

use anyhow::{Result, ensure};
use rustls::ClientConfig;
use serde_json::{Value, json};
use ureq::http::{Request, header};

use super::{
    call::{Answer, Call},
    connector::{TerminalConnector, TerminalResolver, Unconnected},
};
use crate::card_argument::CardArgument;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one attempt may take: longer than a terminal waits for a card, a PIN and the acquirer.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(5);

/// How long one attempt to read something may take.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an emulator may take to put a card into its reader.
const PRESENT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a request is made in all when its answer was lost on the way, and one to read something.
const ATTEMPTS_MAX: u32 = 5;
const READ_ATTEMPTS_MAX: u32 = 2;

/// How long to wait before a repetition.
const ATTEMPT_REST: Duration = Duration::from_secs(1);

/// The longest a terminal is waited for that takes no more requests for a while, in seconds.
const RATE_LIMIT_WAIT_S_MAX: u64 = 60;

/// The longest answer, in bytes: the file of a batch is one answer.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Where a terminal is, and the key that opens it.
#[derive(Clone)]
pub(crate) struct Terminal {
    url: String,
    api_key: String,
    tls: Option<Arc<ClientConfig>>,
    agent: ureq::Agent,
}

/// Why a call has no answer.
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
    #[error("nothing was sent to {url}: {reason}")]
    NotTrusted {
        /// Where it was looked for.
        url: String,
        /// Why it is not the terminal.
        reason: Box<Unconnected>,
    },
    /// The terminal has taken no request.
    #[error(
        "the terminal at {url} speaks TLS, and took nothing: write https, and pin its certificate \
         with --fingerprint, as `tenon keys fingerprint` at the terminal prints it"
    )]
    Tls {
        /// Where it is.
        url: String,
    },
    /// Nothing can be sent.
    #[error("this cannot be asked of {url}: {reason}")]
    Unaskable {
        /// Where the terminal is.
        url: String,
        /// What is wrong with it.
        reason: ureq::Error,
    },
    /// The request was sent, or may have been.
    #[error("the terminal does not answer any more ({0})")]
    Lost(String),
}

impl Terminal {
    /// The terminal at this URL, which has no slash at its end.
    pub(crate) fn new(url: &str, api_key: &str, tls: Option<Arc<ClientConfig>>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            // A terminal sends nobody on, and stands on the same network: its key goes nowhere else.
            .max_redirects(0)
            .proxy(None)
            .build();
        let connector = TerminalConnector { tls: tls.clone() };
        Self {
            url: url.into(),
            api_key: api_key.into(),
            tls,
            agent: ureq::Agent::with_parts(config, connector, TerminalResolver::default()),
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn api_key(&self) -> &str {
        &self.api_key
    }

    pub(super) fn tls(&self) -> Option<&Arc<ClientConfig>> {
        self.tls.as_ref()
    }

    /// Asks, and waits for the answer. Blocks. A lost answer is asked for again; one that comes later
    /// because of the rate limits is waited for once.
    pub(crate) fn call(&self, call: &Call) -> Result<Answer, NoAnswer> {
        let mut lost = None;
        let mut answer = self.answer(call, &mut lost)?;
        match answer.retry_after_s {
            Some(seconds) if answer.status == 429 && seconds <= RATE_LIMIT_WAIT_S_MAX => {
                // It is only said; whether somebody reads it changes nothing.
                drop(writeln!(
                    io::stderr(),
                    "  too many requests; asking again in {seconds} s"
                ));
                thread::sleep(Duration::from_secs(seconds));
                answer = self.answer(call, &mut lost)?;
            }
            _ => {}
        }
        match lost {
            // A refusal at the door says nothing of the request before it.
            Some(error) if matches!(answer.status, 401 | 403 | 429) => Err(NoAnswer::Lost(error)),
            _ => Ok(answer),
        }
    }

    /// Asks until an answer comes. `lost` is why an earlier attempt has none, if one has.
    fn answer(&self, call: &Call, lost: &mut Option<String>) -> Result<Answer, NoAnswer> {
        let attempts_max = if call.reads() {
            READ_ATTEMPTS_MAX
        } else {
            ATTEMPTS_MAX
        };
        for attempt in 1..=attempts_max {
            if attempt > 1 {
                thread::sleep(ATTEMPT_REST);
            }
            match self.attempt(call) {
                Ok(answer) => return Ok(answer),
                Err(NoAnswer::Lost(error)) => {
                    tracing::warn!(attempt, %error, "no answer; asking again");
                    *lost = Some(error);
                }
                Err(error) if lost.is_none() => return Err(error),
                // What was sent before may have been taken.
                Err(error) => tracing::warn!(attempt, %error, "no connection; trying again"),
            }
        }
        Err(NoAnswer::Lost(lost.clone().unwrap_or_default()))
    }

    fn attempt(&self, call: &Call) -> Result<Answer, NoAnswer> {
        let timeout = if call.reads() {
            READ_TIMEOUT
        } else {
            ANSWER_TIMEOUT
        };
        let request = self.request(call).map_err(|reason| NoAnswer::Unaskable {
            url: self.url.clone(),
            reason,
        })?;
        let request = self
            .agent
            .configure_request(request)
            .timeout_global(Some(timeout))
            .build();
        let sent = self.agent.run(request);
        let mut answer = sent.map_err(|error| self.without_answer(error))?;
        let text = |name| {
            let value = answer.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let is_json = text(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.split(';').next() == Some("application/json"));
        let retry_after_s = text(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
        let status = answer.status().as_u16();
        let read = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let text = read
            .read_to_string()
            .map_err(|error| NoAnswer::Lost(error.to_string()))?;
        let body = match serde_json::from_str(&text) {
            Ok(body) if is_json => body,
            _ if !is_json && call.reads() && status == 200 => Value::Null,
            // It may come from something in between.
            _ => {
                let what = format!("{status}, and what came is not the terminal's");
                return Err(NoAnswer::Lost(what));
            }
        };
        let refused = self.refused_plain_http(status, &body);
        let answer = Answer {
            operation: call.operation,
            status,
            text,
            body,
            retry_after_s,
        };
        refused.map_or(Ok(answer), Err)
    }

    fn request(&self, call: &Call) -> Result<Request<String>, ureq::Error> {
        let mut request = Request::builder()
            .method(call.operation.method.as_str())
            .uri(format!("{}{}", self.url, call.path_and_query()))
            .header(api::API_KEY_HEADER, &self.api_key);
        if let Some(key) = &call.key {
            request = request.header(api::IDEMPOTENCY_KEY_HEADER, key);
        }
        let body = match &call.body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                body.to_string()
            }
            None => String::new(),
        };
        Ok(request.body(body)?)
    }

    fn without_answer(&self, error: ureq::Error) -> NoAnswer {
        let url = self.url.clone();
        match Unconnected::of(error) {
            Ok(Unconnected::NotReached(reason)) => NoAnswer::NotReached { url, reason },
            Ok(reason) => NoAnswer::NotTrusted {
                url,
                reason: Box::new(reason),
            },
            Err(lost) => NoAnswer::Lost(lost.to_string()),
        }
    }

    /// Presents a virtual card at an emulated terminal. Fails with what the emulator says.
    pub(super) fn present(&self, card: &CardArgument, swipe: bool) -> Result<()> {
        let entry = if swipe { "MAGSTRIPE" } else { "CONTACT" };
        let sent = self
            .agent
            .post(format!("{}/emulator/card", self.url))
            .config()
            .timeout_global(Some(PRESENT_TIMEOUT))
            .build()
            .send_json(match card {
                CardArgument::Named(name) => json!({ "card": name, "entry": entry }),
                CardArgument::Written(text) => json!({ "personalization": text, "entry": entry }),
            });
        let mut answer = sent.map_err(|error| self.without_answer(error))?;
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
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread::JoinHandle,
    };

    use super::*;

    fn sale(key: &str) -> Call {
        let call = Call::to("createSale").expect("an operation");
        call.once(json!({"amount": 2500}), key)
    }

    fn listener() -> (TcpListener, Terminal) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        (listener, Terminal::new(&url, "sk_test_1", None))
    }

    /// A terminal that answers one request after another so; `None` hangs up. Returns what was asked.
    fn serving(
        listener: TcpListener,
        answers: Vec<Option<&'static str>>,
    ) -> JoinHandle<Vec<String>> {
        thread::spawn(move || {
            let asked = answers.into_iter().map(|answer| {
                let (mut stream, _) = listener.accept().expect("a connection");
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).expect("a request");
                if let Some(answer) = answer {
                    stream.write_all(answer.as_bytes()).expect("it is taken");
                }
                String::from_utf8_lossy(&request[..length]).to_ascii_lowercase()
            });
            asked.collect()
        })
    }

    const APPROVED: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\
                            Connection: close\r\n\r\n{\"status\":\"APPROVED\"}";

    const LIMITED: &str = "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n\
                           Retry-After: 1\r\nContent-Length: 24\r\nConnection: close\r\n\r\n\
                           {\"error\":\"RATE_LIMITED\"}";

    #[test]
    fn a_lost_answer_is_asked_for_again_with_the_same_key() {
        let (listener, terminal) = listener();
        let serving = serving(listener, vec![None, Some(APPROVED)]);
        let answer = terminal.call(&sale("key-1")).expect("an answer");
        assert_eq!(
            (answer.status, answer.body),
            (200, json!({"status": "APPROVED"}))
        );
        let asked = serving.join().expect("no panic");
        assert_eq!(asked.len(), 2);
        for request in asked {
            assert!(request.contains("idempotency-key: key-1\r\n"), "{request}");
            assert!(request.contains("x-api-key: sk_test_1\r\n"), "{request}");
        }
    }

    #[test]
    fn a_page_of_something_in_between_is_no_answer() {
        let (listener, terminal) = listener();
        let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\
                    Connection: close\r\n\r\n{}";
        let serving = serving(listener, vec![Some(page), Some(APPROVED)]);
        let answer = terminal.call(&sale("key-1")).expect("an answer");
        assert_eq!(answer.body["status"], "APPROVED");
        assert_eq!(serving.join().expect("no panic").len(), 2);
    }

    #[test]
    fn a_refusal_at_the_door_does_not_settle_what_was_lost_before() {
        let revoked = "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n\
                       Content-Length: 24\r\nConnection: close\r\n\r\n\
                       {\"error\":\"UNAUTHORIZED\"}";
        for answers in [
            vec![None, Some(revoked)],
            vec![None, Some(LIMITED), Some(LIMITED)],
            // After the wait nobody is there.
            vec![None, Some(LIMITED)],
        ] {
            let (listener, terminal) = listener();
            let serving = serving(listener, answers.clone());
            let lost = terminal.call(&sale("key-1"));
            assert!(
                matches!(lost, Err(NoAnswer::Lost(_))),
                "{answers:?} {lost:?}"
            );
            assert_eq!(serving.join().expect("no panic").len(), answers.len());
        }
    }

    #[test]
    fn a_terminal_that_is_asked_too_often_is_waited_for_once() {
        let (listener, terminal) = listener();
        let serving = serving(listener, vec![Some(LIMITED), Some(LIMITED)]);
        let answer = terminal.call(&sale("key-1")).expect("an answer");
        assert_eq!(answer.status, 429);
        assert_eq!(serving.join().expect("no panic").len(), 2);
    }

    #[test]
    fn a_terminal_that_speaks_tls_is_told_apart_and_the_way_out_is_named() {
        let terminal = Terminal::new("http://localhost:8443", "key", None);
        let said = |message: &str| json!({"error": "INVALID_REQUEST", "message": message});
        let refused = terminal.refused_plain_http(400, &said(api::PLAIN_HTTP_REFUSED));
        let said_so = refused.map(|error| error.to_string()).unwrap_or_default();
        assert!(said_so.contains("http://localhost:8443"), "{said_so}");
        assert!(said_so.contains("--fingerprint"), "{said_so}");
        let other = terminal.refused_plain_http(400, &said("another mistake"));
        assert!(other.is_none());
    }

    #[test]
    fn a_terminal_that_is_not_there_is_told_from_a_lost_answer() {
        let (listener, terminal) = listener();
        drop(listener);
        let Err(NoAnswer::NotReached { url: named, .. }) = terminal.call(&sale("key")) else {
            panic!("nobody is there");
        };
        assert_eq!(named, terminal.url);
    }
}
