//! Transactions over HTTP: every kind of them, their state, their abort.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{Path, Request, State, rejection::PathRejection},
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use serde_json::Value;
use terminal_host::{
    service::{AbortAnswer, Begun, Claim},
    transaction::{self, Kind, Record, TransactionId},
};

use crate::{
    answer::Json,
    error::{ApiError, ErrorCode, begin_refused, transaction_unknown},
    fields::invalid,
    guard::Admitted,
    idempotency,
    openapi::exchange::Exchange,
    request,
    response::{self, Status, TransactionResponse},
    router::Api,
    status,
    terminal::Terminal,
};

/// How long an accepted abort waits for the transaction to end before it answers with what is
/// known. A cancelled transaction ends within a few milliseconds; a stuck driver may take longer.
const ABORT_WAIT: Duration = Duration::from_secs(10);

type Answered = Result<Json<TransactionResponse>, ApiError>;

/// What a transaction of this kind takes and answers.
pub(crate) fn exchange(kind: Kind) -> Exchange {
    use ErrorCode as Code;
    let exchange = Exchange::answers::<TransactionResponse>()
        .takes(request::schema_name(kind), request::schema(kind))
        .once()
        .refuses(&[
            Code::InvalidAmount,
            Code::InvalidCurrency,
            Code::TerminalBusy,
            Code::CommunicationError,
            Code::TerminalUnavailable,
            Code::Timeout,
        ]);
    let original: &[Code] = &[Code::NotFound];
    let card: &[Code] = &[Code::CardReadError, Code::UnsupportedCard];
    match kind {
        Kind::Sale => exchange.refuses(card).leads_to(&[
            "getTransaction",
            "abortTransaction",
            "createRefund",
            "createVoid",
        ]),
        Kind::PreAuth => exchange.refuses(card).leads_to(&[
            "getTransaction",
            "abortTransaction",
            "completePreAuth",
            "createVoid",
        ]),
        Kind::CardRead | Kind::BalanceInquiry => exchange.refuses(card),
        Kind::Refund => exchange.refuses(original).refuses(card),
        Kind::Void | Kind::PreAuthComplete => exchange.refuses(original),
    }
}

/// What [`show`] answers.
pub(crate) fn show_exchange() -> Exchange {
    Exchange::answers::<TransactionResponse>().refuses(&[ErrorCode::NotFound])
}

/// What [`abort`] answers.
pub(crate) fn abort_exchange() -> Exchange {
    Exchange::answers::<TransactionResponse>()
        .refuses(&[ErrorCode::NotFound, ErrorCode::TerminalBusy])
}

/// `POST /v1/transaction/…` for one kind of transaction.
pub(crate) fn creating(method: MethodFilter, kind: Kind) -> MethodRouter<Api> {
    on(method, move |state, admitted, request| {
        create(kind, state, admitted, request)
    })
}

/// Answers when the transaction has its end.
async fn create(
    kind: Kind,
    State(api): State<Api>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Answered {
    let (claim, body) = idempotency::read(request, admitted).await?;
    let request = request::parse(kind, body, &api.allowed())?;
    let (Begun::Started(id) | Begun::Known(id)) = begin(&api.terminal, request, claim).await?;
    let record = api.terminal.ended(&id).await.ok_or_else(|| {
        ApiError::new(ErrorCode::InternalError, "The transaction's record is gone").transaction(&id)
    })?;
    answer(&api, &record)
}

/// `GET /v1/transaction/{id}`: the state now. Reading consumes nothing.
pub(crate) async fn show(
    State(api): State<Api>,
    Extension(Admitted { caller, .. }): Extension<Admitted>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let record = find(&api, &parse_id(id)?).await?;
    if record.outcome.is_some() {
        return Ok(api.ended.answer(&record, &api.merchant)?.into_response());
    }
    // The record says first that it is asked: one of before has no question yet.
    let question = api.terminal.question(&record.id).filter(|_| record.asked);
    let answer = match question {
        Some(question) => {
            let asked = TransactionResponse::asked(&record, &question, &api.merchant);
            let chip_data = asked.chip_data.filter(|_| caller.may_decide());
            TransactionResponse { chip_data, ..asked }
        }
        None => TransactionResponse::of(&record, &api.merchant),
    };
    Ok(Json(answer).into_response())
}

/// `POST /v1/transaction/{id}/abort`: answers with the cancelled transaction, or says why not.
///
/// Aborting a transaction that is cancelled already is answered alike, so that a repeated abort is
/// safe. One that ended otherwise is refused: a client that looks at the status code alone must
/// not take an approval for an abort.
pub(crate) async fn abort(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
) -> Answered {
    let id = parse_id(id)?;
    let record = match request_abort(&api, &id).await? {
        Aborting::Cancelled(record) => record,
        Aborting::Ending => match tokio::time::timeout(ABORT_WAIT, api.terminal.ended(&id)).await {
            Ok(Some(record)) => record,
            Ok(None) => return Err(transaction_unknown(id.as_str())),
            Err(_) => find(&api, &id).await?,
        },
    };
    Ok(Json(TransactionResponse::of(&record, &api.merchant)))
}

/// Starts a transaction, on a task of its own: a client that goes away in the middle of this must
/// not leave a request recorded and never run.
pub(crate) async fn begin(
    terminal: &Arc<dyn Terminal>,
    request: transaction::Request,
    claim: Option<Claim>,
) -> Result<Begun, ApiError> {
    let currency = Value::from(request.currency.as_str());
    let beginning = {
        let terminal = Arc::clone(terminal);
        tokio::spawn(async move { terminal.begin(request, claim).await })
    };
    let begun = beginning.await.map_err(|_| {
        ApiError::new(
            ErrorCode::InternalError,
            "The terminal failed to start the transaction",
        )
    })?;
    match begun {
        Ok(begun) => Ok(begun),
        Err(error) => {
            let refused = begin_refused(error, terminal.running().borrow().as_ref());
            Err(if refused.code == ErrorCode::InvalidCurrency {
                refused.value(&currency)
            } else {
                refused
            })
        }
    }
}

/// What became of an abort that was not refused.
pub(crate) enum Aborting {
    /// The transaction is on its way to its end as cancelled.
    Ending,
    /// It was cancelled before.
    Cancelled(Arc<Record>),
}

/// Asks the terminal to abort a transaction.
pub(crate) async fn request_abort(api: &Api, id: &TransactionId) -> Result<Aborting, ApiError> {
    match api.terminal.abort(id).await {
        AbortAnswer::Accepted => Ok(Aborting::Ending),
        AbortAnswer::Unknown => Err(transaction_unknown(id.as_str())),
        AbortAnswer::TooLate => Err(ApiError::new(
            ErrorCode::TerminalBusy,
            "It is too late to abort: the acquirer may have the request. Wait for the result",
        )
        .field("transactionId", "abortable")
        .transaction(id)),
        AbortAnswer::Ended => {
            let record = find(api, id).await?;
            let status = record.outcome.as_ref().map(response::status);
            if status == Some(Status::Cancelled) {
                return Ok(Aborting::Cancelled(record));
            }
            let status = serde_json::to_value(status).unwrap_or_default();
            Err(invalid(
                "transactionId",
                "running",
                "The transaction has ended without an abort",
            )
            .value(&status)
            .transaction(id))
        }
    }
}

/// The answer for a transaction that has its end.
pub(crate) fn answer(api: &Api, record: &Record) -> Answered {
    match status::failure(record) {
        Some(error) => Err(error),
        None => Ok(Json(TransactionResponse::of(record, &api.merchant))),
    }
}

/// One transaction of the records.
pub(crate) async fn find(api: &Api, id: &TransactionId) -> Result<Arc<Record>, ApiError> {
    match api.terminal.transaction(id).await {
        Ok(Some(record)) => Ok(record),
        Ok(None) => Err(transaction_unknown(id.as_str())),
        Err(error) => {
            Err(ApiError::new(ErrorCode::InternalError, error.to_string()).transaction(id))
        }
    }
}

fn parse_id(id: Result<Path<String>, PathRejection>) -> Result<TransactionId, ApiError> {
    let Path(text) = id.map_err(|_| transaction_unknown(""))?;
    TransactionId::parse(&text).ok_or_else(|| transaction_unknown(&text))
}
