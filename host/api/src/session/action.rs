//! What a client of a session may ask for.

use serde_json::Value;
use terminal_host::{
    service::Text,
    transaction::{Kind, OnlineDecision, Request, TransactionId},
};

use crate::{
    device::{self, InputRequest},
    error::ApiError,
    fields::{Fields, invalid, transaction_id},
    granular::{self, Decision},
    idempotency,
    openapi::schema::Schema,
    request::{self, Allowed},
};

/// The member that does what the header Idempotency-Key does over HTTP.
const IDEMPOTENCY_KEY: &str = "idempotencyKey";

/// The action that only keeps a session alive.
pub(crate) const PING: &str = "ping";

/// One action.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    /// Starts a transaction.
    Start(Box<Starting>),
    /// Aborts a transaction.
    Abort(TransactionId),
    /// Decides a transaction.
    Complete(Box<Decision>),
    /// Shows a text.
    Display(Text),
    /// Asks the cardholder.
    Input(InputRequest),
    /// Asks whether the session lives: a page in a browser cannot see the pings of the protocol.
    Ping,
}

/// A transaction that is to be started.
#[derive(Debug, PartialEq)]
pub(super) struct Starting {
    pub(super) request: Request,
    /// The Idempotency-Key, and the request as it would be asked for over HTTP: an action that is
    /// repeated there with the same key is the same request.
    pub(super) once: Option<(String, Value)>,
}

/// Parses one message. The fields of a transaction are those of the HTTP request, without `type`.
pub(super) fn parse(message: Value, allowed: &Allowed) -> Result<Action, ApiError> {
    const FIELD: &str = "action";
    let over_http = message.clone();
    let mut fields = Fields::of(message)?;
    let name = fields.require(FIELD)?;
    let action = match name.as_str() {
        Some("sale") => start(&mut fields, over_http, Kind::Sale, allowed)?,
        Some("pre_auth") => start(&mut fields, over_http, Kind::PreAuth, allowed)?,
        Some("card_read") => {
            // The reference asks for no amount and no currency here.
            fields.assume("amount", &Value::from(0));
            let usual = allowed.currencies.first().cloned().unwrap_or_default();
            fields.assume("currency", &Value::from(usual));
            start(&mut fields, over_http, Kind::CardRead, allowed)?
        }
        Some("abort") => Action::Abort(transaction_id(&mut fields)?),
        Some(PING) => Action::Ping,
        Some("complete") => Action::Complete(Box::new(granular::decision(&mut fields)?)),
        Some("display") => Action::Display(device::display_fields(&mut fields)?),
        Some("input") => Action::Input(device::input_fields(&mut fields)?),
        Some(_) | None => {
            return Err(invalid(
                FIELD,
                "enum",
                "The 'action' field is no action of a session",
            )
            .value(&name));
        }
    };
    fields.finish()?;
    Ok(action)
}

/// What a message with this action holds, as the documents show it. `None` when there is no such
/// action.
pub(crate) fn schema(action: &str) -> Option<Schema> {
    let named = |description: &str| {
        Schema::object(description).required("action", Schema::constant(action, "The action."))
    };
    let starting = |object: Schema, kind| {
        let granular = if kind == Kind::CardRead {
            Schema::constant(false, "Nothing is decided of a card that is only read.")
        } else {
            Schema::boolean("The point of sale decides: see `online_authorization`.")
        };
        request::optional_fields(object, kind, OnlineDecision::Acquirer)
            .optional("granular", granular.or_null())
            .optional(IDEMPOTENCY_KEY, idempotency::schema().or_null())
            .closed()
    };
    let money = |kind, description: &str| {
        let object = named(description)
            .required("amount", request::amount(kind))
            .required("currency", Schema::currency());
        starting(object, kind)
    };
    match action {
        "sale" => Some(money(Kind::Sale, "Starts a sale.")),
        "pre_auth" => Some(money(Kind::PreAuth, "Reserves an amount.")),
        "card_read" => {
            let object = named("Reads a card, and takes no money.")
                .optional("amount", request::amount(Kind::CardRead).or_null())
                .optional("currency", Schema::currency().or_null());
            Some(starting(object, Kind::CardRead))
        }
        "abort" => Some(
            named("Aborts the running transaction.")
                .required("transactionId", Schema::text("The transaction."))
                .closed(),
        ),
        "complete" => Some(
            granular::decision_fields(named("Decides a transaction in granular mode.")).closed(),
        ),
        PING => Some(named("Is answered with `pong`.").closed()),
        "display" => Some(device::display_action_schema(named("Shows a text."))),
        "input" => Some(device::input_action_schema(named(
            "Asks the cardholder. The answer comes as `input_result`; the session ends the question \
             when it closes.",
        ))),
        _ => None,
    }
}

fn start(
    fields: &mut Fields,
    mut over_http: Value,
    kind: Kind,
    allowed: &Allowed,
) -> Result<Action, ApiError> {
    let online_decision = online_decision(fields, kind)?;
    let key = fields.take(IDEMPOTENCY_KEY);
    let request = request::transaction_fields(fields, kind, online_decision, allowed)?;
    if let Some(members) = over_http.as_object_mut() {
        for member in ["action", "granular", IDEMPOTENCY_KEY] {
            members.remove(member);
        }
        members.insert(
            "type".into(),
            serde_json::to_value(kind).unwrap_or_default(),
        );
    }
    let once = match key {
        None => None,
        Some(Value::String(key)) => Some((key, over_http)),
        Some(value) => {
            let message = "The 'idempotencyKey' field must be a string";
            return Err(invalid(IDEMPOTENCY_KEY, "type", message).value(&value));
        }
    };
    Ok(Action::Start(Box::new(Starting { request, once })))
}

/// Who decides. A card that is only read is decided by nobody.
fn online_decision(fields: &mut Fields, kind: Kind) -> Result<OnlineDecision, ApiError> {
    const FIELD: &str = "granular";
    match fields.take(FIELD) {
        None | Some(Value::Bool(false)) => Ok(OnlineDecision::Acquirer),
        Some(Value::Bool(true)) if kind != Kind::CardRead => Ok(OnlineDecision::PointOfSale),
        Some(value @ Value::Bool(true)) => Err(invalid(
            FIELD,
            "const",
            "Nothing is decided of a card that is only read",
        )
        .value(&value)),
        Some(value) => {
            Err(invalid(FIELD, "type", "The 'granular' field must be a boolean").value(&value))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use terminal_host::transaction::Kind;

    use super::*;
    use crate::error::ErrorCode;

    const ID: &str = "txn_01JQXYZA7B8C9D0E1F2G3H4J5K";

    fn allowed() -> Allowed {
        Allowed {
            amount_minor_max: 100_000,
            currencies: vec!["NZD".into()],
        }
    }

    #[test]
    fn the_references_sale_is_read() {
        let message =
            json!({"action": "sale", "amount": 2500, "currency": "NZD", "granular": false});
        let Ok(Action::Start(starting)) = parse(message, &allowed()) else {
            panic!("a sale")
        };
        let Starting { request, once } = *starting;
        assert_eq!((request.kind, request.amount_minor), (Kind::Sale, 2500));
        assert_eq!(once, None);
    }

    #[test]
    fn other_kinds_are_started_alike() {
        for (message, kind) in [
            (
                json!({"action": "pre_auth", "amount": 2500, "currency": "NZD"}),
                Kind::PreAuth,
            ),
            (json!({"action": "card_read"}), Kind::CardRead),
            (
                json!({"action": "card_read", "amount": 0, "currency": "NZD"}),
                Kind::CardRead,
            ),
        ] {
            let Ok(Action::Start(starting)) = parse(message, &allowed()) else {
                panic!("{kind:?}")
            };
            let request = starting.request;
            assert_eq!((request.kind, request.currency.as_str()), (kind, "NZD"));
        }
        let amount = json!({"action": "card_read", "amount": 1});
        let error = parse(amount, &allowed()).expect_err("refused");
        assert_eq!(error.code, ErrorCode::InvalidAmount);
    }

    #[test]
    fn an_action_with_a_key_is_the_request_of_http_with_that_key() {
        let message = json!({
            "action": "sale", "granular": false, "amount": 2500, "currency": "NZD",
            "idempotencyKey": "one",
        });
        let Ok(Action::Start(starting)) = parse(message, &allowed()) else {
            panic!("a sale")
        };
        let over_http = json!({"type": "SALE", "amount": 2500, "currency": "NZD"});
        assert_eq!(starting.once, Some(("one".to_owned(), over_http)));
        let number = json!({"action": "card_read", "idempotencyKey": 1});
        check_refused([(number, ErrorCode::InvalidRequest, "idempotencyKey", "type")]);
    }

    #[test]
    fn an_abort_is_read() {
        let message = json!({"action": "abort", "transactionId": ID});
        let id = TransactionId::parse(ID).expect("an id");
        assert_eq!(parse(message, &allowed()), Ok(Action::Abort(id)));
    }

    /// Messages that must be refused: the field named, and the rule it broke.
    fn check_refused<const N: usize>(cases: [(Value, ErrorCode, &str, &str); N]) {
        for (message, code, field, constraint) in cases {
            let error = parse(message.clone(), &allowed()).expect_err("refused");
            let details = &error.details;
            assert_eq!(
                (error.code, details.field.as_deref(), details.constraint),
                (code, Some(field), Some(constraint)),
                "{message}"
            );
        }
    }

    #[test]
    fn wrong_actions_are_named() {
        use ErrorCode::{InvalidRequest, MissingField};
        check_refused([
            (json!([]), InvalidRequest, "", "type"),
            (json!({}), MissingField, "action", "required"),
            (json!({"action": 1}), InvalidRequest, "action", "enum"),
            (json!({"action": "SALE"}), InvalidRequest, "action", "enum"),
            (
                json!({"action": "refund"}),
                InvalidRequest,
                "action",
                "enum",
            ),
        ]);
        let complete = json!({"action": "complete", "transactionId": ID});
        check_refused([(complete, MissingField, "responseCode", "required")]);
    }

    #[test]
    fn a_text_and_a_question_have_the_fields_of_their_requests() {
        use ErrorCode::{InvalidRequest, MissingField};
        let display = json!({"action": "display", "lines": [{"text": "Thanks"}]});
        let action = parse(display, &allowed());
        assert!(matches!(action, Ok(Action::Display(_))), "{action:?}");
        let input = json!({"action": "input", "prompt": "Receipt?", "inputType": "YES_NO"});
        let action = parse(input, &allowed());
        assert!(matches!(action, Ok(Action::Input(_))), "{action:?}");
        check_refused([
            (
                json!({"action": "display"}),
                MissingField,
                "lines",
                "required",
            ),
            (
                json!({"action": "input", "prompt": "PIN?", "inputType": "NUMERIC"}),
                InvalidRequest,
                "prompt",
                "secret",
            ),
            (
                json!({"action": "input", "prompt": "?", "inputType": "YES_NO", "amount": 1}),
                InvalidRequest,
                "amount",
                "additionalProperties",
            ),
        ]);
    }

    #[test]
    fn wrong_fields_of_a_sale_are_named() {
        use ErrorCode::{InvalidAmount, InvalidRequest, MissingField};
        let typed = json!({"action": "sale", "amount": 1, "currency": "NZD", "type": "SALE"});
        check_refused([
            (
                json!({"action": "sale"}),
                MissingField,
                "amount",
                "required",
            ),
            (
                json!({"action": "sale", "amount": 0}),
                InvalidAmount,
                "amount",
                "minimum",
            ),
            (
                json!({"action": "card_read", "granular": true}),
                InvalidRequest,
                "granular",
                "const",
            ),
            (
                json!({
                    "action": "sale", "granular": true, "amount": 1, "currency": "NZD",
                    "allowPartialApproval": true,
                }),
                InvalidRequest,
                "allowPartialApproval",
                "not",
            ),
            (
                json!({"action": "sale", "granular": "no"}),
                InvalidRequest,
                "granular",
                "type",
            ),
            (typed, InvalidRequest, "type", "additionalProperties"),
        ]);
    }

    #[test]
    fn wrong_fields_of_an_abort_are_named() {
        use ErrorCode::{InvalidRequest, MissingField, NotFound};
        let more = json!({"action": "abort", "transactionId": ID, "amount": 1});
        let number = json!({"action": "abort", "transactionId": 1});
        let short = json!({"action": "abort", "transactionId": "1"});
        check_refused([
            (
                json!({"action": "abort"}),
                MissingField,
                "transactionId",
                "required",
            ),
            (number, InvalidRequest, "transactionId", "type"),
            (short, NotFound, "transactionId", "exists"),
            (more, InvalidRequest, "amount", "additionalProperties"),
        ]);
    }
}
