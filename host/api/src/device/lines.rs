//! Lines of text for display and paper.

use serde::de::DeserializeOwned;
use serde_json::Value;
use terminal_host::text::{Alignment, FontSize, TEXT_CHARS_MAX, TextLine, is_printable};

use crate::{
    error::ApiError,
    fields::{Fields, invalid},
    openapi::schema::{Described, Schema},
};

const FIELD: &str = "lines";

/// Takes the field `lines`: at least one, at most `count_max`.
pub(super) fn take(fields: &mut Fields, count_max: usize) -> Result<Vec<TextLine>, ApiError> {
    let value = fields.require(FIELD)?;
    let Value::Array(items) = value else {
        return Err(
            invalid(FIELD, "type", "The 'lines' field must be a list of objects").value(&value),
        );
    };
    if items.is_empty() {
        return Err(invalid(FIELD, "minItems", "The 'lines' field has no line"));
    }
    if items.len() > count_max {
        return Err(invalid(
            FIELD,
            "maxItems",
            format!("The 'lines' field has over {count_max} lines"),
        )
        .value(&Value::from(items.len())));
    }
    items
        .into_iter()
        .enumerate()
        .map(|(place, item)| line(item).map_err(|error| within(error, place)))
        .collect()
}

fn line(item: Value) -> Result<TextLine, ApiError> {
    let mut fields = Fields::of(item)?;
    let line = TextLine {
        text: text(&mut fields)?,
        alignment: one_of(&mut fields, "alignment", "LEFT, CENTER or RIGHT")?,
        size: one_of(&mut fields, "fontSize", "SMALL, MEDIUM or LARGE")?,
        bold: flag(&mut fields, "bold", false)?,
    };
    fields.finish()?;
    Ok(line)
}

/// Names the line that a fault is in: `lines[2].text`.
fn within(mut error: ApiError, place: usize) -> ApiError {
    let field = error.details.field.take().unwrap_or_default();
    let dot = if field.is_empty() { "" } else { "." };
    error.details.field = Some(format!("{FIELD}[{place}]{dot}{field}"));
    error
}

fn text(fields: &mut Fields) -> Result<String, ApiError> {
    const FIELD: &str = "text";
    let value = fields.require(FIELD)?;
    line_of_text(FIELD, &value, TEXT_CHARS_MAX)
}

/// A text that stands in a line. It is never repeated in an error, and never cut: what a driver could
/// not show whole, or would take for a command, is refused.
pub(super) fn line_of_text(
    field: &str,
    value: &Value,
    chars_max: usize,
) -> Result<String, ApiError> {
    let refused = |constraint, rule: &str| {
        invalid(
            field,
            constraint,
            format!("The '{field}' field must {rule}"),
        )
    };
    let text = value
        .as_str()
        .ok_or_else(|| refused("type", "be a string"))?;
    if text.chars().count() > chars_max {
        let rule = format!("have at most {chars_max} characters");
        return Err(refused("maxLength", &rule));
    }
    if !text.chars().all(is_printable) {
        return Err(refused(
            "pattern",
            "have printable characters only, and none that is invisible or changes direction",
        ));
    }
    Ok(text.into())
}

fn one_of<T: DeserializeOwned + Default>(
    fields: &mut Fields,
    field: &'static str,
    names: &str,
) -> Result<T, ApiError> {
    let Some(value) = fields.take(field) else {
        return Ok(T::default());
    };
    serde_json::from_value(value.clone()).map_err(|_| {
        invalid(
            field,
            "enum",
            format!("The '{field}' field must be {names}"),
        )
        .value(&value)
    })
}

/// Takes a field that is true or false.
pub(super) fn flag(
    fields: &mut Fields,
    field: &'static str,
    usual: bool,
) -> Result<bool, ApiError> {
    match fields.take(field) {
        None => Ok(usual),
        Some(Value::Bool(flag)) => Ok(flag),
        Some(value) => Err(invalid(
            field,
            "type",
            format!("The '{field}' field must be true or false"),
        )
        .value(&value)),
    }
}

/// Takes a field that is an integer within bounds.
pub(super) fn integer(
    fields: &mut Fields,
    field: &'static str,
    bounds: std::ops::RangeInclusive<u64>,
) -> Result<Option<u64>, ApiError> {
    let Some(value) = fields.take(field) else {
        return Ok(None);
    };
    let refused = |constraint| {
        let (min, max) = (bounds.start(), bounds.end());
        let rule = format!("The '{field}' field must be an integer from {min} to {max}");
        invalid(field, constraint, rule).value(&value)
    };
    match value.as_u64() {
        Some(number) if number < *bounds.start() => Err(refused("minimum")),
        Some(number) if number > *bounds.end() => Err(refused("maximum")),
        Some(number) => Ok(Some(number)),
        None if value.as_i64().is_some() => Err(refused("minimum")),
        None => Err(refused("type")),
    }
}

impl Described for TextLine {
    const NAME: &'static str = "TextLine";

    fn schema() -> Schema {
        Schema::object("One line of text. What is too long for the paper goes on in the next line.")
            .required(
                "text",
                printable(TEXT_CHARS_MAX, "What it says; may be empty."),
            )
            .optional(
                "alignment",
                Schema::names::<Alignment>("Where it stands; else `LEFT`.").or_null(),
            )
            .optional(
                "fontSize",
                Schema::names::<FontSize>("How large it is; else `MEDIUM`.").or_null(),
            )
            .optional(
                "bold",
                Schema::boolean("Whether it is bold; else not.").or_null(),
            )
            .closed()
    }
}

/// What [`is_printable`] refuses, as a pattern can say it. The tags above the first 65,536 characters are
/// left out: engines of patterns do not agree on how to write them.
const PRINTABLE: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u115f\\u1160\\u180e\\u200b-\\u200f\\u2028-\\u202e\\
    \\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb]*$";

/// A text for display or paper.
pub(super) fn printable(chars_max: usize, description: &str) -> Schema {
    Schema::text(description)
        .with("maxLength", chars_max)
        .with("pattern", PRINTABLE)
}

/// The lines of a request.
pub(super) fn schema(count_max: usize, description: &str) -> Schema {
    Schema::list(Schema::reference(TextLine::NAME), description)
        .with("minItems", 1)
        .with("maxItems", count_max)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ErrorCode;

    fn taken(lines: &Value) -> Result<Vec<TextLine>, ApiError> {
        take(&mut Fields::of(json!({"lines": lines}))?, 2)
    }

    #[test]
    fn a_line_has_the_usual_form_unless_it_says_another() {
        let lines = taken(&json!([
            {"text": ""},
            {"text": "Thanks", "alignment": "CENTER", "fontSize": "LARGE", "bold": true},
        ]));
        let second = TextLine {
            text: "Thanks".into(),
            alignment: Alignment::Center,
            size: FontSize::Large,
            bold: true,
        };
        assert_eq!(lines, Ok(vec![TextLine::default(), second]));
    }

    #[test]
    fn wrong_lines_are_named_with_their_rule() {
        let long = "x".repeat(TEXT_CHARS_MAX + 1);
        for (lines, field, constraint) in [
            (json!(null), "lines", "required"),
            (json!("text"), "lines", "type"),
            (json!([]), "lines", "minItems"),
            (
                json!([{"text": ""}, {"text": ""}, {"text": ""}]),
                "lines",
                "maxItems",
            ),
            (json!(["text"]), "lines[0]", "type"),
            (json!([{"text": ""}, {}]), "lines[1].text", "required"),
            (json!([{"text": 1}]), "lines[0].text", "type"),
            (json!([{"text": long}]), "lines[0].text", "maxLength"),
            (json!([{"text": "a\u{1b}[2J"}]), "lines[0].text", "pattern"),
            (json!([{"text": "a\u{202e}b"}]), "lines[0].text", "pattern"),
            (
                json!([{"text": "", "alignment": "left"}]),
                "lines[0].alignment",
                "enum",
            ),
            (
                json!([{"text": "", "fontSize": 12}]),
                "lines[0].fontSize",
                "enum",
            ),
            (json!([{"text": "", "bold": 1}]), "lines[0].bold", "type"),
            (
                json!([{"text": "", "italic": true}]),
                "lines[0].italic",
                "additionalProperties",
            ),
        ] {
            let error = taken(&lines).expect_err("refused");
            let details = &error.details;
            assert_eq!(
                (details.field.as_deref(), details.constraint),
                (Some(field), Some(constraint)),
                "{lines}"
            );
            let missing = constraint == "required";
            assert_eq!(error.code == ErrorCode::MissingField, missing);
            if field.ends_with("text") {
                assert_eq!(details.value, None, "text is not repeated");
            }
        }
    }

    #[test]
    fn integers_have_bounds() {
        let take = |value: Value| {
            let mut fields = Fields::of(json!({"n": value})).expect("an object");
            integer(&mut fields, "n", 1..=9).map_err(|error| error.details.constraint)
        };
        assert_eq!(take(json!(null)), Ok(None));
        assert_eq!(take(json!(9)), Ok(Some(9)));
        for (value, constraint) in [
            (json!(0), "minimum"),
            (json!(-1), "minimum"),
            (json!(10), "maximum"),
            (json!(1.5), "type"),
            (json!("1"), "type"),
        ] {
            assert_eq!(take(value), Err(Some(constraint)));
        }
    }
}
