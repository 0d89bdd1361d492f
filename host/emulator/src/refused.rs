//! What a control is answered that is not done: the envelope of the Commerce API.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::controls::{Error, card_names};

/// An error as it is answered.
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) details: Value,
}

impl Refused {
    /// The body is not one that is taken.
    pub(crate) fn body(message: String) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "INVALID_REQUEST",
            message,
            details: json!({"field": "body"}),
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let (status, code, details) = match &error {
            Error::UnknownCard { name } => (
                StatusCode::BAD_REQUEST,
                "INVALID_REQUEST",
                json!({"field": "card", "value": name, "constraint": "enum", "names": card_names()}),
            ),
            Error::CardText(_) => (
                StatusCode::BAD_REQUEST,
                "INVALID_REQUEST",
                json!({"field": "personalization"}),
            ),
            Error::NotDigits => (
                StatusCode::BAD_REQUEST,
                "INVALID_REQUEST",
                json!({"field": "keys", "constraint": "pattern"}),
            ),
            Error::NoCard | Error::NoQuestion => (StatusCode::NOT_FOUND, "NOT_FOUND", json!({})),
            Error::CardInUse | Error::TooManyKeys => {
                (StatusCode::CONFLICT, "TERMINAL_BUSY", json!({}))
            }
        };
        Self {
            status,
            code,
            message: error.to_string(),
            details,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let envelope = json!({
            "error": self.code,
            "message": self.message,
            "requestId": request_id(),
            "details": self.details,
        });
        (self.status, Json(envelope)).into_response()
    }
}

/// A name for the answer, as the Commerce API gives each of its own.
fn request_id() -> String {
    static REFUSED: AtomicU64 = AtomicU64::new(1);
    format!(
        "req_emulator_{:06}",
        REFUSED.fetch_add(1, Ordering::Relaxed)
    )
}
