//! The form of every error.

use serde::Serialize;
use serde_json::Value;

use crate::{
    error::{ApiError, ErrorCode},
    openapi::schema::{Described, Schema},
};

/// The envelope of the error reference, the same on every path and in the session.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope<'error> {
    error: &'static str,
    message: &'error str,
    request_id: &'error str,
    details: &'error Details,
}

/// Where to look, as the envelope's `details`. Members that do not apply are left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// The field, header or parameter that was refused; a dot leads into `metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What it held, shortened to [`crate::ECHO_CHARS_MAX`] characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The rule it broke, in the words of JSON Schema where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraint: Option<&'static str>,
    /// The transaction to ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
}

impl ApiError {
    /// The envelope of the error reference.
    pub(crate) fn envelope<'error>(&'error self, request_id: &'error str) -> Envelope<'error> {
        Envelope {
            error: self.code.as_str(),
            message: &self.message,
            request_id,
            details: &self.details,
        }
    }
}

impl Envelope<'_> {
    /// Adds the members of the envelope.
    pub(crate) fn describe(object: Schema) -> Schema {
        let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        object
            .required(
                "error",
                Schema::text("The stable code; branch on it, and not on the status.")
                    .with("enum", codes),
            )
            .required("message", Schema::text("For logs, never for cardholders."))
            .required(
                "requestId",
                Schema::identifier("req", "The request's name, as in the header X-Request-Id."),
            )
            .required("details", Details::schema())
    }
}

impl Described for Envelope<'_> {
    const NAME: &'static str = "Error";

    fn schema() -> Schema {
        Self::describe(Schema::object("The form of every error."))
    }
}

impl Details {
    fn schema() -> Schema {
        Schema::object("Where to look. Members that do not apply are left out.")
            .optional(
                "field",
                Schema::text("The field, header or parameter; a dot leads into `metadata`."),
            )
            .optional("value", Schema::anything("What it held, shortened."))
            .optional(
                "constraint",
                Schema::text("The rule it broke, in the words of JSON Schema where it has one."),
            )
            .optional(
                "transactionId",
                Schema::identifier("txn", "The transaction to ask for."),
            )
    }
}
