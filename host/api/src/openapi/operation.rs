//! One row of the table of operations, as OpenAPI shows it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    examples::EXAMPLES,
    exchange::{Answer, EVERYWHERE, Exchange, Parameter},
    links,
    schema::{Described, Schema},
};
use crate::{
    envelope::Envelope,
    error::ErrorCode,
    idempotency::{self, IDEMPOTENCY_KEY_HEADER},
    operations::{Group, OPERATIONS, Operation},
    request_id::REQUEST_ID_HEADER,
    version::{API_VERSION, API_VERSION_HEADER},
};

/// What HTTP itself refuses with the form of our errors: the status and why.
const OF_HTTP: [(u16, &str); 6] = [
    (408, "The body did not arrive in time."),
    (413, "The body is too large."),
    (414, "The URL is too long."),
    (415, "The body is not `application/json`."),
    (426, "This path is a WebSocket."),
    (431, "The head is too large."),
];

/// Those of any request, of one with a body, and of the session.
const OF_ANY_HEAD: [u16; 2] = [414, 431];
const OF_A_BODY: [u16; 3] = [408, 413, 415];
const OF_AN_UPGRADE: [u16; 1] = [426];

/// The operation object.
pub(super) fn described(operation: &Operation) -> Value {
    let exchange = (operation.exchange)();
    let mut object = json!({
        "operationId": operation.id,
        "tags": [operation.tag.title()],
        "summary": operation.summary,
        "description": rules(operation),
        "security": security(operation, &exchange),
        "parameters": parameters(operation, &exchange),
        "responses": responses(operation, &exchange),
    });
    if let (Some((name, _)), Some(members)) = (&exchange.body, object.as_object_mut()) {
        let mut content = json!({"schema": Value::from(Schema::reference(name))});
        put_examples(&mut content, operation, |example| example.get("request"));
        let body = json!({"required": true, "content": {"application/json": content}});
        members.insert("requestBody".into(), body);
    }
    object
}

fn rules(operation: &Operation) -> String {
    let group = match operation.group {
        Group::Transaction => "transactions",
        Group::Device => "the device",
        Group::Settlement => "settlements",
        Group::Abort => "aborts",
        Group::LookUp => "look-ups",
    };
    let action = operation.action.map_or(String::new(), |action| {
        format!(" A session does it with the action `{action}`.")
    });
    format!(
        "Needs `{}`. Counts in the limits of {group}.{action}",
        operation.permission.as_str()
    )
}

fn security(operation: &Operation, exchange: &Exchange) -> Vec<Value> {
    let needed = [operation.permission.as_str()];
    let mut schemes = vec![json!({"ApiKey": needed}), json!({"Bearer": needed})];
    if matches!(exchange.answer, Answer::Upgrade) {
        schemes.push(json!({"ApiKeyInUrl": needed}));
    }
    schemes
}

fn parameters(operation: &Operation, exchange: &Exchange) -> Vec<Value> {
    let path = path_parameters(operation.path).map(|name| {
        parameter(
            "path",
            name,
            true,
            Schema::text("As the terminal named it."),
        )
    });
    let query = exchange.parameters.iter().map(|given| {
        let Parameter {
            name,
            required,
            schema,
        } = given;
        let mut query = parameter("query", name, *required, schema.clone());
        if let (false, Some(members)) = (*required, query.as_object_mut()) {
            members.insert("allowEmptyValue".into(), true.into());
        }
        query
    });
    let version = Schema::constant(API_VERSION, "The version that the client was written for.");
    let key = exchange.idempotent.then(|| {
        parameter(
            "header",
            IDEMPOTENCY_KEY_HEADER,
            false,
            idempotency::schema(),
        )
    });
    path.chain(query)
        .chain(key)
        .chain([parameter("header", API_VERSION_HEADER, false, version)])
        .collect()
}

fn parameter(place: &str, name: &str, required: bool, schema: Schema) -> Value {
    json!({"in": place, "name": name, "required": required, "schema": Value::from(schema)})
}

/// The names between braces.
fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn responses(operation: &Operation, exchange: &Exchange) -> BTreeMap<String, Value> {
    let mut responses =
        BTreeMap::from([(operation.success.to_string(), success(operation, exchange))]);
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in EVERYWHERE.iter().chain(&exchange.refusals) {
        let codes = by_status.entry(code.status().as_u16()).or_default();
        if !codes.contains(code) {
            codes.push(*code);
        }
    }
    for (status, codes) in by_status {
        responses.insert(status.to_string(), refused(operation, &codes));
    }
    let bodies: &[u16] = if exchange.body.is_some() {
        &OF_A_BODY
    } else {
        &[]
    };
    let upgrade: &[u16] = match exchange.answer {
        Answer::Upgrade => &OF_AN_UPGRADE,
        Answer::Json(..) | Answer::File(_) => &[],
    };
    for status in OF_ANY_HEAD.iter().chain(bodies).chain(upgrade) {
        responses.insert(status.to_string(), reference(&format!("HTTP_{status}")));
    }
    responses
}

/// The answers that many operations have: of every error alone, and what HTTP itself refuses.
pub(super) fn shared_responses() -> BTreeMap<String, Value> {
    let errors = ErrorCode::ALL
        .iter()
        .map(|code| (code.as_str().to_owned(), refusal(&[*code])));
    let of_http = OF_HTTP.iter().map(|(status, why)| {
        let schema = Value::from(Schema::reference(Envelope::NAME));
        let content = json!({"application/json": {"schema": schema}});
        let response = json!({"description": why, "content": content});
        (format!("HTTP_{status}"), response)
    });
    let mut shared: BTreeMap<_, _> = errors.chain(of_http).collect();
    // What is nowhere alone.
    let alone: BTreeSet<String> = OPERATIONS.iter().flat_map(referred).collect();
    shared.retain(|name, _| alone.contains(name));
    shared
}

/// The shared answers that an operation has.
fn referred(operation: &Operation) -> Vec<String> {
    let exchange = (operation.exchange)();
    responses(operation, &exchange)
        .values()
        .filter_map(|response| response.get("$ref")?.as_str()?.rsplit('/').next())
        .map(str::to_owned)
        .collect()
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/responses/{name}")})
}

/// The answer of these errors, which have one status.
fn refused(operation: &Operation, codes: &[ErrorCode]) -> Value {
    if let [code] = codes {
        return reference(code.as_str());
    }
    let names: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    let mut refusal = refusal(codes);
    if let Some(content) = refusal.pointer_mut("/content/application~1json") {
        put_examples(content, operation, |example| {
            let answer = example.get("answer")?;
            let code = answer.get("error")?.as_str()?;
            names.contains(&code).then_some(answer)
        });
    }
    refusal
}

fn success(operation: &Operation, exchange: &Exchange) -> Value {
    let (description, content) = match &exchange.answer {
        Answer::Json(name, _) => {
            let mut content = json!({"schema": Value::from(Schema::reference(name))});
            put_examples(&mut content, operation, |example| {
                (example.get("status")? == operation.success).then(|| example.get("answer"))?
            });
            ("Done.", json!({"application/json": content}))
        }
        Answer::File(media_types) => {
            let file = json!({"schema": {"type": "string"}});
            let content: BTreeMap<_, _> = media_types.iter().map(|name| (name, &file)).collect();
            ("The file.", json!(content))
        }
        // No header of ours is on it: what follows is no HTTP.
        Answer::Upgrade => return json!({"description": "The connection is a WebSocket."}),
    };
    let mut success =
        json!({"description": description, "headers": headers(false), "content": content});
    let links = links::described(exchange);
    if let (false, Some(members)) = (links.is_empty(), success.as_object_mut()) {
        members.insert("links".into(), json!(links));
    }
    success
}

fn refusal(codes: &[ErrorCode]) -> Value {
    let meanings: Vec<_> = codes
        .iter()
        .map(|code| format!("`{}`: {}", code.as_str(), code.meaning()))
        .collect();
    let names: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    let waits = [ErrorCode::RateLimited, ErrorCode::TerminalBusy];
    let content = json!({"schema": {
        "allOf": [
            Value::from(Schema::reference(Envelope::NAME)),
            {"properties": {"error": {"enum": names}}},
        ],
    }});
    json!({
        "description": meanings.join(" "),
        "headers": headers(codes.iter().any(|code| waits.contains(code))),
        "content": {"application/json": content},
    })
}

fn headers(waits: bool) -> Value {
    let reference = |name: &str| json!({"$ref": format!("#/components/headers/{name}")});
    let mut headers = BTreeMap::from([
        (REQUEST_ID_HEADER, reference(REQUEST_ID_HEADER)),
        (API_VERSION_HEADER, reference(API_VERSION_HEADER)),
    ]);
    if waits {
        headers.insert("Retry-After", reference("Retry-After"));
    }
    json!(headers)
}

/// Shows the part of each example of this operation that `part` picks.
fn put_examples(
    content: &mut Value,
    operation: &Operation,
    part: impl Fn(&Value) -> Option<&Value>,
) {
    let mut shown = BTreeMap::new();
    for example in &EXAMPLES {
        let read = example.read();
        if read.get("operation") != Some(&json!(operation.id)) {
            continue;
        }
        if let Some(value) = part(&read) {
            let summary = read.get("summary").cloned().unwrap_or_default();
            shown.insert(example.name, json!({"summary": summary, "value": value}));
        }
    }
    if let (false, Some(members)) = (shown.is_empty(), content.as_object_mut()) {
        members.insert("examples".into(), json!(shown));
    }
}
