//! The parameters of a URL's query, taken one by one. What nobody takes is refused by name: a
//! misspelt filter that was ignored would be a list of everything.

use std::collections::BTreeMap;

use axum::http::Uri;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{error::ApiError, fields::invalid};

/// The longest query, in bytes.
const QUERY_BYTES_MAX: usize = 4096;

/// The parameters that are left.
#[derive(Debug)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads the query. A parameter that comes twice is refused; an empty one is absent.
    pub(crate) fn of(uri: &Uri) -> Result<Self, ApiError> {
        let text = uri.query().unwrap_or_default();
        if text.len() > QUERY_BYTES_MAX {
            return Err(invalid("", "maxLength", "The query has over 4096 bytes"));
        }
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if parameters
                .insert(name.clone().into_owned(), value.into_owned())
                .is_some()
            {
                return Err(invalid(
                    name,
                    "maxItems",
                    "The query has this parameter twice",
                ));
            }
        }
        parameters.retain(|_, value| !value.is_empty());
        Ok(Self(parameters))
    }

    /// Takes a text out.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Takes one of a fixed set of names out.
    pub(crate) fn one_of<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<T>, ApiError> {
        let Some(text) = self.take(name) else {
            return Ok(None);
        };
        let value = Value::from(text);
        serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|_| {
                invalid(
                    name,
                    "enum",
                    format!("The '{name}' parameter has no such value"),
                )
                .value(&value)
            })
    }

    /// Takes a moment out: ISO 8601 with its offset.
    pub(crate) fn moment(&mut self, name: &'static str) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.take(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            invalid(
                name,
                "format",
                format!("The '{name}' parameter must be a moment like 2026-03-28T09:14:22Z"),
            )
            .value(&Value::from(text))
        })
    }

    /// Takes the length of a page out.
    pub(crate) fn limit(&mut self, usual: usize, most: usize) -> Result<usize, ApiError> {
        const NAME: &str = "limit";
        let Some(text) = self.take(NAME) else {
            return Ok(usual);
        };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let parsed = text.parse().ok().filter(|_| digits);
        match parsed {
            Some(limit) if (1..=most).contains(&limit) => Ok(limit),
            Some(_) | None => Err(invalid(
                NAME,
                if digits { "maximum" } else { "type" },
                format!("The 'limit' parameter must be a number from 1 to {most}"),
            )
            .value(&Value::from(text))),
        }
    }

    /// Takes a cursor out: where the page before ended.
    pub(crate) fn cursor<T>(
        &mut self,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        const NAME: &str = "cursor";
        let Some(text) = self.take(NAME) else {
            return Ok(None);
        };
        let position = text.strip_prefix(CURSOR).and_then(parse);
        position.map(Some).ok_or_else(|| {
            invalid(
                NAME,
                "pattern",
                "The 'cursor' parameter is none that this terminal gave",
            )
            .value(&Value::from(text))
        })
    }

    /// Refuses a parameter that nobody took.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, value)) => Err(invalid(
                name,
                "additionalProperties",
                "The query has a parameter that is not known here",
            )
            .value(&Value::from(value))),
        }
    }
}

/// What a cursor begins with.
const CURSOR: &str = "cursor_";

/// The cursor of a place.
pub(crate) fn cursor_at(place: &str) -> String {
    format!("{CURSOR}{place}")
}

#[cfg(test)]
mod tests {
    use terminal_host::transaction::Kind;

    use super::*;

    fn query(text: &str) -> Result<Query, ApiError> {
        Query::of(&format!("/v1/transactions?{text}").parse().expect("a URL"))
    }

    fn named(error: ApiError) -> (String, &'static str) {
        let details = *error.details;
        (
            details.field.expect("a field"),
            details.constraint.expect("a rule"),
        )
    }

    #[test]
    fn what_is_written_is_read() {
        let mut query = query("limit=7&type=SALE&from=2026-03-28T09:14:22Z&cursor=cursor_ab&x=")
            .expect("a query");
        assert_eq!(query.limit(50, 200).expect("a number"), 7);
        assert_eq!(query.one_of("type").expect("a kind"), Some(Kind::Sale));
        let from = query.moment("from").expect("a moment").expect("one");
        assert_eq!(from.to_string(), "2026-03-28T09:14:22Z");
        let cursor = query.cursor(|text| Some(text.to_owned())).expect("one");
        assert_eq!(cursor.as_deref(), Some("ab"));
        query.finish().expect("nothing is left");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_rule() {
        type Taking = fn(Query) -> Result<(), ApiError>;
        let cases: [(&str, Taking, (&str, &str)); 9] = [
            (
                "limit=0",
                |mut q| q.limit(50, 200).map(drop),
                ("limit", "maximum"),
            ),
            (
                "limit=201",
                |mut q| q.limit(50, 200).map(drop),
                ("limit", "maximum"),
            ),
            (
                "limit=-1",
                |mut q| q.limit(50, 200).map(drop),
                ("limit", "type"),
            ),
            (
                "limit=%2B5",
                |mut q| q.limit(50, 200).map(drop),
                ("limit", "type"),
            ),
            (
                "type=SELL",
                |mut q| q.one_of::<Kind>("type").map(drop),
                ("type", "enum"),
            ),
            (
                "from=now",
                |mut q| q.moment("from").map(drop),
                ("from", "format"),
            ),
            (
                "cursor=ab",
                |mut q| q.cursor(|_| Some(())).map(drop),
                ("cursor", "pattern"),
            ),
            (
                "cursor=cursor_",
                |mut q| q.cursor(|_| None::<()>).map(drop),
                ("cursor", "pattern"),
            ),
            ("lmit=5", Query::finish, ("lmit", "additionalProperties")),
        ];
        for (text, take, (field, rule)) in cases {
            let error = take(query(text).expect("a query")).expect_err(text);
            assert_eq!(named(error), (field.to_owned(), rule), "{text}");
        }
        let twice = query("limit=1&limit=2").expect_err("twice");
        assert_eq!(named(twice), ("limit".to_owned(), "maxItems"));
        assert!(query(&"a".repeat(QUERY_BYTES_MAX + 1)).is_err());
    }
}
