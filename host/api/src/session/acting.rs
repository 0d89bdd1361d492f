//! Doing what a client of a session asks for.

use terminal_host::{service::Begun, transaction::OnlineDecision};

use super::{
    action::{self, Action, Starting},
    asking::Asking,
    event,
};
use crate::{
    auth::Caller,
    body, device,
    error::ApiError,
    granular::{self, Decision, Taken},
    guard,
    idempotency::{self, IDEMPOTENCY_KEY_HEADER},
    operations::{Group, Operation},
    router::Api,
    transactions::{self, Aborting},
};

/// Does one action, and counts what became of it.
pub(super) async fn act(
    api: &Api,
    caller: Caller,
    asking: &mut Asking,
    text: &[u8],
) -> Result<Option<serde_json::Value>, ApiError> {
    let message = body::parse(text);
    let action = message
        .as_ref()
        .ok()
        .and_then(|message| message.get("action")?.as_str());
    let operation = action.and_then(Operation::of_action);
    let done = match check(api, caller, operation, action) {
        Ok(()) => perform(api, caller, asking, operation, message).await,
        Err(error) => Err(error),
    };
    let result = match &done {
        Ok(_) => "accepted",
        Err(error) => error.code.as_str(),
    };
    let operation = operation.map_or("none", |operation| operation.id);
    api.metrics.acted(operation, result);
    done
}

/// What follows from an action arrives as events of the terminal, like for every other session; only a
/// text, and what was done before, have an answer of their own. That of a question comes later, and
/// holds up nothing.
async fn perform(
    api: &Api,
    caller: Caller,
    asking: &mut Asking,
    operation: Option<&'static Operation>,
    message: Result<serde_json::Value, ApiError>,
) -> Result<Option<serde_json::Value>, ApiError> {
    match action::parse(message?, &api.allowed())? {
        Action::Start(starting) => {
            let path = operation.map_or("", |operation| operation.path);
            start(api, caller, path, *starting).await
        }
        Action::Complete(decision) => complete(api, *decision).await,
        Action::Ping => Ok(Some(event::pong())),
        Action::Abort(id) => match transactions::request_abort(api, &id).await? {
            Aborting::Ending => Ok(None),
            Aborting::Cancelled(record) => Ok(Some(event::result(&record, &api.merchant))),
        },
        Action::Display(text) => {
            let shown = device::show(api, text).await?;
            Ok(Some(event::display_result(shown)))
        }
        Action::Input(request) => asking.begin(api, request).map(|()| None),
    }
}

/// Starts a transaction, or tells the end of the one that its key started before.
async fn start(
    api: &Api,
    caller: Caller,
    path: &str,
    starting: Starting,
) -> Result<Option<serde_json::Value>, ApiError> {
    let Starting { request, once } = starting;
    let path = match request.online_decision {
        OnlineDecision::Acquirer => path,
        OnlineDecision::PointOfSale => granular::INITIATE_PATH,
    };
    let claim = once
        .map(|(key, body)| idempotency::claim_by(key.as_bytes(), path, caller.id, &body))
        .transpose()
        .map_err(as_in_a_message)?;
    let begun = transactions::begin(&api.terminal, request, claim).await;
    match begun.map_err(as_in_a_message)? {
        Begun::Started(_) => Ok(None),
        Begun::Known(id) => {
            let record = transactions::find(api, &id).await?;
            if record.outcome.is_some() {
                return Ok(Some(event::result(&record, &api.merchant)));
            }
            let question = api.terminal.question(&id);
            Ok(
                question
                    .map(|question| event::online_authorization(&record, Some(&question), None)),
            )
        }
    }
}

/// The key is a header over HTTP, and a member here.
fn as_in_a_message(mut error: ApiError) -> ApiError {
    if error.details.field.as_deref() == Some(IDEMPOTENCY_KEY_HEADER) {
        error.details.field = Some("idempotencyKey".into());
    }
    error
}

/// Decides a transaction; tells the end of one that had it before.
async fn complete(api: &Api, decision: Decision) -> Result<Option<serde_json::Value>, ApiError> {
    let Decision { id, answer } = decision;
    if granular::decide(api, &id, &answer)? == Taken::Decides {
        return Ok(None);
    }
    let record = transactions::find(api, &id).await?;
    if record.outcome.is_none() {
        return Ok(None);
    }
    granular::check_recorded(&record, &answer)?;
    Ok(Some(event::result(&record, &api.merchant)))
}

/// Counts a message, and refuses what the caller may not do. A message that names no action counts
/// as a transaction: else it could be sent without end.
fn check(
    api: &Api,
    caller: Caller,
    operation: Option<&'static Operation>,
    action: Option<&str>,
) -> Result<(), ApiError> {
    match (operation, action) {
        (Some(operation), _) => guard::check(api, caller, operation),
        (None, Some(action::PING)) => guard::count(api, caller, Group::Device),
        (None, _) => guard::count(api, caller, Group::Transaction),
    }
}
