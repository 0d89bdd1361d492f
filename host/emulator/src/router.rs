//! The controls over HTTP, with errors in the envelope of the Commerce API.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use virtual_card::{Card, Quirk};

use crate::{
    acquirer::{AcquirerHandle, Conduct, Ledger, RESPONSE_CODES, SPECIAL_AMOUNTS},
    cases::CASES,
    controls::{Controls, Entry, Error, Key, KeypadMode, named, with_faults},
    paper::PaperWidth,
    refused::Refused,
};

/// The longest body that is read.
const BODY_MAX: usize = 4096;

/// The longest body with a card's text, in which JSON writes a new line in two bytes.
const CARD_BODY_MAX: usize = 2 * virtual_card::TEXT_BYTES_MAX;

impl Controls {
    /// Everything under `/emulator`:
    ///
    /// | request | does |
    /// |---|---|
    /// | `POST /emulator/card` `{"card":"visa-credit","entry":"CONTACT","quirk":{"kind":"REMOVED_AT","command":3}}` | presents a card, in the slot or (`MAGSTRIPE`) by its stripe; entry and quirk may be left out |
    /// | the same with `{"personalization":"name my-card\n..."}` in place of `card` | presents a card of this text |
    /// | either with `"always":true` | presents it to every transaction from now on |
    /// | `POST /emulator/card` `{"always":false}` | presents none by itself any more |
    /// | `DELETE /emulator/card` | pulls it |
    /// | `POST /emulator/keypad` `{"keys":"1234"}`, `{"key":"CANCEL"}` or `{"mode":"SILENT"}` | presses keys |
    /// | `GET /emulator/screen` | what is shown |
    /// | `GET /emulator/input` | the question on the screen |
    /// | `POST /emulator/input` `{"answer":"jane@example.com"}` or `{"cancel":true}` | answers it |
    /// | `GET /emulator/paper` | what was printed, the last paper last |
    /// | `DELETE /emulator/paper` | takes the paper out: the printer fails |
    /// | `POST /emulator/paper` `{"columns":32}` | puts paper in |
    /// | `GET /emulator/ledger` | what the acquirer believes |
    /// | `POST /emulator/acquirer` `{"behaviour":"REFUSE","responseCode":"51"}` | sets how it answers, in place of what was set; `{}` leaves it to the amounts |
    /// | `GET /emulator/acquirer` | what is set |
    /// | `GET /emulator/cards` | the cards, the amounts that are answered in a special way, and the test cases of the documentation |
    pub fn router(&self) -> Router {
        Router::new()
            .route("/emulator/keypad", post(press))
            .route("/emulator/screen", get(screen))
            .route("/emulator/input", get(question).post(answer))
            .route(
                "/emulator/paper",
                get(paper).post(load_paper).delete(remove_paper),
            )
            .route("/emulator/ledger", get(ledger))
            .route("/emulator/acquirer", get(conduct).post(set_conduct))
            .route("/emulator/cards", get(cards))
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .merge(
                Router::new()
                    .route("/emulator/card", post(insert_card).delete(pull_card))
                    .layer(DefaultBodyLimit::max(CARD_BODY_MAX)),
            )
            .with_state(self.clone())
    }
}

/// Body of `POST /emulator/card`: one of the first two, or `always` alone and false.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CardRequest {
    card: Option<String>,
    /// A text in the language of the card files.
    personalization: Option<String>,
    entry: Option<Entry>,
    quirk: Option<QuirkRequest>,
    always: Option<bool>,
}

/// A fault of the card. Commands are counted from 1.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
enum QuirkRequest {
    RemovedAt { command: u32 },
    Mute,
    SilentAt { command: u32 },
    GarbageAt { command: u32 },
    AlwaysGarbage,
    EndlessRecords,
    StatusAt { command: u32, status: u16 },
}

impl From<QuirkRequest> for Quirk {
    fn from(request: QuirkRequest) -> Self {
        match request {
            QuirkRequest::RemovedAt { command } => Self::RemovedAt(command),
            QuirkRequest::Mute => Self::Mute,
            QuirkRequest::SilentAt { command } => Self::SilentAt(command),
            QuirkRequest::GarbageAt { command } => Self::GarbageAt(command),
            QuirkRequest::AlwaysGarbage => Self::AlwaysGarbage,
            QuirkRequest::EndlessRecords => Self::EndlessRecords,
            QuirkRequest::StatusAt { command, status } => Self::StatusAt(command, status),
        }
    }
}

/// Body of `POST /emulator/keypad`: one of the three.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeypadRequest {
    keys: Option<String>,
    key: Option<Key>,
    mode: Option<KeypadMode>,
}

async fn insert_card(State(controls): State<Controls>, body: Bytes) -> Result<Response, Refused> {
    let request: CardRequest = parse(&body)?;
    let quirks: Vec<Quirk> = request.quirk.into_iter().map(Quirk::from).collect();
    let card = match (request.card, request.personalization) {
        (Some(name), None) => named(&name)?,
        (None, Some(text)) => issued(text).await?,
        (None, None) if request.always == Some(false) => {
            controls.present_none();
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        _ => {
            let message = "expected one of card and personalization";
            return Err(Refused::body(message.to_owned()));
        }
    };
    let entry = request.entry.unwrap_or_else(|| usual_entry(&card));
    let name = card.name().to_owned();
    if request.always == Some(true) {
        if request.entry.is_some() {
            let message = "entry is for one presentation, and always for each";
            return Err(Refused::body(message.to_owned()));
        }
        controls.present_always(with_faults(card, &quirks));
    } else {
        controls.present(card, entry, &quirks)?;
    }
    Ok(Json(json!({"card": name, "entry": entry})).into_response())
}

/// The card of this text. It may need keys of its own, which take a while.
async fn issued(text: String) -> Result<Card, Refused> {
    let issuing = tokio::task::spawn_blocking(move || Card::from_text(&text));
    let issued = issuing.await.map_err(|_| Refused {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: "INTERNAL_ERROR",
        message: "the card could not be issued".to_owned(),
        details: json!({}),
    })?;
    Ok(issued.map_err(Error::from)?)
}

/// In the slot, unless the card has a stripe only.
fn usual_entry(card: &Card) -> Entry {
    if card.has_chip() {
        Entry::Contact
    } else {
        Entry::Magstripe
    }
}

async fn pull_card(State(controls): State<Controls>) -> Result<StatusCode, Refused> {
    controls.pull_card()?;
    Ok(StatusCode::NO_CONTENT)
}

async fn press(State(controls): State<Controls>, body: Bytes) -> Result<StatusCode, Refused> {
    let request: KeypadRequest = parse(&body)?;
    match (request.keys, request.key, request.mode) {
        (Some(keys), None, None) => controls.type_keys(&keys)?,
        (None, Some(key), None) => controls.press(key)?,
        (None, None, Some(mode)) => controls.set_keypad_mode(mode),
        _ => {
            return Err(Refused::body(
                "expected one of keys, key and mode".to_owned(),
            ));
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn screen(State(controls): State<Controls>) -> Json<Value> {
    let screen = controls.screen();
    Json(json!({"lines": screen.lines().collect::<Vec<_>>()}))
}

async fn paper(State(controls): State<Controls>) -> String {
    controls.papers().join("- - - - - - - - - - - - - - - -\n")
}

/// Body of `POST /emulator/paper`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PaperRequest {
    columns: usize,
}

async fn load_paper(State(controls): State<Controls>, body: Bytes) -> Result<StatusCode, Refused> {
    let request: PaperRequest = parse(&body)?;
    let width = PaperWidth::ALL
        .into_iter()
        .find(|width| width.columns() == request.columns)
        .ok_or_else(|| Refused::body("columns is 32 or 40".to_owned()))?;
    controls.load_paper(width);
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_paper(State(controls): State<Controls>) -> StatusCode {
    controls.remove_paper();
    StatusCode::NO_CONTENT
}

async fn question(State(controls): State<Controls>) -> Result<Json<Value>, Refused> {
    let asked = controls.question().ok_or(Error::NoQuestion)?;
    Ok(Json(json!({
        "prompt": asked.prompt,
        "inputType": asked.form,
        "options": asked.options,
        "again": asked.again,
    })))
}

/// Body of `POST /emulator/input`: one of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InputRequest {
    answer: Option<String>,
    #[serde(default)]
    cancel: bool,
}

async fn answer(State(controls): State<Controls>, body: Bytes) -> Result<StatusCode, Refused> {
    let request: InputRequest = parse(&body)?;
    match (request.answer, request.cancel) {
        (Some(text), false) => controls.answer(&text)?,
        (None, true) => {
            // Without a question the key would wait for a PIN entry.
            controls.question().ok_or(Error::NoQuestion)?;
            controls.press(Key::Cancel)?;
        }
        _ => {
            let message = "expected one of answer and cancel";
            return Err(Refused::body(message.to_owned()));
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The terminal's own acquirer.
fn acquirer(controls: &Controls) -> Result<AcquirerHandle, Refused> {
    controls.acquirer().ok_or_else(|| Refused {
        status: StatusCode::NOT_FOUND,
        code: "NOT_FOUND",
        message: "the acquirer runs elsewhere and keeps its own ledger".to_owned(),
        details: json!({}),
    })
}

async fn ledger(State(controls): State<Controls>) -> Result<Json<Ledger>, Refused> {
    Ok(Json(acquirer(&controls)?.ledger()))
}

async fn conduct(State(controls): State<Controls>) -> Result<Json<Conduct>, Refused> {
    Ok(Json(acquirer(&controls)?.conduct()))
}

async fn set_conduct(State(controls): State<Controls>, body: Bytes) -> Result<StatusCode, Refused> {
    let conduct = parse(&body)?;
    acquirer(&controls)?.set_conduct(conduct);
    Ok(StatusCode::NO_CONTENT)
}

async fn cards() -> Json<Value> {
    let cards = virtual_card::catalogue().iter().map(|card| {
        json!({
            "name": card.name,
            "description": card.description,
            "scheme": card.scheme,
            "maskedPan": card.masked_pan,
            "pin": card.pin,
        })
    });
    Json(json!({
        "cards": cards.collect::<Vec<_>>(),
        "responseCodes": RESPONSE_CODES,
        "specialAmounts": SPECIAL_AMOUNTS,
        "cases": *CASES,
    }))
}

/// Parses a body whatever its content type says: this is a tool for `curl`.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| Refused::body(error.to_string()))
}
