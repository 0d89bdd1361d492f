//! The Commerce API: what a point of sale talks to.
//!
//! HTTP and a WebSocket over one terminal's transaction service: every kind of transaction, lists, totals,
//! settlements, the device's health, what it shows, asks and prints, and the session `/v1/session` with
//! the actions `sale`, `pre_auth`, `card_read`, `display`, `input` and `abort`. [`OPERATIONS`] is the table of what there is.
//! It speaks HTTP, plain or over TLS with a certificate of its own.
//!
//! An embedder makes an [`Api`] over its [`Terminal`] and hands [`router()`] to [`serve`].
//!
//! What holds on every path:
//!
//! - Every answer bears `X-Request-Id`; every error is the envelope
//!   `{error, message, requestId, details}` with a code of [`ErrorCode`].
//! - One Idempotency-Key, one transaction. A repeated request waits for the first one's end and
//!   gets its answer.
//! - A point of sale that goes away changes nothing for its transaction.
//! - Nothing is called declined or cancelled while money may have moved; see [`response::status`].
//! - Keys are kept as digests. What is logged and counted is the operation, never a URL.
//! - Before a handler is asked: the names in `Host` and `Origin` are allowed, the caller is known,
//!   permitted, and not too fast; see [`OPERATIONS`].
//!
//! What was decided where the reference is silent:
//!
//! - A field the schema does not know is refused by name, and so is a field that appears twice: a
//!   misspelt `tipAmount` that was ignored would be money lost in silence. `null` in an optional
//!   field is an absent field.
//! - A running transaction has the status `PENDING_COMPLETION`.
//! - `REVERSED` is what failed after money may have moved and whose reversal the acquirer has
//!   confirmed. A decline or a cancellation with a confirmed reversal keeps its name.
//! - 405, 408, 413 and 415 keep their status; their envelope has the nearest code of the reference.
//! - An abort that comes too late is `TERMINAL_BUSY`, since the transaction goes on; an abort of a
//!   transaction that ended otherwise is `INVALID_REQUEST` and names the status.
//! - A question ends as cancelled when a transaction begins, and ends with the client that asked. A
//!   question that mentions a PIN or a card's data is `INVALID_REQUEST` with the constraint `secret`.
//! - What is shown and printed is refused when it could drive a device, and never altered.
//! - A session sends exactly one `result` for every transaction; when its status is `ERROR`, the
//!   member `error` beside `response` is the envelope that HTTP answers. An `error` event is a
//!   refused action, and nothing was started.
#![forbid(unsafe_code)]

mod answer;
mod auth;
mod body;
mod card;
mod device;
mod ended;
mod envelope;
mod error;
mod export;
mod fields;
mod granular;
mod group;
mod guard;
mod idempotency;
mod json;
mod limits;
mod listing;
mod metrics;
mod once;
pub mod openapi;
mod operations;
mod permission;
mod places;
mod query;
mod receipt;
mod request;
mod request_id;
pub mod response;
mod router;
mod server;
mod service;
mod session;
mod settlements;
mod status;
mod terminal;
mod transactions;
mod version;
mod web;
mod webhook_events;

pub use auth::{
    API_KEY_HEADER, ApiKey, ApiKeys, DigestEntry, KEY_NAME_CHARS_MAX, KEYS_MAX, KeyEntry, KeyFile,
    KeyFileError, KeyMode, Permissions, ROTATION_OVERLAP, TOKEN_BYTES_MAX, TOKEN_KEYS_MAX,
    TOKEN_LEEWAY_S, TokenKeysError, Tokens, new_key,
};
pub use body::BODY_BYTES_MAX;
pub use error::{ApiError, Details, ECHO_CHARS_MAX, ErrorCode, Severity};
pub use idempotency::{IDEMPOTENCY_KEY_CHARS_MAX, IDEMPOTENCY_KEY_HEADER};
pub use limits::{LIMITED_CALLERS_MAX, Limits};
pub use operations::{Group, OPERATIONS, Operation, Permission, Tag};
pub use request::{AMOUNT_MINOR_MAX, METADATA_CHARS_MAX, METADATA_KEYS_MAX, REFERENCE_CHARS_MAX};
pub use request_id::REQUEST_ID_HEADER;
pub use router::{Api, router};
pub use server::{
    CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX, Identity, IdentityError, PLAIN_HTTP_REFUSED,
    serve, serve_tls,
};
pub use session::{MESSAGE_BYTES_MAX, SESSIONS_MAX, SESSIONS_PER_CALLER_MAX};
pub use terminal::{Merchant, Terminal};
pub use version::{API_VERSION, API_VERSION_HEADER};
pub use web::{WebRules, WebRulesError};
pub use webhook_events::{End, EventType, LogSource, Source, TellError, Teller};
