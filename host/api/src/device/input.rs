//! Questions to the cardholder.

use std::time::Duration;

use axum::{
    Extension,
    extract::{Request, State},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use terminal_host::{
    input::{
        EMAIL_ANSWER_CHARS_MAX, Form, Lengths, NUMERIC_ANSWER_CHARS_MAX, OPTION_CHARS_MAX,
        OPTIONS_MAX, OPTIONS_MIN, PHONE_ANSWER_CHARS_MAX, PROMPT_CHARS_MAX, Question,
        QuestionRefused, TEXT_ANSWER_CHARS_MAX,
    },
    service::Reply,
};

use super::{json, lines, refused};
use crate::{
    answer::Json,
    error::{ApiError, ErrorCode},
    fields::{Fields, invalid},
    guard::Admitted,
    idempotency,
    once::{self, Alone},
    openapi::{
        exchange::Exchange,
        schema::{Described, Schema},
    },
    router::Api,
    server,
};

/// How long an answer is waited for, in milliseconds: the reference's bounds, and what is usual. The
/// reference's clients wait for 90 seconds.
const TIMEOUT_MS_MIN: u64 = 1000;
const TIMEOUT_MS_MAX: u64 = 120_000;
const TIMEOUT_MS: u64 = 60_000;

/// The reference's forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum InputType {
    Text,
    Numeric,
    Email,
    Phone,
    Selection,
    YesNo,
    Rating,
}

/// The form with these lengths.
type FormOf = fn(Lengths) -> Form;

impl InputType {
    /// How a typed answer is bounded; `None` where nothing is typed.
    fn typed(self) -> Option<(usize, FormOf)> {
        match self {
            Self::Text => Some((TEXT_ANSWER_CHARS_MAX, Form::Text)),
            Self::Numeric => Some((NUMERIC_ANSWER_CHARS_MAX, Form::Numeric)),
            Self::Email => Some((EMAIL_ANSWER_CHARS_MAX, Form::Email)),
            Self::Phone => Some((PHONE_ANSWER_CHARS_MAX, Form::Phone)),
            Self::Selection | Self::YesNo | Self::Rating => None,
        }
    }
}

/// A question, and how long its answer is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InputRequest {
    question: Question,
    time_max: Duration,
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InputResponse {
    value: Option<String>,
    cancelled: bool,
    timed_out: bool,
}

impl From<Reply> for InputResponse {
    fn from(reply: Reply) -> Self {
        let (cancelled, timed_out) = (reply == Reply::Cancelled, reply == Reply::TimedOut);
        let value = match reply {
            Reply::Answered(value) => Some(value),
            Reply::Cancelled | Reply::TimedOut => None,
        };
        Self {
            value,
            cancelled,
            timed_out,
        }
    }
}

impl InputResponse {
    /// Adds the members of the answer.
    pub(crate) fn describe(object: Schema) -> Schema {
        object
            .required(
                "value",
                Schema::text(
                    "The answer: what was typed, the option, `YES` or `NO`, `1` to `5`. A telephone \
                     number has digits only, after a plus sign when it was typed.",
                )
                .or_null(),
            )
            .required(
                "cancelled",
                Schema::boolean("The cardholder cancelled, or a transaction began."),
            )
            .required("timedOut", Schema::boolean("Nobody answered in time."))
    }
}

impl Described for InputResponse {
    const NAME: &'static str = "InputResponse";

    fn schema() -> Schema {
        Self::describe(Schema::object("What became of a question."))
    }
}

/// What [`input`] takes and answers.
pub(crate) fn exchange() -> Exchange {
    let request = Schema::object("A question to the cardholder. Never about a PIN or a card.");
    Exchange::answers::<InputResponse>()
        .takes("InputRequest", members(request))
        .once()
        .refuses(&[ErrorCode::TerminalBusy, ErrorCode::TerminalUnavailable])
}

fn members(object: Schema) -> Schema {
    let length = |description: &str| {
        Schema::count(description)
            .with("maximum", EMAIL_ANSWER_CHARS_MAX)
            .or_null()
    };
    let option = lines::printable(OPTION_CHARS_MAX, "An option.").with("minLength", 1);
    object
        .required(
            "prompt",
            lines::printable(
                PROMPT_CHARS_MAX,
                "What is asked. What mentions a PIN, a password or a card's data is refused with the \
                 constraint `secret`.",
            )
            .with("minLength", 1)
            .example("Your e-mail address for the receipt?"),
        )
        .required(
            "inputType",
            Schema::names::<InputType>("The form of the answer."),
        )
        .optional(
            "options",
            Schema::list(option, "For `SELECTION`, and only there: what can be chosen.")
                .with("minItems", OPTIONS_MIN)
                .with("maxItems", OPTIONS_MAX)
                .with("uniqueItems", true)
                .or_null(),
        )
        .optional(
            "minLength",
            length(
                "For `TEXT`, `NUMERIC`, `EMAIL`, `PHONE`, and only there: the fewest characters of \
                 the answer; else 1.",
            ),
        )
        .optional(
            "maxLength",
            length(&format!(
                "The most characters; at most, and else, {TEXT_ANSWER_CHARS_MAX} for `TEXT`, \
                 {NUMERIC_ANSWER_CHARS_MAX} for `NUMERIC`, {EMAIL_ANSWER_CHARS_MAX} for `EMAIL`, \
                 {PHONE_ANSWER_CHARS_MAX} for `PHONE`.",
            ))
            .with("minimum", 1),
        )
        .optional(
            "timeoutMs",
            Schema::integer("How long the answer is waited for, in milliseconds; else 60000.")
                .with("minimum", TIMEOUT_MS_MIN)
                .with("maximum", TIMEOUT_MS_MAX)
                .or_null(),
        )
        .with("allOf", conditions())
        .closed()
}

/// Which members belong to which form, and the most characters of its answer.
fn conditions() -> Vec<Value> {
    let typed = [
        InputType::Text,
        InputType::Numeric,
        InputType::Email,
        InputType::Phone,
    ];
    let none = || serde_json::json!({"type": "null"});
    let when = |names: Vec<Value>, then: Value| {
        let form = serde_json::json!({"properties": {"inputType": {"enum": names}}});
        serde_json::json!({"if": form, "then": then})
    };
    let most = typed.into_iter().filter_map(|form| {
        let most = serde_json::json!({"maximum": form.typed()?.0});
        let lengths = serde_json::json!({"properties": {"minLength": most, "maxLength": most}});
        Some(when(vec![json(&form)], lengths))
    });
    let choice = vec![json(&InputType::Selection)];
    let asks = serde_json::json!({
        "required": ["options"], "properties": {"options": {"type": "array"}},
    });
    let nothing_typed = [InputType::Selection, InputType::YesNo, InputType::Rating];
    let no_choice = [InputType::YesNo, InputType::Rating]
        .into_iter()
        .chain(typed);
    most.chain([
        when(choice, asks),
        when(
            no_choice.map(|form| json(&form)).collect(),
            serde_json::json!({"properties": {"options": none()}}),
        ),
        when(
            nothing_typed.map(|form| json(&form)).into(),
            serde_json::json!({"properties": {"minLength": none(), "maxLength": none()}}),
        ),
    ])
    .collect()
}

/// The action of a session, as the documents show it.
pub(crate) fn action_schema(action: Schema) -> Schema {
    members(action)
}

/// Reads the fields that a question has, over HTTP and in the session.
pub(crate) fn fields(fields: &mut Fields) -> Result<InputRequest, ApiError> {
    let prompt = prompt(fields)?;
    let form = form(fields)?;
    let bounds = TIMEOUT_MS_MIN..=TIMEOUT_MS_MAX;
    let timeout = lines::integer(fields, "timeoutMs", bounds)?.unwrap_or(TIMEOUT_MS);
    Ok(InputRequest {
        question: Question::new(prompt, form).map_err(question_refused)?,
        time_max: Duration::from_millis(timeout),
    })
}

fn prompt(fields: &mut Fields) -> Result<String, ApiError> {
    const FIELD: &str = "prompt";
    let value = fields.require(FIELD)?;
    let text = lines::line_of_text(FIELD, &value, PROMPT_CHARS_MAX)?;
    if text.trim().is_empty() {
        return Err(invalid(FIELD, "minLength", "The 'prompt' field is empty"));
    }
    Ok(text)
}

fn form(fields: &mut Fields) -> Result<Form, ApiError> {
    const FIELD: &str = "inputType";
    let value = fields.require(FIELD)?;
    let input_type: InputType = serde_json::from_value(value.clone()).map_err(|_| {
        invalid(
            FIELD,
            "enum",
            "The 'inputType' field is no form of an answer",
        )
        .value(&value)
    })?;
    let options = options(fields, input_type == InputType::Selection)?;
    let (min, max) = lengths(fields, input_type)?;
    Ok(match input_type.typed() {
        Some((_, form)) => form(Lengths { min, max }),
        None if input_type == InputType::YesNo => Form::YesNo,
        None if input_type == InputType::Rating => Form::Rating,
        None => Form::Selection(options),
    })
}

fn options(fields: &mut Fields, belong: bool) -> Result<Vec<String>, ApiError> {
    const FIELD: &str = "options";
    if !belong {
        return match fields.take(FIELD) {
            None => Ok(Vec::new()),
            Some(_) => Err(invalid(FIELD, "not", "Only a SELECTION has options")),
        };
    }
    let Value::Array(items) = fields.require(FIELD)? else {
        return Err(invalid(
            FIELD,
            "type",
            "The 'options' field must be a list of strings",
        ));
    };
    let count = Value::from(items.len());
    if items.len() < OPTIONS_MIN {
        return Err(invalid(FIELD, "minItems", "A choice has two options or more").value(&count));
    }
    if items.len() > OPTIONS_MAX {
        return Err(invalid(FIELD, "maxItems", "There are too many options").value(&count));
    }
    let mut options: Vec<String> = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        let field = format!("{FIELD}[{place}]");
        let option = lines::line_of_text(&field, item, OPTION_CHARS_MAX)?;
        if option.trim().is_empty() {
            return Err(invalid(field, "minLength", "An option is empty"));
        }
        if options.contains(&option) {
            return Err(invalid(FIELD, "uniqueItems", "An option is there twice"));
        }
        options.push(option);
    }
    Ok(options)
}

fn lengths(fields: &mut Fields, input_type: InputType) -> Result<(usize, usize), ApiError> {
    const MIN: &str = "minLength";
    const MAX: &str = "maxLength";
    let Some((most, _)) = input_type.typed() else {
        for field in [MIN, MAX] {
            if fields.take(field).is_some() {
                let message = format!("The '{field}' field has no place where nothing is typed");
                return Err(invalid(field, "not", message));
            }
        }
        return Ok((0, 0));
    };
    let bound = u64::try_from(most).unwrap_or(u64::MAX);
    let min = lines::integer(fields, MIN, 0..=bound)?;
    let max = lines::integer(fields, MAX, 1..=bound)?.unwrap_or(bound);
    let min = min.unwrap_or_else(|| max.min(1));
    if min > max {
        return Err(invalid(
            MIN,
            "maximum",
            "The 'minLength' field is above 'maxLength': no answer would be taken",
        )
        .value(&Value::from(min)));
    }
    let size = |number| usize::try_from(number).unwrap_or(most);
    Ok((size(min), size(max)))
}

/// What is left for the host to refuse, whose rule it is.
fn question_refused(refusal: QuestionRefused) -> ApiError {
    let (field, constraint, message) = match refusal {
        QuestionRefused::Secret => (
            "prompt",
            "secret",
            "No point of sale may ask for a PIN, a password or a card's data",
        ),
        QuestionRefused::Prompt => ("prompt", "pattern", "The 'prompt' field cannot be shown"),
        QuestionRefused::Options => ("options", "items", "The 'options' field cannot be shown"),
        QuestionRefused::Lengths => ("minLength", "maximum", "No answer would be taken"),
    };
    invalid(field, constraint, message)
}

impl InputRequest {
    /// Asks, and waits for the answer. Dropping the future ends the question, and so does the end of
    /// the terminal.
    pub(crate) async fn ask(self, api: Api) -> Result<InputResponse, ApiError> {
        let mut shutdown = api.shutdown.clone();
        tokio::select! {
            reply = api.terminal.ask(self.question, self.time_max) => {
                reply.map(InputResponse::from).map_err(|error| refused(&api, error))
            }
            () = server::requested(&mut shutdown) => Err(ApiError::new(
                ErrorCode::TerminalUnavailable,
                "The terminal is shutting down",
            )),
        }
    }
}

/// `POST /v1/device/input`: answers when the cardholder has. A client that goes away ends the question.
pub(crate) async fn input(
    State(api): State<Api>,
    Extension(admitted): Extension<Admitted>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let (claim, body) = idempotency::read(request, admitted).await?;
    let mut given = Fields::of(body)?;
    let request = fields(&mut given)?;
    given.finish()?;
    let work = answered(api.clone(), request);
    once::answer(&api, claim, Alone::Ends, work).await.map(Json)
}

async fn answered(api: Api, request: InputRequest) -> Result<Value, ApiError> {
    request.ask(api).await.map(|response| json(&response))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(body: &Value) -> Result<InputRequest, ApiError> {
        fields(&mut Fields::of(body.clone())?)
    }

    #[test]
    fn every_form_is_read_with_what_is_usual() {
        let lengths = |min, max| Lengths { min, max };
        for (body, form) in [
            (json!({"inputType": "TEXT"}), Form::Text(lengths(1, 100))),
            (
                json!({"inputType": "NUMERIC", "minLength": 0, "maxLength": 4}),
                Form::Numeric(lengths(0, 4)),
            ),
            (json!({"inputType": "EMAIL"}), Form::Email(lengths(1, 254))),
            (
                json!({"inputType": "PHONE", "minLength": null}),
                Form::Phone(lengths(1, 16)),
            ),
            (
                json!({"inputType": "SELECTION", "options": ["a", "b"]}),
                Form::Selection(vec!["a".into(), "b".into()]),
            ),
            (json!({"inputType": "YES_NO"}), Form::YesNo),
            (json!({"inputType": "RATING"}), Form::Rating),
        ] {
            let mut body = body;
            body["prompt"] = "What?".into();
            let request = parsed(&body).expect("valid");
            assert!(*request.question.form() == form, "{body}");
            assert_eq!(request.time_max, Duration::from_mins(1));
        }
    }

    /// Changes to a valid question that must be refused: the field named, and the rule it broke.
    fn check_refused<const N: usize>(cases: [(Value, &str, &str); N]) {
        for (changes, field, constraint) in cases {
            let mut body = json!({"prompt": "What?", "inputType": "NUMERIC"});
            for (name, value) in changes.as_object().expect("an object") {
                body[name] = value.clone();
            }
            let error = parsed(&body).expect_err("refused");
            let details = &error.details;
            assert_eq!(
                (details.field.as_deref(), details.constraint),
                (Some(field), Some(constraint)),
                "{changes}"
            );
            if field == "prompt" {
                assert_eq!(details.value, None, "a prompt is not repeated");
            }
        }
    }

    #[test]
    fn wrong_questions_are_named_with_their_rule() {
        let long = "x".repeat(PROMPT_CHARS_MAX + 1);
        check_refused([
            (json!({"prompt": null}), "prompt", "required"),
            (json!({"prompt": 1}), "prompt", "type"),
            (json!({"prompt": " "}), "prompt", "minLength"),
            (json!({"prompt": long}), "prompt", "maxLength"),
            (json!({"prompt": "a\nb"}), "prompt", "pattern"),
            (json!({"prompt": "Enter your PIN"}), "prompt", "secret"),
            (json!({"inputType": null}), "inputType", "required"),
            (json!({"inputType": "PIN"}), "inputType", "enum"),
            (json!({"options": ["a", "b"]}), "options", "not"),
            (json!({"minLength": 33}), "minLength", "maximum"),
            (json!({"maxLength": 0}), "maxLength", "minimum"),
            (json!({"maxLength": 33}), "maxLength", "maximum"),
            (
                json!({"minLength": 5, "maxLength": 4}),
                "minLength",
                "maximum",
            ),
            (json!({"timeoutMs": 999}), "timeoutMs", "minimum"),
            (json!({"timeoutMs": 120_001}), "timeoutMs", "maximum"),
        ]);
    }

    #[test]
    fn wrong_choices_are_named_with_their_rule() {
        let many: Vec<_> = (0..=OPTIONS_MAX).map(|n| n.to_string()).collect();
        check_refused([
            (json!({"inputType": "SELECTION"}), "options", "required"),
            (
                json!({"inputType": "SELECTION", "options": "a"}),
                "options",
                "type",
            ),
            (
                json!({"inputType": "SELECTION", "options": ["a"]}),
                "options",
                "minItems",
            ),
            (
                json!({"inputType": "SELECTION", "options": many}),
                "options",
                "maxItems",
            ),
            (
                json!({"inputType": "SELECTION", "options": ["a", 1]}),
                "options[1]",
                "type",
            ),
            (
                json!({"inputType": "SELECTION", "options": ["a", ""]}),
                "options[1]",
                "minLength",
            ),
            (
                json!({"inputType": "SELECTION", "options": ["a", "a"]}),
                "options",
                "uniqueItems",
            ),
            (
                json!({"inputType": "SELECTION", "options": ["a", "b"], "minLength": 1}),
                "minLength",
                "not",
            ),
            (
                json!({"inputType": "RATING", "maxLength": 1}),
                "maxLength",
                "not",
            ),
        ]);
    }
}
