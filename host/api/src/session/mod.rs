//! The session: a WebSocket that takes actions and shows every transaction as it happens.
//!
//! A session watches the terminal, not one transaction: what was started over HTTP or in another
//! session is shown too. Nothing that happens to a session touches a transaction. The events come from
//! the terminal's log, so a client that was away goes on where it was; one that reads too slowly loses
//! its session, with a close code that says so, and resumes it.

mod acting;
pub(crate) mod action;
mod asking;
mod event;
pub(crate) mod event_schemas;
pub(crate) mod resume;

use std::{ops::ControlFlow, time::Duration};

use axum::{
    Extension,
    extract::{
        State,
        ws::{
            CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code,
            rejection::WebSocketUpgradeRejection,
        },
    },
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use terminal_host::{
    service::{LoggedEvent, Progress, StorageFault},
    transaction::TransactionId,
};
use tokio::{
    sync::watch,
    time::{self, Instant},
};

use self::{
    acting::act,
    asking::Asking,
    event::ServerEvent,
    resume::{Position, RESUME_TOKEN, RESUME_TOKEN_HEADER, Start},
};
use crate::{
    auth::{Caller, KeyDigest},
    body::BODY_BYTES_MAX,
    error::{ApiError, ErrorCode},
    guard::Admitted,
    openapi::exchange::Exchange,
    places::Place,
    request_id::new_request_id,
    router::Api,
    server,
};

/// The most sessions at one time.
pub const SESSIONS_MAX: usize = 32;

/// The most sessions of one caller: several watchers, and those of a client that reconnects before
/// its old connections are known to be dead.
pub const SESSIONS_PER_CALLER_MAX: usize = 8;

/// The largest message of a client, in bytes.
pub const MESSAGE_BYTES_MAX: usize = BODY_BYTES_MAX;

/// Where the framework cuts a connection: above the limit that is answered with an error.
const FRAME_BYTES_MAX: usize = 2 * MESSAGE_BYTES_MAX;

/// How often a ping is sent.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// How long a client may be silent; it answers pings, so this many means that it is gone.
const SILENCE_MAX: Duration = Duration::from_mins(1);

/// How many events are read from the log at once.
const EVENTS_AT_ONCE: u32 = 64;

/// How long a client may take to accept one event.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// What [`open`] takes.
pub(crate) fn exchange() -> Exchange {
    Exchange::upgrade().parameter(RESUME_TOKEN, resume::parameter())
}

/// `GET /v1/session`, upgraded to a WebSocket.
pub(crate) async fn open(
    State(api): State<Api>,
    Extension(Admitted { caller, .. }): Extension<Admitted>,
    uri: Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return not_opened(&rejection),
    };
    let Some(place) = api.sessions.take(caller.id) else {
        return ApiError::new(ErrorCode::RateLimited, "Too many sessions are open").into_response();
    };
    // Known before the client learns that it is connected, so that it misses nothing.
    let start = resume::start(&*api.terminal, &uri).await;
    let token = start.as_ref().ok().map(|start| start.position.token());
    let mut response = upgrade
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .on_upgrade(move |socket| {
            Session {
                api,
                caller,
                socket,
                asking: Asking::default(),
                _place: place,
            }
            .run(start)
        });
    if let Some(Ok(token)) = token.map(HeaderValue::try_from) {
        response.headers_mut().insert(RESUME_TOKEN_HEADER, token);
    }
    response
}

/// What is answered that opens no session. A plain request is told which protocol the path has (RFC 9110,
/// 15.5.22).
fn not_opened(rejection: &WebSocketUpgradeRejection) -> Response {
    let asks = !matches!(
        rejection,
        WebSocketUpgradeRejection::InvalidConnectionHeader(_)
            | WebSocketUpgradeRejection::InvalidUpgradeHeader(_)
            | WebSocketUpgradeRejection::ConnectionNotUpgradable(_)
    );
    let status = if asks {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::UPGRADE_REQUIRED
    };
    let mut response = ApiError::from_status(status).into_response();
    if !asks {
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
    response
}

struct Session {
    api: Api,
    caller: Caller,
    socket: WebSocket,
    asking: Asking,
    _place: Place<KeyDigest>,
}

/// Why a session ends.
enum End {
    /// The client closed it, or the connection broke.
    Gone,
    /// The terminal closes it.
    Close { code: u16, reason: &'static str },
}

type Flow = ControlFlow<End>;

/// How a session ends whose key was revoked or whose token has ended.
const REVOKED: End = End::Close {
    code: close_code::POLICY,
    reason: "the key is revoked or the token has ended",
};

/// How a session ends that cannot go on where its client was.
const NOT_RESUMED: End = End::Close {
    code: close_code::POLICY,
    reason: "the events after the resume token are not known here",
};

/// How a session ends whose events cannot be read.
const UNREADABLE: End = End::Close {
    code: close_code::ERROR,
    reason: "the terminal's event log cannot be read",
};

/// How a session ends with the terminal.
const SHUT_DOWN: End = End::Close {
    code: close_code::AWAY,
    reason: "the terminal is shutting down",
};

impl Session {
    async fn run(mut self, start: Result<Start, ApiError>) {
        let end = match self.begin(start).await {
            Ok(position) => self.serve(position).await,
            Err(end) => end,
        };
        if let End::Close { code, reason } = end {
            let frame = CloseFrame {
                code,
                reason: Utf8Bytes::from_static(reason),
            };
            tracing::debug!(code, reason, "a session is closed");
            // The client may be gone or stuck already; the close is a courtesy.
            drop(time::timeout(SEND_TIMEOUT, self.socket.send(Message::Close(Some(frame)))).await);
        }
    }

    /// Tells a client that asked where the session begins, or why it does not.
    async fn begin(&mut self, start: Result<Start, ApiError>) -> Result<Position, End> {
        let (said, position) = match start {
            Ok(Start {
                position,
                told: false,
            }) => return Ok(position),
            Ok(Start { position, .. }) => {
                let event = ServerEvent::SessionOpened {};
                (event.logged(&position), Ok(position))
            }
            Err(error) => (refusal(&error), Err(NOT_RESUMED)),
        };
        match self.send(&said).await {
            ControlFlow::Continue(()) => position,
            ControlFlow::Break(end) => Err(end),
        }
    }

    async fn serve(&mut self, mut position: Position) -> End {
        let mut newest = self.api.terminal.newest_event();
        let mut shutdown = self.api.shutdown.clone();
        let mut pings = time::interval(PING_INTERVAL);
        let mut heard = Instant::now();
        loop {
            let flow = tokio::select! {
                message = self.socket.recv() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(message)) => self.receive(message).await,
                        Some(Err(_)) | None => ControlFlow::Break(End::Gone),
                    }
                }
                more = is_more(&mut newest, position.sequence) => {
                    if more { self.show(&mut position).await } else { ControlFlow::Break(SHUT_DOWN) }
                }
                event = self.asking.event() => self.send(&event).await,
                _ = pings.tick() => self.ping(heard).await,
                () = server::requested(&mut shutdown) => ControlFlow::Break(SHUT_DOWN),
            };
            if let ControlFlow::Break(end) = flow {
                return end;
            }
        }
    }

    async fn receive(&mut self, message: Message) -> Flow {
        match message {
            Message::Text(text) if text.len() > MESSAGE_BYTES_MAX => {
                ControlFlow::Break(End::Close {
                    code: close_code::SIZE,
                    reason: "the message is too large",
                })
            }
            Message::Text(_) if !self.still_may() => ControlFlow::Break(REVOKED),
            Message::Text(text) => {
                match act(&self.api, self.caller, &mut self.asking, text.as_bytes()).await {
                    Ok(Some(event)) => self.send(&event).await,
                    Ok(None) => ControlFlow::Continue(()),
                    Err(error) => {
                        let refusal = refusal(&error);
                        self.send(&refusal).await
                    }
                }
            }
            Message::Binary(_) => ControlFlow::Break(End::Close {
                code: close_code::UNSUPPORTED,
                reason: "actions are JSON text",
            }),
            // The framework answers pings by itself.
            Message::Ping(_) | Message::Pong(_) => ControlFlow::Continue(()),
            Message::Close(_) => ControlFlow::Break(End::Gone),
        }
    }

    /// Shows a part of what is new, so that a session with much of it still listens.
    async fn show(&mut self, position: &mut Position) -> Flow {
        let events = self
            .api
            .terminal
            .events_after(position.sequence, EVENTS_AT_ONCE);
        let Ok(events) = events.await else {
            return ControlFlow::Break(UNREADABLE);
        };
        if events.forgotten {
            self.send(&event::refused(&resume::forgotten(), &new_request_id()))
                .await?;
            return ControlFlow::Break(NOT_RESUMED);
        }
        for LoggedEvent { sequence, event } in events.events {
            position.sequence = sequence;
            let event = if event.what == Progress::AskingPointOfSale {
                match question(&self.api, self.caller, &event.transaction, position).await {
                    Ok(question) => question,
                    Err(StorageFault) => return ControlFlow::Break(UNREADABLE),
                }
            } else {
                ServerEvent::of(event, &self.api.merchant, position)
            };
            if let Some(event) = event {
                self.send(&event).await?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Asks again who the caller is: a key may have been revoked, a token may have ended.
    fn still_may(&mut self) -> bool {
        let now = self.api.clock.now().timestamp();
        let renewed = self.api.credentials.renewed(self.caller, now);
        if let Some(caller) = renewed {
            self.caller = caller;
        }
        renewed.is_some()
    }

    async fn ping(&mut self, heard: Instant) -> Flow {
        if !self.still_may() {
            return ControlFlow::Break(REVOKED);
        }
        if heard.elapsed() > SILENCE_MAX {
            return ControlFlow::Break(End::Close {
                code: close_code::POLICY,
                reason: "the client answers no pings",
            });
        }
        self.deliver(Message::Ping(axum::body::Bytes::new())).await
    }

    async fn send(&mut self, event: &serde_json::Value) -> Flow {
        self.deliver(Message::Text(event.to_string().into())).await
    }

    async fn deliver(&mut self, message: Message) -> Flow {
        match time::timeout(SEND_TIMEOUT, self.socket.send(message)).await {
            Ok(Ok(())) => ControlFlow::Continue(()),
            Ok(Err(_)) => ControlFlow::Break(End::Gone),
            Err(_) => ControlFlow::Break(End::Close {
                code: close_code::POLICY,
                reason: "the session reads too slowly",
            }),
        }
    }
}

/// The event of a refusal, noted under its request id.
fn refusal(error: &ApiError) -> serde_json::Value {
    let request_id = new_request_id();
    let code = error.code.as_str();
    tracing::info!(request_id, code, "an action is refused");
    event::refused(error, &request_id)
}

/// The event of a question to the point of sale, which may be answered meanwhile. `None` when the
/// transaction is gone.
async fn question(
    api: &Api,
    caller: Caller,
    id: &TransactionId,
    position: &Position,
) -> Result<Option<serde_json::Value>, StorageFault> {
    let Some(record) = api.terminal.transaction(id).await? else {
        return Ok(None);
    };
    let question = api.terminal.question(id);
    let shown = question.filter(|_| caller.may_decide());
    let event = event::online_authorization(&record, shown.as_deref(), Some(position));
    Ok(Some(event))
}

/// Waits until the log has more than these events. `false` when it has no more to come.
async fn is_more(newest: &mut watch::Receiver<u64>, seen: u64) -> bool {
    newest.wait_for(|newest| *newest > seen).await.is_ok()
}
