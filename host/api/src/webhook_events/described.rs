//! The webhooks in the OpenAPI document.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Data, EventType};
use crate::{
    device::HealthResponse, openapi::schema::Schema, response::TransactionResponse,
    settlements::SettlementResponse,
};

/// The member `webhooks` of OpenAPI 3.1: one request for each type of event.
pub(crate) fn webhooks() -> BTreeMap<&'static str, Value> {
    EventType::ALL
        .into_iter()
        .map(|kind| (kind.as_str(), json!({"post": request(kind)})))
        .collect()
}

fn request(kind: EventType) -> Value {
    let body = Schema::object("The event. The signature covers these bytes as they are.")
        .required(
            "id",
            Schema::identifier("evt", "The same in every attempt: seen before, ignore it."),
        )
        .required("type", Schema::constant(kind.as_str(), kind.meaning()))
        .required("created", Schema::moment("When it was queued, UTC."))
        .required("data", data(kind));
    json!({
        "summary": kind.meaning(),
        "security": [],
        "parameters": headers(kind),
        "requestBody": {
            "required": true,
            "content": {"application/json": {"schema": Value::from(body)}},
        },
        "responses": {
            "2XX": {"description": "Taken. Anything else is tried again, seven times in all."},
            "410": {"description": "Not wanted any more: the endpoint is disabled."},
        },
    })
}

fn data(kind: EventType) -> Schema {
    match kind.data() {
        Data::Transaction => {
            Schema::to::<TransactionResponse>("The transaction, as it is answered over HTTP.")
        }
        Data::Settlement => {
            Schema::to::<SettlementResponse>("The settlement, as it is answered over HTTP.")
        }
        Data::Health => Schema::to::<HealthResponse>("The terminal's health at that moment."),
        Data::Nothing => Schema::open_object("Empty."),
    }
}

fn headers(kind: EventType) -> Vec<Value> {
    let header = |name: &str, schema: Schema| json!({"in": "header", "name": name, "required": true, "schema": Value::from(schema)});
    vec![
        header(
            "Atlas-Signature",
            Schema::text(
                "`t=<unix seconds>,v1=<hex>`: HMAC-SHA-256 over the time, a full stop and the body. \
                 One `v1` for each secret that signs; one that matches is enough.",
            )
            .with("pattern", "^t=[0-9]+(,v1=[0-9a-f]{64})+$"),
        ),
        header("Atlas-Event-Id", Schema::identifier("evt", "As in the body.")),
        header(
            "Atlas-Event-Type",
            Schema::constant(kind.as_str(), "As in the body."),
        ),
        header(
            "Atlas-Delivery",
            Schema::integer("Which attempt this is.").with("minimum", 1),
        ),
        header("Atlas-Webhook-Id", Schema::identifier("wh", "The endpoint.")),
    ]
}
