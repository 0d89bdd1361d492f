//! Holds values against schemas: the part of JSON Schema that our documents use, and no more. What is
//! not known here fails, so that no keyword counts for nothing.

use serde_json::{Map, Value};

/// Keywords that say nothing about a value.
const ANNOTATIONS: [&str; 3] = ["description", "examples", "default"];

/// A document, and how strictly its schemas are read.
#[derive(Clone, Copy)]
pub(crate) struct Document<'document>(pub(crate) &'document Value);

impl<'document> Document<'document> {
    /// What is wrong with a value, each with its place. A member that an object's schema does not
    /// name is wrong here, also where the document lets clients expect more in a later version.
    pub(crate) fn faults(self, schema: &'document Value, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(schema, value, "", &mut faults);
        let named = self.named(schema);
        if let (Some(named), Some(members)) = (named, value.as_object()) {
            let unknown = members
                .keys()
                .filter(|name| !named.contains(&name.as_str()));
            faults.extend(unknown.map(|name| format!("/{name}: not described")));
        }
        faults
    }

    /// What a reference leads to.
    pub(crate) fn target(self, reference: &str) -> &'document Value {
        let pointer = reference
            .strip_prefix('#')
            .expect("a place in the document");
        self.0
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    /// The members that a schema names; `None` when any may stand there.
    fn named(self, schema: &'document Value) -> Option<Vec<&'document str>> {
        let mut named = Vec::new();
        let schema = schema.as_object()?;
        if let Some(reference) = schema.get("$ref") {
            named.extend(self.named(self.target(reference.as_str()?))?);
        }
        let parts = ["allOf", "oneOf"].map(|keyword| schema.get(keyword));
        for part in parts
            .into_iter()
            .flatten()
            .filter_map(Value::as_array)
            .flatten()
        {
            named.extend(self.named(part)?);
        }
        let members = schema.get("properties").and_then(Value::as_object);
        named.extend(members.into_iter().flatten().map(|(name, _)| name.as_str()));
        let refers = ["$ref", "allOf", "oneOf"]
            .iter()
            .any(|keyword| schema.contains_key(*keyword));
        (refers || members.is_some()).then_some(named)
    }

    fn check(self, schema: &'document Value, value: &Value, place: &str, faults: &mut Vec<String>) {
        let schema = schema.as_object().expect("a schema is an object");
        for (keyword, rule) in schema {
            let holds = match keyword.as_str() {
                "$ref" => {
                    let target = self.target(rule.as_str().expect("a text"));
                    self.check(target, value, place, faults);
                    true
                }
                "allOf" => {
                    for part in rule.as_array().expect("a list") {
                        self.check(part, value, place, faults);
                    }
                    true
                }
                "if" => {
                    let mut others = Vec::new();
                    self.check(rule, value, place, &mut others);
                    if others.is_empty() {
                        self.check(&schema["then"], value, place, faults);
                    }
                    true
                }
                // Beside its condition.
                "then" => true,
                "oneOf" => {
                    let parts = rule.as_array().expect("a list").iter();
                    parts
                        .filter(|part| self.faults(part, value).is_empty())
                        .count()
                        == 1
                }
                "properties" => {
                    self.check_members(rule, value, place, faults);
                    true
                }
                "additionalProperties" => {
                    self.check_others(schema, value, place, faults);
                    true
                }
                "propertyNames" => {
                    for name in members(value).keys() {
                        self.check(rule, &Value::from(name.as_str()), place, faults);
                    }
                    true
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check_whole(rule, item, &format!("{place}/{index}"), faults);
                    }
                    true
                }
                keyword if ANNOTATIONS.contains(&keyword) => true,
                keyword => holds(keyword, rule, value),
            };
            if !holds {
                faults.push(format!("{place}: {value} breaks {keyword} {rule}"));
            }
        }
    }

    /// Checks a value inside another, and that its members are described.
    fn check_whole(
        self,
        schema: &'document Value,
        value: &Value,
        place: &str,
        faults: &mut Vec<String>,
    ) {
        let inner = self.faults(schema, value);
        faults.extend(inner.into_iter().map(|fault| format!("{place}{fault}")));
    }

    fn check_members(
        self,
        rule: &'document Value,
        value: &Value,
        place: &str,
        faults: &mut Vec<String>,
    ) {
        for (name, schema) in rule.as_object().expect("an object") {
            if let Some(member) = value.get(name) {
                self.check_whole(schema, member, &format!("{place}/{name}"), faults);
            }
        }
    }

    fn check_others(
        self,
        schema: &'document Map<String, Value>,
        value: &Value,
        place: &str,
        faults: &mut Vec<String>,
    ) {
        let named = schema.get("properties").map_or_else(Map::new, members);
        for (name, member) in members(value) {
            if named.contains_key(&name) {
                continue;
            }
            let rule = &schema["additionalProperties"];
            if *rule == Value::Bool(false) {
                faults.push(format!("{place}/{name}: no such member"));
            } else {
                self.check_whole(rule, &member, &format!("{place}/{name}"), faults);
            }
        }
    }
}

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// Whether a value keeps one rule of its own.
fn holds(keyword: &str, rule: &Value, value: &Value) -> bool {
    let number = |value: &Value| value.as_f64().expect("a number");
    let length = |value: &Value| value.as_str().map(|text| text.chars().count());
    let items = Value::as_array;
    let most = || usize::try_from(rule.as_u64().expect("a number")).expect("it fits");
    match keyword {
        "const" => rule == value,
        "enum" => rule.as_array().expect("a list").contains(value),
        "type" => rule.as_array().map_or_else(
            || is_of(rule, value),
            |kinds| kinds.iter().any(|kind| is_of(kind, value)),
        ),
        "required" => rule
            .as_array()
            .expect("a list")
            .iter()
            .all(|name| value.is_null() || value.get(name.as_str().expect("a name")).is_some()),
        "minimum" => !value.is_number() || number(value) >= number(rule),
        "maximum" => !value.is_number() || number(value) <= number(rule),
        "minLength" => length(value).is_none_or(|length| length >= most()),
        "maxLength" => length(value).is_none_or(|length| length <= most()),
        "minItems" => items(value).is_none_or(|items| items.len() >= most()),
        "maxItems" => items(value).is_none_or(|items| items.len() <= most()),
        "uniqueItems" => {
            assert_eq!(rule, true);
            let first = |(place, item)| {
                items(value)
                    .into_iter()
                    .flatten()
                    .position(|other| other == item)
                    == Some(place)
            };
            items(value).is_none_or(|items| items.iter().enumerate().all(first))
        }
        "maxProperties" => value
            .as_object()
            .is_none_or(|members| members.len() <= most()),
        "pattern" => value
            .as_str()
            .is_none_or(|text| matches(rule.as_str().expect("a text"), text)),
        "format" => {
            assert_eq!(rule, "date-time");
            value
                .as_str()
                .is_none_or(|text| text.parse::<jiff::Timestamp>().is_ok())
        }
        other => panic!("{other} is not known"),
    }
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().expect("a name") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type of ours"),
    }
}

/// Our patterns, each by hand.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern {
        "^[A-Z]{3}$" => text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()),
        "^[*]+[0-9]{4}$" => {
            let clear = text.trim_start_matches('*');
            text.starts_with('*') && clear.len() == 4 && clear.bytes().all(|b| b.is_ascii_digit())
        }
        printable if printable.starts_with("^[^\\u0000-\\u001f\\u007f-\\u009f\\u00ad") => {
            text.chars().all(terminal_host::text::is_printable)
        }
        "^[^\\u0000-\\u001f\\u007f-\\u009f]*$" => !text.chars().any(char::is_control),
        "^[0-9A-Za-z]{2}$" => text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphanumeric()),
        "^[0-9A-Za-z]{1,6}$" => {
            (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
        }
        "^([0-9A-Fa-f]{2})*$" => {
            text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit())
        }
        "^rt_[0-9a-f]{16}_[0-9]+$" => text
            .strip_prefix("rt_")
            .and_then(|rest| rest.split_once('_'))
            .is_some_and(|(log, number)| log.len() == 16 && number.parse::<u64>().is_ok()),
        prefix if prefix.starts_with('^') && prefix.ends_with('_') => {
            text.starts_with(&prefix[1..])
        }
        other => panic!("{other} is not known"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_breaks_a_schema_is_found() {
        let document =
            json!({"part": {"type": "object", "properties": {"a": {"type": "integer"}}}});
        let reference = json!({"$ref": "#/part"});
        let narrowed = json!({"allOf": [reference, {"properties": {"a": {"minimum": 2}}}]});
        let cases = [
            (&reference, json!({"a": 1}), 0),
            (&reference, json!({}), 0),
            (&reference, json!({"a": "1"}), 1),
            (&reference, json!({"a": 1, "b": 1}), 1),
            (&reference, json!([]), 1),
            (&narrowed, json!({"a": 2}), 0),
            (&narrowed, json!({"a": 1}), 1),
            (&narrowed, json!({"a": 2, "b": 1}), 1),
            (&json!({"required": ["a"]}), json!({"b": 1}), 1),
            (&json!({"items": {"const": 1}}), json!([1, 2, 3]), 2),
            (&json!({"items": reference}), json!([{"b": 1}]), 1),
            (&json!({"additionalProperties": false}), json!({"a": 1}), 1),
            (
                &json!({"additionalProperties": {"type": "string"}}),
                json!({"a": 1}),
                1,
            ),
            (
                &json!({"properties": {"a": reference}}),
                json!({"a": {"b": 1}}),
                1,
            ),
            (
                &json!({"type": ["integer", "null"], "maximum": 1}),
                json!(null),
                0,
            ),
            (
                &json!({"type": ["integer", "null"], "maximum": 1}),
                json!(2),
                1,
            ),
            (&json!({"enum": ["a"], "maxLength": 0}), json!("b"), 2),
            (&json!({"pattern": "^txn_"}), json!("tx"), 1),
            (&json!({"minItems": 1, "maxItems": 1}), json!([1]), 0),
            (&json!({"minItems": 1}), json!([]), 1),
            (&json!({"maxItems": 1}), json!([1, 2]), 1),
            (&json!({"uniqueItems": true}), json!([1, 2]), 0),
            (&json!({"uniqueItems": true}), json!([1, 2, 1]), 1),
            (&json!({"format": "date-time"}), json!("now"), 1),
        ];
        for (schema, value, count) in cases {
            let document = json!({"part": document["part"], "schema": schema});
            let faults = Document(&document).faults(&document["schema"], &value);
            assert_eq!(faults.len(), count, "{schema} {value} {faults:?}");
        }
    }
}
