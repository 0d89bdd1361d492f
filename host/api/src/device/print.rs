//! Text on paper.

use axum::{
    Extension,
    extract::{Request, State},
};
use serde_json::Value;
use terminal_host::text::{PAPER_LINES_MAX, TextLine};

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

/// What [`print()`] takes and answers.
pub(crate) fn exchange() -> Exchange {
    let request = Schema::object("A text for the printer.")
        .required("lines", lines::schema(PAPER_LINES_MAX, "The lines."))
        .optional(
            "cutPaper",
            Schema::boolean("Whether the paper is cut after it; else `true`.").or_null(),
        )
        .closed();
    Exchange::answers::<Success>()
        .takes("PrintRequest", request)
        .once()
        .refuses(&[ErrorCode::TerminalBusy, ErrorCode::TerminalUnavailable])
}

/// `POST /v1/device/print`: answers when the paper is out.
pub(crate) async fn print(
    State(api): State<Api>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let (claim, body) = idempotency::read(request, admitted).await?;
    let mut given = Fields::of(body)?;
    let lines = lines::take(&mut given, PAPER_LINES_MAX)?;
    let cut = lines::flag(&mut given, "cutPaper", true)?;
    given.finish()?;
    let work = printed(api.clone(), lines, cut);
    once::answer(&api, claim, Alone::GoesOn, work)
        .await
        .map(Json)
}

async fn printed(api: Api, lines: Vec<TextLine>, cut: bool) -> Result<Value, ApiError> {
    let printed = api.terminal.print(lines, cut).await;
    printed.map_err(|error| refused(&api, error))?;
    Ok(json(&Success::DONE))
}
