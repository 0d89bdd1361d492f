//! The session, as AsyncAPI 3.0 describes it. The terminal is the application: it receives actions and
//! sends events.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use terminal_host::text::TextLine;

use super::{
    EXAMPLES,
    schema::{Described, Schema},
};
use crate::{
    envelope::Envelope,
    granular::ChipData,
    operations::OPERATIONS,
    response::{ReceiptData, TransactionResponse},
    router::SESSION_PATH,
    session::{MESSAGE_BYTES_MAX, action, event_schemas},
    version::API_VERSION,
};

/// The AsyncAPI document.
pub fn document() -> Value {
    let actions: BTreeMap<&str, Schema> = OPERATIONS
        .iter()
        .filter_map(|operation| operation.action)
        .chain([action::PING])
        .filter_map(|name| Some((name, action::schema(name)?)))
        .collect();
    let events: BTreeMap<&str, Schema> = event_schemas::schemas().collect();
    let messages = |names: Vec<&str>| -> Vec<Value> {
        let reference = |name| json!({"$ref": format!("#/channels/session/messages/{name}")});
        names.into_iter().map(reference).collect()
    };
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tenon Commerce API: the session",
            "version": API_VERSION,
            "description": overview(),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "terminal": {"host": "terminal:8443", "protocol": "ws", "security": security()},
            "emulator": {"host": "127.0.0.1:8443", "protocol": "ws", "security": security()},
        },
        "channels": {"session": {
            "address": SESSION_PATH,
            "messages": channel_messages(&actions, &events),
            "bindings": {"ws": {"method": "GET"}},
        }},
        "operations": {
            "receiveAction": {
                "action": "receive",
                "channel": {"$ref": "#/channels/session"},
                "messages": messages(actions.keys().copied().collect()),
            },
            "sendEvent": {
                "action": "send",
                "channel": {"$ref": "#/channels/session"},
                "messages": messages(events.keys().copied().collect()),
            },
        },
        "components": {
            "schemas": {
                Envelope::NAME: Value::from(Envelope::schema()),
                ReceiptData::NAME: Value::from(ReceiptData::schema()),
                ChipData::NAME: Value::from(ChipData::schema()),
                TextLine::NAME: Value::from(TextLine::schema()),
                TransactionResponse::NAME: Value::from(TransactionResponse::schema()),
            },
            "securitySchemes": {
                "ApiKey": {"type": "httpApiKey", "in": "header", "name": "X-Api-Key"},
                "ApiKeyInUrl": {"type": "httpApiKey", "in": "query", "name": "apiKey"},
                "Bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
    })
}

fn overview() -> String {
    format!(
        "One session watches the terminal: it shows every transaction, whoever started it. The \
         events of a sale come in the order `waiting_for_card`, `card_detected`, `processing`, \
         `result`; each transaction has exactly one `result`. What an earlier transaction left open is \
         reversed first, while the next one waits: its `processing` may come before. A refused action is an `error`, and \
         started nothing. A message has at most {MESSAGE_BYTES_MAX} bytes. The terminal sends a ping \
         every 20 s and closes a session that answers none for a minute; a page in a browser, which \
         sees no pings, may send the action `ping`. A client that goes away changes nothing for its \
         transaction. Every event of a transaction has a `resumeToken`: a session that is opened with \
         `?resumeToken=` and the last one seen shows what came after it, each event once and in order, \
         also when the terminal was restarted meanwhile. Events are kept for three days; when those \
         after a token are gone, the session says so with `error` and is closed. The header \
         `Atlas-Resume-Token` of the answer to the upgrade, and `?resumeToken=new`, give a token before \
         the first event. A question of a session ends with it; its answer is an `input_result`, and \
         everything else goes on meanwhile."
    )
}

fn security() -> Vec<Value> {
    ["ApiKey", "ApiKeyInUrl", "Bearer"]
        .map(|name| json!({"$ref": format!("#/components/securitySchemes/{name}")}))
        .into()
}

fn channel_messages(
    actions: &BTreeMap<&str, Schema>,
    events: &BTreeMap<&str, Schema>,
) -> Map<String, Value> {
    let shown = shown();
    let message = |(name, schema): (&&str, &Schema)| {
        let mut message = json!({"name": name, "payload": Value::from(schema.clone())});
        if let (Some(example), Some(members)) = (shown.get(*name), message.as_object_mut()) {
            members.insert("examples".into(), json!([{"payload": example}]));
        }
        ((*name).to_owned(), message)
    };
    actions.iter().chain(events).map(message).collect()
}

/// The reference's messages by their name. Its `result` is an abbreviation, and shown whole over HTTP.
fn shown() -> BTreeMap<String, Value> {
    let mut shown = BTreeMap::new();
    for example in EXAMPLES.iter().map(super::Example::read) {
        if let Some(action) = example.get("action")
            && let Some(name) = action.get("action").and_then(Value::as_str)
        {
            shown.insert(name.to_owned(), action.clone());
        }
        let events = example.get("events").and_then(Value::as_array);
        for event in events.into_iter().flatten() {
            match event.get("event").and_then(Value::as_str) {
                Some("result") | None => {}
                Some(name) => drop(shown.insert(name.to_owned(), event.clone())),
            }
        }
    }
    shown
}
