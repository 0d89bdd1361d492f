//! The documents of the API, and that every test's requests, answers and events are as they say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::LazyLock,
};

use api::openapi;
use serde_json::{Value, json};
use terminal_host::transaction::{CryptogramType, EntryMode, Kind, Scheme, Verification};

use crate::{
    client::{Answer, KEY, Running},
    schemas::Document,
};

static OPENAPI: LazyLock<Value> = LazyLock::new(openapi::document);
static ASYNCAPI: LazyLock<Value> = LazyLock::new(openapi::session_document);
static PAGE: LazyLock<String> = LazyLock::new(|| openapi::page(&OPENAPI, &ASYNCAPI));

/// Checks an answer, and a request that was taken, against the document. What the document does not
/// speak of (other paths, other methods) is left alone.
pub(crate) fn check_exchange((method, path, body): (&str, &str, &str), answer: &Answer) {
    let Some(operation) = operation(method, path) else {
        return;
    };
    let called = format!("{method} {path}");
    let described = resolved(&operation["responses"][answer.status.to_string()]);
    assert!(
        described.is_object(),
        "{called}: {} is not documented",
        answer.status
    );
    let document = Document(&OPENAPI);
    let schema = &described["content"]["application/json"]["schema"];
    if schema.is_object() {
        let faults = document.faults(schema, &answer.body);
        assert!(
            faults.is_empty(),
            "{called}: {faults:#?} in {}",
            answer.body
        );
    }
    for name in members(&described["headers"]) {
        let sometimes = name == "Retry-After";
        assert!(
            sometimes || answer.header(&name).is_some(),
            "{called}: no {name}"
        );
    }
    let request = &operation["requestBody"]["content"]["application/json"]["schema"];
    if answer.status == 200 && request.is_object() {
        let body = serde_json::from_str(body).expect("it was taken");
        let faults = document.faults(request, &body);
        assert!(
            faults.is_empty(),
            "{called}: {faults:#?} was taken in {body}"
        );
    }
}

/// Checks an event of a session against the document.
pub(crate) fn check_event(event: &Value) {
    let name = event["event"].as_str().expect("an event has a name");
    let schema = &ASYNCAPI["channels"]["session"]["messages"][name]["payload"];
    assert!(schema.is_object(), "{name} is not documented");
    let faults = Document(&ASYNCAPI).faults(schema, event);
    assert!(faults.is_empty(), "{name}: {faults:#?} in {event}");
}

/// What stands there, or where a reference leads.
fn resolved(value: &'static Value) -> &'static Value {
    value["$ref"]
        .as_str()
        .map_or(value, |reference| Document(&OPENAPI).target(reference))
}

/// The operation that a request asks for.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next()?;
    let paths = OPENAPI["paths"].as_object()?;
    let found = paths.get(path).or_else(|| {
        let fits = |template: &str| {
            let parts: Vec<_> = template.split('/').collect();
            let given: Vec<_> = path.split('/').collect();
            parts.len() == given.len()
                && parts
                    .iter()
                    .zip(&given)
                    .all(|(part, given)| part == given || part.starts_with('{'))
        };
        paths
            .iter()
            .find_map(|(template, item)| fits(template).then_some(item))
    })?;
    found.get(method.to_ascii_lowercase())
}

fn members(value: &Value) -> Vec<String> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect()
}

/// Every text under the key `$ref`.
fn references<'value>(value: &'value Value, found: &mut BTreeSet<&'value str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members
                .values()
                .for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_committed_documents_are_those_of_the_code() {
    for (name, document) in [("openapi", &*OPENAPI), ("asyncapi", &*ASYNCAPI)] {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/api/{name}.json"));
        let committed = fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == openapi::text(document),
            "docs/api/{name}.json is stale; renew it with `make api-docs`"
        );
    }
}

#[test]
fn the_committed_page_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api/index.html");
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == *PAGE,
        "docs/api/index.html is stale; renew it with `make api-docs`"
    );
}

/// Every text between `before` and `after`.
fn between<'text>(text: &'text str, before: &str, after: &str) -> Vec<&'text str> {
    let parts = text.split(before).skip(1);
    parts
        .map(|part| part.split_once(after).expect("an end").0)
        .collect()
}

/// A text of the page as a reader sees it.
fn read(text: &str) -> String {
    let text = text.replace("&quot;", "\"").replace("&lt;", "<");
    text.replace("&gt;", ">").replace("&amp;", "&")
}

#[test]
fn the_page_has_every_operation_message_and_error_and_its_links_lead_there() {
    let ids = between(&PAGE, " id=\"", "\"");
    let distinct: BTreeSet<_> = ids.iter().copied().collect();
    assert_eq!(distinct.len(), ids.len(), "an anchor stands twice");
    for link in between(&PAGE, "href=\"#", "\"") {
        assert!(distinct.contains(link), "#{link} leads nowhere");
    }
    for row in api::OPERATIONS {
        assert!(distinct.contains(row.id), "{}", row.id);
    }
    for code in api::ErrorCode::ALL {
        assert!(distinct.contains(code.as_str()), "{code:?}");
    }
    for (direction, prefix) in [("receiveAction", "action"), ("sendEvent", "event")] {
        let messages = &ASYNCAPI["operations"][direction]["messages"];
        for message in messages.as_array().expect("messages") {
            let name = message["$ref"]
                .as_str()
                .and_then(|to| to.rsplit('/').next());
            let id = format!("{prefix}-{}", name.expect("a name"));
            assert!(distinct.contains(id.as_str()), "{id}");
        }
    }
    for name in members(&OPENAPI["webhooks"]) {
        assert!(
            distinct.contains(format!("webhook-{name}").as_str()),
            "{name}"
        );
    }
}

#[test]
fn every_line_of_the_page_is_a_request_that_the_document_takes() {
    let lines = between(&PAGE, "<code>curl ", "</code>");
    assert_eq!(lines.len(), api::OPERATIONS.len());
    for line in lines.into_iter().map(read) {
        let target = between(&line, "$URL", "\"")[0];
        let body = line
            .split_once(" -d '")
            .map(|(_, body)| body.trim_end_matches('\''));
        let method = if body.is_some() || line.ends_with(" -X POST") {
            "POST"
        } else {
            "GET"
        };
        let operation = operation(method, target).expect(&line);
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(schema.is_object(), body.is_some(), "{line}");
        if let Some(body) = body {
            let body = serde_json::from_str(body).expect(&line);
            let faults = Document(&OPENAPI).faults(schema, &body);
            assert!(faults.is_empty(), "{line}: {faults:#?}");
        }
    }
}

#[test]
fn nothing_on_the_page_comes_from_elsewhere_or_runs() {
    for forbidden in [
        "<script", "<link", "<img", "<iframe", " style=", " on", "://",
    ] {
        let found: Vec<_> = tags(&PAGE).filter(|tag| tag.contains(forbidden)).collect();
        assert!(found.is_empty(), "{forbidden}: {found:?}");
    }
    for style in between(&PAGE, "<style>", "</style>") {
        assert!(
            !style.contains("@import") && !style.contains("url("),
            "{style}"
        );
    }
}

/// Every tag, from its bracket to its bracket.
fn tags(page: &str) -> impl Iterator<Item = &str> {
    let parts = page.split('<').skip(1);
    parts.map(|part| part.split_once('>').expect("an end").0)
}

#[test]
fn what_a_document_says_is_shown_and_never_read_as_html() {
    let hostile = "</code><script>alert(1)</script>\" onclick=\"x";
    let said = |value: &Value| {
        let text = value.to_string();
        let replaced = text.replace("Sell, and answer with the end", "HOSTILE");
        let replaced = replaced.replace("Starts a sale.", "HOSTILE");
        assert_ne!(replaced, text);
        let hostile = serde_json::to_string(hostile).expect("JSON");
        serde_json::from_str(&replaced.replace("HOSTILE", hostile.trim_matches('"'))).expect("JSON")
    };
    let page = openapi::page(&said(&OPENAPI), &said(&ASYNCAPI));
    assert!(!page.contains("<script") && !page.contains("\" onclick"));
    assert!(
        page.contains("&lt;/code&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot; onclick=&quot;x")
    );
}

#[tokio::test]
async fn the_page_is_served_without_a_key_under_a_strict_policy() {
    let running = Running::start().await;
    let no_key = ("X-Api-Key", "(none)");
    let answer = running.send("GET", "/docs", &[no_key], "").await;
    assert_eq!((answer.status, &answer.text), (200, &*PAGE));
    let policy = answer.header("Content-Security-Policy").expect("a policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    let meta = format!(
        "content=\"{}\"",
        policy.trim_end_matches("; frame-ancestors 'none'")
    );
    // The client reads heads in small letters.
    assert!(PAGE.to_lowercase().contains(&meta), "{policy}");
    let style = between(&PAGE, "<style>", "</style>")[0];
    let digest = ring::digest::digest(&ring::digest::SHA256, style.as_bytes());
    let digest = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, digest);
    assert!(PAGE.contains(&format!("'sha256-{digest}'")), "{digest}");
    for (name, value) in [
        ("Content-Type", "text/html; charset=utf-8"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    let foreign = ("Host", "evil.example");
    running
        .send("GET", "/docs", &[no_key, foreign], "")
        .await
        .check_error(403, "FORBIDDEN");
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    for document in [&*OPENAPI, &*ASYNCAPI] {
        let mut found = BTreeSet::new();
        references(document, &mut found);
        for reference in &found {
            Document(document).target(reference);
        }
        for kind in ["schemas", "responses", "headers"] {
            for name in members(&document["components"][kind]) {
                let reference = format!("#/components/{kind}/{name}");
                assert!(found.contains(reference.as_str()), "{name} is not used");
            }
        }
    }
}

#[test]
fn every_operation_and_action_is_documented() {
    for row in api::OPERATIONS {
        let path = row.path.replace(['{', '}'], "");
        let described = operation(row.method.as_str(), &path).expect(row.id);
        assert_eq!(described["operationId"], row.id);
        let scope = row.permission.as_str();
        assert_eq!(described["security"][0], json!({"ApiKey": [scope]}));
        if let Some(action) = row.action {
            let messages = &ASYNCAPI["channels"]["session"]["messages"];
            let named = &messages[action]["payload"]["properties"]["action"];
            assert_eq!(named["const"], action);
        }
    }
    let messages = &ASYNCAPI["operations"]["receiveAction"]["messages"];
    let actions = api::OPERATIONS.iter().filter(|row| row.action.is_some());
    // And `ping`, which is no operation.
    assert_eq!(messages.as_array().map(Vec::len), Some(actions.count() + 1));
}

#[test]
fn a_sale_leads_to_what_can_follow_it() {
    let links = |path: &str| {
        let answer = &operation("POST", path).expect("an operation")["responses"]["200"];
        members(&answer["links"])
    };
    let after_both = ["abortTransaction", "createVoid", "getTransaction"];
    let mut after_sale = links("/v1/transaction/sale");
    let mut after_pre_auth = links("/v1/transaction/pre-auth");
    after_sale.retain(|name| name != "createRefund");
    after_pre_auth.retain(|name| name != "completePreAuth");
    assert_eq!(after_sale, after_both);
    assert_eq!(after_pre_auth, after_both);
    let sale = operation("POST", "/v1/transaction/sale").expect("an operation");
    let refund = &sale["responses"]["200"]["links"]["createRefund"];
    assert_eq!(refund["requestBody"]["type"], "REFUND");
}

fn chip_data() -> api::response::ChipData {
    api::response::ChipData {
        emv_tags: BTreeMap::new(),
        encrypted_pin_block: None,
        pin_ksn: None,
        pin_block_format: None,
        encrypted_track2: None,
        track2_ksn: None,
    }
}

/// The other direction: what the document shows exists.
#[test]
fn a_transaction_with_everything_has_every_member_of_its_schema() {
    use api::response::{Answer, Card, ReceiptData, Status, TransactionResponse};
    let text = || Some(String::from("1"));
    let moment = || String::from("2026-03-28T09:14:22Z");
    let whole = TransactionResponse {
        transaction_id: "txn_1".into(),
        status: Status::Approved,
        kind: Kind::Sale,
        amount: 1,
        currency: "NZD".into(),
        tip_amount: 1,
        cashback_amount: 1,
        requested_amount: Some(1),
        refunded_amount: 1,
        original_transaction_id: Some("txn_1".into()),
        answer: Answer {
            authorization_code: text(),
            response_code: text(),
            rrn: text(),
        },
        card: Some(Card {
            card_scheme: Scheme::Visa,
            masked_pan: "****1234".into(),
            entry_mode: EntryMode::Contact,
            aid: "A0".into(),
            application_label: "Visa".into(),
            cryptogram_type: Some(CryptogramType::Tc),
            tvr: "0000000000".into(),
            cvm_result: Some(Verification::Pin),
        }),
        chip_data: Some(chip_data()),
        reversal_required: true,
        reference_id: text(),
        timestamp: moment(),
        receipt_data: Some(ReceiptData {
            merchant_name: "Tenon Coffee".into(),
            merchant_id: "1".into(),
            terminal_id: "1".into(),
            transaction_id: "txn_1".into(),
            date_time: moment(),
            card_scheme: Some(Scheme::Visa),
            masked_pan: Some("****1234".into()),
            application_label: text(),
            aid: text(),
            authorization_code: text(),
            amount: 1,
            tip_amount: 1,
            cashback_amount: 1,
            total_amount: 2,
            entry_mode: Some(EntryMode::Contact),
            cvm_performed: Some(Verification::Pin),
            approval_status: Status::Approved,
        }),
        metadata: [("till".to_owned(), "3".to_owned())].into(),
    };
    let whole = serde_json::to_value(whole).expect("JSON");
    let schemas = &OPENAPI["components"]["schemas"];
    for (name, value) in [
        ("TransactionResponse", &whole),
        ("ReceiptData", &whole["receiptData"]),
    ] {
        let schema = &schemas[name];
        assert_eq!(members(value), members(&schema["properties"]), "{name}");
        let faults = Document(&OPENAPI).faults(schema, value);
        assert!(faults.is_empty(), "{faults:#?}");
    }
}

#[test]
fn every_example_is_valid() {
    let mut shown = 0;
    for item in OPENAPI["paths"].as_object().expect("paths").values() {
        for operation in item.as_object().expect("operations").values() {
            let responses = operation["responses"].as_object().expect("responses");
            for place in responses.values().chain([&operation["requestBody"]]) {
                let content = &place["content"]["application/json"];
                for example in content["examples"].as_object().into_iter().flatten() {
                    let refused =
                        place == &operation["requestBody"] && example.0 == "amount-refused";
                    let faults = Document(&OPENAPI).faults(&content["schema"], &example.1["value"]);
                    assert_eq!(faults.is_empty(), !refused, "{}: {faults:#?}", example.0);
                    shown += 1;
                }
            }
        }
    }
    let messages = &ASYNCAPI["channels"]["session"]["messages"];
    for (name, message) in messages.as_object().expect("messages") {
        for example in message["examples"].as_array().into_iter().flatten() {
            let faults = Document(&ASYNCAPI).faults(&message["payload"], &example["payload"]);
            assert!(faults.is_empty(), "{name}: {faults:#?}");
            shown += 1;
        }
    }
    assert_eq!(shown, 10);
}

#[tokio::test]
async fn the_documents_are_served_without_a_key_but_not_under_every_name() {
    let running = Running::start().await;
    let no_key = ("X-Api-Key", "(none)");
    for (path, document) in [("/openapi.json", &*OPENAPI), ("/asyncapi.json", &*ASYNCAPI)] {
        let answer = running.send("GET", path, &[no_key], "").await;
        assert_eq!((answer.status, &answer.body), (200, document));
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
        assert!(!answer.text.contains(KEY));
        let foreign = running
            .send("GET", path, &[no_key, ("Host", "evil.example")], "")
            .await;
        foreign.check_error(403, "FORBIDDEN");
        running
            .send("POST", path, &[no_key], "{}")
            .await
            .check_error(405, "INVALID_REQUEST");
    }
}
