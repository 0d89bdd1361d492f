//! An answer in JSON.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::error::ApiError;

/// What most answers need: a transaction with its receipt has about 1,200 bytes.
const USUAL_BYTES: usize = 2048;

/// A value that is answered as JSON.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(USUAL_BYTES);
        if let Err(error) = serde_json::to_writer(&mut body, &self.0) {
            tracing::error!(%error, "an answer is no JSON");
            return ApiError::from_status(StatusCode::INTERNAL_SERVER_ERROR).into_response();
        }
        let json = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, json)], body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::error::ErrorCode;

    #[tokio::test]
    async fn a_value_is_answered_as_json() {
        let response = Json(BTreeMap::from([("a", 1)])).into_response();
        assert_eq!(response.status(), StatusCode::OK);
        let kinds: Vec<_> = response
            .headers()
            .get_all(header::CONTENT_TYPE)
            .iter()
            .collect();
        assert_eq!(kinds, ["application/json"]);
        let body = axum::body::to_bytes(response.into_body(), 64).await;
        assert_eq!(body.expect("a body"), r#"{"a":1}"#);
    }

    #[test]
    fn what_cannot_be_written_is_an_error_of_the_api() {
        // JSON has no keys but texts.
        let response = Json(BTreeMap::from([((), 1)])).into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let error = response.extensions().get::<ApiError>().expect("an error");
        assert_eq!(error.code, ErrorCode::InternalError);
    }
}
