//! What a session shows.

use serde::Serialize;
use serde_json::Value;
use terminal_host::{
    point_of_sale::OnlineRequest,
    service::{Event, Progress},
    transaction::{EntryMode, Record, Scheme},
};

use crate::{
    device::{InputResponse, Success},
    envelope::Envelope,
    error::ApiError,
    granular::ChipData,
    request_id::new_request_id,
    response::TransactionResponse,
    session::resume::{Position, RESUME_TOKEN},
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
    /// The point of sale is asked for the decision.
    OnlineAuthorization {
        transaction_id: &'event str,
        /// The whole amount, tip and cashback included.
        amount: u64,
        currency: &'event str,
        /// Left out when the question is answered already, or open no more.
        #[serde(skip_serializing_if = "Option::is_none")]
        chip_data: Option<ChipData>,
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
            // Shown with the question: see [`online_authorization`].
            Progress::AskingPointOfSale | Progress::Trace(_) => return None,
            Progress::Ended(record) => return Some(at(position, result(&record, merchant))),
        };
        Some(event.logged(position))
    }

    /// The event as JSON, with the token of the place that the session is at after it.
    pub(super) fn logged(&self, position: &Position) -> Value {
        at(position, json(self))
    }
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

/// The event of a question to the point of sale, in the log at `position` or as an answer; with what its
/// acquirer needs while the question is open.
pub(super) fn online_authorization(
    record: &Record,
    question: Option<&OnlineRequest>,
    position: Option<&Position>,
) -> Value {
    let request = &record.request;
    let asked = json(&ServerEvent::OnlineAuthorization {
        transaction_id: record.id.as_str(),
        amount: request
            .amount_minor
            .saturating_add(request.tip_minor)
            .saturating_add(request.cashback_minor),
        currency: &request.currency,
        chip_data: question.map(ChipData::of),
    });
    match position {
        Some(position) => at(position, asked),
        None => asked,
    }
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
