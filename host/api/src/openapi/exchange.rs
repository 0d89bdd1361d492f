//! What an operation takes and what it answers.

use crate::{
    error::ErrorCode,
    openapi::schema::{Described, Schema},
};

/// What an operation takes and what it answers. Its handler's file has one for each operation; what
/// every operation has alike (the caller, the version, the limits) is not said in it.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    /// The body's schema, with its name.
    pub(super) body: Option<(String, Schema)>,
    /// The parameters of the query.
    pub(super) parameters: Vec<Parameter>,
    /// Whether an Idempotency-Key is kept.
    pub(super) idempotent: bool,
    /// The answer of success.
    pub(super) answer: Answer,
    /// What it can be answered beside [`EVERYWHERE`].
    pub(super) refusals: Vec<ErrorCode>,
    /// The operations that take the name of the transaction in its answer.
    pub(super) leads_to: &'static [&'static str],
}

/// The answer of success.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// A JSON document with this schema.
    Json(&'static str, Box<Schema>),
    /// A file, in one of these media types.
    File(&'static [&'static str]),
    /// A WebSocket.
    Upgrade,
}

/// One parameter of a query.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) schema: Schema,
}

/// What every operation can be answered.
pub(super) const EVERYWHERE: [ErrorCode; 5] = [
    ErrorCode::InvalidRequest,
    ErrorCode::Unauthorized,
    ErrorCode::Forbidden,
    ErrorCode::RateLimited,
    ErrorCode::InternalError,
];

impl Exchange {
    const fn new(answer: Answer) -> Self {
        Self {
            body: None,
            parameters: Vec::new(),
            idempotent: false,
            answer,
            refusals: Vec::new(),
            leads_to: &[],
        }
    }

    /// Answers a JSON document.
    pub(crate) fn answers<T: Described>() -> Self {
        Self::new(Answer::Json(T::NAME, Box::new(T::schema())))
    }

    /// Answers a file.
    pub(crate) const fn file(media_types: &'static [&'static str]) -> Self {
        Self::new(Answer::File(media_types))
    }

    /// Becomes a WebSocket.
    pub(crate) const fn upgrade() -> Self {
        Self::new(Answer::Upgrade)
    }

    /// Takes a body with this schema, under this name.
    pub(crate) fn takes(mut self, name: impl Into<String>, schema: Schema) -> Self {
        self.body = Some((name.into(), schema));
        self.refuses(&[ErrorCode::MissingField])
    }

    /// Keeps an Idempotency-Key.
    pub(crate) fn once(mut self) -> Self {
        self.idempotent = true;
        self.refuses(&[ErrorCode::IdempotencyConflict])
    }

    /// Takes a parameter in the query.
    pub(crate) fn parameter(mut self, name: &'static str, schema: Schema) -> Self {
        self.parameters.push(Parameter {
            name,
            required: false,
            schema,
        });
        self
    }

    /// Takes a parameter in the query that must be there.
    pub(crate) fn required_parameter(mut self, name: &'static str, schema: Schema) -> Self {
        self.parameters.push(Parameter {
            name,
            required: true,
            schema,
        });
        self.refuses(&[ErrorCode::MissingField])
    }

    /// Its transaction can be asked for with these operations.
    pub(crate) fn leads_to(mut self, operations: &'static [&'static str]) -> Self {
        self.leads_to = operations;
        self
    }

    /// Can be answered these errors too.
    pub(crate) fn refuses(mut self, codes: &[ErrorCode]) -> Self {
        self.refusals.extend_from_slice(codes);
        self
    }
}
