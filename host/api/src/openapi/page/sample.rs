//! The smallest value that a schema takes, to begin with.

use serde_json::{Map, Value, json};

use super::{items_of, resolved, text};

/// How deep schemas may stand in each other.
const DEPTH_MAX: u8 = 8;

/// A value with what is required and no more. A test holds each against its schema.
pub(super) fn sample(document: &Value, schema: &Value) -> Value {
    within(document, schema, DEPTH_MAX)
}

fn within(document: &Value, schema: &Value, depth: u8) -> Value {
    let schema = resolved(document, schema);
    let Some(deeper) = depth.checked_sub(1) else {
        return Value::Null;
    };
    let given = items_of(schema, "/examples")
        .first()
        .or_else(|| schema.get("const"))
        .or_else(|| items_of(schema, "/enum").first());
    if let Some(given) = given {
        return given.clone();
    }
    if let Some(first) = items_of(schema, "/oneOf").first() {
        return within(document, first, deeper);
    }
    let kind = match schema.get("type") {
        Some(Value::Array(types)) => types.first().and_then(Value::as_str),
        other => other.and_then(Value::as_str),
    };
    match kind {
        Some("object") => {
            let required = items_of(schema, "/required")
                .iter()
                .filter_map(Value::as_str);
            let members = required.filter_map(|name| {
                let member = schema.get("properties")?.get(name)?;
                Some((name.to_owned(), named(document, (name, member), deeper)))
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
        Some("array") => {
            let item = schema.get("items").unwrap_or(&Value::Null);
            json!([within(document, item, deeper)])
        }
        Some("integer") => schema.get("minimum").cloned().unwrap_or_else(|| json!(0)),
        Some("boolean") => json!(false),
        _ => json!(prefixed(text(schema, "/pattern"))),
    }
}

/// A member: the name of a transaction is known by the member's name.
fn named(document: &Value, (name, schema): (&str, &Value), depth: u8) -> Value {
    let value = within(document, schema, depth);
    if value == ANY_TEXT {
        json!(identifier(name).unwrap_or(ANY_TEXT))
    } else {
        value
    }
}

const ANY_TEXT: &str = "text";

/// A text for a pattern such as `^txn_`.
fn prefixed(pattern: &str) -> String {
    let prefix = pattern
        .strip_prefix('^')
        .and_then(|rest| rest.strip_suffix('_'));
    match prefix {
        Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_lowercase()) => {
            format!("{prefix}_01JQXYZ123456")
        }
        _ => ANY_TEXT.to_owned(),
    }
}

/// What a member or a parameter of this name names.
pub(super) fn identifier(name: &str) -> Option<&'static str> {
    match name {
        "transactionId" | "originalTransactionId" => Some("txn_01JQXYZ123456"),
        "settlementId" => Some("stl_01JQXYZ123456"),
        _ => None,
    }
}
