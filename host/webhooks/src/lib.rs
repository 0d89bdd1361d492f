//! Outbound webhooks: events that are signed and brought to the receivers an operator named.
//!
//! What it is: endpoints with their secrets ([`EndpointFile`]), a durable queue ([`Outbox`]), and what empties
//! it ([`Dispatcher`]) through one careful HTTP request for each attempt ([`Client`]). What it is not: it
//! does not know what an event is about. The API makes [`Event`]s out of the terminal's records and
//! queues them.
//!
//! How it is entered: an embedder keeps the text of an [`EndpointFile`] as it keeps other secrets, hands a
//! reader of it to [`Endpoints`], opens an [`Outbox`], and runs a [`Dispatcher`] over both.
//!
//! What holds:
//!
//! - What was queued is delivered, or becomes a dead letter that can be replayed; over restarts too.
//!   A receiver may see an event more than once, always under the same id.
//! - An attempt is counted before it is made. Its signature has the time of the attempt.
//! - The address that is connected to is the one that was checked, and it is looked up anew for
//!   each attempt: see [`AddressKind`]. No redirect is followed.
//! - A receiver that is slow or gone delays nobody but itself.
//! - No secret, no query and no user information of a URL is logged or shown.
//! - Endpoints, deliveries, their age, and what is read of an answer have limits.
//!
//! The scheme of the signature is the Commerce API's (`Atlas-Signature`), that is HMAC-SHA-256
//! (RFC 2104) over the time and the raw body.
#![forbid(unsafe_code)]

mod address;
mod backoff;
mod client;
mod dispatcher;
mod endpoint;
mod endpoint_file;
mod event;
mod figures;
mod outbox;
mod signature;
mod target;
mod trust;

pub use address::AddressKind;
pub use backoff::{ATTEMPTS_MAX, RETRY_AFTER_MAX, Schedule};
pub use client::{
    ANSWER_BYTES_MAX, ATTEMPT_TIMEOUT, Answer, Client, Fault, Resolver, SystemResolver,
};
pub use dispatcher::{Dispatcher, POLL_INTERVAL};
pub use endpoint::{Endpoint, Endpoints, Secrets};
pub use endpoint_file::{
    ENDPOINTS_MAX, EndpointEntry, EndpointFile, EndpointFileError, EndpointId, NETWORKS_MAX,
    NewEndpoint, ROTATION_OVERLAP,
};
pub use event::{Event, EventId};
pub use figures::{AttemptResult, Figures};
pub use outbox::{
    Batch, DELIVERIES_MAX, Delivery, DeliveryState, KEPT, ListedDelivery, OpenError, Outbox,
    Selection, StorageFault, Verdict,
};
pub use signature::{Secret, signature};
pub use target::{Target, TargetError, URL_CHARS_MAX};
pub use trust::TrustError;
