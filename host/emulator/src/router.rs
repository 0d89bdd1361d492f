//! The emulator's hand over HTTP: `/emulator/…`.

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use virtual_card::Quirk;

use crate::{
    acquirer::{Books, Ledger},
    controls::{Controls, Key, Presentation, Typing, keys_of},
};

/// Digits that one request may type.
const KEYS_MAX: usize = 32;

#[derive(Clone)]
struct Hand {
    controls: Controls,
    books: Option<Books>,
}

impl Controls {
    /// The controls over HTTP. `books` are those of the emulator's own acquirer, when it has one.
    pub fn router(&self, books: Option<Books>) -> Router {
        Router::new()
            .route("/emulator/card", post(present).delete(pull))
            .route("/emulator/cards", get(cards))
            .route("/emulator/keypad", post(press))
            .route("/emulator/screen", get(screen))
            .route("/emulator/paper", get(paper).put(put_paper))
            .route("/emulator/ledger", get(ledger))
            .with_state(Hand {
                controls: self.clone(),
                books,
            })
    }
}

/// A refusal, in the shape of the Commerce API's errors.
struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
    field: Option<&'static str>,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let request_id = format!("req_{}", ulid::Ulid::new());
        let mut body = json!({
            "error": self.code,
            "message": self.message,
            "requestId": request_id,
        });
        if let (Some(field), Some(body)) = (self.field, body.as_object_mut()) {
            body.insert("details".into(), json!({ "field": field }));
        }
        (self.status, Json(body)).into_response()
    }
}

fn invalid(field: Option<&'static str>, message: String) -> Refused {
    Refused {
        status: StatusCode::BAD_REQUEST,
        code: "INVALID_REQUEST",
        message,
        field,
    }
}

/// A body that is no such JSON.
fn body<T>(parsed: Result<Json<T>, JsonRejection>) -> Result<T, Refused> {
    parsed
        .map(|Json(body)| body)
        .map_err(|refused| invalid(None, refused.body_text()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Presented {
    card: String,
    #[serde(default)]
    entry: Presentation,
    #[serde(default)]
    quirk: Option<QuirkName>,
}

/// A fault of the card, as JSON: `{"removedAt":7}`, `"alwaysGarbage"`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum QuirkName {
    RemovedAt(u32),
    GarbageAt(u32),
    AlwaysGarbage,
    EndlessRecords,
    /// The command, and the status word as four hexadecimal digits.
    StatusAt(u32, String),
}

async fn present(
    State(hand): State<Hand>,
    parsed: Result<Json<Presented>, JsonRejection>,
) -> Result<Json<Value>, Refused> {
    let Presented {
        card,
        entry: Presentation::Contact,
        quirk,
    } = body(parsed)?;
    let quirk = quirk.map(Quirk::try_from).transpose()?;
    hand.controls
        .present(&card, quirk)
        .map_err(|unknown| invalid(Some("card"), unknown.to_string()))?;
    Ok(Json(json!({ "presented": card })))
}

impl TryFrom<QuirkName> for Quirk {
    type Error = Refused;

    fn try_from(name: QuirkName) -> Result<Self, Refused> {
        Ok(match name {
            QuirkName::RemovedAt(command) => Self::RemovedAt(command),
            QuirkName::GarbageAt(command) => Self::GarbageAt(command),
            QuirkName::AlwaysGarbage => Self::AlwaysGarbage,
            QuirkName::EndlessRecords => Self::EndlessRecords,
            QuirkName::StatusAt(command, status) => {
                let status = u16::from_str_radix(&status, 16).map_err(|_| {
                    invalid(
                        Some("quirk"),
                        "a status word has four hexadecimal digits".into(),
                    )
                })?;
                Self::StatusAt(command, status)
            }
        })
    }
}

async fn pull(State(hand): State<Hand>) -> Json<Value> {
    Json(json!({ "pulled": hand.controls.pull() }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CardLine {
    name: &'static str,
    description: &'static str,
    scheme: &'static str,
    masked_pan: String,
    pin: &'static str,
}

async fn cards() -> Json<Vec<CardLine>> {
    Json(
        virtual_card::catalogue()
            .iter()
            .map(|card| CardLine {
                name: card.name,
                description: card.description,
                scheme: card.scheme,
                masked_pan: card.masked_pan.clone(),
                pin: card.pin,
            })
            .collect(),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pressed {
    /// Digits to type; enter is pressed after them.
    #[serde(default)]
    keys: Option<String>,
    #[serde(default)]
    key: Option<KeyName>,
    #[serde(default)]
    typing: Option<Typing>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum KeyName {
    Enter,
    Clear,
    Cancel,
}

async fn press(
    State(hand): State<Hand>,
    parsed: Result<Json<Pressed>, JsonRejection>,
) -> Result<Json<Value>, Refused> {
    let Pressed { keys, key, typing } = body(parsed)?;
    if keys.is_none() && key.is_none() && typing.is_none() {
        return Err(invalid(Some("keys"), "give keys, key or typing".into()));
    }
    if let Some(typing) = typing {
        hand.controls.set_typing(typing);
    }
    if let Some(keys) = keys {
        if keys.is_empty() || keys.len() > KEYS_MAX || !keys.bytes().all(|b| b.is_ascii_digit()) {
            return Err(invalid(
                Some("keys"),
                format!("keys are 1 to {KEYS_MAX} digits"),
            ));
        }
        hand.controls
            .press(keys_of(&keys).into_iter().chain([Key::Enter]));
    }
    if let Some(key) = key {
        hand.controls.press([match key {
            KeyName::Enter => Key::Enter,
            KeyName::Clear => Key::Clear,
            KeyName::Cancel => Key::Cancel,
        }]);
    }
    Ok(Json(json!({ "pressed": true })))
}

async fn screen(State(hand): State<Hand>) -> Json<Value> {
    Json(json!({ "screen": hand.controls.screen().lines().collect::<Vec<_>>() }))
}

async fn paper(State(hand): State<Hand>) -> Json<Value> {
    Json(json!({ "receipts": hand.controls.receipts() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paper {
    loaded: bool,
}

async fn put_paper(
    State(hand): State<Hand>,
    parsed: Result<Json<Paper>, JsonRejection>,
) -> Result<Json<Value>, Refused> {
    let Paper { loaded } = body(parsed)?;
    hand.controls.set_paper(loaded);
    Ok(Json(json!({ "loaded": loaded })))
}

async fn ledger(State(hand): State<Hand>) -> Result<Json<Ledger>, Refused> {
    match &hand.books {
        Some(books) => Ok(Json(books.ledger())),
        None => Err(Refused {
            status: StatusCode::NOT_FOUND,
            code: "NOT_FOUND",
            message: "the acquirer is a process of its own; ask it".into(),
            field: None,
        }),
    }
}
