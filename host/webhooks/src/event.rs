//! Events, and their names.

use jiff::Timestamp;
use ring::digest::{Context, SHA256};
use serde::Serialize;
use serde_json::Value;
use ulid::Ulid;

/// `evt_` and a ULID. A receiver that has seen it before ignores the event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventId(String);

impl EventId {
    /// The name of an event that is made from what it is about, so that the same event found again
    /// after a crash has the same name. It sorts by `at`; the rest is a digest of `parts`.
    pub fn derived(at: Timestamp, parts: &[&str]) -> Self {
        let mut digest = Context::new(&SHA256);
        for part in parts {
            // With its length, so that no two lists of parts are the same bytes.
            digest.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part.as_bytes());
        }
        let mut low = [0; 16];
        for (place, byte) in low.iter_mut().zip(digest.finish().as_ref()) {
            *place = *byte;
        }
        let unix_ms = u64::try_from(at.as_millisecond()).unwrap_or_default();
        let ulid = Ulid::from_parts(unix_ms, u128::from_be_bytes(low));
        Self(format!("evt_{ulid}"))
    }

    /// The name of an event that happens once and is found nowhere again.
    pub fn new() -> Self {
        Self(format!("evt_{}", Ulid::new()))
    }

    /// Parses what a person typed. `None` when it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let ulid = text.strip_prefix("evt_")?;
        Ulid::from_string(ulid).ok()?;
        Some(Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for EventId {
    fn default() -> Self {
        Self::new()
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its name.
    pub id: EventId,
    /// Its type, such as `transaction.approved`.
    pub kind: String,
    /// When what it is about began. An endpoint gets what began after it was made.
    pub since: Timestamp,
    /// What it says.
    pub data: Value,
    /// Whether the outbox remembers its name after the event is gone, because its source shows
    /// it again and again.
    pub remembered: bool,
}

impl Event {
    /// The body of every delivery, made once: `{id, type, created, data}`.
    pub fn body(&self, created: Timestamp) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'event> {
            id: &'event str,
            #[serde(rename = "type")]
            kind: &'event str,
            created: String,
            data: &'event Value,
        }
        let body = Body {
            id: self.id.as_str(),
            kind: &self.kind,
            created: created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            data: &self.data,
        };
        // Texts and a value: nothing that JSON could not hold.
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_source_gives_the_same_name_and_another_gives_another() {
        let at = |ms| Timestamp::from_millisecond(ms).expect("a moment");
        let id = EventId::derived(at(1_774_689_262_000), &["txn_1", "transaction.approved"]);
        assert_eq!(
            id,
            EventId::derived(at(1_774_689_262_000), &["txn_1", "transaction.approved"])
        );
        assert_eq!(EventId::parse(id.as_str()), Some(id.clone()));
        for other in [
            EventId::derived(at(1_774_689_262_001), &["txn_1", "transaction.approved"]),
            EventId::derived(at(1_774_689_262_000), &["txn_1", "transaction.reversed"]),
            EventId::derived(at(1_774_689_262_000), &["txn_1t", "ransaction.approved"]),
            EventId::derived(at(1_774_689_262_000), &["txn_1transaction.approved"]),
        ] {
            assert_ne!(id, other);
        }
        let later = EventId::derived(at(1_774_689_262_001), &[]);
        assert!(id < later, "names sort by their time");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "evt_",
            "01JQXYZA7B8C9D0E1F2G3H4J5K",
            "evt_x",
            "txn_01JQXYZA7B8C9D0E1F2G3H4J5K",
        ] {
            assert_eq!(EventId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_body_has_the_reference_s_members_and_the_time() {
        let event = Event {
            id: EventId::parse("evt_01JQXYZA7B8C9D0E1F2G3H4J5K").expect("a name"),
            kind: "webhook.test".into(),
            since: Timestamp::UNIX_EPOCH,
            data: json!({"a": 1}),
            remembered: false,
        };
        let created = Timestamp::from_second(1_774_689_262).expect("a moment");
        assert_eq!(
            String::from_utf8(event.body(created)).expect("text"),
            r#"{"id":"evt_01JQXYZA7B8C9D0E1F2G3H4J5K","type":"webhook.test","created":"2026-03-28T09:14:22Z","data":{"a":1}}"#
        );
    }
}
