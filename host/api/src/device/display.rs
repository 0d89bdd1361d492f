//! Text on the cardholder's display.

use std::time::Duration;

use axum::{
    Extension,
    extract::{Request, State},
};
use serde_json::Value;
use terminal_host::{service::Text, text::DISPLAY_LINES_MAX};

use super::{Success, json, lines, refused};
use crate::{
    answer::Json,
    error::{ApiError, ErrorCode},
    fields::Fields,
    guard::Admitted,
    idempotency,
    once::{self, Alone},
    openapi::{exchange::Exchange, schema::Schema},
    router::Api,
};

/// The longest time after which a text goes by itself, in milliseconds: an hour.
const DURATION_MS_MAX: u64 = 60 * 60 * 1000;

/// What [`display`] takes and answers.
pub(crate) fn exchange() -> Exchange {
    let request = Schema::object("A text for the cardholder's display.");
    Exchange::answers::<Success>()
        .takes("DisplayRequest", members(request))
        .once()
        .refuses(&[ErrorCode::TerminalBusy, ErrorCode::TerminalUnavailable])
}

fn members(object: Schema) -> Schema {
    object
        .required("lines", lines::schema(DISPLAY_LINES_MAX, "The lines."))
        .optional(
            "duration",
            Schema::count(
                "When the text goes by itself, in milliseconds. 0, or without it: when another text \
                 takes its place, or a question or a transaction begins, which always ends it.",
            )
            .with("maximum", DURATION_MS_MAX)
            .or_null(),
        )
        .optional(
            "clearPrevious",
            Schema::boolean(
                "`false` leaves the lines of the text before above these, as far as there is room; \
                 else `true`.",
            )
            .or_null(),
        )
        .closed()
}

/// The action of a session, as the documents show it.
pub(crate) fn action_schema(action: Schema) -> Schema {
    members(action)
}

/// Reads the fields that a text has, over HTTP and in the session.
pub(crate) fn fields(fields: &mut Fields) -> Result<Text, ApiError> {
    let lines = lines::take(fields, DISPLAY_LINES_MAX)?;
    let duration = lines::integer(fields, "duration", 0..=DURATION_MS_MAX)?;
    Ok(Text {
        lines,
        duration: duration.filter(|ms| *ms > 0).map(Duration::from_millis),
        keeps_previous: !lines::flag(fields, "clearPrevious", true)?,
    })
}

/// Shows a text.
pub(crate) async fn show(api: &Api, text: Text) -> Result<Success, ApiError> {
    let shown = api.terminal.display(text).await;
    shown.map_err(|error| refused(api, error))?;
    Ok(Success::DONE)
}

async fn shown(api: Api, text: Text) -> Result<Value, ApiError> {
    show(&api, text).await.map(|done| json(&done))
}

/// `POST /v1/device/display`.
pub(crate) async fn display(
    State(api): State<Api>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let (claim, body) = idempotency::read(request, admitted).await?;
    let mut given = Fields::of(body)?;
    let text = fields(&mut given)?;
    given.finish()?;
    let work = shown(api.clone(), text);
    once::answer(&api, claim, Alone::GoesOn, work)
        .await
        .map(Json)
}
