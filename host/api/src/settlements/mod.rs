//! Totals, the end of the day, and what it came to.

mod answers;

use axum::{
    Extension,
    extract::{OriginalUri, Path, Request, State, rejection::PathRejection},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::Value;
use terminal_host::{
    batch::{CurrencyTotals, Settlement, SettlementId},
    transaction::{Kind, Record, TransactionId},
};

use crate::{
    answer::Json,
    error::{ApiError, ErrorCode, reconcile_refused},
    export::{self, Format},
    fields::{Fields, invalid},
    guard::Admitted,
    idempotency,
    listing::{self, Page},
    once::{self, Alone},
    openapi::{exchange::Exchange, schema::Schema},
    query::{Query, cursor_at},
    response::{self, TransactionResponse},
    router::Api,
};

pub(crate) use self::answers::SettlementResponse;
use self::answers::{ReconciliationResponse, ReconciliationStatus, TotalsResponse, totals_in};

/// How many settlements a page has, usually and at most; and how many transactions of one.
const SETTLEMENTS: usize = 25;
const SETTLEMENTS_MAX: usize = 100;
const TRANSACTIONS: usize = 50;
const TRANSACTIONS_MAX: usize = 200;

/// What [`totals`] takes and answers.
pub(crate) fn totals_exchange() -> Exchange {
    Exchange::answers::<TotalsResponse>()
        .parameter("currency", Schema::currency())
        .refuses(&[ErrorCode::InvalidCurrency])
}

/// `GET /v1/totals`: what the open batch adds up to, in the currency asked for or the usual one.
pub(crate) async fn totals(
    State(api): State<Api>,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<TotalsResponse>, ApiError> {
    let mut query = Query::of(&uri)?;
    let currency = match query.take("currency") {
        Some(currency) if api.merchant.currencies.contains(&currency) => currency,
        Some(other) => {
            return Err(ApiError::new(
                ErrorCode::InvalidCurrency,
                "The terminal does not take this currency",
            )
            .field("currency", "enum")
            .value(&Value::from(other)));
        }
        None => api.merchant.currencies.first().cloned().unwrap_or_default(),
    };
    query.finish()?;
    let totals = open_totals(&api).await?;
    Ok(Json(totals_in(&totals, &currency)))
}

/// What [`reconciliation`] takes and answers.
pub(crate) fn reconciliation_exchange() -> Exchange {
    Exchange::answers::<ReconciliationResponse>()
        .takes("ReconciliationRequest", reconciliation_request())
        .once()
        .refuses(&[
            ErrorCode::TerminalBusy,
            ErrorCode::ReconciliationInProgress,
            ErrorCode::TerminalUnavailable,
        ])
}

fn reconciliation_request() -> Schema {
    Schema::object("The request for a reconciliation.")
        .required(
            "closeDay",
            Schema::boolean("Close the batch with the acquirer; `false` is a dry run."),
        )
        .closed()
}

/// `POST /v1/reconciliation`: the totals, and with `closeDay` the end of the batch.
///
/// A dry run asks nobody. The totals of the answer are those of the terminal's usual currency, or of
/// the one currency there is; each currency has a settlement of its own.
pub(crate) async fn reconciliation(
    State(api): State<Api>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    const FIELD: &str = "closeDay";
    let (claim, body) = idempotency::read(request, admitted).await?;
    let mut fields = Fields::of(body)?;
    let value = fields.require(FIELD)?;
    let Value::Bool(close_day) = value else {
        return Err(
            invalid(FIELD, "type", "The 'closeDay' field must be true or false").value(&value),
        );
    };
    fields.finish()?;
    let work = reconcile(api.clone(), close_day);
    once::answer(&api, claim, Alone::GoesOn, work)
        .await
        .map(Json)
}

async fn reconcile(api: Api, close_day: bool) -> Result<Value, ApiError> {
    let (status, totals, settlements) = if close_day {
        let settlements = api.terminal.reconcile().await.map_err(reconcile_refused)?;
        let totals = settlements.iter().map(|one| one.totals.clone()).collect();
        (ReconciliationStatus::of(&settlements), totals, settlements)
    } else {
        let totals = open_totals(&api).await?;
        (ReconciliationStatus::Success, totals, Vec::new())
    };
    let usual = api.merchant.currencies.first().cloned().unwrap_or_default();
    let currency = match totals.as_slice() {
        [one] => one.currency.clone(),
        _ => usual,
    };
    let response = ReconciliationResponse {
        status,
        totals: totals_in(&totals, &currency),
        timestamp: response::utc(Timestamp::now()),
        settlements: settlements
            .iter()
            .map(|settlement| SettlementResponse::of(settlement, &api.merchant))
            .collect(),
    };
    // Serializing into memory has no way to fail: the keys are strings.
    Ok(serde_json::to_value(response).unwrap_or_default())
}

/// What [`list`] takes and answers.
pub(crate) fn list_exchange() -> Exchange {
    listing::paged(
        Exchange::answers::<Page<SettlementResponse>>(),
        SETTLEMENTS,
        SETTLEMENTS_MAX,
    )
    .parameter("from", Schema::moment("Closed at this moment or later."))
    .parameter("to", Schema::moment("Closed before this moment."))
    .parameter(
        "currency",
        Schema::text("In this currency only.").example("NZD"),
    )
}

/// `GET /v1/settlements`: the newest first.
pub(crate) async fn list(
    State(api): State<Api>,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Page<SettlementResponse>>, ApiError> {
    let mut query = Query::of(&uri)?;
    let limit = query.limit(SETTLEMENTS, SETTLEMENTS_MAX)?;
    let before = query.cursor(|text| SettlementId::parse(&format!("stl_{text}")))?;
    let (from, to) = (query.moment("from")?, query.moment("to")?);
    let currency = query.take("currency");
    query.finish()?;
    let settlements = api.terminal.settlements().await.map_err(internal)?;
    let mut listed: Vec<&Settlement> = settlements
        .iter()
        .filter(|one| before.as_ref().is_none_or(|before| one.id < *before))
        .filter(|one| {
            let at = one.closed.as_ref().unwrap_or(&one.frozen).timestamp();
            from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to)
        })
        .filter(|one| {
            currency
                .as_ref()
                .is_none_or(|code| one.totals.currency == *code)
        })
        .collect();
    let has_more = listed.len() > limit;
    listed.truncate(limit);
    let last = listed.last().filter(|_| has_more);
    Ok(Json(Page {
        has_more,
        next_cursor: last.map(|one| cursor_at(one.id.as_str().trim_start_matches("stl_"))),
        data: listed
            .into_iter()
            .map(|settlement| SettlementResponse::of(settlement, &api.merchant))
            .collect(),
    }))
}

/// What [`show`] answers.
pub(crate) fn show_exchange() -> Exchange {
    Exchange::answers::<SettlementResponse>().refuses(&[ErrorCode::NotFound])
}

/// `GET /v1/settlements/{settlementId}`.
pub(crate) async fn show(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<SettlementResponse>, ApiError> {
    let (settlement, _) = find(&api, id).await?;
    Ok(Json(SettlementResponse::of(&settlement, &api.merchant)))
}

/// What [`transactions`] takes and answers.
pub(crate) fn transactions_exchange() -> Exchange {
    listing::paged(
        Exchange::answers::<Page<TransactionResponse>>(),
        TRANSACTIONS,
        TRANSACTIONS_MAX,
    )
    .parameter(
        "type",
        Schema::names::<Kind>("Transactions of this type only."),
    )
    .refuses(&[ErrorCode::NotFound])
}

/// `GET /v1/settlements/{settlementId}/transactions`: the oldest first.
pub(crate) async fn transactions(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Page<TransactionResponse>>, ApiError> {
    let mut query = Query::of(&uri)?;
    let limit = query.limit(TRANSACTIONS, TRANSACTIONS_MAX)?;
    let after = query.cursor(|text| TransactionId::parse(&format!("txn_{text}")))?;
    let kind: Option<Kind> = query.one_of("type")?;
    query.finish()?;
    let (_, mut records) = find(&api, id).await?;
    records.retain(|record| {
        after.as_ref().is_none_or(|after| record.id > *after)
            && kind.is_none_or(|kind| record.request.kind == kind)
    });
    let has_more = records.len() > limit;
    records.truncate(limit);
    let last = records.last().filter(|_| has_more);
    Ok(Json(Page {
        has_more,
        next_cursor: last.map(|record| cursor_at(record.id.as_str().trim_start_matches("txn_"))),
        data: records
            .iter()
            .map(|record| TransactionResponse::of(record, &api.merchant))
            .collect(),
    }))
}

/// What [`export()`] takes and answers.
pub(crate) fn export_exchange() -> Exchange {
    Exchange::file(&["text/csv", "application/jsonl"])
        .required_parameter(
            "format",
            Schema::names::<Format>("How the file is written."),
        )
        .refuses(&[ErrorCode::NotFound])
}

/// `GET /v1/settlements/{settlementId}/export?format=csv|jsonl`: the whole batch in one answer.
pub(crate) async fn export(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, ApiError> {
    let mut query = Query::of(&uri)?;
    let format: Option<Format> = query.one_of("format")?;
    query.finish()?;
    let Some(format) = format else {
        return Err(ApiError::new(
            ErrorCode::MissingField,
            "The 'format' parameter is required: csv or jsonl",
        )
        .field("format", "required"));
    };
    let (settlement, records) = find(&api, id).await?;
    let responses: Vec<_> = records
        .iter()
        .map(|record| TransactionResponse::of(record, &api.merchant))
        .collect();
    let name = format!(
        "attachment; filename=\"{}.{}\"",
        settlement.id.as_str(),
        format.extension()
    );
    let mut answer = export::write(format, &responses).into_response();
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(format.content_type()),
    );
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(answer)
}

async fn open_totals(api: &Api) -> Result<Vec<CurrencyTotals>, ApiError> {
    api.terminal.totals().await.map_err(internal)
}

async fn find(
    api: &Api,
    id: Result<Path<String>, PathRejection>,
) -> Result<(Settlement, Vec<Record>), ApiError> {
    let unknown = |text: &str| {
        ApiError::new(
            ErrorCode::NotFound,
            "There is no settlement with this settlementId",
        )
        .field("settlementId", "exists")
        .value(&Value::from(text))
    };
    let Path(text) = id.map_err(|_| unknown(""))?;
    let id = SettlementId::parse(&text).ok_or_else(|| unknown(&text))?;
    let found = api.terminal.settlement(&id).await.map_err(internal)?;
    found.ok_or_else(|| unknown(&text))
}

fn internal(error: terminal_host::service::StorageFault) -> ApiError {
    ApiError::new(ErrorCode::InternalError, error.to_string())
}
