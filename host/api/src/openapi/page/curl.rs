//! One line for each operation, to be pasted into a shell.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    items_of,
    members::plain,
    operations::Operation,
    sample::{identifier, sample},
    text,
};

/// What the lines below need.
pub(super) fn introduction() -> Markup {
    html! {
        p { "The lines below take the terminal's address and a key from the shell:" }
        pre tabindex="0" { code { "URL=http://127.0.0.1:8443 KEY=sk_test_..." } }
    }
}

/// The line of an operation.
pub(super) fn line(document: &Value, operation: &Operation<'_>) -> String {
    let mut line = format!(
        "curl -s \"$URL{}\" -H \"X-Api-Key: $KEY\"",
        target(document, operation)
    );
    let takes_key = |parameter: &Value| text(parameter, "/name") == "Idempotency-Key";
    if items_of(operation.value, "/parameters")
        .iter()
        .any(takes_key)
    {
        line.push_str(" -H \"Idempotency-Key: $(uuidgen)\"");
    }
    if operation.value.pointer("/responses/101").is_some() {
        line.insert_str("curl -s".len(), " -N --http1.1");
        line.push_str(
            " -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
             -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='",
        );
    }
    if let Some(schema) = operation.body() {
        let body = sample(document, schema).to_string().replace('\'', "'\\''");
        line.push_str(" -H 'Content-Type: application/json' -d '");
        line.push_str(&body);
        line.push('\'');
    } else if operation.method != "get" {
        line.push_str(" -X POST");
    }
    line
}

/// The path with names in the place of its parameters, and the query that must be there.
fn target(document: &Value, operation: &Operation<'_>) -> String {
    let parameters = items_of(operation.value, "/parameters");
    let of_place = |place| {
        parameters
            .iter()
            .filter(move |parameter| text(parameter, "/in") == place)
    };
    let path = of_place("path").fold(operation.path.to_owned(), |path, parameter| {
        let name = text(parameter, "/name");
        path.replace(&format!("{{{name}}}"), identifier(name).unwrap_or(name))
    });
    let query: Vec<String> = of_place("query")
        .filter(|parameter| parameter.get("required") == Some(&Value::Bool(true)))
        .map(|parameter| {
            let schema = parameter.get("schema").unwrap_or(&Value::Null);
            let value = plain(&sample(document, schema));
            format!("{}={value}", text(parameter, "/name"))
        })
        .collect();
    if query.is_empty() {
        path
    } else {
        format!("{path}?{}", query.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_names_fills_in_and_quotes() {
        let value = json!({
            "parameters": [
                {"in": "path", "name": "settlementId", "required": true},
                {"in": "query", "name": "limit", "required": false},
                {"in": "query", "name": "format", "required": true, "schema": {"enum": ["csv"]}},
                {"in": "header", "name": "Idempotency-Key", "required": false},
            ],
            "requestBody": {"content": {"application/json": {"schema": {"const": {"text": "it's"}}}}},
        });
        let operation = Operation {
            path: "/v1/settlements/{settlementId}/export",
            method: "post",
            value: &value,
        };
        assert_eq!(
            line(&value, &operation),
            "curl -s \"$URL/v1/settlements/stl_01JQXYZ123456/export?format=csv\" -H \"X-Api-Key: $KEY\" \
             -H \"Idempotency-Key: $(uuidgen)\" -H 'Content-Type: application/json' \
             -d '{\"text\":\"it'\\''s\"}'"
        );
    }
}
