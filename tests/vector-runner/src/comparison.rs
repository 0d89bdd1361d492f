//! What is expected against what came out, member by member.

use serde_json::Value;

/// Members that hold a card number or a PIN: shown with their middle left out.
const MASKED: [&str; 12] = [
    "2",
    "35",
    "56",
    "57",
    "5A",
    "9F6B",
    "pan",
    "pan_field",
    "pin",
    "pin_field",
    "plain_block",
    "recovered",
];

/// How much of an expectation is shown for a case that could not be run.
const SHORTENED: usize = 100;

/// A line for each expected value that did not come out. What came out beyond is not asked for.
pub(crate) fn differences(expected: &Value, actual: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", expected, Some(actual), &mut lines);
    lines
}

fn compare(path: &str, expected: &Value, actual: Option<&Value>, lines: &mut Vec<String>) {
    if let (Value::Object(members), Some(Value::Object(found))) = (expected, actual)
        && !members.is_empty()
    {
        for (name, expected) in members {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            compare(&path, expected, found.get(name), lines);
        }
        return;
    }
    match actual {
        Some(actual) if actual == expected => {}
        Some(actual) => {
            let (expected, actual) = (shown(path, expected), shown(path, actual));
            lines.push(format!("{path}: expected {expected}, actual {actual}"));
        }
        None => {
            let expected = shown(path, expected);
            lines.push(format!("{path}: expected {expected}, actual: not known"));
        }
    }
}

/// A value as it is printed.
fn shown(path: &str, value: &Value) -> String {
    masked(path.rsplit('.').next().unwrap_or_default(), value).to_string()
}

/// A value with the secrets in it masked.
fn masked(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter();
            Value::Object(
                members
                    .map(|(name, value)| (name.clone(), masked(name, value)))
                    .collect(),
            )
        }
        Value::Array(elements) => {
            Value::Array(elements.iter().map(|value| masked(name, value)).collect())
        }
        Value::String(text) if MASKED.contains(&name) => {
            let length = text.chars().count();
            let kept = if length > 10 { 4 } else { 0 };
            let begin: String = text.chars().take(kept).collect();
            let rest = text.chars().skip(length.saturating_sub(kept));
            Value::String(format!("{begin}...{} masked", rest.collect::<String>()))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// The beginning of a value, for a case that could not be run.
pub(crate) fn shortened(value: &Value) -> String {
    let text = shown("", value);
    if text.chars().count() <= SHORTENED {
        return text;
    }
    let begin: String = text.chars().take(SHORTENED).collect();
    format!("{begin}...")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_expected_member_is_looked_for() {
        for (expected, actual, count) in [
            (json!({ "a": 1 }), json!({ "a": 1, "b": 2 }), 0),
            (json!({ "a": 1 }), json!({ "a": "1" }), 1),
            (json!({ "a": "AB" }), json!({ "a": "ab" }), 1),
            (json!({ "a": null }), json!({}), 1),
            (json!({ "a": null }), json!({ "a": null }), 0),
            (json!({ "a": {} }), json!({ "a": { "b": 1 } }), 1),
            (
                json!({ "a": { "b": 1, "c": 2 } }),
                json!({ "a": { "b": 2 } }),
                2,
            ),
            (
                json!({ "a": [{ "b": 1 }] }),
                json!({ "a": [{ "b": 1, "c": 2 }] }),
                1,
            ),
        ] {
            assert_eq!(
                differences(&expected, &actual).len(),
                count,
                "{expected} {actual}"
            );
        }
    }

    #[test]
    fn no_card_number_is_printed_whole() {
        let lines = differences(
            &json!({ "card": { "5A": "4761739001010010" } }),
            &json!({ "card": { "5A": "4761739001010119" } }),
        );
        let expected = "card.5A: expected \"4761...0010 masked\", actual \"4761...0119 masked\"";
        assert_eq!(lines, [expected]);
        let case = json!({ "cards": [{ "57": "4761739001010010D1912" }], "pin": "1234" });
        let expected = "{\"cards\":[{\"57\":\"4761...1912 masked\"}],\"pin\":\"... masked\"}";
        assert_eq!(shortened(&case), expected);
    }
}
