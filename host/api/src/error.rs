//! What can go wrong, as the points of sale see it: one code, one status, one envelope.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use terminal_host::{
    batch::ReconcileError,
    service::{BeginError, OriginalRefused},
    transaction::TransactionId,
};

pub use crate::envelope::Details;

/// Declares every error code with its HTTP status, its severity and its text on the wire, as one
/// table.
macro_rules! error_codes {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal, $status:ident, $severity:ident;)*) => {
        /// The stable codes of the Commerce API's error reference.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ErrorCode {
            $($(#[doc = $doc])* $name,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The text in the envelope's `error` member.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status that goes with the code.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// What it says, in one sentence or two.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_start(),)* }
            }

            /// What a client can do about it.
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }
        }
    };
}

error_codes! {
    /// The body or a parameter is not valid.
    InvalidRequest = "INVALID_REQUEST", BAD_REQUEST, Fatal;
    /// A required field is missing.
    MissingField = "MISSING_FIELD", BAD_REQUEST, Fatal;
    /// An amount is no positive integer, or above the merchant's ceiling.
    InvalidAmount = "INVALID_AMOUNT", BAD_REQUEST, Fatal;
    /// The terminal does not take the currency.
    InvalidCurrency = "INVALID_CURRENCY", BAD_REQUEST, Fatal;
    /// The API key is missing or wrong.
    Unauthorized = "UNAUTHORIZED", UNAUTHORIZED, Fatal;
    /// The API key does not permit the operation.
    Forbidden = "FORBIDDEN", FORBIDDEN, Fatal;
    /// There is no such transaction or resource.
    NotFound = "NOT_FOUND", NOT_FOUND, Fatal;
    /// The Idempotency-Key was used for another request.
    IdempotencyConflict = "IDEMPOTENCY_CONFLICT", CONFLICT, Fatal;
    /// Another transaction is in progress.
    TerminalBusy = "TERMINAL_BUSY", CONFLICT, Transient;
    /// A reconciliation is in progress.
    ReconciliationInProgress = "RECONCILIATION_IN_PROGRESS", CONFLICT, Transient;
    /// Too many requests.
    RateLimited = "RATE_LIMITED", TOO_MANY_REQUESTS, Transient;
    /// The terminal failed.
    InternalError = "INTERNAL_ERROR", INTERNAL_SERVER_ERROR, Transient;
    /// No answer came in time. Money may have moved until a reversal is confirmed.
    Timeout = "TIMEOUT", GATEWAY_TIMEOUT, Transient;
    /// The card could not be read.
    CardReadError = "CARD_READ_ERROR", SERVICE_UNAVAILABLE, Terminal;
    /// No application of the card is accepted here.
    UnsupportedCard = "UNSUPPORTED_CARD", SERVICE_UNAVAILABLE, Terminal;
    /// The acquirer cannot be reached. Nothing was sent.
    CommunicationError = "COMMUNICATION_ERROR", SERVICE_UNAVAILABLE, Transient;
    /// The terminal takes no transactions now.
    TerminalUnavailable = "TERMINAL_UNAVAILABLE", SERVICE_UNAVAILABLE, Transient;
}

/// What a client can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Retry with the same Idempotency-Key.
    Transient,
    /// Somebody must act at the terminal first.
    Terminal,
    /// Do not retry; correct the request.
    Fatal,
}

impl Severity {
    /// The reference's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Terminal => "terminal",
            Self::Fatal => "fatal",
        }
    }
}

/// One error, as it is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// The code.
    pub code: ErrorCode,
    /// The HTTP status: the code's own, but for what HTTP itself names more exactly (405, 408,
    /// 413, 415).
    pub status: StatusCode,
    /// For logs, never for cardholders.
    pub message: String,
    /// Where to look.
    pub details: Box<Details>,
}

/// The longest text of a client's that an error repeats.
pub const ECHO_CHARS_MAX: usize = 128;

impl ApiError {
    /// An error with the code's own status.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            status: code.status(),
            message: message.into(),
            details: Box::default(),
        }
    }

    /// An error that HTTP names more exactly than the code does.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Names the field and the rule it broke.
    pub(crate) fn field(mut self, field: impl Into<String>, constraint: &'static str) -> Self {
        self.details.field = Some(shortened(&field.into()));
        self.details.constraint = Some(constraint);
        self
    }

    /// Repeats the value that was refused.
    pub(crate) fn value(mut self, value: &Value) -> Self {
        self.details.value = Some(echo(value));
        self
    }

    /// Names the transaction to ask for.
    pub(crate) fn transaction(mut self, id: &TransactionId) -> Self {
        self.details.transaction_id = Some(id.as_str().into());
        self
    }

    /// An answer of the framework that carries nothing but a status.
    pub(crate) fn from_status(status: StatusCode) -> Self {
        let (code, message) = match status {
            StatusCode::NOT_FOUND => (ErrorCode::NotFound, "There is nothing at this path"),
            StatusCode::METHOD_NOT_ALLOWED => (
                ErrorCode::InvalidRequest,
                "The path does not take this method",
            ),
            StatusCode::UPGRADE_REQUIRED => (ErrorCode::InvalidRequest, "This path is a WebSocket"),
            status if status.is_client_error() => (
                ErrorCode::InvalidRequest,
                "The request is not valid HTTP for this path",
            ),
            _ => (ErrorCode::InternalError, "The terminal failed to answer"),
        };
        Self::new(code, message).with_status(status)
    }
}

impl IntoResponse for ApiError {
    /// Leaves the body to the outermost layer, which knows the request's name.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if self.code == ErrorCode::TerminalBusy {
            // The reference says: wait one to two seconds.
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// What a request that was not accepted is answered. `running` is the transaction in progress.
pub(crate) fn begin_refused(error: BeginError, running: Option<&TransactionId>) -> ApiError {
    match error {
        BeginError::Busy => {
            let refused = ApiError::new(
                ErrorCode::TerminalBusy,
                "Another transaction is in progress on this terminal",
            );
            match running {
                Some(id) => refused.transaction(id),
                None => refused,
            }
        }
        BeginError::ClaimConflict => ApiError::new(
            ErrorCode::IdempotencyConflict,
            "The Idempotency-Key was used before with a different request body",
        )
        .field("Idempotency-Key", "unique"),
        BeginError::CurrencyNotAccepted => ApiError::new(
            ErrorCode::InvalidCurrency,
            "The terminal does not take this currency",
        )
        .field("currency", "enum"),
        BeginError::Original(refused) => original_refused(refused),
        BeginError::ShuttingDown => ApiError::new(
            ErrorCode::TerminalUnavailable,
            "The terminal is shutting down",
        ),
        BeginError::StorageFault => ApiError::new(
            ErrorCode::InternalError,
            "The terminal's journal cannot be used. This request started nothing",
        ),
    }
}

/// What a refund, a void or a completion is answered that its original does not allow.
fn original_refused(refused: OriginalRefused) -> ApiError {
    const ORIGINAL: &str = "originalTransactionId";
    let (code, field, constraint) = match refused {
        OriginalRefused::Misplaced => (ErrorCode::InvalidRequest, ORIGINAL, "not"),
        OriginalRefused::Unknown => (ErrorCode::NotFound, ORIGINAL, "exists"),
        OriginalRefused::NotApproved => (ErrorCode::InvalidRequest, ORIGINAL, "approved"),
        OriginalRefused::OtherAcquirer => (ErrorCode::InvalidRequest, ORIGINAL, "granular"),
        OriginalRefused::OtherKind => (ErrorCode::InvalidRequest, ORIGINAL, "type"),
        OriginalRefused::OtherCurrency => (ErrorCode::InvalidCurrency, "currency", "const"),
        OriginalRefused::BatchClosed => (ErrorCode::InvalidRequest, ORIGINAL, "batch"),
        OriginalRefused::Used => (ErrorCode::InvalidRequest, ORIGINAL, "unused"),
        OriginalRefused::TooMuch { .. } => (ErrorCode::InvalidAmount, "amount", "maximum"),
        OriginalRefused::NotWhole { .. } => (ErrorCode::InvalidAmount, "amount", "const"),
    };
    let message = format!("The original transaction does not allow it: {refused}");
    ApiError::new(code, message).field(field, constraint)
}

/// What a reconciliation is answered that was not made.
pub(crate) fn reconcile_refused(error: ReconcileError) -> ApiError {
    match error {
        ReconcileError::Busy => ApiError::new(
            ErrorCode::TerminalBusy,
            "A transaction is in progress on this terminal",
        ),
        ReconcileError::InProgress => ApiError::new(
            ErrorCode::ReconciliationInProgress,
            "A reconciliation is in progress on this terminal",
        ),
        ReconcileError::ShuttingDown => ApiError::new(
            ErrorCode::TerminalUnavailable,
            "The terminal is shutting down",
        ),
        ReconcileError::StorageFault | ReconcileError::EngineFault => ApiError::new(
            ErrorCode::InternalError,
            "The reconciliation failed. It goes on where it stopped when it is asked for again",
        ),
    }
}

/// There is no transaction that could be referred to.
pub(crate) fn original_unknown(value: &Value) -> ApiError {
    ApiError::new(
        ErrorCode::NotFound,
        "There is no transaction with this originalTransactionId",
    )
    .field("originalTransactionId", "exists")
    .value(value)
}

/// There is no such transaction.
pub(crate) fn transaction_unknown(id: &str) -> ApiError {
    ApiError::new(
        ErrorCode::NotFound,
        "There is no transaction with this transactionId",
    )
    .field("transactionId", "exists")
    .value(&Value::from(id))
}

fn echo(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(text) => shortened(text).into(),
        Value::Array(_) | Value::Object(_) => shortened(&value.to_string()).into(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(ECHO_CHARS_MAX) {
        None => text.into(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error reference's table, row by row.
    #[test]
    fn codes_are_those_of_the_reference() {
        let expected = [
            ("INVALID_REQUEST", 400, Severity::Fatal),
            ("MISSING_FIELD", 400, Severity::Fatal),
            ("INVALID_AMOUNT", 400, Severity::Fatal),
            ("INVALID_CURRENCY", 400, Severity::Fatal),
            ("UNAUTHORIZED", 401, Severity::Fatal),
            ("FORBIDDEN", 403, Severity::Fatal),
            ("NOT_FOUND", 404, Severity::Fatal),
            ("IDEMPOTENCY_CONFLICT", 409, Severity::Fatal),
            ("TERMINAL_BUSY", 409, Severity::Transient),
            ("RECONCILIATION_IN_PROGRESS", 409, Severity::Transient),
            ("RATE_LIMITED", 429, Severity::Transient),
            ("INTERNAL_ERROR", 500, Severity::Transient),
            ("TIMEOUT", 504, Severity::Transient),
            ("CARD_READ_ERROR", 503, Severity::Terminal),
            ("UNSUPPORTED_CARD", 503, Severity::Terminal),
            ("COMMUNICATION_ERROR", 503, Severity::Transient),
            ("TERMINAL_UNAVAILABLE", 503, Severity::Transient),
        ];
        let ours: Vec<_> = ErrorCode::ALL
            .iter()
            .map(|code| (code.as_str(), code.status().as_u16(), code.severity()))
            .collect();
        assert_eq!(ours, expected);
    }

    #[test]
    fn the_envelope_has_the_references_shape() {
        let error = ApiError::new(ErrorCode::InvalidAmount, "no")
            .field("amount", "minimum")
            .value(&Value::from(-100));
        let envelope = serde_json::to_value(error.envelope("req_1")).expect("envelope");
        assert_eq!(
            envelope,
            serde_json::json!({
                "error": "INVALID_AMOUNT",
                "message": "no",
                "requestId": "req_1",
                "details": {"field": "amount", "value": -100, "constraint": "minimum"},
            })
        );
    }

    #[test]
    fn a_long_value_is_shortened_before_it_is_repeated() {
        let long = "é".repeat(ECHO_CHARS_MAX + 1);
        let cases = [
            (Value::from("short"), "short".to_owned()),
            (
                Value::from(long),
                format!("{}…", "é".repeat(ECHO_CHARS_MAX)),
            ),
            (serde_json::json!(["a"]), "[\"a\"]".to_owned()),
        ];
        for (value, expected) in cases {
            assert_eq!(echo(&value), Value::from(expected));
        }
    }

    #[test]
    fn every_refusal_to_begin_has_its_code() {
        let running = TransactionId::parse("txn_01JQXYZA7B8C9D0E1F2G3H4J5K").expect("an id");
        let cases = [
            (BeginError::Busy, ErrorCode::TerminalBusy),
            (BeginError::ClaimConflict, ErrorCode::IdempotencyConflict),
            (BeginError::CurrencyNotAccepted, ErrorCode::InvalidCurrency),
            (BeginError::ShuttingDown, ErrorCode::TerminalUnavailable),
            (BeginError::StorageFault, ErrorCode::InternalError),
            (OriginalRefused::Unknown.into(), ErrorCode::NotFound),
            (OriginalRefused::Used.into(), ErrorCode::InvalidRequest),
            (
                OriginalRefused::TooMuch { left_minor: 1 }.into(),
                ErrorCode::InvalidAmount,
            ),
        ];
        for (error, code) in cases {
            assert_eq!(begin_refused(error, Some(&running)).code, code, "{error}");
        }
        let busy = begin_refused(BeginError::Busy, Some(&running));
        assert_eq!(
            busy.details.transaction_id.as_deref(),
            Some(running.as_str())
        );
    }
}
