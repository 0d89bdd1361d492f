//! An answer in JSON.

use axum::{
    body::Bytes,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::error::ApiError;

/// What most answers need at most. Allocators have a piece of this size at hand.
const USUAL_BYTES: usize = 1024;

/// A value that is answered as JSON.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

/// A value that was written as JSON. Clones share the text.
#[derive(Clone)]
pub(crate) struct Written(Bytes);

impl Written {
    /// Writes a value.
    pub(crate) fn of(value: &impl Serialize) -> Result<Self, ApiError> {
        let mut text = Vec::with_capacity(USUAL_BYTES);
        match serde_json::to_writer(&mut text, value) {
            Ok(()) => Ok(Self(text.into())),
            Err(error) => {
                tracing::error!(%error, "an answer is no JSON");
                Err(ApiError::from_status(StatusCode::INTERNAL_SERVER_ERROR))
            }
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        Written::of(&self.0).into_response()
    }
}

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, json)], self.0).into_response()
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
