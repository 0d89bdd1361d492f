//! The link to the acquirer: driver trait; `tcp` is the driver for a plain socket.

mod host;
pub mod tcp;

use std::time::Duration;

use async_trait::async_trait;

use crate::observer::Observer;

/// Carries one message to the acquirer and its answer back.
#[async_trait]
pub trait AcquirerLink: Send {
    /// Opens a connection, sends `request` with its length header, waits for one answer, closes.
    ///
    /// `observer` is told when the request has been written and when an answer has been read.
    async fn exchange(
        &mut self,
        request: &[u8],
        timeout: Duration,
        observer: &dyn Observer,
    ) -> Result<Vec<u8>, Fault>;
}

/// Why no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No connection could be made. Nothing was sent.
    #[error("the acquirer cannot be reached; nothing was sent")]
    Unreachable,
    /// The peer's certificate was refused. Nothing was sent.
    #[error("the acquirer's certificate was refused; nothing was sent")]
    PeerRefused,
    /// The request was sent, or partly sent, and no whole answer came.
    #[error("the request was sent and no whole answer came")]
    AnswerLost,
    /// The answer is longer than the host accepts. The request was sent.
    #[error("the answer is too long; the request was sent")]
    AnswerTooLong,
}
