//! The documents as one page: for people, on a phone too, and without a network.
//!
//! A pure function of both documents, so that what it shows is what they say. Nothing on it comes from
//! elsewhere, and nothing on it runs: [`POLICY`] allows its own style and that is all. Every text is
//! escaped by `maud`.

mod curl;
mod members;
mod operations;
mod prose;
mod sample;
mod session;

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};

use self::{
    members::{described, schema_id},
    prose::prose,
};

const STYLE: &str = include_str!("style.css");

/// The page's Content-Security-Policy: its own style by its digest, and nothing else.
pub(super) static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'")
});

/// The page of an OpenAPI document and the AsyncAPI document of its session.
pub fn page(openapi: &Value, asyncapi: &Value) -> String {
    let title = text(openapi, "/info/title");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(*POLICY);
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    p.quiet {
                        "Version " (text(openapi, "/info/version")) ". The same for programs: "
                        a href="openapi.json" { "openapi.json" } ", "
                        a href="asyncapi.json" { "asyncapi.json" } "."
                    }
                }
                (contents(openapi, asyncapi))
                main {
                    section #overview {
                        h2 { "What holds everywhere" }
                        (prose(text(openapi, "/info/description")))
                        (curl::introduction())
                    }
                    (operations::chapters(openapi))
                    (session::chapter(asyncapi))
                    (webhooks(openapi))
                    (schemas(openapi))
                }
            }
        }
    };
    in_lines(&page.into_string())
}

/// A line for each article and each row, so that a change shows where it is. In escaped text no tag
/// begins, so this breaks no word.
fn in_lines(page: &str) -> String {
    let lines = ["<article", "<section", "<tr"]
        .iter()
        .fold(page.to_owned(), |page, tag| {
            page.replace(tag, &format!("\n{tag}"))
        });
    format!("{lines}\n")
}

fn contents(openapi: &Value, asyncapi: &Value) -> Markup {
    html! {
        nav aria-label="Contents" {
            ul {
                li { a href="#overview" { "What holds everywhere, errors" } }
                @for (tag, operations) in operations::by_tag(openapi) {
                    li {
                        a href={ "#" (operations::tag_id(tag)) } { (tag) }
                        ul {
                            @for operation in operations {
                                li { a href={ "#" (operation.id()) } { (operation.summary()) } }
                            }
                        }
                    }
                }
                li { a href="#session" { "The session" } (session::contents(asyncapi)) }
                li { a href="#webhooks" { "Webhooks" } }
                li { a href="#schemas" { "Schemas" } }
            }
        }
    }
}

fn webhooks(openapi: &Value) -> Markup {
    html! {
        section #webhooks {
            h2 { "Webhooks" }
            @for (name, item) in members_of(openapi, "/webhooks") {
                @let event = item.get("post").unwrap_or(item);
                article id={ "webhook-" (name) } {
                    h3 { a href={ "#webhook-" (name) } { code { (name) } } }
                    (prose(text(event, "/summary")))
                    (prose(text(event, "/description")))
                    (operations::parameters(event))
                    @if let Some(body) = event.pointer("/requestBody/content/application~1json/schema") {
                        h4 { "Body" }
                        (described(openapi, body))
                    }
                }
            }
        }
    }
}

fn schemas(openapi: &Value) -> Markup {
    html! {
        section #schemas {
            h2 { "Schemas" }
            @for (name, schema) in members_of(openapi, "/components/schemas") {
                article id=(schema_id(name)) {
                    h3 { a href={ "#" (schema_id(name)) } { (name) } }
                    (described(openapi, schema))
                }
            }
        }
    }
}

/// A value as it would be sent, in lines.
fn shown(value: &Value) -> Markup {
    html! { pre tabindex="0" { code { (format!("{value:#}")) } } }
}

/// The text at this place; empty when there is none.
fn text<'value>(value: &'value Value, pointer: &str) -> &'value str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The members of the object at this place; none when there is none.
fn members_of<'value>(
    value: &'value Value,
    pointer: &str,
) -> impl Iterator<Item = (&'value String, &'value Value)> {
    let members = value.pointer(pointer).and_then(Value::as_object);
    members.into_iter().flat_map(Map::iter)
}

/// The items of the list at this place; none when there is none.
fn items_of<'value>(value: &'value Value, pointer: &str) -> &'value [Value] {
    let items = value.pointer(pointer).and_then(Value::as_array);
    items.map(Vec::as_slice).unwrap_or_default()
}

/// What stands there, or where a reference leads within the document.
fn resolved<'value>(document: &'value Value, value: &'value Value) -> &'value Value {
    let target = value.get("$ref").and_then(Value::as_str);
    target
        .and_then(|target| document.pointer(target.strip_prefix('#')?))
        .unwrap_or(value)
}
