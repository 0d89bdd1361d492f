//! The documents of the API, made from the code: OpenAPI 3.1 of what goes over HTTP, AsyncAPI 3.0 of
//! the session.
//!
//! Paths, permissions and limits are the rows of [`crate::OPERATIONS`]; schemas stand beside the types
//! that they describe; the names of enumerations come from the types themselves. The documents are
//! served, and committed in `docs/api/`, and so is a page of both for people.

mod asyncapi;
mod examples;
pub(crate) mod exchange;
mod links;
mod names;
mod operation;
mod page;
pub(crate) mod schema;
pub(crate) mod tag;

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{
    Router,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Map, Value, json};
use terminal_host::text::TextLine;

pub use self::{
    asyncapi::document as session_document, examples::EXAMPLES, examples::Example, page::page,
};
use self::{
    exchange::Answer,
    schema::{Described, Schema},
    tag::Tag,
};
use crate::{
    envelope::Envelope, error::ErrorCode, granular::ChipData, operations::OPERATIONS,
    response::ReceiptData, router::Api, version::API_VERSION, webhook_events,
};

/// Where the documents are served, without a key.
const OPENAPI_PATH: &str = "/openapi.json";
const ASYNCAPI_PATH: &str = "/asyncapi.json";

/// Where the page is served, without a key.
pub const PAGE_PATH: &str = "/docs";

/// The OpenAPI document.
pub fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tenon Commerce API",
            "version": API_VERSION,
            "summary": "What a point of sale talks to.",
            "description": overview(),
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {"url": "http://terminal:8443", "description": "A terminal on the local network."},
            {"url": "http://127.0.0.1:8443", "description": "The emulator."},
        ],
        "tags": tags(),
        "paths": paths(),
        "webhooks": webhook_events::webhooks(),
        "components": {
            "securitySchemes": security_schemes(),
            "headers": headers(),
            "responses": operation::shared_responses(),
            "schemas": schemas(),
        },
    })
}

/// A document as it is served and committed.
pub fn text(document: &Value) -> String {
    format!("{document:#}\n")
}

/// The paths of the documents.
pub(crate) fn routes() -> Router<Api> {
    static OPENAPI: LazyLock<String> = LazyLock::new(|| text(&document()));
    static ASYNCAPI: LazyLock<String> = LazyLock::new(|| text(&session_document()));
    let shown = |text: &'static str| ([(header::CONTENT_TYPE, "application/json")], text);
    Router::new()
        .route(PAGE_PATH, get(show_page))
        .route(
            OPENAPI_PATH,
            get(move || async move { shown(OPENAPI.as_str()).into_response() }),
        )
        .route(
            ASYNCAPI_PATH,
            get(move || async move { shown(ASYNCAPI.as_str()).into_response() }),
        )
}

async fn show_page() -> Response {
    static PAGE: LazyLock<String> = LazyLock::new(|| page(&document(), &session_document()));
    // What only a header can say: no other page shows it in a frame.
    static POLICY: LazyLock<String> =
        LazyLock::new(|| format!("{}; frame-ancestors 'none'", *page::POLICY));
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, PAGE.as_str()).into_response()
}

fn overview() -> String {
    let rows: Vec<_> = ErrorCode::ALL.iter().copied().map(row).collect();
    format!(
        "Money is in minor units, an integer without a fraction: `2500` is NZD 25.00, and neither \
         `25.00` nor `2500.0` is taken. An empty parameter is an absent one. A decline is an answer \
         (200, `status: DECLINED`), not an error. Every error has one form, and `error` is the code \
         to branch on:\n\n\
         | code | status | severity | meaning |\n|---|---|---|---|\n{}\n\n\
         After a lost answer, or an error whose severity is `transient`, send the same request with \
         the same `Idempotency-Key`: what has an answer is not run again, and its answer is given; what \
         failed before anything was sent to the acquirer is run. What HTTP itself names more exactly keeps its status (405, 408, 413, 414, 415, 426, 431) with the \
         nearest code. The session is described by `/asyncapi.json`.",
        rows.join("\n")
    )
}

fn row(code: ErrorCode) -> String {
    format!(
        "| `{}` | {} | {} | {} |",
        code.as_str(),
        code.status().as_u16(),
        code.severity().as_str(),
        code.meaning(),
    )
}

fn tags() -> Vec<Value> {
    Tag::ALL
        .into_iter()
        .filter(|tag| OPERATIONS.iter().any(|operation| operation.tag == *tag))
        .map(|tag| json!({"name": tag.title(), "description": tag.description()}))
        .collect()
}

fn paths() -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in OPERATIONS {
        let method = operation.method.as_str().to_ascii_lowercase();
        paths
            .entry(operation.path)
            .or_default()
            .insert(method, operation::described(operation));
    }
    json!(paths)
}

/// Every schema by its name: of bodies and answers, and of what stands inside others.
fn schemas() -> BTreeMap<String, Value> {
    let inside = |name: &str, schema: Schema| (name.to_owned(), Value::from(schema));
    let mut schemas = BTreeMap::from([
        inside(Envelope::NAME, Envelope::schema()),
        inside(ReceiptData::NAME, ReceiptData::schema()),
        inside(ChipData::NAME, ChipData::schema()),
        inside(TextLine::NAME, TextLine::schema()),
    ]);
    for operation in OPERATIONS {
        let exchange = (operation.exchange)();
        if let Some((name, schema)) = exchange.body {
            schemas.insert(name, schema.into());
        }
        if let Answer::Json(name, schema) = exchange.answer {
            schemas.insert(name.into(), (*schema).into());
        }
    }
    schemas
}

fn security_schemes() -> Value {
    json!({
        "ApiKey": {
            "type": "apiKey", "in": "header", "name": "X-Api-Key",
            "description": "`sk_live_…` or `sk_test_…`. One scheme for each request.",
        },
        "Bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "A token with the scopes, for this terminal.",
        },
        "ApiKeyInUrl": {
            "type": "apiKey", "in": "query", "name": "apiKey",
            "description": "For WebSocket clients that cannot set headers.",
        },
    })
}

fn headers() -> Value {
    json!({
        "X-Request-Id": {
            "description": "The request's name, as the terminal logs it.",
            "required": true,
            "schema": Value::from(Schema::identifier("req", "`req_` and a ULID.")),
        },
        "Atlas-API-Version": {
            "description": "The version that the terminal speaks.",
            "required": true,
            "schema": {"const": API_VERSION},
        },
        "Retry-After": {
            "description": "When to ask again.",
            "schema": Value::from(Schema::count("Seconds.")),
        },
    })
}
