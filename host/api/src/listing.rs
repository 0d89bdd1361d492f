//! Lists of transactions, page by page, the newest first.

use axum::extract::{OriginalUri, State};
use jiff::Timestamp;
use serde::Serialize;
use terminal_host::transaction::{Kind, Record, Scheme, TransactionId};

use crate::{
    answer::Json,
    error::{ApiError, ErrorCode},
    openapi::{
        exchange::Exchange,
        schema::{Described, Schema},
    },
    query::{Query, cursor_at},
    response::{self, Status, TransactionResponse},
    router::Api,
};

/// How many transactions a page has, usually and at most.
const LIMIT: usize = 50;
const LIMIT_MAX: usize = 200;

/// A cursor is a place in the order of names, which are ULIDs.
const CURSOR_PATTERN: &str = "^cursor_[0-7][0-9A-HJKMNP-TV-Z]{25}$";

/// How many records are read at a time.
const READ_COUNT: u32 = 200;

/// How many records one request looks at. A filter that few records pass gives a short page and the
/// cursor to go on from.
const LOOKED_AT_MAX: usize = 5000;

/// One page.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<T> {
    /// What is on it.
    pub(crate) data: Vec<T>,
    /// Whether there may be more.
    pub(crate) has_more: bool,
    /// Where the next page begins.
    pub(crate) next_cursor: Option<String>,
}

impl<T: Paged> Described for Page<T> {
    const NAME: &'static str = T::PAGE;

    fn schema() -> Schema {
        Schema::object("One page of a list.")
            .required(
                "data",
                Schema::list(Schema::reference(T::NAME), "What is on it."),
            )
            .required("hasMore", Schema::boolean("Whether there may be more."))
            .required(
                "nextCursor",
                Schema::text("The `cursor` of the next page.").or_null(),
            )
    }
}

/// What has lists.
pub(crate) trait Paged: Described {
    /// The name of a page's schema.
    const PAGE: &'static str;
}

impl Paged for TransactionResponse {
    const PAGE: &'static str = "TransactionPage";
}

/// The parameters of every list.
pub(crate) fn paged(exchange: Exchange, usual: usize, most: usize) -> Exchange {
    exchange
        .parameter(
            "cursor",
            Schema::text("The `nextCursor` of the page before.").with("pattern", CURSOR_PATTERN),
        )
        .parameter(
            "limit",
            Schema::integer("How many a page has.")
                .with("minimum", 1)
                .with("maximum", most)
                .with("default", usual),
        )
}

/// What [`transactions`] takes and answers.
pub(crate) fn transactions_exchange() -> Exchange {
    paged(
        Exchange::answers::<Page<TransactionResponse>>(),
        LIMIT,
        LIMIT_MAX,
    )
    .parameter("from", Schema::moment("Begun at this moment or later."))
    .parameter("to", Schema::moment("Begun before this moment."))
    .parameter("status", Schema::names::<Status>("In this state now."))
    .parameter("type", Schema::names::<Kind>("Of this type only."))
    .parameter(
        "cardScheme",
        Schema::names::<Scheme>("Of this scheme only."),
    )
    .parameter("referenceId", Schema::text("With exactly this reference."))
}

/// `GET /v1/transactions`.
pub(crate) async fn transactions(
    State(api): State<Api>,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Page<TransactionResponse>>, ApiError> {
    let mut query = Query::of(&uri)?;
    let limit = query.limit(LIMIT, LIMIT_MAX)?;
    let mut before = query.cursor(|text| TransactionId::parse(&format!("txn_{text}")))?;
    let filter = Filter::of(&mut query)?;
    query.finish()?;
    let mut found = Vec::new();
    let mut looked_at: usize = 0;
    let has_more = 'reading: loop {
        let read = api
            .terminal
            .transactions(before.as_ref(), filter.from, READ_COUNT)
            .await
            .map_err(|error| ApiError::new(ErrorCode::InternalError, error.to_string()))?;
        if read.is_empty() {
            break false;
        }
        for record in read {
            if found.len() == limit || looked_at == LOOKED_AT_MAX {
                break 'reading true;
            }
            looked_at = looked_at.saturating_add(1);
            before = Some(record.id.clone());
            if filter.passes(&record) {
                found.push(TransactionResponse::of(&record, &api.merchant));
            }
        }
    };
    let place = before.filter(|_| has_more);
    Ok(Json(Page {
        data: found,
        has_more,
        next_cursor: place.map(|id| cursor_at(id.as_str().trim_start_matches("txn_"))),
    }))
}

/// What a transaction must be to be listed.
#[derive(Debug, Default)]
struct Filter {
    /// Not before.
    from: Option<Timestamp>,
    /// Before.
    to: Option<Timestamp>,
    status: Option<Status>,
    kind: Option<Kind>,
    scheme: Option<Scheme>,
    reference: Option<String>,
}

impl Filter {
    fn of(query: &mut Query) -> Result<Self, ApiError> {
        Ok(Self {
            from: query.moment("from")?,
            to: query.moment("to")?,
            status: query.one_of("status")?,
            kind: query.one_of("type")?,
            scheme: query.one_of("cardScheme")?,
            reference: query.take("referenceId"),
        })
    }

    fn passes(&self, record: &Record) -> bool {
        let began = record.began.timestamp();
        let card = record
            .outcome
            .as_ref()
            .and_then(|outcome| outcome.card.as_ref());
        self.from.is_none_or(|from| began >= from)
            && self.to.is_none_or(|to| began < to)
            && self
                .status
                .is_none_or(|status| response::now(record) == status)
            && self.kind.is_none_or(|kind| record.request.kind == kind)
            && self
                .scheme
                .is_none_or(|scheme| card.is_some_and(|card| card.scheme == scheme))
            && (self.reference.is_none() || self.reference == record.request.reference)
    }
}
