//! What `tenon webhooks` prints: endpoints, deliveries, and a secret once.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use webhooks::{EndpointFile, EndpointId, ListedDelivery, OpenError, Outbox, Secret, Target};

use crate::webhook_delivery::OUTBOX_FILE;

/// What is printed.
pub(crate) struct Said(pub(crate) String);

impl Said {
    pub(crate) fn one(id: &str, what: &str, as_json: bool) -> Self {
        if as_json {
            let mut members = serde_json::Map::from_iter([("id".to_owned(), Value::from(id))]);
            members.insert(what.into(), true.into());
            Self(Value::Object(members).to_string())
        } else {
            Self(format!("{id}  {what}"))
        }
    }

    pub(crate) fn secret(id: &EndpointId, secret: &Secret, as_json: bool) -> Self {
        if as_json {
            Self(json!({"id": id.as_str(), "secret": secret.reveal()}).to_string())
        } else {
            Self(format!("{}  {}", id.as_str(), secret.reveal()))
        }
    }
}

/// The endpoints, without their secrets.
pub(crate) fn list(file: &EndpointFile, outbox: &Path, as_json: bool) -> Result<Said> {
    let disabled = match existing(outbox)? {
        Some(outbox) => outbox.disabled()?,
        None => BTreeSet::new(),
    };
    let mut lines = Vec::new();
    let mut values = Vec::new();
    for entry in file.entries() {
        // The file was checked: its URL is one. Its query is the receiver's business.
        let url = Target::parse(&entry.url, entry.plain_http)?.to_string();
        let is_disabled = disabled.contains(entry.id.as_str());
        let ends: Vec<_> = entry.ends().collect();
        values.push(json!({
            "id": entry.id.as_str(), "url": url, "events": entry.events,
            "allowedNetworks": entry.allowed_networks, "plainHttp": entry.plain_http,
            "ownCa": entry.ca.is_some(), "created": entry.created, "disabled": is_disabled,
            "rotatedSecretsEnd": ends,
        }));
        let events = if entry.events.is_empty() {
            "everything".to_owned()
        } else {
            entry.events.join(" ")
        };
        lines.push(format!("{}  {url}  {events}", entry.id.as_str()));
        if !entry.allowed_networks.is_empty() {
            lines.push(format!(
                "    may be in {}",
                entry.allowed_networks.join(" ")
            ));
        }
        if is_disabled {
            lines.push("    disabled: it answered 410".to_owned());
        }
        lines.extend(
            ends.iter()
                .map(|end| format!("    rotated; the old secret signs until {end}")),
        );
    }
    Ok(shown(values, &lines, as_json))
}

/// The latest deliveries.
pub(crate) fn deliveries(outbox: &Path, dead: bool, as_json: bool) -> Result<Said> {
    let listed = match existing(outbox)? {
        Some(outbox) => outbox.deliveries(dead)?,
        None => Vec::new(),
    };
    let value = |one: &ListedDelivery| {
        json!({
            "event": one.event.as_str(), "type": one.kind, "endpoint": one.endpoint,
            "state": one.state.as_str(), "attempts": one.attempts, "due": one.due,
            "answer": one.answer, "changed": one.changed,
        })
    };
    let line = |one: &ListedDelivery| {
        let due = one
            .due
            .map_or(String::new(), |due| format!("  due {due:.0}"));
        format!(
            "{}  {}  {}  {}, {} attempts  {}{due}",
            one.event.as_str(),
            one.kind,
            one.endpoint,
            one.state.as_str(),
            one.attempts,
            one.answer,
        )
    };
    let lines: Vec<_> = listed.iter().map(line).collect();
    Ok(shown(listed.iter().map(value).collect(), &lines, as_json))
}

fn shown(values: Vec<Value>, lines: &[String], as_json: bool) -> Said {
    if as_json {
        Said(format!("{:#}", Value::Array(values)))
    } else {
        Said(lines.join("\n"))
    }
}

/// The outbox, if anything was ever queued.
pub(crate) fn existing(path: &Path) -> Result<Option<Outbox>> {
    match Outbox::open_existing(path) {
        Ok(outbox) => Ok(Some(outbox)),
        Err(OpenError::Missing) => Ok(None),
        Err(error) => Err(error).context(OUTBOX_FILE),
    }
}
