//! JSON as the API reads it: no key twice, no deep nesting, one canonical form.
//!
//! A key that appears twice is read differently by different programs, so that a proxy and the
//! terminal could see two amounts in one request. It is refused.

use std::{cell::RefCell, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deep arrays and objects may nest. The deepest request of the API has two levels.
pub(crate) const DEPTH_MAX: u32 = 8;

/// Why a text is not JSON for this API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The text ends before the value does.
    Truncated,
    /// The text breaks the grammar, in this line and column, counted from one.
    Syntax {
        /// Line.
        line: usize,
        /// Column.
        column: usize,
    },
    /// An object has this key twice.
    DuplicateKey(String),
    /// Values nest deeper than [`DEPTH_MAX`].
    TooDeep,
}

/// Parses one JSON value that fills the whole text.
pub(crate) fn parse(text: &[u8]) -> Result<Value, Fault> {
    let fault = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let parsed = Strict {
        depth: 0,
        fault: &fault,
    }
    .deserialize(&mut deserializer)
    .and_then(|value| deserializer.end().map(|()| value));
    parsed.map_err(|error| {
        fault.into_inner().unwrap_or(if error.is_eof() {
            Fault::Truncated
        } else {
            Fault::Syntax {
                line: error.line(),
                column: error.column(),
            }
        })
    })
}

/// Writes a value with the keys of each object in order and no white space, so that equal values
/// have equal texts.
pub(crate) fn canonical(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(canonical).collect::<Vec<_>>().join(",")
            )
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            let members = members
                .into_iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value)))
                .collect::<Vec<_>>();
            format!("{{{}}}", members.join(","))
        }
    }
}

/// Reads a value at one depth. What is wrong beyond the grammar is left in `fault`.
#[derive(Clone, Copy)]
struct Strict<'fault> {
    depth: u32,
    fault: &'fault RefCell<Option<Fault>>,
}

impl Strict<'_> {
    fn inner<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.saturating_add(1);
        if depth > DEPTH_MAX {
            return Err(self.refuse(Fault::TooDeep));
        }
        Ok(Self { depth, ..self })
    }

    fn refuse<E: serde::de::Error>(self, fault: Fault) -> E {
        self.fault.replace(Some(fault));
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut values = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if values.insert(key.clone(), value).is_some() {
                return Err(self.refuse(Fault::DuplicateKey(key)));
            }
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_serde_json_reads() {
        let texts = [
            "null",
            "[]",
            "{}",
            "\"\\u00e9\"",
            "-1",
            "2.5",
            "18446744073709551615",
            r#"{"b":[true,{"c":"d"}],"a":0}"#,
        ];
        for text in texts {
            let expected: Value = serde_json::from_str(text).expect("valid");
            assert_eq!(parse(text.as_bytes()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let deep = "[".repeat(20);
        let cases: [(&[u8], Fault); 10] = [
            (b"", Fault::Truncated),
            (b"{\"amount\":25", Fault::Truncated),
            (b"{\"amount\"", Fault::Truncated),
            (b"{]", Fault::Syntax { line: 1, column: 2 }),
            (b"{}\n{}", Fault::Syntax { line: 2, column: 1 }),
            (b"NaN", Fault::Syntax { line: 1, column: 1 }),
            (b"\"\xff\"", Fault::Syntax { line: 1, column: 2 }),
            (
                br#"{"amount":1,"amount":2}"#,
                Fault::DuplicateKey("amount".into()),
            ),
            (
                br#"{"a":{"b":1,"\u0062":1}}"#,
                Fault::DuplicateKey("b".into()),
            ),
            (deep.as_bytes(), Fault::TooDeep),
        ];
        for (text, fault) in cases {
            assert_eq!(parse(text), Err(fault), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn the_canonical_form_ignores_order_and_white_space_only() {
        let one = parse(br#"{ "b" : [1, {"d":2,"c":"x\"y"}], "a" : null }"#).expect("valid");
        let other = parse(br#"{"a":null,"b":[1,{"c":"x\"y","d":2}]}"#).expect("valid");
        assert_eq!(canonical(&one), r#"{"a":null,"b":[1,{"c":"x\"y","d":2}]}"#);
        assert_eq!(canonical(&one), canonical(&other));
        assert_ne!(canonical(&json!([1, 2])), canonical(&json!([2, 1])));
    }
}
