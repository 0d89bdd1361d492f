//! The terminal as a device: its health, and what it shows, asks and prints for a point of sale.

mod display;
mod health;
mod input;
mod lines;
mod print;

use serde::Serialize;
use serde_json::Value;
use terminal_host::{service::InteractionError, transaction::TransactionId};

pub(crate) use self::{
    display::{
        action_schema as display_action_schema, display, exchange as display_exchange,
        fields as display_fields, show,
    },
    health::{HealthResponse, health, health_exchange},
    input::{
        InputRequest, InputResponse, action_schema as input_action_schema,
        exchange as input_exchange, fields as input_fields, input,
    },
    print::{exchange as print_exchange, print},
};
use crate::{
    error::{ApiError, ErrorCode},
    openapi::schema::{Described, Schema},
    router::Api,
};

/// What a text or a paper is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Success {
    success: bool,
}

impl Success {
    /// It is done.
    pub(crate) const DONE: Self = Self { success: true };

    /// Adds the members of the answer.
    pub(crate) fn describe(object: Schema) -> Schema {
        object.required(
            "success",
            Schema::constant(true, "It is done; what is not done is an error."),
        )
    }
}

impl Described for Success {
    const NAME: &'static str = "Success";

    fn schema() -> Schema {
        Self::describe(Schema::object("It is done."))
    }
}

/// What a request is answered that the devices did not serve.
fn refused(api: &Api, error: InteractionError) -> ApiError {
    let unavailable = |message: &str| ApiError::new(ErrorCode::TerminalUnavailable, message);
    match error {
        InteractionError::Busy => busy(api.terminal.running().borrow().as_ref()),
        InteractionError::ShuttingDown => unavailable("The terminal is shutting down"),
        InteractionError::OutOfPaper => {
            unavailable("The printer is out of paper. A part may have been printed")
                .field("printer", "paper")
        }
        InteractionError::NotSupported => {
            unavailable("The terminal has no device for this").field("device", "supported")
        }
        InteractionError::DeviceFault => {
            unavailable("The device failed. A part may have been done").field("device", "works")
        }
    }
}

/// The devices are in use. `running` is the transaction in progress; without one a question waits.
pub(crate) fn busy(running: Option<&TransactionId>) -> ApiError {
    let busy = |message: &str| ApiError::new(ErrorCode::TerminalBusy, message);
    match running {
        Some(id) => busy("A transaction is in progress on this terminal").transaction(id),
        None => busy("A question waits for its answer, or the devices are in use"),
    }
}

/// An answer as JSON.
fn json<T: Serialize>(answer: &T) -> Value {
    // Serializing these types into memory has no way to fail: their keys are strings.
    serde_json::to_value(answer).unwrap_or_default()
}
