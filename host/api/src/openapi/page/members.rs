//! Schemas as tables: one row for each member, those of objects inside under their whole names.

use maud::{Markup, html};
use serde_json::Value;

use super::{items_of, members_of, prose::inline, resolved, text};

/// The anchor of a schema.
pub(super) fn schema_id(name: &str) -> String {
    format!("schema-{name}")
}

/// What a schema says: its description, then its members; of alternatives, each.
pub(super) fn described(document: &Value, schema: &Value) -> Markup {
    let schema = resolved(document, schema);
    let mut rows = Vec::new();
    collect(schema, "", &mut rows);
    html! {
        @if !text(schema, "/description").is_empty() { p { (inline(text(schema, "/description"))) } }
        @for alternative in items_of(schema, "/oneOf") {
            @if let Some(kind) = alternative.pointer("/properties/type/const") {
                h5 { "Of type " code { (plain(kind)) } }
            }
            (described(document, alternative))
        }
        @if !rows.is_empty() { (table(&rows)) }
    }
}

/// One member: its whole name, whether it is always there, and its schema.
struct Member<'schema> {
    name: String,
    required: bool,
    schema: &'schema Value,
}

/// The members of an object, and of the objects inside it and inside its lists.
fn collect<'schema>(schema: &'schema Value, before: &str, rows: &mut Vec<Member<'schema>>) {
    for (name, member) in members_of(schema, "/properties") {
        let name_of_member = format!("{before}{name}");
        rows.push(Member {
            name: name_of_member.clone(),
            required: items_of(schema, "/required").contains(&Value::from(name.as_str())),
            schema: member,
        });
        collect(member, &format!("{name_of_member}."), rows);
        if let Some(items) = member.get("items") {
            collect(items, &format!("{name_of_member}[]."), rows);
        }
    }
}

fn table(rows: &[Member<'_>]) -> Markup {
    html! {
        div.wide {
            table {
                thead { tr { th scope="col" { "Member" } th scope="col" { "Type" } th scope="col" { "Meaning" } } }
                tbody {
                    @for member in rows {
                        tr {
                            td {
                                code { (member.name) }
                                @if member.required { " " span.quiet { "required" } }
                            }
                            td { (kind(member.schema)) }
                            td { (meaning(member.schema)) }
                        }
                    }
                }
            }
        }
    }
}

/// The type in words: a reference, a value, names, or JSON's own types.
pub(super) fn kind(schema: &Value) -> Markup {
    if let Some(name) = text(schema, "/$ref")
        .rsplit('/')
        .next()
        .filter(|name| !name.is_empty())
    {
        return html! { a href={ "#" (schema_id(name)) } { (name) } };
    }
    if let Some(value) = schema.get("const") {
        return html! { code { (plain(value)) } };
    }
    let names = items_of(schema, "/enum");
    if !names.is_empty() {
        return html! {
            @for (number, name) in names.iter().enumerate() {
                @if number > 0 { ", " }
                code { (plain(name)) }
            }
        };
    }
    let types: &[Value] = match schema.get("type") {
        Some(Value::Array(types)) => types,
        Some(one) => std::slice::from_ref(one),
        None => return html! { "any" },
    };
    html! {
        @for (number, kind_of_json) in types.iter().enumerate() {
            @if number > 0 { " or " }
            (plain(kind_of_json))
            @if kind_of_json == "array" && let Some(items) = schema.get("items") { " of " (kind(items)) }
        }
    }
}

/// The description, then the bounds, then an example.
pub(super) fn meaning(schema: &Value) -> Markup {
    let bounds = bounds(schema);
    html! {
        (inline(text(schema, "/description")))
        @if !bounds.is_empty() { " " span.quiet { (bounds.join(", ")) "." } }
        @for keyword in ["format", "pattern"] {
            @if let Some(rule) = schema.get(keyword) {
                " " span.quiet { (keyword) " " code { (plain(rule)) } }
            }
        }
        @if let Some(example) = items_of(schema, "/examples").first() {
            " " span.quiet { "For example " code { (plain(example)) } "." }
        }
    }
}

/// How little and how much, in words.
fn bounds(schema: &Value) -> Vec<String> {
    const BOUNDS: [(&str, &str, &str); 4] = [
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
        ("minProperties", "maxProperties", " members"),
    ];
    let ranges = BOUNDS.iter().filter_map(|(least, most, unit)| {
        let range = match (schema.get(*least), schema.get(*most)) {
            (Some(least), Some(most)) => format!("{least} to {most}"),
            (Some(least), None) => format!("at least {least}"),
            (None, Some(most)) => format!("at most {most}"),
            (None, None) => return None,
        };
        Some(format!("{range}{unit}"))
    });
    let distinct = schema.get("uniqueItems") == Some(&Value::Bool(true));
    ranges
        .chain(distinct.then(|| "none twice".to_owned()))
        .collect()
}

/// A value without the quotes of a text.
pub(super) fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
