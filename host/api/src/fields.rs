//! The fields of a JSON object, taken one by one. `null` is an absent field.

use std::collections::BTreeMap;

use iso_currency::Currency;
use serde_json::{Map, Value};
use terminal_host::transaction::{EntryPreference, Kind, TransactionId};

use crate::{
    error::{ApiError, ErrorCode, original_unknown, transaction_unknown},
    request::{AMOUNT_MINOR_MAX, METADATA_CHARS_MAX, METADATA_KEYS_MAX, REFERENCE_CHARS_MAX},
};

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

    /// Puts a field in that was left out.
    pub(crate) fn assume(&mut self, name: &str, value: &Value) {
        let field = self.0.entry(name).or_insert(Value::Null);
        if field.is_null() {
            field.clone_from(value);
        }
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

    /// Takes one of these kinds of transaction out.
    pub(crate) fn kind_among(
        &mut self,
        possible: &[Kind],
        constraint: &'static str,
    ) -> Result<Kind, ApiError> {
        const FIELD: &str = "type";
        let value = self.require(FIELD)?;
        let kind: Kind = serde_json::from_value(value.clone()).map_err(|_| {
            invalid(FIELD, "enum", "The 'type' field is no kind of transaction").value(&value)
        })?;
        if possible.contains(&kind) {
            Ok(kind)
        } else {
            let message = "The 'type' field does not belong to this path";
            Err(invalid(FIELD, constraint, message).value(&value))
        }
    }

    pub(crate) fn kind(&mut self, expected: Kind) -> Result<(), ApiError> {
        self.kind_among(&[expected], "const").map(|_| ())
    }

    pub(crate) fn required_amount(
        &mut self,
        name: &'static str,
        minimum: u64,
    ) -> Result<u64, ApiError> {
        let value = self.require(name)?;
        parse_amount(name, &value, minimum)
    }

    /// An amount where there can be none: zero, or left out.
    pub(crate) fn no_amount(&mut self, name: &'static str) -> Result<u64, ApiError> {
        let value = self.require(name)?;
        match parse_amount(name, &value, 0)? {
            0 => Ok(0),
            _ => Err(ApiError::new(
                ErrorCode::InvalidAmount,
                format!("The '{name}' field must be 0: this transaction moves no money"),
            )
            .field(name, "const")
            .value(&value)),
        }
    }

    /// An amount that only some kinds have. Zero says that there is none.
    pub(crate) fn amount_where(
        &mut self,
        possible: bool,
        name: &'static str,
    ) -> Result<u64, ApiError> {
        let Some(value) = self.take(name) else {
            return Ok(0);
        };
        match parse_amount(name, &value, 0)? {
            amount if possible || amount == 0 => Ok(amount),
            _ => Err(ApiError::new(
                ErrorCode::InvalidAmount,
                format!("The '{name}' field has no place in a transaction of this type"),
            )
            .field(name, "not")
            .value(&value)),
        }
    }

    pub(crate) fn partial_approval(&mut self, possible: bool) -> Result<bool, ApiError> {
        const FIELD: &str = "allowPartialApproval";
        match self.take(FIELD) {
            None | Some(Value::Bool(false)) => Ok(false),
            Some(Value::Bool(true)) if possible => Ok(true),
            Some(value @ Value::Bool(true)) => Err(invalid(
                FIELD,
                "not",
                "A transaction of this type is approved whole or not at all",
            )
            .value(&value)),
            Some(value) => Err(invalid(
                FIELD,
                "type",
                "The 'allowPartialApproval' field must be true or false",
            )
            .value(&value)),
        }
    }

    pub(crate) fn original(&mut self, needed: bool) -> Result<Option<TransactionId>, ApiError> {
        const FIELD: &str = "originalTransactionId";
        if !needed {
            return match self.take(FIELD) {
                None => Ok(None),
                Some(value) => Err(invalid(
                    FIELD,
                    "not",
                    "A transaction of this type refers to no other transaction",
                )
                .value(&value)),
            };
        }
        let value = self.require(FIELD)?;
        let text = value.as_str().ok_or_else(|| {
            invalid(
                FIELD,
                "type",
                "The 'originalTransactionId' field must be a string",
            )
            .value(&value)
        })?;
        match TransactionId::parse(text) {
            Some(id) => Ok(Some(id)),
            None => Err(original_unknown(&value)),
        }
    }

    pub(crate) fn currency(&mut self, accepted: &[String]) -> Result<String, ApiError> {
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

    pub(crate) fn entry_preference(&mut self) -> Result<EntryPreference, ApiError> {
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

    pub(crate) fn reference(&mut self) -> Result<Option<String>, ApiError> {
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

    pub(crate) fn metadata(&mut self) -> Result<BTreeMap<String, String>, ApiError> {
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

/// Takes the name of a transaction out.
pub(crate) fn transaction_id(fields: &mut Fields) -> Result<TransactionId, ApiError> {
    const FIELD: &str = "transactionId";
    let value = fields.require(FIELD)?;
    let text = value.as_str().ok_or_else(|| {
        invalid(FIELD, "type", "The 'transactionId' field must be a string").value(&value)
    })?;
    TransactionId::parse(text).ok_or_else(|| transaction_unknown(text))
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
