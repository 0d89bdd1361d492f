//! Application selection, initiation, records, verification and completion.

use serde_json::{Value, json};

use super::{application, array_of, bytes_of, expect_equal, run, terminal, text_of, transaction};
use crate::application_selection::{Offer, build_candidate_list, final_select};
use crate::bits::{AdditionalTerminalCapabilities, Aip, Tsi};
use crate::card_data::{CardData, CryptogramType};
use crate::contact::{Selected, Terms, initiate_application, read_records};
use crate::cryptogram::{self, First, Information, Reason};
use crate::cvm::{Circumstances, Service};
use crate::dialogue::Dialogue;
use crate::dol::Dol;
use crate::online::{OnlineRequest, Pending, issuer_authentication, issuer_scripts};
use crate::outcome::{Cause, HostAnswer, Misbehaviour, NotAccepted};
use crate::parameters::{Aid, Application};
use crate::ports::OfflinePinMethod;
use crate::records::{ProcessingOptions, StaticData};
use crate::script::{self, Moment};
use crate::scripted::{Scripted, hex, unhex};
use crate::selection::{self, Candidate, Fci, Labels};
use crate::signed_answer::{self, AnswerAuthentication, Request, Scheme};
use crate::tag;
use crate::terminal_data;
use crate::verification;

/// The card of a case with `apdus`.
fn scripted(input: &Value) -> Scripted {
    let apdus = input["apdus"].as_array().cloned().unwrap_or_default();
    Scripted {
        card: apdus
            .iter()
            .map(|apdu| (bytes_of(apdu, "c"), bytes_of(apdu, "r")))
            .collect(),
        ..Scripted::default()
    }
}

#[test]
fn app_selection() {
    run(
        include_str!("../../../../tests/vectors/app_selection.json"),
        |case| match text_of(&case["input"], "operation") {
            "" => candidates_case(case),
            "final_select" => final_select_case(case),
            "choose_language" => language_case(case),
            "display_name" => display_name_case(case),
            other => Err(format!("operation {other}")),
        },
    );
}

fn candidates_case(case: &Value) -> Result<(), String> {
    let (input, expected) = (&case["input"], &case["expect"]);
    let aids = input["terminal_aids"].as_array().expect("AIDs");
    let applications: Vec<Application> = aids
        .iter()
        .map(|aid| application(&bytes_of(aid, "aid"), aid["partial"] == true))
        .collect();
    let mut ports = scripted(input);
    let mut dialogue = Dialogue::new(&mut ports);
    let built = build_candidate_list(&mut dialogue, &applications);
    expect_equal(ports.card.len(), 0)?;
    let outcome = match &built {
        Err(Cause::NotAccepted(NotAccepted::CardBlocked)) => "card_blocked",
        Err(other) => return Err(format!("{other:?}")),
        Ok(candidates) if candidates.is_empty() => "not_accepted",
        Ok(_) => "ok",
    };
    expect_equal(outcome, text_of(expected, "outcome"))?;
    let candidates = built.unwrap_or_default();
    let names: Vec<Value> = candidates
        .iter()
        .map(|candidate| json!(hex(candidate.name.as_bytes())))
        .collect();
    if expected["candidates_in_order"].is_array() {
        expect_equal(&json!(names), &expected["candidates_in_order"])?;
    }
    match expected["cardholder_selection_or_confirmation"].as_bool() {
        Some(asked) => expect_equal(selection::needs_cardholder(&candidates), asked),
        None => Ok(()),
    }
}

fn final_select_case(case: &Value) -> Result<(), String> {
    let (input, expected) = (&case["input"], &case["expect"]);
    let mut ports = scripted(input);
    let command = ports.card[0].0.clone();
    let name = Aid::parse(command[5..].strip_suffix(&[0]).expect("Le")).expect("an AID");
    let terminal = terminal([0xE0, 0xF8, 0xC8], [0xF0, 0, 0xF0, 0xA0, 1], 0x22, 36);
    let applications = [application(name.as_bytes(), false)];
    let offer = Offer {
        terminal: &terminal,
        applications: &applications,
        transaction: &transaction(),
    };
    let fci = [&[0x84, 8][..], name.as_bytes(), &[0xA5, 0x00]].concat();
    let fci = [&[0x6F, u8::try_from(fci.len()).expect("short")][..], &fci].concat();
    let candidate = Candidate::from(Fci::parse(&fci).expect("an FCI"));
    let selected = final_select(&mut Dialogue::new(&mut ports), &candidate, &offer);
    let left = input["other_candidates_left"].as_u64().unwrap_or(0);
    let outcome = match selected {
        Ok(Some(_)) => "selected",
        Ok(None) if left > 0 => "try_again",
        Ok(None) => "not_accepted",
        Err(Cause::CardMisbehaved(_)) => "card_error",
        Err(other) => return Err(format!("{other:?}")),
    };
    expect_equal(outcome, text_of(expected, "outcome"))
}

fn language_case(case: &Value) -> Result<(), String> {
    let input = &case["input"];
    let languages: Vec<[u8; 2]> = input["terminal_languages"]
        .as_array()
        .expect("languages")
        .iter()
        .map(|language| {
            language
                .as_str()
                .and_then(|text| text.as_bytes().try_into().ok())
        })
        .map(|language| language.expect("two letters"))
        .collect();
    let preference = bytes_of(input, "language_preference_5F2D");
    let chosen = selection::choose_language(&preference, &languages).expect("one in common");
    expect_equal(&chosen[..], text_of(&case["expect"], "language").as_bytes())
}

fn display_name_case(case: &Value) -> Result<(), String> {
    let input = &case["input"];
    let labels = Labels {
        label: bytes_of(input, "label_50"),
        preferred_name: Some(bytes_of(input, "preferred_name_9F12")),
        code_table: bytes_of(input, "issuer_code_table_9F11").first().copied(),
    };
    expect_equal(&input["supported_code_tables"], &json!([1]))?;
    let capabilities = AdditionalTerminalCapabilities::from_bytes([0, 0, 0, 0, 1]);
    expect_equal(
        labels.displayed(capabilities),
        text_of(&case["expect"], "display").as_bytes(),
    )
}

#[test]
fn init_and_read() {
    run(
        include_str!("../../../../tests/vectors/init_and_read.json"),
        |case| match text_of(&case["input"], "operation") {
            "get_processing_options" => processing_options_case(case),
            "read_application_data" => read_case(case),
            "gather_static_data" => static_data_case(case),
            other => Err(format!("operation {other}")),
        },
    );
}

fn processing_options_case(case: &Value) -> Result<(), String> {
    let (input, expected) = (&case["input"], &case["expect"]);
    let fci = Fci::parse(&bytes_of(input, "fci")).ok_or("the FCI cannot be read")?;
    let mut ports = scripted(input);
    let mut dialogue = Dialogue::new(&mut ports);
    for (tag, value) in &fci.elements {
        dialogue.card.set(*tag, value);
    }
    for (tag, value) in input["terminal_data"].as_object().expect("terminal data") {
        let tag = tag::Tag::new(u32::from_str_radix(tag, 16).expect("a tag"));
        dialogue
            .card
            .set(tag, &unhex(value.as_str().expect("a value")));
    }
    let initiated = initiate_application(
        &mut dialogue,
        Selected {
            terms: terms(),
            fci,
        },
    );
    let outcome = match &initiated {
        Ok(Some(_)) => "ok",
        Ok(None) => "select_again",
        Err(Cause::CardMisbehaved(_)) => "card_error",
        Err(other) => return Err(format!("{other:?}")),
    };
    expect_equal(outcome, text_of(expected, "outcome"))?;
    expect_equal(ports.card.len(), 0)?;
    let Ok(Some(initiated)) = initiated else {
        return Ok(());
    };
    let options = initiated.options;
    expect_equal(
        hex(&options.aip.to_bytes()).as_str(),
        text_of(expected, "aip_82"),
    )?;
    expect_equal(hex(&options.afl).as_str(), text_of(expected, "afl_94"))
}

fn terms() -> Terms {
    Terms {
        terminal: terminal([0xE0, 0xF8, 0xC8], [0xF0, 0, 0xF0, 0xA0, 1], 0x22, 36),
        application: application(&[0xA0, 0, 0, 0, 3, 0x10, 0x10], true),
        transaction: transaction(),
    }
}

fn read_case(case: &Value) -> Result<(), String> {
    let (input, expected) = (&case["input"], &case["expect"]);
    let mut ports = scripted(input);
    let mut dialogue = Dialogue::new(&mut ports);
    // GET PROCESSING OPTIONS gives the locator; a missing one is empty.
    let answer = [&[0x18, 0x00][..], &bytes_of(input, "afl_94")].concat();
    let answer = [
        &[0x80, u8::try_from(answer.len()).expect("short")][..],
        &answer,
    ]
    .concat();
    let read = ProcessingOptions::parse(&answer)
        .map_err(Cause::CardMisbehaved)
        .and_then(|options| read_records(&mut dialogue, &options));
    let valid = read
        .as_ref()
        .ok()
        .map(|data| data.finish(None, Aip::empty()).is_some());
    expect_equal(valid, expected["oda_input_valid"].as_bool())?;
    expect_equal(ports.card.len(), 0)?;
    let reason = match read {
        Ok(_) => return expect_equal("ok", text_of(expected, "outcome")),
        Err(Cause::CardMisbehaved(Misbehaviour::FileLocator)) if input["afl_94"].is_null() => {
            "afl_missing"
        }
        Err(Cause::CardMisbehaved(Misbehaviour::FileLocator)) => "afl_invalid",
        Err(Cause::CardMisbehaved(Misbehaviour::StatusWord(_))) => "read_record_status",
        Err(Cause::CardMisbehaved(Misbehaviour::ResponseFormat)) => "record_template",
        Err(Cause::CardMisbehaved(Misbehaviour::ElementRepeated)) => "redundant_object",
        Err(other) => return Err(format!("{other:?}")),
    };
    expect_equal(reason, text_of(expected, "reason"))
}

fn static_data_case(case: &Value) -> Result<(), String> {
    let input = &case["input"];
    let mut data = StaticData::default();
    let mut tag_list = None;
    for entry in crate::afl::parse(&bytes_of(input, "afl_94")).ok_or("the AFL cannot be read")? {
        for (record, authenticated) in entry.records() {
            let bytes = bytes_of(&input["records"], &format!("{}/{record}", entry.sfi));
            let elements = crate::records::elements(entry.sfi, &bytes).expect("a record");
            let list = elements
                .iter()
                .find(|object| object.tag == tag::SDA_TAG_LIST);
            tag_list = tag_list.or(list.map(|object| object.value.to_vec()));
            if authenticated {
                data.add(entry.sfi, &bytes);
            }
        }
    }
    let aip = array_of(input, "aip_82")
        .map(Aip::from_bytes)
        .expect("an AIP");
    let gathered = data.finish(tag_list.as_deref(), aip).ok_or("not usable")?;
    expect_equal(
        hex(&gathered).as_str(),
        text_of(&case["expect"], "static_data_to_authenticate"),
    )
}

#[test]
fn cvm() {
    run(include_str!("../../../../tests/vectors/cvm.json"), |case| {
        let (input, expected) = (&case["input"], &case["expect"]);
        let attempts = input["attempts"].as_array().expect("attempts");
        let texts = attempts
            .iter()
            .map(|attempt| attempt.as_str().expect("a word").to_owned());
        let mut ports = Scripted {
            attempts: texts.collect(),
            ..Scripted::default()
        };
        // The card gives no PIN try counter.
        ports.answers.extend([vec![0x6A, 0x88], vec![0x6A, 0x88]]);
        let mut dialogue = Dialogue::new(&mut ports);
        dialogue.card.set(tag::AIP, &bytes_of(input, "aip_82"));
        dialogue
            .card
            .set(tag::CVM_LIST, &bytes_of(input, "cvm_list_8E"));
        let capabilities = array_of(input, "terminal_capabilities_9F33").expect("9F33");
        let now = Circumstances {
            capabilities: crate::bits::TerminalCapabilities::from_bytes(capabilities),
            service: match text_of(input, "transaction") {
                "other" => Service::Other,
                "cashback" => Service::Cashback,
                "manual_cash" => Service::ManualCash,
                "unattended_cash" => Service::UnattendedCash,
                other => return Err(format!("transaction {other}")),
            },
            amount: input["amount"].as_u64().expect("an amount"),
            in_application_currency: input["in_application_currency"] == true,
        };
        let list =
            verification::applicable_list(&mut dialogue).map_err(|cause| format!("{cause:?}"))?;
        if let Some(list) = list {
            let key = OfflinePinMethod::Enciphered {
                modulus: vec![1],
                exponent: vec![3],
            };
            verification::process(&mut dialogue, &list, &now, Some(&key))
                .map_err(|cause| format!("{cause:?}"))?;
        }
        let card = dialogue.card;
        let results = hex(card.value(tag::CVM_RESULTS).unwrap_or_default());
        expect_equal(results.as_str(), text_of(expected, "cvm_results_9F34"))?;
        expect_equal(
            hex(&card.tvr().to_bytes()[2..3]).as_str(),
            text_of(expected, "tvr_byte3"),
        )?;
        let performed = card.tsi().contains(Tsi::CARDHOLDER_VERIFICATION_PERFORMED);
        expect_equal(performed, expected["tsi_cvm_performed"] == true)?;
        expect_equal(ports.attempts.len(), 0)
    });
}

#[test]
fn completion() {
    run(
        include_str!("../../../../tests/vectors/completion.json"),
        |case| match text_of(&case["input"], "operation") {
            "first_generate_ac" => first_generate_ac_case(case),
            "decode_cid" => information_case(case),
            "issuer_authentication" => issuer_authentication_case(case),
            "completion" => completion_case(case),
            "issuer_scripts" => scripts_case(case),
            other => Err(format!("operation {other}")),
        },
    );
}

fn first_generate_ac_case(case: &Value) -> Result<(), String> {
    let (input, expected) = (&case["input"], &case["expect"]);
    let requested = match text_of(input, "requested") {
        "TC" => CryptogramType::Tc,
        "ARQC" => CryptogramType::Arqc,
        _ => CryptogramType::Aac,
    };
    let mut ports = Scripted::default();
    ports.answers.push_back(bytes_of(input, "response"));
    let mut dialogue = Dialogue::new(&mut ports);
    let list = Dol::default();
    let request = Request {
        kind: requested,
        moment: signed_answer::Moment::First,
    };
    let answer = AnswerAuthentication::new(Scheme::None, &[]).generate(
        &mut dialogue,
        &terms().application,
        &list,
        request,
    );
    let result = match answer {
        Err(Cause::CardMisbehaved(_)) => "terminate",
        Err(other) => return Err(format!("{other:?}")),
        Ok(answer) => match cryptogram::judge_first(requested, answer.information).0 {
            First::Approved => "approved_offline",
            First::Online => "go_online",
            First::Declined => "declined_offline",
            First::TooHigh | First::ServiceNotAllowed => "not_approved",
        },
    };
    expect_equal(result, text_of(expected, "result"))
}

fn information_case(case: &Value) -> Result<(), String> {
    let information = Information(bytes_of(&case["input"], "cid_9F27")[0]);
    expect_equal(information.kind(), Some(CryptogramType::Aac))?;
    expect_equal(
        information.advice_required(),
        case["expect"]["advice_required"] == true,
    )?;
    expect_equal(information.reason(), Reason::PinTryLimitExceeded)
}

fn issuer_authentication_case(case: &Value) -> Result<(), String> {
    let (input, expected) = (&case["input"], &case["expect"]);
    let mut ports = Scripted::default();
    let responses = input["responses"].as_array().expect("responses");
    ports.answers.extend(
        responses
            .iter()
            .map(|word| unhex(word.as_str().expect("a status word"))),
    );
    let mut dialogue = Dialogue::new(&mut ports);
    dialogue.card.set(tag::AIP, &bytes_of(input, "aip_82"));
    let data = bytes_of(input, "arpc_91");
    issuer_authentication(&mut dialogue, Some(&data)).map_err(|cause| format!("{cause:?}"))?;
    let card = dialogue.card;
    expect_equal(
        hex(&card.tvr().to_bytes()[4..]).as_str(),
        text_of(expected, "tvr_byte5"),
    )?;
    let sent = u64::try_from(ports.sent.len()).expect("a few");
    let performed = card.tsi().contains(Tsi::ISSUER_AUTHENTICATION_PERFORMED);
    expect_equal(performed, sent == 1)?;
    if let Some(count) = expected["commands_sent"].as_u64() {
        expect_equal(sent, count)?;
    }
    match expected["command"].as_str() {
        Some(command) => expect_equal(hex(&ports.sent[0]).as_str(), command),
        None => Ok(()),
    }
}

fn completion_case(case: &Value) -> Result<(), String> {
    let (input, expected) = (&case["input"], &case["expect"]);
    let mut ports = Scripted::default();
    ports
        .answers
        .push_back(bytes_of(input, "second_generate_ac_response"));
    let mut card = CardData::default();
    let terms = terms();
    terminal_data::fill(
        &mut card,
        &terms.terminal,
        &terms.application,
        &terms.transaction,
        [0; 4],
    );
    let online = input["online"] != "unable";
    let answer = if online {
        let response_code: [u8; 2] = array_of(input, "arc_8A").expect("8A");
        HostAnswer::Answered {
            approved: matches!(&response_code, b"00" | b"10" | b"11"),
            response_code,
            issuer_authentication_data: None,
            scripts: Vec::new(),
        }
    } else {
        expect_equal(&input["default_codes_hit"], &json!(false))?;
        HostAnswer::UnableToGoOnline
    };
    let pending = Pending {
        terms: Box::new(terms),
        cdol2: Dol::default(),
        authentication: AnswerAuthentication::new(Scheme::None, &[]),
        second_due: true,
    };
    let request = OnlineRequest::new(card, 0, pending);
    let completed = request
        .complete(&mut ports, &answer)
        .map_err(|ended| format!("{ended:?}"))?;
    let result = match (completed.approved, online) {
        (true, true) => "approved_online",
        (true, false) => "approved_offline",
        (false, _) => "declined",
    };
    expect_equal(result, text_of(expected, "result"))?;
    expect_equal(completed.reversal_required, online && !completed.approved)?;
    let control = hex(&ports.sent[0][2..3]);
    expect_equal(control.as_str(), text_of(expected, "second_generate_ac_p1"))?;
    match expected["arc_8A"].as_str() {
        Some(code) => {
            let actual = completed.card.value(tag::AUTHORISATION_RESPONSE_CODE);
            expect_equal(hex(actual.unwrap_or_default()).as_str(), code)
        }
        None => Ok(()),
    }
}

fn scripts_case(case: &Value) -> Result<(), String> {
    let (input, expected) = (&case["input"], &case["expect"]);
    let mut ports = Scripted::default();
    let words = input["status_words"].as_array().expect("status words");
    ports.answers.extend(
        words
            .iter()
            .map(|word| unhex(word.as_str().expect("a status word"))),
    );
    let mut dialogue = Dialogue::new(&mut ports);
    let scripts = script::parse(&bytes_of(input, "host_data"));
    for moment in [Moment::BeforeFinal, Moment::AfterFinal] {
        issuer_scripts(&mut dialogue, &scripts, moment).map_err(|cause| format!("{cause:?}"))?;
    }
    let card = dialogue.card;
    let sent: Vec<Value> = ports
        .sent
        .iter()
        .map(|command| json!(hex(command)))
        .collect();
    expect_equal(&json!(sent), &expected["commands_sent"])?;
    expect_equal(
        hex(&card.tvr().to_bytes()[4..]).as_str(),
        text_of(expected, "tvr_byte5"),
    )?;
    let performed = card.tsi().contains(Tsi::SCRIPT_PROCESSING_PERFORMED);
    expect_equal(performed, expected["tsi_script_processing"] == true)?;
    match expected["issuer_script_results_9F5B"].as_str() {
        Some(results) => {
            let actual = card.value(tag::ISSUER_SCRIPT_RESULTS).unwrap_or_default();
            expect_equal(hex(actual).as_str(), results)
        }
        None => Ok(()),
    }
}
