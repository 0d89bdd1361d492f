//! What a session shows.

use serde::Serialize;
use serde_json::Value;
use terminal_host::{
    service::{Event, Progress},
    transaction::{EntryMode, Record, Scheme},
};

use crate::{
    device::{InputResponse, Success},
    envelope::Envelope,
    error::ApiError,
    openapi::schema::Schema,
    request_id::new_request_id,
    response::TransactionResponse,
    status,
    terminal::Merchant,
};

/// One event, told apart by its member `event`.
#[derive(Debug, Serialize)]
#[serde(
    tag = "event",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
pub(super) enum ServerEvent<'event> {
    /// The terminal asks for a card.
    WaitingForCard {
        transaction_id: &'event str,
        message: &'static str,
    },
    /// A card was read.
    CardDetected {
        transaction_id: &'event str,
        entry_mode: EntryMode,
        scheme: Scheme,
        /// Four stars and the last four digits, as the reference shows it.
        masked_pan: String,
    },
    /// The transaction goes on; the message says with what.
    Processing {
        transaction_id: &'event str,
        message: &'static str,
    },
    /// The transaction has its end. Sent once for every transaction, whatever the end; `error`
    /// says why when the status is `ERROR`.
    Result {
        response: Box<TransactionResponse>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<Envelope<'event>>,
    },
    /// The text of this session is shown.
    DisplayResult {
        #[serde(flatten)]
        response: Success,
    },
    /// What became of this session's question.
    InputResult {
        #[serde(flatten)]
        response: InputResponse,
    },
    /// An action of this session was refused. Nothing was started.
    Error {
        #[serde(flatten)]
        envelope: Envelope<'event>,
    },
}

impl ServerEvent<'_> {
    /// The event as JSON; `None` for what is not the point of sale's to see.
    pub(super) fn of(event: Event, merchant: &Merchant) -> Option<Value> {
        let transaction_id = event.transaction.as_str();
        let event = match event.what {
            Progress::WaitingForCard => ServerEvent::WaitingForCard {
                transaction_id,
                message: "Present card",
            },
            Progress::CardDetected {
                entry_mode,
                scheme,
                masked_pan,
            } => ServerEvent::CardDetected {
                transaction_id,
                entry_mode,
                scheme,
                masked_pan: short_mask(&masked_pan),
            },
            Progress::EnteringPin => ServerEvent::Processing {
                transaction_id,
                message: "Enter PIN",
            },
            Progress::Authorising => ServerEvent::Processing {
                transaction_id,
                message: "Authorizing",
            },
            Progress::Reversing => ServerEvent::Processing {
                transaction_id,
                message: "Reversing",
            },
            Progress::Trace(_) => return None,
            Progress::Ended(record) => return Some(result(&record, merchant)),
        };
        Some(json(&event))
    }
}

/// Every event with its schema, as the documents show it.
pub(crate) fn schemas() -> [(&'static str, Schema); 7] {
    let named = |event: &str, description: &str| {
        Schema::object(description).required("event", Schema::constant(event, "The event."))
    };
    let of_transaction = |event: &str, description: &str| {
        named(event, description).required(
            "transactionId",
            Schema::identifier("txn", "The transaction."),
        )
    };
    let message = || Schema::text("For the cashier, in English.");
    [
        (
            "waiting_for_card",
            of_transaction("waiting_for_card", "The terminal asks for a card.")
                .required("message", message()),
        ),
        (
            "card_detected",
            of_transaction("card_detected", "A card was read.")
                .required("entryMode", Schema::names::<EntryMode>("How."))
                .required(
                    "scheme",
                    Schema::names::<Scheme>("Of the application used."),
                )
                .required(
                    "maskedPan",
                    Schema::text("Four stars and the last four digits.").example("****1234"),
                ),
        ),
        (
            "processing",
            of_transaction("processing", "The transaction goes on.").required("message", message()),
        ),
        (
            "result",
            named(
                "result",
                "The transaction has its end. Sent once for every transaction.",
            )
            .required(
                "response",
                Schema::to::<TransactionResponse>("As over HTTP."),
            )
            .optional(
                "error",
                Schema::to::<Envelope<'_>>("Why, when the status is `ERROR`."),
            ),
        ),
        (
            "display_result",
            Success::describe(named(
                "display_result",
                "The text of this session is shown.",
            )),
        ),
        (
            "input_result",
            InputResponse::describe(named(
                "input_result",
                "What became of this session's question.",
            )),
        ),
        (
            "error",
            Envelope::describe(named(
                "error",
                "An action of this session was refused. Nothing was started.",
            )),
        ),
    ]
}

/// The event of an end.
pub(super) fn result(record: &Record, merchant: &Merchant) -> Value {
    let failure = status::failure(record);
    let request_id = new_request_id();
    json(&ServerEvent::Result {
        response: Box::new(TransactionResponse::of(record, merchant)),
        error: failure.as_ref().map(|error| error.envelope(&request_id)),
    })
}

/// The event of a text that is shown.
pub(super) fn display_result(response: Success) -> Value {
    json(&ServerEvent::DisplayResult { response })
}

/// The event of a question's end.
pub(super) fn input_result(response: InputResponse) -> Value {
    json(&ServerEvent::InputResult { response })
}

/// The event of a refused action.
pub(super) fn refused(error: &ApiError, request_id: &str) -> Value {
    json(&ServerEvent::Error {
        envelope: error.envelope(request_id),
    })
}

fn json(event: &ServerEvent<'_>) -> Value {
    // Serializing these types into memory has no way to fail: their keys are strings.
    serde_json::to_value(event).unwrap_or_default()
}

fn short_mask(masked_pan: &str) -> String {
    let clear = masked_pan.trim_start_matches('*');
    // What is not the expected form shows nothing.
    if clear.len() == 4 {
        format!("****{clear}")
    } else {
        "****".into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use terminal_host::{trace::TraceEvent, transaction::TransactionId};

    use super::*;

    const ID: &str = "txn_01JQXYZA7B8C9D0E1F2G3H4J5K";

    #[test]
    fn progress_is_shown_as_the_reference_shows_it() {
        let trace = TraceEvent {
            step: "completion",
            rule: "CO-01".into(),
            section: "EMV 4.4 Book 3, 10.11".into(),
            finding: "done",
            statement: "done".into(),
            elements: Vec::new(),
        };
        let cases = [
            (
                Progress::WaitingForCard,
                Some(
                    json!({"event": "waiting_for_card", "transactionId": ID, "message": "Present card"}),
                ),
            ),
            (
                Progress::CardDetected {
                    entry_mode: EntryMode::Contactless,
                    scheme: Scheme::Visa,
                    masked_pan: "************1234".into(),
                },
                Some(json!({
                    "event": "card_detected", "transactionId": ID, "entryMode": "CONTACTLESS",
                    "scheme": "VISA", "maskedPan": "****1234",
                })),
            ),
            (
                Progress::EnteringPin,
                Some(json!({"event": "processing", "transactionId": ID, "message": "Enter PIN"})),
            ),
            (
                Progress::Authorising,
                Some(json!({"event": "processing", "transactionId": ID, "message": "Authorizing"})),
            ),
            (
                Progress::Reversing,
                Some(json!({
                    "event": "processing", "transactionId": ID,
                    "message": "Reversing",
                })),
            ),
            (Progress::Trace(trace), None),
        ];
        let merchant = Merchant {
            name: String::new(),
            merchant_id: String::new(),
            terminal_id: String::new(),
            serial_number: String::new(),
            currencies: Vec::new(),
        };
        for (what, expected) in cases {
            let transaction = TransactionId::parse(ID).expect("an id");
            assert_eq!(
                ServerEvent::of(Event { transaction, what }, &merchant),
                expected
            );
        }
    }

    #[test]
    fn a_number_that_is_not_masked_is_not_shown() {
        for clear in ["4111111111111111", "", "****", "*123"] {
            assert_eq!(short_mask(clear), "****", "{clear}");
        }
    }
}
