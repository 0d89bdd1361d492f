//! Every event with its schema, as the documents show it.

use terminal_host::transaction::{EntryMode, Scheme};

use super::resume::{self, RESUME_TOKEN};
use crate::{
    device::{InputResponse, Success},
    envelope::Envelope,
    granular::ChipData,
    openapi::schema::Schema,
    response::TransactionResponse,
};

/// Every event.
pub(crate) fn schemas() -> impl Iterator<Item = (&'static str, Schema)> {
    steps().into_iter().chain(ends()).chain(of_the_session())
}

/// What happens in a transaction before its end.
fn steps() -> [(&'static str, Schema); 4] {
    let message = || Schema::text("For the cashier, in English.");
    [
        (
            "waiting_for_card",
            step("waiting_for_card", "The terminal asks for a card.")
                .required("message", message()),
        ),
        (
            "card_detected",
            step("card_detected", "A card was read.")
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
            step("processing", "The transaction goes on.").required("message", message()),
        ),
        (
            "online_authorization",
            step(
                "online_authorization",
                "In granular mode: ask an acquirer, and send `complete`.",
            )
            .required(
                "amount",
                Schema::count("The whole amount, tip and cashback included."),
            )
            .required("currency", Schema::currency())
            .optional(
                "chipData",
                Schema::to::<ChipData>("Left out when the question is open no more."),
            ),
        ),
    ]
}

fn ends() -> [(&'static str, Schema); 1] {
    let description = "The transaction has its end. Sent once for every transaction; without a token \
                       when it answers an action about a transaction that had ended before.";
    let result = logged("result", description)
        .required(
            "response",
            Schema::to::<TransactionResponse>("As over HTTP."),
        )
        .optional(
            "error",
            Schema::to::<Envelope<'_>>("Why, when the status is `ERROR`."),
        );
    [("result", result)]
}

fn of_the_session() -> [(&'static str, Schema); 5] {
    [
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

fn step(event: &str, description: &str) -> Schema {
    logged(event, description).required(
        "transactionId",
        Schema::identifier("txn", "The transaction."),
    )
}

/// An event after which the client has a new token. The reference's samples, which are older, have none.
fn logged(event: &str, description: &str) -> Schema {
    let token = "Where the session is after this event.";
    named(event, description).optional(RESUME_TOKEN, resume::schema(token))
}

fn named(event: &str, description: &str) -> Schema {
    Schema::object(description).required("event", Schema::constant(event, "The event."))
}
