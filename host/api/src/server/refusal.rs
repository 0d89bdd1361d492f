//! Answers of the HTTP library itself, to what is not HTTP: given the error envelope.
//!
//! The library answers a bad request line or a head that is too large before any handler is asked,
//! with a head and no body. A client that branches on the envelope would find none.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::{
    error::{ApiError, ErrorCode},
    request_id,
};

/// The longest bare head of the library.
const BARE_BYTES_MAX: usize = 256;

/// How long a refused client may take to read its answer.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

/// How much of a refused client's request is read and thrown away meanwhile: what lies unread when
/// a connection is closed takes the answer with it.
const FAREWELL_BYTES_MAX: u64 = 1024 * 1024;

/// A connection that gives the library's own answers a body.
#[derive(Debug)]
pub(super) struct Refusing<S> {
    inner: S,
    /// The answer in place of the library's, and how much of it is written.
    answer: Option<(Vec<u8>, usize)>,
    /// Whether something was read since the last answer.
    pub(super) asked: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Refusing<S> {
    pub(super) fn new(inner: S) -> Self {
        Self {
            inner,
            answer: None,
            asked: false,
        }
    }

    /// Says that the head did not arrive in time, when some of it has.
    pub(super) async fn end_late(mut self) {
        if self.asked {
            let error = ApiError::new(
                ErrorCode::Timeout,
                "The request's head did not arrive in time",
            )
            .with_status(StatusCode::REQUEST_TIMEOUT);
            self.inner.end_with(&error).await;
        }
    }

    /// Lets a refused client read its answer. What was no HTTP/1.1 and has none gets one: the library is
    /// silent on the preface of HTTP/2.
    pub(super) async fn end_refused(mut self, is_no_http: bool) {
        if self.answer.is_some() {
            self.inner.read_away().await;
        } else if is_no_http && self.asked {
            let error = ApiError::from_status(StatusCode::BAD_REQUEST);
            self.inner.end_with(&error).await;
        }
    }

    /// Writes what is left of the answer.
    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((answer, written)) = &mut self.answer {
            let rest = answer.get(*written..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let count = ready!(Pin::new(&mut self.inner).poll_write(context, rest))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *written = written.saturating_add(count);
        }
        Poll::Ready(Ok(()))
    }
}

/// Ending a connection with an answer.
pub(super) trait Farewell: AsyncRead + AsyncWrite + Unpin {
    /// Writes an error as the last answer, and gives the client time to read it.
    async fn end_with(&mut self, error: &ApiError) {
        let saying = async {
            if self.write_all(&answer_of(error)).await.is_ok() {
                drop(self.shutdown().await);
            }
        };
        drop(tokio::time::timeout(FAREWELL_TIMEOUT, saying).await);
        self.read_away().await;
    }

    /// Reads and throws away until the client hangs up, for a while.
    async fn read_away(&mut self) {
        let mut rest = self.take(FAREWELL_BYTES_MAX);
        let mut nowhere = tokio::io::sink();
        let reading = tokio::io::copy(&mut rest, &mut nowhere);
        drop(tokio::time::timeout(FAREWELL_TIMEOUT, reading).await);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Farewell for S {}

impl<S: AsyncRead + Unpin> AsyncRead for Refusing<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        self.asked |= buffer.filled().len() > before;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Refusing<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.answer.is_none() {
            let Some(status) = bare_refusal(bytes) else {
                self.asked = false;
                return Pin::new(&mut self.inner).poll_write(context, bytes);
            };
            self.answer = Some((answer_of(&ApiError::from_status(status)), 0));
        }
        // The library's own answer goes nowhere.
        ready!(self.poll_answer(context))?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_answer(context))?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_answer(context))?;
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// The status of an answer that the library gives of itself: nothing but three headers.
fn bare_refusal(bytes: &[u8]) -> Option<StatusCode> {
    if bytes.len() > BARE_BYTES_MAX {
        return None;
    }
    let head = str::from_utf8(bytes).ok()?.strip_suffix("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    let status: StatusCode = status.parse().ok()?;
    let (mut closes, mut empty) = (false, false);
    for line in lines {
        closes |= line == "connection: close";
        empty |= line == "content-length: 0";
        if !["connection: close", "content-length: 0"].contains(&line)
            && !line.starts_with("date: ")
        {
            return None;
        }
    }
    let own = [
        StatusCode::BAD_REQUEST,
        StatusCode::URI_TOO_LONG,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    ];
    (closes && empty && own.contains(&status)).then_some(status)
}

/// A whole answer with the envelope.
fn answer_of(error: &ApiError) -> Vec<u8> {
    let request_id = request_id::new_request_id();
    let status = error.status;
    tracing::info!(
        operation = "none",
        status = status.as_u16(),
        request_id,
        "answered"
    );
    let body = serde_json::to_string(&error.envelope(&request_id)).unwrap_or_default();
    let reason = status.canonical_reason().unwrap_or_default();
    format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\ncache-control: no-store\r\nx-request-id: {request_id}\r\n\r\n{body}",
        status.as_u16(),
        body.len(),
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_librarys_own_answers_are_replaced() {
        let bare = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
                    content-length: 0\r\ndate: Thu, 09 Apr 2026 00:00:00 GMT\r\n\r\n";
        assert_eq!(
            bare_refusal(bare.as_bytes()).map(|status| status.as_u16()),
            Some(431)
        );
        let others = [
            bare.replace("431", "405"),
            bare.replace("431", "200"),
            bare.replace("connection: close\r\n", ""),
            bare.replace("content-length: 0", "content-length: 1"),
            bare.replace("date: ", "x-request-id: req_1\r\ndate: "),
            format!("{bare}x"),
            String::new(),
        ];
        for other in others {
            assert_eq!(bare_refusal(other.as_bytes()), None, "{other}");
        }
    }
}
