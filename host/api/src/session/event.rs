//! What a session shows.

use serde::Serialize;
use serde_json::Value;
use terminal_host::{
    service::{Event, Progress},
    transaction::{EntryMode, Record, Scheme},
};

use crate::{
    envelope::Envelope,
    error::ApiError,
    openapi::schema::Schema,
    request_id::new_request_id,
    response::TransactionResponse,
    session::resume::{self, Position, RESUME_TOKEN},
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
    /// An action of this session was refused. Nothing was started.
    Error {
        #[serde(flatten)]
        envelope: Envelope<'event>,
    },
    /// The session begins, or goes on, at its token.
    SessionOpened {},
    /// The answer to a ping.
    Pong {},
}

impl ServerEvent<'_> {
    /// The event as JSON, after which the session is at `position`; `None` for what is not the point
    /// of sale's to see.
    pub(super) fn of(event: Event, merchant: &Merchant, position: &Position) -> Option<Value> {
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
            Progress::Ended(record) => return Some(at(position, result(&record, merchant))),
        };
        Some(event.logged(position))
    }

    /// The event as JSON, with the token of the place that the session is at after it.
    pub(super) fn logged(&self, position: &Position) -> Value {
        at(position, json(self))
    }
}

/// Every event with its schema, as the documents show it.
pub(crate) fn schemas() -> [(&'static str, Schema); 7] {
    let named = |event: &str, description: &str| {
        Schema::object(description).required("event", Schema::constant(event, "The event."))
    };
    let logged = |event: &str, description: &str| {
        // Always there; the reference's samples are older.
        let token = "Where the session is after this event.";
        named(event, description).optional(RESUME_TOKEN, resume::schema(token))
    };
    let of_transaction = |event: &str, description: &str| {
        logged(event, description).required(
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
                "The transaction has its end. Sent once for every transaction; without a token when it \
                 answers an action about a transaction that had ended before.",
            )
            .optional(
                RESUME_TOKEN,
                resume::schema("Where the session is after this event."),
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
            "error",
            Envelope::describe(named(
                "error",
                "An action of this session was refused, and nothing was started; or the session cannot \
                 go on at its token, and is closed.",
            )),
        ),
        (
            "session_opened",
            logged(
                "session_opened",
                "The first event of a session that was opened with a `resumeToken`.",
            ),
        ),
        ("pong", named("pong", "The answer to `ping`.")),
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

/// The event of a refused action.
pub(super) fn refused(error: &ApiError, request_id: &str) -> Value {
    json(&ServerEvent::Error {
        envelope: error.envelope(request_id),
    })
}

/// Adds the token of a place to an event.
fn at(position: &Position, mut event: Value) -> Value {
    if let Some(members) = event.as_object_mut() {
        members.insert(RESUME_TOKEN.into(), position.token().into());
    }
    event
}

/// The answer to a ping.
pub(super) fn pong() -> Value {
    json(&ServerEvent::Pong {})
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
    use terminal_host::{service::EventLogId, trace::TraceEvent, transaction::TransactionId};

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
            let position = Position {
                log: EventLogId::parse("0123456789abcdef").expect("a name"),
                sequence: 7,
            };
            let shown = ServerEvent::of(Event { transaction, what }, &merchant, &position);
            let expected = expected.map(|mut event: Value| {
                event["resumeToken"] = "rt_0123456789abcdef_7".into();
                event
            });
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn a_number_that_is_not_masked_is_not_shown() {
        for clear in ["4111111111111111", "", "****", "*123"] {
            assert_eq!(short_mask(clear), "****", "{clear}");
        }
    }
}
