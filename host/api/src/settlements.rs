//! Totals, the end of the day, and what it came to.

use axum::{
    Json,
    extract::{OriginalUri, Path, Request, State, rejection::PathRejection},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use terminal_host::{
    batch::{self, CurrencyTotals, Settlement, SettlementId, SettlementState},
    transaction::{Kind, Record, TransactionId},
};

use crate::{
    body,
    error::{ApiError, ErrorCode, reconcile_refused},
    export::{self, Format},
    fields::{Fields, invalid},
    listing::Page,
    query::{Query, cursor_at},
    response::{self, TransactionResponse},
    router::Api,
    terminal::Merchant,
};

/// How many settlements a page has, usually and at most; and how many transactions of one.
const SETTLEMENTS: usize = 25;
const SETTLEMENTS_MAX: usize = 100;
const TRANSACTIONS: usize = 50;
const TRANSACTIONS_MAX: usize = 200;

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

/// `POST /v1/reconciliation`: the totals, and with `closeDay` the end of the batch.
///
/// A dry run asks nobody. The totals of the answer are those of the terminal's usual currency, or of
/// the one currency there is; each currency has a settlement of its own.
pub(crate) async fn reconciliation(
    State(api): State<Api>,
    request: Request,
) -> Result<Json<ReconciliationResponse>, ApiError> {
    const FIELD: &str = "closeDay";
    let mut fields = Fields::of(body::read_json(request).await?)?;
    let value = fields.require(FIELD)?;
    let Value::Bool(close_day) = value else {
        return Err(
            invalid(FIELD, "type", "The 'closeDay' field must be true or false").value(&value),
        );
    };
    fields.finish()?;
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
    Ok(Json(ReconciliationResponse {
        status,
        totals: totals_in(&totals, &currency),
        timestamp: response::utc(Timestamp::now()),
        settlements: settlements
            .iter()
            .map(|settlement| SettlementResponse::of(settlement, &api.merchant))
            .collect(),
    }))
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

/// `GET /v1/settlements/{settlementId}`.
pub(crate) async fn show(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<SettlementResponse>, ApiError> {
    let (settlement, _) = find(&api, id).await?;
    Ok(Json(SettlementResponse::of(&settlement, &api.merchant)))
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

/// The totals of one currency.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TotalsResponse {
    #[serde(flatten)]
    totals: Totals,
    pre_auth_count: u32,
    pre_auth_amount: u64,
    currency: String,
}

/// What settlements and totals have in common. Amounts in minor units.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Totals {
    sale_count: u32,
    sale_amount: u64,
    refund_count: u32,
    refund_amount: u64,
    void_count: u32,
    void_amount: u64,
}

impl From<&batch::Totals> for Totals {
    fn from(totals: &batch::Totals) -> Self {
        Self {
            sale_count: totals.sale.count,
            sale_amount: totals.sale.minor,
            refund_count: totals.refund.count,
            refund_amount: totals.refund.minor,
            void_count: totals.void.count,
            void_amount: totals.void.minor,
        }
    }
}

/// How a reconciliation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ReconciliationStatus {
    /// Everything is closed.
    Success,
    /// Nothing is closed.
    Failed,
    /// Some currencies or batches are closed, and others are not.
    Partial,
}

impl ReconciliationStatus {
    fn of(settlements: &[Settlement]) -> Self {
        let settled = |one: &&Settlement| one.state == SettlementState::Settled;
        match settlements.iter().filter(settled).count() {
            closed if closed == settlements.len() => Self::Success,
            0 => Self::Failed,
            _ => Self::Partial,
        }
    }
}

/// The answer to a reconciliation. `settlements` is an addition to the reference's schema.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReconciliationResponse {
    status: ReconciliationStatus,
    totals: TotalsResponse,
    timestamp: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    settlements: Vec<SettlementResponse>,
}

/// A settlement's state, in the API's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum SettlementStatus {
    Pending,
    Settled,
    Failed,
}

/// A settlement.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SettlementResponse {
    id: String,
    /// When the acquirer closed it; when it was frozen, as long as it has not.
    closed_at: String,
    status: SettlementStatus,
    currency: String,
    net_amount: i64,
    merchant_id: String,
    terminal_id: String,
    #[serde(flatten)]
    totals: Totals,
    /// The batch's number, six digits, as the acquirer knows it.
    acquirer_batch_ref: String,
}

impl SettlementResponse {
    fn of(settlement: &Settlement, merchant: &Merchant) -> Self {
        Self {
            id: settlement.id.as_str().to_owned(),
            closed_at: response::timestamp(
                settlement.closed.as_ref().unwrap_or(&settlement.frozen),
            ),
            status: match settlement.state {
                SettlementState::Pending => SettlementStatus::Pending,
                SettlementState::Settled => SettlementStatus::Settled,
                SettlementState::Disputed => SettlementStatus::Failed,
            },
            currency: settlement.totals.currency.clone(),
            net_amount: settlement.totals.totals.net_minor(),
            merchant_id: merchant.merchant_id.clone(),
            terminal_id: merchant.terminal_id.clone(),
            totals: (&settlement.totals.totals).into(),
            acquirer_batch_ref: format!("{:06}", settlement.batch),
        }
    }
}

fn totals_in(all: &[CurrencyTotals], currency: &str) -> TotalsResponse {
    let found = all.iter().find(|of| of.currency == currency);
    let totals = found.map(|of| of.totals).unwrap_or_default();
    TotalsResponse {
        totals: (&totals).into(),
        pre_auth_count: totals.pre_auth.count,
        pre_auth_amount: totals.pre_auth.minor,
        currency: currency.to_owned(),
    }
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
