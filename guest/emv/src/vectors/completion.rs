//! Both GENERATE AC, issuer authentication and issuer scripts.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::decisions::{cryptogram, name};
use super::fields::{array, byte_list, bytes, hex, optional, text, truth};
use super::{Outcome, terms};
use crate::bits::{Tsi, Tvr};
use crate::card_action;
use crate::card_data::CardData;
use crate::contact::Read;
use crate::cryptogram::{Information, Reason};
use crate::date::Date;
use crate::dialogue::Dialogue;
use crate::dol::Dol;
use crate::identity::Pan;
use crate::online::{OnlineRequest, Pending, issuer_authentication, issuer_scripts};
use crate::outcome::{Cause, Decision, HostAnswer, Misbehaviour};
use crate::records::StaticData;
use crate::script::{self, Moment};
use crate::scripted::Scripted;
use crate::signed_answer::{AnswerAuthentication, Scheme};
use crate::tag;
use crate::terminal_data;

pub(super) fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    match text(input, "operation")? {
        "first_generate_ac" => first_generate_ac(input),
        "decode_cid" => information(input),
        "issuer_authentication" => authenticate_issuer(input),
        "completion" => complete(input),
        "issuer_scripts" => scripts(input),
        other => Err(format!("no operation is {other}")),
    }
}

/// A card that answers whatever it is asked with these bytes, in this order.
fn answering(answers: Vec<Vec<u8>>) -> Scripted {
    Scripted {
        answers: answers.into(),
        ..Scripted::default()
    }
}

/// No signature is asked of the card.
fn unsigned() -> AnswerAuthentication {
    AnswerAuthentication::new(Scheme::None, &[])
}

fn first_generate_ac(input: &Value) -> Outcome {
    let requested = cryptogram(text(input, "requested")?)?;
    let mut ports = answering(vec![bytes(input, "response")?]);
    let mut dialogue = Dialogue::new(&mut ports);
    let day = Date::parse([0x26, 0x01, 0x01]).ok_or("no day")?;
    let read = Read {
        terms: terms()?,
        pdol_values: Zeroizing::default(),
        static_data: StaticData::default(),
        cdol1: Dol::default(),
        cdol2: Dol::default(),
        today: day,
        effective: None,
        expiration: day,
        pan: Pan::parse(&[0x47; 8]).ok_or("no PAN")?,
        sequence_number: None,
    };
    let answered = match card_action::perform(&mut dialogue, &read, unsigned(), requested) {
        Ok(answered) => answered,
        Err(Cause::CardMisbehaved(Misbehaviour::CryptogramTooHigh) | Cause::NotAccepted(_)) => {
            return Ok(json!({ "result": "not_approved" }));
        }
        Err(Cause::CardMisbehaved(_)) => return Ok(json!({ "result": "terminate" })),
        Err(other) => return Err(format!("{other:?}")),
    };
    let (result, completed) = match card_action::decision(dialogue, read, answered) {
        Decision::Online(_) => return Ok(json!({ "result": "go_online", "arc_8A": null })),
        Decision::Approved(completed) => ("approved_offline", completed),
        Decision::Declined(completed) => ("declined_offline", completed),
    };
    let code = completed.card.value(tag::AUTHORISATION_RESPONSE_CODE);
    Ok(json!({ "result": result, "arc_8A": code.map(hex) }))
}

fn information(input: &Value) -> Outcome {
    let [information] = array(input, "cid_9F27")?;
    let information = Information(information);
    let reason = match information.reason() {
        Reason::None => "no information given",
        Reason::ServiceNotAllowed => "Service not allowed",
        Reason::PinTryLimitExceeded => "PIN Try Limit exceeded",
        Reason::IssuerAuthenticationFailed => "Issuer authentication failed",
        Reason::Reserved => "reserved",
    };
    Ok(json!({
        "type": information.kind().map(name),
        "advice_required": information.advice_required(),
        "reason": reason,
    }))
}

fn authenticate_issuer(input: &Value) -> Outcome {
    let mut ports = answering(byte_list(input, "responses")?);
    let mut dialogue = Dialogue::new(&mut ports);
    dialogue.card.set(tag::AIP, &bytes(input, "aip_82")?);
    let data = optional(bytes, input, "arpc_91")?;
    issuer_authentication(&mut dialogue, data.as_deref()).map_err(|cause| format!("{cause:?}"))?;
    let card = dialogue.card;
    let performed = card.tsi().contains(Tsi::ISSUER_AUTHENTICATION_PERFORMED);
    Ok(json!({
        "command": ports.sent.first().map(|command| hex(command)),
        "commands_sent": ports.sent.len(),
        "tsi_bit": performed.then_some("issuer authentication performed (b5)"),
        "tvr_byte5": tvr_byte_5(card.tvr()),
    }))
}

fn tvr_byte_5(tvr: Tvr) -> String {
    let [.., last] = tvr.to_bytes();
    hex(&[last])
}

fn complete(input: &Value) -> Outcome {
    let mut ports = answering(vec![bytes(input, "second_generate_ac_response")?]);
    let mut card = CardData::default();
    let terms = terms()?;
    terminal_data::fill(
        &mut card,
        &terms.terminal,
        &terms.application,
        &terms.transaction,
        [0; 4],
    );
    let answer = match optional(text, input, "online")? {
        None => {
            let response_code: [u8; 2] = array(input, "arc_8A")?;
            HostAnswer::Answered {
                approved: matches!(&response_code, b"00" | b"10" | b"11"),
                response_code,
                issuer_authentication_data: None,
                scripts: Vec::new(),
            }
        }
        Some("unable") => {
            // A card without action codes declines by default whatever the TVR says.
            if truth(input, "default_codes_hit")? {
                card.set(tag::TVR, &Tvr::FLOOR_LIMIT_EXCEEDED.to_bytes());
            }
            HostAnswer::UnableToGoOnline
        }
        Some(other) => return Err(format!("going online is never {other}")),
    };
    let pending = Pending {
        terms: Box::new(terms),
        cdol2: Dol::default(),
        authentication: unsigned(),
        second_due: true,
    };
    let request = OnlineRequest::new(card, 0, pending);
    let completed = request
        .complete(&mut ports, &answer)
        .map_err(|ended| format!("{:?}", ended.cause))?;
    let result = match (completed.approved, &answer) {
        (true, HostAnswer::Answered { .. }) => "approved_online",
        (true, HostAnswer::UnableToGoOnline) => "approved_offline",
        (false, _) => "declined",
    };
    let control = ports.sent.first().and_then(|command| command.get(2));
    let code = completed.card.value(tag::AUTHORISATION_RESPONSE_CODE);
    Ok(json!({
        "result": result,
        "second_generate_ac_p1": control.map(|control| hex(&[*control])),
        "arc_8A": code.map(hex),
    }))
}

fn scripts(input: &Value) -> Outcome {
    let mut ports = answering(byte_list(input, "status_words")?);
    let mut dialogue = Dialogue::new(&mut ports);
    let scripts = script::parse(&bytes(input, "host_data")?);
    for moment in [Moment::BeforeFinal, Moment::AfterFinal] {
        issuer_scripts(&mut dialogue, &scripts, moment).map_err(|cause| format!("{cause:?}"))?;
    }
    let card = dialogue.card;
    let sent: Vec<String> = ports.sent.iter().map(|command| hex(command)).collect();
    Ok(json!({
        "commands_sent": sent,
        "issuer_script_results_9F5B": card.value(tag::ISSUER_SCRIPT_RESULTS).map(hex),
        "tvr_byte5": tvr_byte_5(card.tvr()),
        "tsi_script_processing": card.tsi().contains(Tsi::SCRIPT_PROCESSING_PERFORMED),
    }))
}
