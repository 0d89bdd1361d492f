//! The session: a WebSocket that takes actions and shows every transaction as it happens.
//!
//! A session watches the terminal, not one transaction: what was started over HTTP or in another
//! session is shown too. Nothing that happens to a session touches a transaction. A client that
//! reads too slowly loses its session, with a close code that says so, and can ask for the
//! transaction over HTTP.

pub(crate) mod action;
mod asking;
pub(crate) mod event;

use std::{ops::ControlFlow, time::Duration};

use axum::{
    Extension,
    extract::{
        State,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code},
    },
    response::{IntoResponse, Response},
};
use terminal_host::service;
use tokio::{
    sync::broadcast,
    time::{self, Instant},
};

use self::{action::Action, asking::Asking, event::ServerEvent};
use crate::{
    auth::{Caller, KeyDigest},
    body::{self, BODY_BYTES_MAX},
    device,
    error::{ApiError, ErrorCode},
    guard,
    operations::{Group, Operation},
    places::Place,
    request_id::new_request_id,
    router::Api,
    server,
    transactions::{self, Aborting},
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

/// How long a client may take to accept one event.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// `GET /v1/session`, upgraded to a WebSocket.
pub(crate) async fn open(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Some(place) = api.sessions.take(caller.id) else {
        return ApiError::new(ErrorCode::RateLimited, "Too many sessions are open").into_response();
    };
    // Subscribed before the client learns that it is connected, so that it misses nothing.
    let events = api.terminal.events();
    upgrade
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
            .run(events)
        })
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

impl Session {
    async fn run(mut self, mut events: broadcast::Receiver<service::Event>) {
        let mut shutdown = self.api.shutdown.clone();
        let mut pings = time::interval(PING_INTERVAL);
        let mut heard = Instant::now();
        let end = loop {
            let flow = tokio::select! {
                message = self.socket.recv() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(message)) => self.receive(message).await,
                        Some(Err(_)) | None => ControlFlow::Break(End::Gone),
                    }
                }
                event = events.recv() => self.show(event).await,
                event = self.asking.event() => self.send(&event).await,
                _ = pings.tick() => self.ping(heard).await,
                () = server::requested(&mut shutdown) => ControlFlow::Break(End::Close {
                    code: close_code::AWAY,
                    reason: "the terminal is shutting down",
                }),
            };
            if let ControlFlow::Break(end) = flow {
                break end;
            }
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

    async fn receive(&mut self, message: Message) -> Flow {
        match message {
            Message::Text(text) if text.len() > MESSAGE_BYTES_MAX => {
                ControlFlow::Break(End::Close {
                    code: close_code::SIZE,
                    reason: "the message is too large",
                })
            }
            Message::Text(_) if !self.still_may() => ControlFlow::Break(REVOKED),
            Message::Text(text) => match act(self, text.as_bytes()).await {
                Ok(Some(event)) => self.send(&event).await,
                Ok(None) => ControlFlow::Continue(()),
                Err(error) => {
                    let request_id = new_request_id();
                    tracing::info!(
                        request_id,
                        code = error.code.as_str(),
                        "an action is refused"
                    );
                    self.send(&event::refused(&error, &request_id)).await
                }
            },
            Message::Binary(_) => ControlFlow::Break(End::Close {
                code: close_code::UNSUPPORTED,
                reason: "actions are JSON text",
            }),
            // The framework answers pings by itself.
            Message::Ping(_) | Message::Pong(_) => ControlFlow::Continue(()),
            Message::Close(_) => ControlFlow::Break(End::Gone),
        }
    }

    async fn show(&mut self, event: Result<service::Event, broadcast::error::RecvError>) -> Flow {
        match event {
            Ok(event) => match ServerEvent::of(event, &self.api.merchant) {
                Some(event) => self.send(&event).await,
                None => ControlFlow::Continue(()),
            },
            Err(broadcast::error::RecvError::Lagged(_)) => ControlFlow::Break(End::Close {
                code: close_code::POLICY,
                reason: "the session reads too slowly and has missed events",
            }),
            Err(broadcast::error::RecvError::Closed) => ControlFlow::Break(End::Close {
                code: close_code::AWAY,
                reason: "the terminal is shutting down",
            }),
        }
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

/// Does one action, and counts what became of it.
async fn act(session: &mut Session, text: &[u8]) -> Result<Option<serde_json::Value>, ApiError> {
    let Session {
        api,
        caller,
        asking,
        ..
    } = session;
    let message = body::parse(text);
    let action = message
        .as_ref()
        .ok()
        .and_then(|message| message.get("action")?.as_str());
    let operation = action.and_then(Operation::of_action);
    let done = match check(api, *caller, operation) {
        Ok(()) => perform(api, asking, message).await,
        Err(error) => Err(error),
    };
    let result = match &done {
        Ok(_) => "accepted",
        Err(error) => error.code.as_str(),
    };
    let operation = operation.map_or("none", |operation| operation.id);
    api.metrics.acted(operation, result);
    done
}

/// What follows from an action arrives as events of the terminal, like for every other session;
/// only a text, and an abort that comes after its own result, have an answer of their own. That of a
/// question comes later, and holds up nothing.
async fn perform(
    api: &Api,
    asking: &mut Asking,
    message: Result<serde_json::Value, ApiError>,
) -> Result<Option<serde_json::Value>, ApiError> {
    match action::parse(message?, &api.allowed())? {
        Action::Start(request) => {
            transactions::begin(&api.terminal, *request, None).await?;
            Ok(None)
        }
        Action::Abort(id) => match transactions::request_abort(api, &id).await? {
            Aborting::Ending => Ok(None),
            Aborting::Cancelled(record) => Ok(Some(event::result(&record, &api.merchant))),
        },
        Action::Display(text) => {
            let shown = device::show(api, text).await?;
            Ok(Some(event::display_result(shown)))
        }
        Action::Input(request) => asking.begin(api, request).map(|()| None),
    }
}

/// Counts a message, and refuses what the caller may not do. A message that names no action counts
/// as a transaction: else it could be sent without end.
fn check(api: &Api, caller: Caller, operation: Option<&'static Operation>) -> Result<(), ApiError> {
    match operation {
        Some(operation) => guard::check(api, caller, operation),
        None => guard::count(api, caller, Group::Transaction),
    }
}
