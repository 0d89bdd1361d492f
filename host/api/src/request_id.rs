//! The name of each request, and the place where every error's body is written.

use std::time::Instant;

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    response::Response,
};

use serde_json::Value;

use crate::{
    error::{ApiError, ErrorCode},
    guard::Guarded,
    metrics::Metrics,
    version::{self, API_VERSION},
};

/// The header that carries the request's name on every answer.
pub const REQUEST_ID_HEADER: &str = "X-Request-Id";

/// Its name as it is written.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// How long a client waits when nobody can say how long it takes, in seconds.
const RETRY_AFTER_S: u64 = 5;

/// `req_` and a ULID.
pub(crate) fn new_request_id() -> String {
    let mut text = [0; ulid::ULID_LEN];
    ["req_", ulid::Ulid::new().array_to_str(&mut text)].concat()
}

/// What is logged and counted of a request to no operation.
const NO_OPERATION: &str = "none";

/// What is outermost: names the request, renders errors, counts, and logs one line.
///
/// Every error is rendered here and nowhere else, the framework's own included (404, 405 and the
/// refusals of its extractors), so that there is one envelope on every path. The line names the
/// operation and not the path: a client may have put anything there, a key or a card number too.
pub(crate) async fn name_and_render<A: Future<Output = Response>>(
    metrics: &Metrics,
    request: Request,
    answer: impl FnOnce(Request) -> A,
) -> Response {
    let request_id = new_request_id();
    let began = Instant::now();
    let method = request.method().clone();
    let mut response = named(rendered(answer(request).await, &request_id), &request_id);
    response
        .headers_mut()
        .insert(version::HEADER, HeaderValue::from_static(API_VERSION));
    let operation = response
        .extensions()
        .get::<Guarded>()
        .map_or(NO_OPERATION, |guarded| guarded.operation.id);
    let (status, took) = (response.status().as_u16(), began.elapsed());
    metrics.answered(operation, status, took);
    tracing::info!(
        request_id,
        operation,
        %method,
        status,
        milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
    response
}

/// Renders an error of the API on a path that is not the API's, and leaves every other answer.
pub(crate) fn rendered_if_ours(response: Response) -> Response {
    if response.extensions().get::<ApiError>().is_none() {
        return response;
    }
    let request_id = new_request_id();
    named(rendered(response, &request_id), &request_id)
}

fn named(mut response: Response, request_id: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(HEADER, value);
    }
    // An answer may hold masked card data and amounts: nobody on the way is to keep it.
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn rendered(response: Response, request_id: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    let status = parts.status;
    let error = parts.extensions.remove::<ApiError>().or_else(|| {
        (status.is_client_error() || status.is_server_error())
            .then(|| ApiError::from_status(status))
    });
    let Some(error) = error else {
        return Response::from_parts(parts, body);
    };
    tracing::debug!(request_id, code = error.code.as_str(), "refused");
    // The framework's headers stay (405 has `Allow`), but for those that describe its body.
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if error.code == ErrorCode::RateLimited {
        let seconds = error.details.value.as_ref().and_then(Value::as_u64);
        let seconds = HeaderValue::from(seconds.unwrap_or(RETRY_AFTER_S));
        parts.headers.insert(header::RETRY_AFTER, seconds);
    }
    let body = serde_json::to_vec(&error.envelope(request_id)).unwrap_or_default();
    Response::from_parts(parts, body.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_named_by_a_ulid_under_the_header_of_the_documents() {
        assert_eq!(HEADER, REQUEST_ID_HEADER);
        let id = new_request_id();
        let ulid = id.strip_prefix("req_").expect("a prefix");
        assert_eq!(
            ulid.parse::<ulid::Ulid>().map(|read| read.to_string()),
            Ok(ulid.into())
        );
    }
}
