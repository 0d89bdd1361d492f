//! What a point of sale may ask for, parsed from JSON into types, field by field.
//!
//! Written by hand, so that `details` names exactly the field, the value and the rule. A field the
//! schema does not know is refused by name: a misspelt `tipAmout` that was ignored would be money
//! lost in silence. `null` in an optional field means that it is absent, since many clients write
//! it so.

use std::collections::BTreeMap;

use iso_currency::Currency;
use serde_json::{Map, Value};
use terminal_host::transaction::{EntryPreference, Kind, Request};

use crate::error::{ApiError, ErrorCode};

/// The longest `referenceId`, in characters.
pub const REFERENCE_CHARS_MAX: usize = 64;
/// The most keys in `metadata`.
pub const METADATA_KEYS_MAX: usize = 20;
/// The longest value, and key, in `metadata`, in characters.
pub const METADATA_CHARS_MAX: usize = 256;
/// The largest amount that fits ISO 8583:1987 field 4 (n12), in minor units.
pub const AMOUNT_MINOR_MAX: u64 = 999_999_999_999;

/// What the terminal allows, against which a request is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowed {
    /// The merchant's ceiling for the whole amount, in minor units.
    pub(crate) amount_minor_max: u64,
    /// ISO 4217 alphabetic codes.
    pub(crate) currencies: Vec<String>,
}

/// Parses the body of `POST /v1/transaction/sale`.
pub(crate) fn parse_sale(body: Value, allowed: &Allowed) -> Result<Request, ApiError> {
    let mut fields = Fields::of(body)?;
    fields.kind(Kind::Sale)?;
    let request = sale_fields(&mut fields, allowed)?;
    if let Some(original) = fields.take("originalTransactionId") {
        return Err(invalid(
            "originalTransactionId",
            "not",
            "A sale refers to no other transaction",
        )
        .value(&original));
    }
    fields.finish()?;
    Ok(request)
}

/// Reads the fields that a sale has, over HTTP and in the session.
pub(crate) fn sale_fields(fields: &mut Fields, allowed: &Allowed) -> Result<Request, ApiError> {
    let amount_minor = fields.required_amount("amount", 1)?;
    let tip_minor = fields.optional_amount("tipAmount")?;
    let cashback_minor = fields.optional_amount("cashbackAmount")?;
    check_ceiling(
        amount_minor,
        tip_minor,
        cashback_minor,
        allowed.amount_minor_max,
    )?;
    Ok(Request {
        kind: Kind::Sale,
        amount_minor,
        tip_minor,
        cashback_minor,
        currency: fields.currency(&allowed.currencies)?,
        entry: fields.entry_preference()?,
        accepts_partial_approval: false,
        reference: fields.reference()?,
        original: None,
        metadata: fields.metadata()?,
    })
}

/// The fields of one JSON object; each is taken once, and none may be left.
#[derive(Debug)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// The fields of `value`, which must be an object.
    pub(crate) fn of(value: Value) -> Result<Self, ApiError> {
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Err(ApiError::new(
                ErrorCode::InvalidRequest,
                "The request must be a JSON object",
            )
            .field("", "type")),
        }
    }

    /// Takes a field out. `null` is absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a field out that must be there.
    pub(crate) fn require(&mut self, name: &'static str) -> Result<Value, ApiError> {
        self.take(name).ok_or_else(|| {
            ApiError::new(
                ErrorCode::MissingField,
                format!("The '{name}' field is required"),
            )
            .field(name, "required")
        })
    }

    /// Refuses a field that nobody took.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, value)) => Err(ApiError::new(
                ErrorCode::InvalidRequest,
                "The request has a field that is not known here",
            )
            .field(name, "additionalProperties")
            .value(&value)),
        }
    }

    fn kind(&mut self, expected: Kind) -> Result<(), ApiError> {
        const FIELD: &str = "type";
        let value = self.require(FIELD)?;
        let kind: Kind = serde_json::from_value(value.clone()).map_err(|_| {
            invalid(FIELD, "enum", "The 'type' field is no kind of transaction").value(&value)
        })?;
        if kind == expected {
            Ok(())
        } else {
            Err(invalid(
                FIELD,
                "const",
                "The 'type' field does not belong to this path",
            )
            .value(&value))
        }
    }

    fn required_amount(&mut self, name: &'static str, minimum: u64) -> Result<u64, ApiError> {
        let value = self.require(name)?;
        parse_amount(name, &value, minimum)
    }

    fn optional_amount(&mut self, name: &'static str) -> Result<u64, ApiError> {
        self.take(name)
            .map_or(Ok(0), |value| parse_amount(name, &value, 0))
    }

    fn currency(&mut self, accepted: &[String]) -> Result<String, ApiError> {
        const FIELD: &str = "currency";
        let value = self.require(FIELD)?;
        let refused = |constraint, message| {
            ApiError::new(ErrorCode::InvalidCurrency, message)
                .field(FIELD, constraint)
                .value(&value)
        };
        let code = value
            .as_str()
            .ok_or_else(|| refused("type", "The 'currency' field must be a string"))?;
        if Currency::from_code(code).is_none() {
            return Err(refused(
                "pattern",
                "The 'currency' field is no ISO 4217 currency code",
            ));
        }
        if !accepted.iter().any(|currency| currency == code) {
            return Err(refused("enum", "The terminal does not take this currency"));
        }
        Ok(code.into())
    }

    fn entry_preference(&mut self) -> Result<EntryPreference, ApiError> {
        const FIELD: &str = "entryMode";
        let Some(value) = self.take(FIELD) else {
            return Ok(EntryPreference::default());
        };
        serde_json::from_value(value.clone()).map_err(|_| {
            invalid(
                FIELD,
                "enum",
                "The 'entryMode' field must be CONTACTLESS, CONTACT or AUTO",
            )
            .value(&value)
        })
    }

    fn reference(&mut self) -> Result<Option<String>, ApiError> {
        const FIELD: &str = "referenceId";
        let Some(value) = self.take(FIELD) else {
            return Ok(None);
        };
        let text = parse_text(FIELD, &value, REFERENCE_CHARS_MAX)?;
        if text.is_empty() {
            return Err(
                invalid(FIELD, "minLength", "The 'referenceId' field is empty").value(&value),
            );
        }
        Ok(Some(text))
    }

    fn metadata(&mut self) -> Result<BTreeMap<String, String>, ApiError> {
        const FIELD: &str = "metadata";
        let Some(value) = self.take(FIELD) else {
            return Ok(BTreeMap::new());
        };
        let Value::Object(members) = value else {
            return Err(
                invalid(FIELD, "type", "The 'metadata' field must be an object").value(&value),
            );
        };
        if members.len() > METADATA_KEYS_MAX {
            return Err(invalid(
                FIELD,
                "maxProperties",
                "The 'metadata' field has over 20 keys",
            )
            .value(&Value::from(members.len())));
        }
        members
            .into_iter()
            .map(|(key, value)| {
                let field = format!("{FIELD}.{key}");
                parse_text(
                    "metadata key",
                    &Value::from(key.as_str()),
                    METADATA_CHARS_MAX,
                )
                .map_err(|mut error| {
                    error.details.field = Some(FIELD.into());
                    error
                })?;
                Ok((key, parse_text(&field, &value, METADATA_CHARS_MAX)?))
            })
            .collect()
    }
}

/// A field that breaks a rule of the schema.
pub(crate) fn invalid(
    field: impl Into<String>,
    constraint: &'static str,
    message: impl Into<String>,
) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, message).field(field, constraint)
}

fn parse_amount(name: &'static str, value: &Value, minimum: u64) -> Result<u64, ApiError> {
    let refused = |constraint, rule: &str| {
        ApiError::new(
            ErrorCode::InvalidAmount,
            format!("The '{name}' field must be {rule}"),
        )
        .field(name, constraint)
        .value(value)
    };
    let number = value
        .as_number()
        .ok_or_else(|| refused("type", "an integer number of minor units"))?;
    if number.as_i64().is_some_and(i64::is_negative) {
        return Err(refused(
            "minimum",
            if minimum == 0 {
                "zero or more"
            } else {
                "a positive integer"
            },
        ));
    }
    match number.as_u64() {
        Some(amount) if amount < minimum => Err(refused("minimum", "a positive integer")),
        Some(amount) if amount > AMOUNT_MINOR_MAX => {
            Err(refused("maximum", "at most 999999999999"))
        }
        Some(amount) => Ok(amount),
        // Beyond 64 bits, or with a fraction: JSON does not tell an integer from a float, the
        // parser does.
        None if number
            .as_f64()
            .is_some_and(|float| float.fract() == 0.0 && float.abs() >= 1e19) =>
        {
            let constraint = if number.as_f64().is_some_and(f64::is_sign_negative) {
                "minimum"
            } else {
                "maximum"
            };
            Err(refused(constraint, "an integer within range"))
        }
        None => Err(refused(
            "type",
            "an integer number of minor units, without a fraction",
        )),
    }
}

/// The card is charged the sum, so the ceiling holds for the sum. The field that goes over it is
/// the one that is named.
fn check_ceiling(amount: u64, tip: u64, cashback: u64, ceiling: u64) -> Result<(), ApiError> {
    let ceiling = ceiling.min(AMOUNT_MINOR_MAX);
    let mut sum: u64 = 0;
    for (name, part) in [
        ("amount", amount),
        ("tipAmount", tip),
        ("cashbackAmount", cashback),
    ] {
        sum = sum.saturating_add(part);
        if sum > ceiling {
            return Err(ApiError::new(
                ErrorCode::InvalidAmount,
                format!("The '{name}' field takes the amount over the merchant's ceiling"),
            )
            .field(name, "maximum")
            .value(&Value::from(part)));
        }
    }
    Ok(())
}

/// A text of a client's that is stored and echoed. Control characters are refused, since it may
/// end on paper, in a terminal window or in a log.
fn parse_text(field: &str, value: &Value, chars_max: usize) -> Result<String, ApiError> {
    let refused = |constraint, rule: &str| {
        invalid(
            field,
            constraint,
            format!("The '{field}' field must {rule}"),
        )
        .value(value)
    };
    let text = value
        .as_str()
        .ok_or_else(|| refused("type", "be a string"))?;
    if text.chars().count() > chars_max {
        return Err(refused(
            "maxLength",
            &format!("have at most {chars_max} characters"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(refused("pattern", "have no control characters"));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn allowed() -> Allowed {
        Allowed {
            amount_minor_max: 100_000,
            currencies: vec!["NZD".into(), "AUD".into()],
        }
    }

    fn with(changes: Value) -> Value {
        let mut body = json!({"type": "SALE", "amount": 2500, "currency": "NZD"});
        let fields = body.as_object_mut().expect("an object");
        let Value::Object(changes) = changes else {
            panic!("an object")
        };
        fields.extend(changes);
        body
    }

    #[test]
    fn a_whole_request_is_read() {
        let body = with(json!({
            "tipAmount": 100, "cashbackAmount": 2000, "entryMode": "CONTACT",
            "referenceId": "POS-1", "metadata": {"till": "3"},
        }));
        let request = parse_sale(body, &allowed()).expect("valid");
        assert_eq!(
            request,
            Request {
                kind: Kind::Sale,
                amount_minor: 2500,
                tip_minor: 100,
                cashback_minor: 2000,
                currency: "NZD".into(),
                entry: EntryPreference::Contact,
                accepts_partial_approval: false,
                reference: Some("POS-1".into()),
                original: None,
                metadata: BTreeMap::from([("till".into(), "3".into())]),
            }
        );
    }

    #[test]
    fn null_in_an_optional_field_is_absent() {
        let body = with(json!({
            "tipAmount": null, "entryMode": null, "metadata": null, "originalTransactionId": null,
        }));
        let request = parse_sale(body, &allowed()).expect("valid");
        assert_eq!(
            (request.tip_minor, request.entry),
            (0, EntryPreference::Auto)
        );
    }

    /// Changes to a valid request that must be refused: the field named, and the rule it broke.
    fn check_refused<const N: usize>(code: ErrorCode, cases: [(Value, &str, &str); N]) {
        for (changes, field, constraint) in cases {
            let error = parse_sale(with(changes.clone()), &allowed()).expect_err("refused");
            let details = &error.details;
            assert_eq!(
                (error.code, details.field.as_deref(), details.constraint),
                (code, Some(field), Some(constraint)),
                "{changes}"
            );
        }
    }

    #[test]
    fn wrong_amounts_are_named_with_their_rule() {
        let cases = [
            (json!({"amount": 0}), "amount", "minimum"),
            (json!({"amount": -1}), "amount", "minimum"),
            (json!({"amount": i64::MIN}), "amount", "minimum"),
            (json!({"amount": 100_001}), "amount", "maximum"),
            (json!({"amount": 1_u64 << 63}), "amount", "maximum"),
            (json!({"amount": u64::MAX}), "amount", "maximum"),
            (json!({"amount": 1e300}), "amount", "maximum"),
            (json!({"amount": -1e300}), "amount", "minimum"),
            (json!({"amount": 25.5}), "amount", "type"),
            (json!({"amount": 2500.0}), "amount", "type"),
            (json!({"amount": "2500"}), "amount", "type"),
            (json!({"amount": [2500]}), "amount", "type"),
            (json!({"tipAmount": -1}), "tipAmount", "minimum"),
            (json!({"tipAmount": 97_501}), "tipAmount", "maximum"),
            (
                json!({"cashbackAmount": u64::MAX}),
                "cashbackAmount",
                "maximum",
            ),
        ];
        check_refused(ErrorCode::InvalidAmount, cases);
    }

    #[test]
    fn wrong_currencies_are_named_with_their_rule() {
        let cases = [
            (json!({"currency": 554}), "currency", "type"),
            (json!({"currency": "nzd"}), "currency", "pattern"),
            (json!({"currency": "XXQ"}), "currency", "pattern"),
            (json!({"currency": "EUR"}), "currency", "enum"),
        ];
        check_refused(ErrorCode::InvalidCurrency, cases);
    }

    #[test]
    fn wrong_required_fields_are_named_with_their_rule() {
        let cases = [
            (json!({"type": null}), "type", "required"),
            (json!({"amount": null}), "amount", "required"),
            (json!({"currency": null}), "currency", "required"),
        ];
        check_refused(ErrorCode::MissingField, cases);
    }

    #[test]
    fn wrong_other_fields_are_named_with_their_rule() {
        let cases = [
            (json!({"type": "SELL"}), "type", "enum"),
            (json!({"type": 1}), "type", "enum"),
            (json!({"type": "REFUND"}), "type", "const"),
            (json!({"entryMode": "SWIPE"}), "entryMode", "enum"),
            (json!({"entryMode": "MAGSTRIPE"}), "entryMode", "enum"),
            (json!({"referenceId": 1}), "referenceId", "type"),
            (json!({"referenceId": ""}), "referenceId", "minLength"),
            (
                json!({"referenceId": "x".repeat(65)}),
                "referenceId",
                "maxLength",
            ),
            (
                json!({"referenceId": "a\u{1b}[2J"}),
                "referenceId",
                "pattern",
            ),
            (json!({"metadata": []}), "metadata", "type"),
            (json!({"metadata": {"a": 1}}), "metadata.a", "type"),
            (
                json!({"metadata": {"a": "x".repeat(257)}}),
                "metadata.a",
                "maxLength",
            ),
            (
                json!({"metadata": {"x".repeat(257): ""}}),
                "metadata",
                "maxLength",
            ),
            (
                json!({"originalTransactionId": "txn_1"}),
                "originalTransactionId",
                "not",
            ),
            (json!({"tipAmout": 100}), "tipAmout", "additionalProperties"),
        ];
        check_refused(ErrorCode::InvalidRequest, cases);
    }

    #[test]
    fn lengths_at_the_limit_are_taken() {
        let keys: Map<String, Value> = (0..METADATA_KEYS_MAX)
            .map(|n| (n.to_string(), "é".repeat(256).into()))
            .collect();
        let body =
            with(json!({"referenceId": "é".repeat(64), "metadata": keys, "amount": 100_000}));
        let request = parse_sale(body, &allowed()).expect("valid");
        assert_eq!(request.metadata.len(), METADATA_KEYS_MAX);

        let keys: Map<String, Value> = (0..=METADATA_KEYS_MAX)
            .map(|n| (n.to_string(), "".into()))
            .collect();
        let error = parse_sale(with(json!({"metadata": keys})), &allowed()).expect_err("refused");
        assert_eq!(error.details.constraint, Some("maxProperties"));
    }

    #[test]
    fn the_ceiling_never_exceeds_the_message_field() {
        let wide = Allowed {
            amount_minor_max: u64::MAX,
            ..allowed()
        };
        let body = with(json!({"amount": AMOUNT_MINOR_MAX, "tipAmount": 1}));
        let error = parse_sale(body, &wide).expect_err("refused");
        assert_eq!(error.details.field.as_deref(), Some("tipAmount"));
    }

    #[test]
    fn only_an_object_is_a_request() {
        for body in [json!(null), json!([]), json!("SALE"), json!(1), json!(true)] {
            let error = parse_sale(body, &allowed()).expect_err("refused");
            assert_eq!(
                (error.code, error.details.constraint),
                (ErrorCode::InvalidRequest, Some("type"))
            );
        }
    }
}
