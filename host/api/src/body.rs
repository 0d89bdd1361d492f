//! Reading a request's body: JSON only, bounded in size and in time.

use std::time::Duration;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
};
use futures_util::StreamExt;
use serde_json::Value;

use crate::{
    error::{ApiError, ErrorCode},
    json,
};

/// The largest body, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of a body that is too large is read and thrown away, so that the client, still
/// writing, gets to read the answer. Beyond this the connection is cut.
const DISCARDED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long throwing away may take.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(3);

/// Reads a JSON body whole.
pub(crate) async fn read_json(request: Request) -> Result<Value, ApiError> {
    let (parts, body) = request.into_parts();
    check_content_type(&parts.headers)?;
    if declared_length(&parts.headers).is_some_and(|length| length > BODY_BYTES_MAX) {
        // A client that waits for `100 Continue` has sent nothing yet, and need not.
        if !parts.headers.contains_key(header::EXPECT) {
            discard(body).await;
        }
        return Err(too_large());
    }
    let text = tokio::time::timeout(BODY_TIMEOUT, collect(body))
        .await
        .map_err(|_| {
            ApiError::new(
                ErrorCode::Timeout,
                "The request's body did not arrive in time",
            )
            .with_status(StatusCode::REQUEST_TIMEOUT)
        })??;
    parse(&text)
}

/// Parses a text that a client sent, over HTTP or in the session.
pub(crate) fn parse(text: &[u8]) -> Result<Value, ApiError> {
    json::parse(text).map_err(|fault| match fault {
        json::Fault::Truncated => invalid_json("The JSON ends too early".into()),
        json::Fault::Syntax { line, column } => invalid_json(format!(
            "The JSON is not valid at line {line}, column {column}"
        )),
        json::Fault::DuplicateKey(key) => {
            invalid_json("The JSON has a field twice".into()).field(key, "uniqueKeys")
        }
        json::Fault::TooDeep => {
            invalid_json("The JSON is nested too deeply".into()).field("", "maxDepth")
        }
    })
}

fn invalid_json(message: String) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, message).field("", "json")
}

fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = content_type
        .and_then(|text| text.split(';').next())
        .map(str::trim);
    if media_type.is_some_and(|text| text.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    let refused = ApiError::new(
        ErrorCode::InvalidRequest,
        "The body must be application/json",
    )
    .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
    .field("Content-Type", "const");
    Err(match content_type {
        Some(text) => refused.value(&Value::from(text)),
        None => refused,
    })
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Collects a body of at most [`BODY_BYTES_MAX`].
async fn collect(body: Body) -> Result<Vec<u8>, ApiError> {
    let mut chunks = body.into_data_stream();
    let mut text = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            invalid_json("The request's body ended before its declared length".into())
        })?;
        if text.len().saturating_add(chunk.len()) > BODY_BYTES_MAX {
            drop(text);
            discard(Body::from_stream(chunks)).await;
            return Err(too_large());
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

async fn discard(body: Body) {
    let mut chunks = body.into_data_stream();
    let mut left = DISCARDED_BYTES_MAX;
    let reading = async {
        while let Some(Ok(chunk)) = chunks.next().await {
            let Some(less) = left.checked_sub(chunk.len()) else {
                return;
            };
            left = less;
        }
    };
    if tokio::time::timeout(DISCARD_TIMEOUT, reading)
        .await
        .is_err()
    {
        tracing::debug!("a body that is too large was still arriving and is cut off");
    }
}

fn too_large() -> ApiError {
    ApiError::new(
        ErrorCode::InvalidRequest,
        format!("The request's body is larger than {BODY_BYTES_MAX} bytes"),
    )
    .with_status(StatusCode::PAYLOAD_TOO_LARGE)
    .field("", "maxLength")
}
