//! What a point of sale may ask for, parsed from JSON into types, field by field.
//!
//! Written by hand, so that `details` names exactly the field, the value and the rule. A field the
//! schema does not know is refused by name: a misspelt `tipAmout` that was ignored would be money
//! lost in silence. `null` in an optional field means that it is absent, since many clients write
//! it so.

use serde_json::Value;
use terminal_host::transaction::{EntryPreference, Kind, OnlineDecision, Request};

use crate::{
    error::{ApiError, ErrorCode},
    fields::Fields,
    openapi::schema::Schema,
};

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

/// Parses the body of a request for a transaction of this kind.
pub(crate) fn parse(kind: Kind, body: Value, allowed: &Allowed) -> Result<Request, ApiError> {
    let mut fields = Fields::of(body)?;
    fields.kind(kind)?;
    let request = transaction_fields(&mut fields, kind, OnlineDecision::Acquirer, allowed)?;
    fields.finish()?;
    Ok(request)
}

/// Parses the body of a request for a transaction that the point of sale decides.
pub(crate) fn parse_initiate(body: Value, allowed: &Allowed) -> Result<Request, ApiError> {
    let mut fields = Fields::of(body)?;
    let kind = fields.kind_among(&GRANULAR_KINDS, GRANULAR)?;
    let request = transaction_fields(&mut fields, kind, OnlineDecision::PointOfSale, allowed)?;
    fields.finish()?;
    Ok(request)
}

/// The constraint of what granular mode does not have.
pub(crate) const GRANULAR: &str = "granular";

/// What the point of sale can decide: what reads a card and moves money.
const GRANULAR_KINDS: [Kind; 3] = [Kind::Sale, Kind::PreAuth, Kind::Refund];

/// Reads the fields that a transaction of this kind has, over HTTP and in the session.
pub(crate) fn transaction_fields(
    fields: &mut Fields,
    kind: Kind,
    online_decision: OnlineDecision,
    allowed: &Allowed,
) -> Result<Request, ApiError> {
    let has = |part| has(kind, online_decision, part);
    let amount_minor = if has(Part::Money) {
        fields.required_amount("amount", 1)?
    } else {
        fields.no_amount("amount")?
    };
    let tip_minor = fields.amount_where(has(Part::Tip), "tipAmount")?;
    let cashback_minor = fields.amount_where(has(Part::Cashback), "cashbackAmount")?;
    check_ceiling(
        amount_minor,
        tip_minor,
        cashback_minor,
        allowed.amount_minor_max,
    )?;
    Ok(Request {
        kind,
        amount_minor,
        tip_minor,
        cashback_minor,
        currency: fields.currency(&allowed.currencies)?,
        entry: fields.entry_preference()?,
        online_decision,
        accepts_partial_approval: fields.partial_approval(has(Part::PartialApproval))?,
        reference: fields.reference()?,
        original: fields.original(has(Part::Original))?,
        metadata: fields.metadata()?,
    })
}

/// What a kind of transaction may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A positive amount; without it the amount is zero.
    Money,
    Tip,
    Cashback,
    /// An approval of less.
    PartialApproval,
    /// An earlier transaction that it refers to.
    Original,
}

/// What it may have here. What the point of sale decides is approved whole: it knows what its acquirer
/// approved.
fn has(kind: Kind, online_decision: OnlineDecision, part: Part) -> bool {
    let whole = online_decision == OnlineDecision::PointOfSale && part == Part::PartialApproval;
    parts(kind).contains(&part) && !whole
}

const fn parts(kind: Kind) -> &'static [Part] {
    match kind {
        Kind::Sale => &[
            Part::Money,
            Part::Tip,
            Part::Cashback,
            Part::PartialApproval,
        ],
        Kind::PreAuth => &[Part::Money, Part::PartialApproval],
        Kind::PreAuthComplete => &[Part::Money, Part::Tip, Part::Original],
        Kind::Refund | Kind::Void => &[Part::Money, Part::Original],
        Kind::CardRead | Kind::BalanceInquiry => &[],
    }
}

/// The name of a request's schema, such as `PreAuthRequest`.
pub(crate) fn schema_name(kind: Kind) -> String {
    format!("{kind:?}Request")
}

/// The request for a transaction of this kind, as the documents show it.
pub(crate) fn schema(kind: Kind) -> Schema {
    schema_decided(kind, OnlineDecision::Acquirer)
}

/// The request for a transaction that the point of sale decides.
pub(crate) fn initiate_schema() -> Schema {
    let schema = |kind| schema_decided(kind, OnlineDecision::PointOfSale);
    Schema::one_of(GRANULAR_KINDS.map(schema).into())
}

fn schema_decided(kind: Kind, online_decision: OnlineDecision) -> Schema {
    let described = Schema::object("Amounts in minor units. `null` in an optional field is none.")
        .required(
            "type",
            Schema::constant(serde_json::json!(kind), "The kind of transaction."),
        )
        .required("amount", amount(kind))
        .required("currency", Schema::currency());
    optional_fields(described, kind, online_decision).closed()
}

/// The amount that a transaction of this kind has.
pub(crate) fn amount(kind: Kind) -> Schema {
    if parts(kind).contains(&Part::Money) {
        Schema::integer("Without tip and cashback; at most the merchant's ceiling with them.")
            .with("minimum", 1)
            .with("maximum", AMOUNT_MINOR_MAX)
            .example(2500)
    } else {
        Schema::constant(0, "This transaction moves no money.")
    }
}

/// Adds the fields that a transaction of this kind may have, over HTTP and in the session.
pub(crate) fn optional_fields(
    object: Schema,
    kind: Kind,
    online_decision: OnlineDecision,
) -> Schema {
    const NO_CONTROL: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$";
    let has = |part| has(kind, online_decision, part);
    let part = |possible: bool, description: &str| {
        let schema = if possible {
            Schema::count(description).with("maximum", AMOUNT_MINOR_MAX)
        } else {
            Schema::constant(0, "This transaction has none.")
        };
        schema.or_null()
    };
    let text = |description: &str, chars_max: usize| {
        Schema::text(description)
            .with("maxLength", chars_max)
            .with("pattern", NO_CONTROL)
    };
    let partial = if has(Part::PartialApproval) {
        Schema::boolean("An approval of a smaller amount is taken too.")
    } else {
        Schema::constant(false, "This transaction is approved whole or not at all.")
    };
    let metadata = Schema::open_object("Data of the point of sale, echoed.")
        .with("maxProperties", METADATA_KEYS_MAX)
        .with("propertyNames", text("A key.", METADATA_CHARS_MAX))
        .with("additionalProperties", text("A value.", METADATA_CHARS_MAX));
    let entry = Schema::names::<EntryPreference>("How the card is to be presented; else `AUTO`.");
    let reference = text(
        "The point of sale's own name for it, echoed.",
        REFERENCE_CHARS_MAX,
    )
    .with("minLength", 1)
    .example("POS-INV-20260328-001");
    let described = object
        .optional("tipAmount", part(has(Part::Tip), "The tip."))
        .optional(
            "cashbackAmount",
            part(has(Part::Cashback), "What is handed out."),
        )
        .optional("entryMode", entry.or_null())
        .optional("allowPartialApproval", partial.or_null())
        .optional("referenceId", reference.or_null())
        .optional("metadata", metadata.or_null());
    if has(Part::Original) {
        let original = Schema::text("The `transactionId` of the transaction that it refers to.");
        described.required("originalTransactionId", original)
    } else {
        described
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Map, json};
    use terminal_host::transaction::EntryPreference;

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
        let request = parse(Kind::Sale, body, &allowed()).expect("valid");
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
                online_decision: OnlineDecision::Acquirer,
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
        let request = parse(Kind::Sale, body, &allowed()).expect("valid");
        assert_eq!(
            (request.tip_minor, request.entry),
            (0, EntryPreference::Auto)
        );
    }

    /// Changes to a valid request that must be refused: the field named, and the rule it broke.
    fn check_refused<const N: usize>(code: ErrorCode, cases: [(Value, &str, &str); N]) {
        for (changes, field, constraint) in cases {
            let error = parse(Kind::Sale, with(changes.clone()), &allowed()).expect_err("refused");
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
            (
                json!({"allowPartialApproval": 1}),
                "allowPartialApproval",
                "type",
            ),
            (json!({"tipAmout": 100}), "tipAmout", "additionalProperties"),
        ];
        check_refused(ErrorCode::InvalidRequest, cases);
    }

    #[test]
    fn each_kind_has_its_own_fields() {
        const ORIGINAL: &str = "txn_01JQXYZA7B8C9D0E1F2G3H4J5K";
        let kinds = [
            (Kind::Sale, 2500, false),
            (Kind::PreAuth, 2500, false),
            (Kind::PreAuthComplete, 2500, true),
            (Kind::Refund, 2500, true),
            (Kind::Void, 2500, true),
            (Kind::CardRead, 0, false),
            (Kind::BalanceInquiry, 0, false),
        ];
        for (kind, amount, refers) in kinds {
            let body = |changes: Value| {
                let mut body = with(changes);
                body["type"] = serde_json::to_value(kind).expect("a text");
                if body["amount"] == 2500 {
                    body["amount"] = amount.into();
                }
                if refers && body.get("originalTransactionId").is_none() {
                    body["originalTransactionId"] = ORIGINAL.into();
                }
                parse(kind, body, &allowed())
            };
            let request = body(json!({"tipAmount": 0, "cashbackAmount": 0})).expect("valid");
            assert_eq!(request.original.is_some(), refers, "{kind:?}");
            assert_eq!(request.amount_minor, amount);
            // Zero where there is an amount, and one where there is none.
            let other = u64::from(amount == 0);
            let error = body(json!({"amount": other})).expect_err("refused");
            assert_eq!(error.code, ErrorCode::InvalidAmount, "{kind:?}");
            for (field, kinds) in [
                ("tipAmount", &[Kind::Sale, Kind::PreAuthComplete][..]),
                ("cashbackAmount", &[Kind::Sale]),
            ] {
                let taken = body(json!({field: 1})).is_ok();
                assert_eq!(taken, kinds.contains(&kind), "{kind:?} {field}");
            }
            let partial = body(json!({"allowPartialApproval": true})).is_ok();
            let possible = matches!(kind, Kind::Sale | Kind::PreAuth);
            assert_eq!(partial, possible, "{kind:?}");
            if refers {
                let error = body(json!({"originalTransactionId": null})).expect_err("refused");
                assert_eq!(error.code, ErrorCode::MissingField, "{kind:?}");
                let error = body(json!({"originalTransactionId": "txn_1"})).expect_err("refused");
                assert_eq!(error.code, ErrorCode::NotFound, "{kind:?}");
            }
        }
    }

    #[test]
    fn lengths_at_the_limit_are_taken() {
        let keys: Map<String, Value> = (0..METADATA_KEYS_MAX)
            .map(|n| (n.to_string(), "é".repeat(256).into()))
            .collect();
        let body =
            with(json!({"referenceId": "é".repeat(64), "metadata": keys, "amount": 100_000}));
        let request = parse(Kind::Sale, body, &allowed()).expect("valid");
        assert_eq!(request.metadata.len(), METADATA_KEYS_MAX);

        let keys: Map<String, Value> = (0..=METADATA_KEYS_MAX)
            .map(|n| (n.to_string(), "".into()))
            .collect();
        let error =
            parse(Kind::Sale, with(json!({"metadata": keys})), &allowed()).expect_err("refused");
        assert_eq!(error.details.constraint, Some("maxProperties"));
    }

    #[test]
    fn the_ceiling_never_exceeds_the_message_field() {
        let wide = Allowed {
            amount_minor_max: u64::MAX,
            ..allowed()
        };
        let body = with(json!({"amount": AMOUNT_MINOR_MAX, "tipAmount": 1}));
        let error = parse(Kind::Sale, body, &wide).expect_err("refused");
        assert_eq!(error.details.field.as_deref(), Some("tipAmount"));
    }

    #[test]
    fn only_an_object_is_a_request() {
        for body in [json!(null), json!([]), json!("SALE"), json!(1), json!(true)] {
            let error = parse(Kind::Sale, body, &allowed()).expect_err("refused");
            assert_eq!(
                (error.code, error.details.constraint),
                (ErrorCode::InvalidRequest, Some("type"))
            );
        }
    }
}
