//! Granular mode: the terminal reads the card, the point of sale asks an acquirer of its own.
//!
//! `initiate` answers when the point of sale is asked, or when the transaction has ended without it;
//! `complete` gives the answer of the point of sale's acquirer, and is answered with the end. Both may be
//! repeated: neither is consumed by being read.

mod chip_data;
mod decision;

use axum::{
    Extension,
    extract::{Request, State},
};
use terminal_host::{
    point_of_sale::{Decided, OnlineAnswer},
    service::{Begun, Standing},
    transaction::{Record, TransactionId},
};

pub use chip_data::ChipData;
pub(crate) use decision::{Decision, decision, fields as decision_fields};

use crate::{
    answer::Json,
    error::{ApiError, ErrorCode, transaction_unknown},
    fields::{Fields, invalid},
    guard::Admitted,
    idempotency,
    openapi::exchange::Exchange,
    request::{self, GRANULAR},
    response::TransactionResponse,
    router::Api,
    transactions,
};

/// The path of [`initiate`].
pub(crate) const INITIATE_PATH: &str = "/v1/transaction/initiate";

type Answered = Result<Json<TransactionResponse>, ApiError>;

/// What [`initiate`] takes and answers.
pub(crate) fn initiate_exchange() -> Exchange {
    use ErrorCode as Code;
    Exchange::answers::<TransactionResponse>()
        .takes("InitiateRequest", request::initiate_schema())
        .once()
        .refuses(&[
            Code::InvalidAmount,
            Code::InvalidCurrency,
            Code::NotFound,
            Code::TerminalBusy,
            Code::CardReadError,
            Code::UnsupportedCard,
            Code::CommunicationError,
            Code::TerminalUnavailable,
            Code::Timeout,
        ])
        .leads_to(&["getTransaction", "abortTransaction"])
}

/// What [`complete`] takes and answers.
pub(crate) fn complete_exchange() -> Exchange {
    use ErrorCode as Code;
    Exchange::answers::<TransactionResponse>()
        .takes("CompleteRequest", decision::schema())
        .once()
        .refuses(&[
            Code::NotFound,
            Code::CardReadError,
            Code::UnsupportedCard,
            Code::CommunicationError,
            Code::TerminalUnavailable,
            Code::Timeout,
        ])
}

/// `POST /v1/transaction/initiate`.
pub(crate) async fn initiate(
    State(api): State<Api>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Answered {
    let (claim, body) = idempotency::read(request, admitted).await?;
    let request = request::parse_initiate(body, &api.allowed())?;
    let (Begun::Started(id) | Begun::Known(id)) =
        transactions::begin(&api.terminal, request, claim).await?;
    match api.terminal.asked_or_ended(&id).await {
        Some(Standing::Asked(record, request)) => {
            let asked = TransactionResponse::asked(&record, &request, &api.merchant);
            Ok(Json(asked))
        }
        Some(Standing::Ended(record)) => transactions::answer(&api, &record),
        None => Err(record_gone(&id)),
    }
}

/// `POST /v1/transaction/complete`.
pub(crate) async fn complete(
    State(api): State<Api>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Answered {
    // The transaction's name says which decision it is; the key's form is looked at all the same.
    let (_, body) = idempotency::read(request, admitted).await?;
    let mut fields = Fields::of(body)?;
    let Decision { id, answer } = decision(&mut fields)?;
    fields.finish()?;
    decide(&api, &id, &answer)?;
    let record = api
        .terminal
        .ended(&id)
        .await
        .ok_or_else(|| record_gone(&id))?;
    check_recorded(&record, &answer)?;
    transactions::answer(&api, &record)
}

/// What became of a decision that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It decides; the end follows.
    Decides,
    /// The transaction has its end, or goes to it, without this decision.
    TooLate,
}

/// Hands a decision to the terminal. Where it is too late for one, the end tells the truth; so that is
/// no refusal.
pub(crate) fn decide(
    api: &Api,
    id: &TransactionId,
    answer: &OnlineAnswer,
) -> Result<Taken, ApiError> {
    match api.terminal.decide(id, answer.clone()) {
        Decided::Taken => Ok(Taken::Decides),
        Decided::Over => Ok(Taken::TooLate),
        Decided::Otherwise => Err(otherwise(id)),
        Decided::NotAsked => Err(not_asked(id)),
        Decided::Unknown => Err(transaction_unknown(id.as_str())),
    }
}

/// Refuses what the record of an ended transaction contradicts.
pub(crate) fn check_recorded(record: &Record, answer: &OnlineAnswer) -> Result<(), ApiError> {
    if !record.asked {
        return Err(not_asked(&record.id));
    }
    let recorded = record
        .outcome
        .as_ref()
        .and_then(|outcome| outcome.answer.as_ref());
    let same = recorded.is_none_or(|recorded| {
        recorded.response_code == answer.response_code
            && recorded.authorisation_code == answer.authorisation_code
    });
    if same {
        Ok(())
    } else {
        Err(otherwise(&record.id))
    }
}

fn otherwise(id: &TransactionId) -> ApiError {
    let message = "The transaction was completed before with another answer";
    ApiError::new(ErrorCode::IdempotencyConflict, message)
        .field("responseCode", "const")
        .transaction(id)
}

fn not_asked(id: &TransactionId) -> ApiError {
    let message = "The transaction does not wait for a decision of the point of sale";
    invalid("transactionId", GRANULAR, message).transaction(id)
}

fn record_gone(id: &TransactionId) -> ApiError {
    ApiError::new(ErrorCode::InternalError, "The transaction's record is gone").transaction(id)
}
