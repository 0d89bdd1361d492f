//! The session: what is sent, and what comes.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    items_of, members::described, members_of, prose::prose, resolved, sample::sample, shown, text,
};

/// The two directions of the document, with their titles and what stands before their anchors.
const DIRECTIONS: [(&str, &str, &str); 2] = [
    (
        "receiveAction",
        "Actions, which the terminal takes",
        "action",
    ),
    ("sendEvent", "Events, which the terminal sends", "event"),
];

/// The messages of a direction, with their names.
fn messages<'document>(
    asyncapi: &'document Value,
    direction: &str,
) -> impl Iterator<Item = (&'document str, &'document Value)> {
    let references = items_of(asyncapi, &format!("/operations/{direction}/messages"));
    references.iter().map(|reference| {
        let message = resolved(asyncapi, reference);
        (text(message, "/name"), message)
    })
}

pub(super) fn contents(asyncapi: &Value) -> Markup {
    html! {
        ul {
            @for (direction, title, prefix) in DIRECTIONS {
                li {
                    (title) ": "
                    @for (number, (name, _)) in messages(asyncapi, direction).enumerate() {
                        @if number > 0 { ", " }
                        a href={ "#" (prefix) "-" (name) } { (name) }
                    }
                }
            }
        }
    }
}

/// The chapter.
pub(super) fn chapter(asyncapi: &Value) -> Markup {
    let addresses = members_of(asyncapi, "/channels").map(|(_, channel)| text(channel, "/address"));
    html! {
        section #session {
            h2 { "The session" }
            @for address in addresses { p { "A WebSocket at " code { (address) } "." } }
            (prose(text(asyncapi, "/info/description")))
            @for (direction, title, prefix) in DIRECTIONS {
                h3 { (title) }
                @for (name, message) in messages(asyncapi, direction) {
                    (article(asyncapi, &format!("{prefix}-{name}"), name, message))
                }
            }
        }
    }
}

fn article(asyncapi: &Value, id: &str, name: &str, message: &Value) -> Markup {
    let payload = message.get("payload").unwrap_or(&Value::Null);
    let given = items_of(message, "/examples").first();
    let example = given.and_then(|example| example.get("payload")).cloned();
    html! {
        article id=(id) {
            h3 { a href={ "#" (id) } { code { (name) } } }
            (described(asyncapi, payload))
            (shown(&example.unwrap_or_else(|| sample(asyncapi, payload))))
        }
    }
}
