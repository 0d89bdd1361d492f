//! The decision of the point of sale's acquirer, parsed.

use std::ops::RangeInclusive;

use serde_json::Value;
use terminal_host::{
    parameters::from_hex, point_of_sale::OnlineAnswer, transaction::TransactionId,
};

use crate::{
    error::ApiError,
    fields::{Fields, invalid, transaction_id},
    openapi::schema::Schema,
};

/// The lengths of tag 91 (EMV 4.4 Book 3, Annex A), in bytes.
const AUTHENTICATION_DATA: RangeInclusive<usize> = 8..=16;

/// The longest scripts together, in bytes. EMV 4.4 Book 3, 10.10 asks a terminal for 128 at least.
const SCRIPTS_MAX: usize = 1024;

/// A decision about a transaction.
#[derive(Debug, PartialEq)]
pub(crate) struct Decision {
    pub(crate) id: TransactionId,
    pub(crate) answer: OnlineAnswer,
}

/// Reads a decision, over HTTP and in the session.
pub(crate) fn decision(fields: &mut Fields) -> Result<Decision, ApiError> {
    let id = transaction_id(fields)?;
    let response_code = fields.require("responseCode")?;
    let code = code("responseCode", &response_code, 2..=2)?;
    let authorisation_code = fields
        .take("authorizationCode")
        .map(|value| self::code("authorizationCode", &value, 1..=6))
        .transpose()?;
    Ok(Decision {
        id,
        answer: OnlineAnswer {
            response_code: code,
            authorisation_code,
            issuer_authentication_data: authentication_data(fields)?,
            issuer_scripts: scripts(fields)?,
        },
    })
}

/// A decision, as the documents show it.
pub(crate) fn schema() -> Schema {
    fields(Schema::object(
        "What the point of sale's acquirer answered.",
    ))
    .closed()
}

/// Adds the members of a decision.
pub(crate) fn fields(object: Schema) -> Schema {
    let hex = |description: &str, bytes: RangeInclusive<usize>| {
        Schema::text(description)
            .with("pattern", "^([0-9A-Fa-f]{2})*$")
            .with("minLength", bytes.start().saturating_mul(2))
            .with("maxLength", bytes.end().saturating_mul(2))
            .or_null()
    };
    object
        .required("transactionId", Schema::text("The transaction."))
        .required(
            "responseCode",
            Schema::text("ISO 8583 field 39. `00` approves, and nothing else does.")
                .with("pattern", "^[0-9A-Za-z]{2}$")
                .example("00"),
        )
        .optional(
            "authorizationCode",
            Schema::text("ISO 8583 field 38.")
                .with("pattern", "^[0-9A-Za-z]{1,6}$")
                .or_null(),
        )
        .optional(
            "issuerAuthenticationData",
            hex("The value of tag 91: 8 to 16 bytes.", AUTHENTICATION_DATA),
        )
        .optional(
            "issuerScripts",
            hex(
                "Templates 71 and 72, with tags and lengths, one after the other.",
                0..=SCRIPTS_MAX,
            ),
        )
}

fn code(
    name: &'static str,
    value: &Value,
    lengths: RangeInclusive<usize>,
) -> Result<String, ApiError> {
    let text = value.as_str().ok_or_else(|| type_refused(name, value))?;
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if letters && lengths.contains(&text.len()) {
        return Ok(text.to_owned());
    }
    let (least, most) = (lengths.start(), lengths.end());
    let message = if least == most {
        format!("The '{name}' field must be {most} letters or digits")
    } else {
        format!("The '{name}' field must be {least} to {most} letters or digits")
    };
    Err(invalid(name, "pattern", message).value(value))
}

fn authentication_data(fields: &mut Fields) -> Result<Option<Vec<u8>>, ApiError> {
    const FIELD: &str = "issuerAuthenticationData";
    let Some(value) = fields.take(FIELD) else {
        return Ok(None);
    };
    let bytes = bytes(FIELD, &value)?;
    if AUTHENTICATION_DATA.contains(&bytes.len()) {
        return Ok(Some(bytes));
    }
    let message = "The 'issuerAuthenticationData' field must be 8 to 16 bytes";
    Err(invalid(FIELD, "length", message).value(&value))
}

fn scripts(fields: &mut Fields) -> Result<Vec<u8>, ApiError> {
    const FIELD: &str = "issuerScripts";
    let Some(value) = fields.take(FIELD) else {
        return Ok(Vec::new());
    };
    let bytes = bytes(FIELD, &value)?;
    if bytes.len() > SCRIPTS_MAX {
        let message = "The 'issuerScripts' field has over 1024 bytes";
        return Err(invalid(FIELD, "maxLength", message));
    }
    if are_templates(&bytes) {
        return Ok(bytes);
    }
    let message = "The 'issuerScripts' field must be templates 71 and 72, whole";
    Err(invalid(FIELD, "format", message).value(&value))
}

/// Whether these are templates 71 and 72 one after the other (EMV 4.4 Book 3, 10.10), to the last byte.
fn are_templates(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some((tag, after)) = rest.split_first() {
        let length_and_after = match after.split_first() {
            Some((0x81, after)) => after
                .split_first()
                .map(|(length, after)| (usize::from(*length), after)),
            Some((0x82, [high, low, after @ ..])) => {
                Some((usize::from(u16::from_be_bytes([*high, *low])), after))
            }
            Some((length, after)) if *length < 0x80 => Some((usize::from(*length), after)),
            Some(_) | None => None,
        };
        let after = length_and_after.and_then(|(length, after)| after.get(length..));
        let Some(after) = after.filter(|_| matches!(tag, 0x71 | 0x72)) else {
            return false;
        };
        rest = after;
    }
    true
}

fn bytes(name: &'static str, value: &Value) -> Result<Vec<u8>, ApiError> {
    let text = value.as_str().ok_or_else(|| type_refused(name, value))?;
    from_hex(text).ok_or_else(|| {
        let message = format!("The '{name}' field must be pairs of hexadecimal digits");
        invalid(name, "pattern", message).value(value)
    })
}

fn type_refused(name: &'static str, value: &Value) -> ApiError {
    invalid(name, "type", format!("The '{name}' field must be a string")).value(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "txn_01JQXYZA7B8C9D0E1F2G3H4J5K";

    fn read(mut members: Value) -> Result<Decision, ApiError> {
        members["transactionId"] = ID.into();
        let mut fields = Fields::of(members)?;
        let decision = decision(&mut fields)?;
        fields.finish()?;
        Ok(decision)
    }

    #[test]
    fn a_decision_is_read_whole() {
        let decision = read(json!({
            "responseCode": "00", "authorizationCode": "A12345",
            "issuerAuthenticationData": "0011223344556677",
            "issuerScripts": "7103860184720481028601",
        }))
        .expect("a decision");
        assert_eq!(decision.id.as_str(), ID);
        let answer = decision.answer;
        assert_eq!(answer.response_code, "00");
        assert_eq!(answer.authorisation_code.as_deref(), Some("A12345"));
        let data = answer.issuer_authentication_data.expect("tag 91");
        assert_eq!(
            (data.len(), data.first(), data.last()),
            (8, Some(&0), Some(&0x77))
        );
        assert_eq!(answer.issuer_scripts.len(), 11);
        let least = read(json!({"responseCode": "51"})).expect("a decision");
        assert_eq!(least.answer.issuer_scripts, [0_u8; 0]);
    }

    #[test]
    fn what_is_out_of_form_is_named() {
        for (member, value, constraint) in [
            ("responseCode", json!(null), "required"),
            ("responseCode", json!(0), "type"),
            ("responseCode", json!("0"), "pattern"),
            ("responseCode", json!("0\n"), "pattern"),
            ("authorizationCode", json!("1234567"), "pattern"),
            ("authorizationCode", json!(""), "pattern"),
            ("issuerAuthenticationData", json!("0"), "pattern"),
            ("issuerAuthenticationData", json!("00"), "length"),
            ("issuerAuthenticationData", json!("é".repeat(8)), "pattern"),
            ("issuerScripts", json!("8601"), "format"),
            ("issuerScripts", json!("7102FF"), "format"),
            ("issuerScripts", json!("71"), "format"),
            ("issuerScripts", json!("7181"), "format"),
            ("issuerScripts", json!("00".repeat(1025)), "maxLength"),
            ("more", json!(1), "additionalProperties"),
        ] {
            let mut members = json!({"responseCode": "00"});
            members[member] = value.clone();
            let error = read(members).expect_err("refused");
            let details = &error.details;
            assert_eq!(
                (details.field.as_deref(), details.constraint),
                (Some(member), Some(constraint)),
                "{value}"
            );
        }
    }
}
