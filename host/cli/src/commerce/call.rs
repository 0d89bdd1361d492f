//! What is asked of a terminal, and what it answered.

use anyhow::{Context, Result, ensure};
use api::{OPERATIONS, Operation};
use serde_json::Value;
use ureq::http::Method;

/// What is asked of a terminal.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(super) operation: &'static Operation,
    path: String,
    query: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    pub(super) key: Option<String>,
}

impl Call {
    /// The operation of this `operationId`.
    pub(crate) fn to(id: &str) -> Result<Self> {
        let mut all = OPERATIONS.iter();
        let operation = all
            .find(|operation| operation.id == id)
            .with_context(|| format!("the API has no operation {id}"))?;
        Ok(Self {
            operation,
            path: operation.path.to_owned(),
            query: Vec::new(),
            body: None,
            key: None,
        })
    }

    /// Of this transaction or settlement.
    pub(super) fn of(mut self, id: &str) -> Result<Self> {
        let of_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        ensure!(
            !id.is_empty() && id.bytes().all(of_id),
            "{id:?} is no id, such as txn_01J... or stl_01J..."
        );
        if let Some((before, rest)) = self.path.split_once('{') {
            let after = rest.split_once('}').map_or("", |(_, after)| after);
            self.path = format!("{before}{id}{after}");
        }
        Ok(self)
    }

    /// With this parameter, if there is one.
    pub(super) fn with(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.retain(|(known, _)| *known != name);
        self.query
            .extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// With this body, and a key that makes it safe to repeat.
    pub(crate) fn once(mut self, body: Value, key: impl Into<String>) -> Self {
        self.body = Some(body);
        self.key = Some(key.into());
        self
    }

    /// Where it goes, below the terminal's URL.
    pub(super) fn path_and_query(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.query);
        format!("{}?{}", self.path, query.finish())
    }

    /// Whether it changes nothing.
    pub(super) fn reads(&self) -> bool {
        self.operation.method == Method::GET
    }
}

/// A key that nobody used before.
pub(super) fn new_key() -> String {
    format!("tenon-{}", ulid::Ulid::new())
}

/// What a terminal answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// What was asked.
    pub(super) operation: &'static Operation,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The answer as it came.
    pub(super) text: String,
    /// What was asked for, or the error envelope; `null` for a file.
    pub(crate) body: Value,
    /// After so many seconds the terminal may be asked again.
    pub(super) retry_after_s: Option<u64>,
}

#[cfg(test)]
impl Answer {
    /// For tests: what an operation of this id was answered.
    pub(super) fn made_up(operation: &str, status: u16, body: Value) -> Self {
        Self {
            operation: Call::to(operation).expect("an operation").operation,
            status,
            text: body.to_string(),
            body,
            retry_after_s: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_names_what_it_is_of_and_what_it_filters() {
        let call = Call::to("exportSettlement").expect("an operation");
        let call = call.of("stl_1").expect("an id").with("format", Some("csv"));
        let call = call.with("cursor", None::<String>).with("a", Some("b c&d"));
        assert_eq!(
            call.path_and_query(),
            "/v1/settlements/stl_1/export?format=csv&a=b+c%26d"
        );
        for wrong in ["", "..", "txn_1/abort", "txn_1?a", "txn 1"] {
            let call = Call::to("getTransaction").expect("an operation");
            assert!(call.of(wrong).is_err(), "{wrong}");
        }
        assert!(Call::to("createNothing").is_err());
    }
}
