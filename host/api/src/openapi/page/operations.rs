//! The operations over HTTP, chapter by chapter.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    curl, items_of,
    members::{described, kind, meaning},
    members_of,
    prose::{inline, prose},
    resolved, shown, text,
};

/// One operation of the document.
pub(super) struct Operation<'document> {
    pub(super) path: &'document str,
    pub(super) method: &'document str,
    pub(super) value: &'document Value,
}

impl<'document> Operation<'document> {
    pub(super) fn id(&self) -> &'document str {
        text(self.value, "/operationId")
    }

    pub(super) fn summary(&self) -> &'document str {
        text(self.value, "/summary")
    }

    /// The schema of its body.
    pub(super) fn body(&self) -> Option<&'document Value> {
        self.value
            .pointer("/requestBody/content/application~1json/schema")
    }
}

/// Every chapter with its operations, in the document's order.
pub(super) fn by_tag(openapi: &Value) -> Vec<(&str, Vec<Operation<'_>>)> {
    let tags = items_of(openapi, "/tags").iter();
    tags.map(|tag| text(tag, "/name"))
        .map(|tag| (tag, of_tag(openapi, tag)))
        .collect()
}

fn of_tag<'document>(openapi: &'document Value, tag: &str) -> Vec<Operation<'document>> {
    members_of(openapi, "/paths")
        .flat_map(|(path, item)| {
            members_of(item, "").map(move |(method, value)| Operation {
                path,
                method,
                value,
            })
        })
        .filter(|operation| text(operation.value, "/tags/0") == tag)
        .collect()
}

/// The anchor of a chapter.
pub(super) fn tag_id(tag: &str) -> String {
    format!("chapter-{}", tag.to_ascii_lowercase().replace(' ', "-"))
}

/// All of them.
pub(super) fn chapters(openapi: &Value) -> Markup {
    let about = |name: &str| {
        let mut tags = items_of(openapi, "/tags").iter();
        tags.find(|tag| text(tag, "/name") == name)
            .map_or("", |tag| text(tag, "/description"))
    };
    html! {
        @for (tag, operations) in by_tag(openapi) {
            section id=(tag_id(tag)) {
                h2 { (tag) }
                (prose(about(tag)))
                @for operation in operations { (article(openapi, &operation)) }
            }
        }
    }
}

fn article(openapi: &Value, operation: &Operation<'_>) -> Markup {
    html! {
        article id=(operation.id()) {
            h3 {
                a href={ "#" (operation.id()) } {
                    span.method { (operation.method.to_ascii_uppercase()) } " " code { (operation.path) }
                }
            }
            p { strong { (operation.summary()) "." } " " span.quiet { (operation.id()) } }
            (prose(text(operation.value, "/description")))
            pre tabindex="0" { code { (curl::line(openapi, operation)) } }
            (parameters(operation.value))
            @if let Some(body) = operation.body() {
                h4 { "Body: " (kind(body)) }
                details { summary { "Members" } (described(openapi, body)) }
                (examples(operation.value, "/requestBody"))
            }
            (answers(openapi, operation.value))
        }
    }
}

/// The parameters of an operation or a webhook.
pub(super) fn parameters(operation: &Value) -> Markup {
    let parameters = items_of(operation, "/parameters");
    html! {
        @if !parameters.is_empty() {
            h4 { "Parameters" }
            div.wide {
                table {
                    thead { tr { th scope="col" { "Name" } th scope="col" { "In" } th scope="col" { "Type" } th scope="col" { "Meaning" } } }
                    tbody {
                        @for parameter in parameters {
                            @let schema = parameter.get("schema").unwrap_or(&Value::Null);
                            tr {
                                td {
                                    code { (text(parameter, "/name")) }
                                    @if parameter.get("required") == Some(&Value::Bool(true)) { " " span.quiet { "required" } }
                                }
                                td { (text(parameter, "/in")) }
                                td { (kind(schema)) }
                                td { (meaning(schema)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn answers(openapi: &Value, operation: &Value) -> Markup {
    html! {
        h4 { "Answers" }
        div.wide {
            table {
                thead { tr { th scope="col" { "Status" } th scope="col" { "Body" } th scope="col" { "Meaning" } } }
                tbody {
                    @for (status, response) in members_of(operation, "/responses") {
                        @let response = resolved(openapi, response);
                        tr {
                            td { (status) }
                            td { (content(response)) }
                            td { (inline(text(response, "/description"))) }
                        }
                    }
                }
            }
        }
        @for (status, response) in members_of(operation, "/responses") {
            (examples(resolved(openapi, response), ""))
            @if let Some(links) = response.get("links").and_then(Value::as_object) {
                p {
                    "After " (status) ": "
                    @for (number, (id, _)) in links.iter().enumerate() {
                        @if number > 0 { ", " }
                        a href={ "#" (id) } { (id) }
                    }
                    "."
                }
            }
        }
    }
}

/// What the body of an answer is: a schema, or a file by its media type.
fn content(response: &Value) -> Markup {
    html! {
        @for (media, content) in members_of(response, "/content") {
            @let schema = content.get("schema").unwrap_or(&Value::Null);
            @let schema = schema.pointer("/allOf/0").unwrap_or(schema);
            @if media == "application/json" { (kind(schema)) } @else { code { (media) } " " }
        }
    }
}

/// The examples of the body that stands there.
fn examples(value: &Value, place: &str) -> Markup {
    let pointer = format!("{place}/content/application~1json/examples");
    html! {
        @for (_, example) in members_of(value, &pointer) {
            details {
                summary { "Example: " (text(example, "/summary")) }
                @if let Some(value) = example.get("value") { (shown(value)) }
            }
        }
    }
}
