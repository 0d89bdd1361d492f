//! The reference's own requests, sent as they are, and its answers.

use api::openapi::EXAMPLES;
use serde_json::Value;
use terminal_host::{
    service::Progress,
    transaction::{Balance, CardDetails, Ending, EntryMode, Outcome, ReversalState, Scheme},
};

use crate::{
    client::Running,
    fake_terminal::{approved, outcome},
};

/// Names and times are the terminal's own, and so is who sells.
const ITS_OWN: [&str; 6] = [
    "transactionId",
    "requestId",
    "timestamp",
    "dateTime",
    "merchantName",
    "terminalId",
];

fn example(name: &str) -> Value {
    let found = EXAMPLES.iter().find(|example| example.name == name);
    found.expect("an example").read()
}

/// Checks that an answer has every member that the reference shows.
fn check_shown(shown: &Value, answered: &Value) {
    let Value::Object(members) = shown else {
        assert_eq!(shown, answered);
        return;
    };
    for (name, value) in members {
        let answered = answered
            .get(name)
            .unwrap_or_else(|| panic!("no {name} in {answered}"));
        if ITS_OWN.contains(&name.as_str()) {
            assert!(answered.is_string(), "{name}: {answered}");
        } else {
            check_shown(value, answered);
        }
    }
}

/// Sends an example's request; the terminal ends it so.
async fn check(name: &str, end: Option<Outcome>) {
    let example = example(name);
    let row = api::OPERATIONS
        .iter()
        .find(|row| example["operation"] == row.id);
    let path = row.expect("an operation").path;
    let running = Running::start().await;
    let (answer, ()) = tokio::join!(running.post(path, &example["request"]), async {
        if let Some(end) = end {
            let id = running.terminal.runs().await;
            running.terminal.end(&id, end);
        }
    });
    assert_eq!(example["status"], answer.status, "{name}: {answer:?}");
    check_shown(&example["answer"], &answer.body);
}

#[tokio::test]
async fn a_sale_is_answered_as_the_reference_shows_it() {
    check("sale", Some(approved())).await;
}

#[tokio::test]
async fn a_balance_is_answered_as_the_reference_shows_it() {
    let mut told = outcome(Ending::Completed, ReversalState::None);
    told.balance = Some(Balance {
        currency: 554,
        minor: 8750,
    });
    told.card = approved().card.map(|card| CardDetails {
        scheme: Scheme::Eftpos,
        masked_pan: "************9990".into(),
        ..card
    });
    check("balance-inquiry", Some(told)).await;
}

/// The reference's sample has the code `INVALID_REQUEST`, and its table `INVALID_AMOUNT` for a negative
/// amount: the table counts.
#[tokio::test]
async fn a_negative_amount_is_refused_as_the_reference_shows_it() {
    check("amount-refused", None).await;
}

#[tokio::test]
async fn a_session_shows_a_sale_as_the_reference_shows_it() {
    let example = example("session-sale");
    let running = Running::start().await;
    let mut session = running.session().await;
    session.send(&example["action"]).await;
    let id = running.terminal.runs().await;
    running.terminal.progress(&id, Progress::WaitingForCard);
    let detected = Progress::CardDetected {
        entry_mode: EntryMode::Contactless,
        scheme: Scheme::Visa,
        masked_pan: "************1234".into(),
    };
    running.terminal.progress(&id, detected);
    running.terminal.progress(&id, Progress::Authorising);
    running.terminal.end(&id, approved());
    for shown in example["events"].as_array().expect("events") {
        check_shown(shown, &session.event().await);
    }
}
