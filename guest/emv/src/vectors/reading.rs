//! GET PROCESSING OPTIONS, the records, and the static data that is authenticated.

use serde_json::{Value, json};

use super::fields::{array, bytes, hex, objects, optional, text};
use super::{Outcome, script_was_kept, scripted, terms};
use crate::afl;
use crate::bits::Aip;
use crate::contact::{Selected, initiate_application, read_records};
use crate::dialogue::Dialogue;
use crate::outcome::{Cause, Misbehaviour};
use crate::records::{self, ProcessingOptions, StaticData};
use crate::selection::Fci;
use crate::tag;
use crate::tlv;

pub(super) fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    match text(input, "operation")? {
        "get_processing_options" => processing_options(input),
        "read_application_data" => read(input),
        "gather_static_data" => static_data(input),
        other => Err(format!("no operation is {other}")),
    }
}

fn processing_options(input: &Value) -> Outcome {
    let fci = Fci::parse(&bytes(input, "fci")?).ok_or("the FCI cannot be read")?;
    let mut ports = scripted(input)?;
    let mut dialogue = Dialogue::new(&mut ports);
    for (tag, value) in &fci.elements {
        dialogue.card.set(*tag, value);
    }
    for (tag, value) in objects(input, "terminal_data")? {
        dialogue.card.set(tag, &value);
    }
    let terms = terms()?;
    let initiated = initiate_application(&mut dialogue, Selected { terms, fci });
    script_was_kept(&ports)?;
    Ok(match initiated {
        Ok(Some(initiated)) => json!({
            "outcome": "ok",
            "aip_82": hex(&initiated.options.aip.to_bytes()),
            "afl_94": hex(&initiated.options.afl),
        }),
        Ok(None) => json!({ "outcome": "select_again" }),
        Err(Cause::CardMisbehaved(_)) => json!({ "outcome": "card_error" }),
        Err(other) => return Err(format!("{other:?}")),
    })
}

fn read(input: &Value) -> Outcome {
    let mut ports = scripted(input)?;
    let locator = optional(bytes, input, "afl_94")?;
    // GET PROCESSING OPTIONS gives the locator; a missing one is empty.
    let value = [&[0x18, 0x00][..], locator.as_deref().unwrap_or_default()].concat();
    let mut answer = Vec::new();
    tlv::encode(tag::RESPONSE_TEMPLATE_1, &value, &mut answer);
    let read = ProcessingOptions::parse(&answer)
        .map_err(Cause::CardMisbehaved)
        .and_then(|options| read_records(&mut Dialogue::new(&mut ports), &options));
    script_was_kept(&ports)?;
    let reason = match read {
        Ok(data) => {
            let valid = data.finish(None, Aip::empty()).is_some();
            return Ok(json!({ "outcome": "ok", "oda_input_valid": valid }));
        }
        Err(Cause::CardMisbehaved(Misbehaviour::FileLocator)) if locator.is_none() => "afl_missing",
        Err(Cause::CardMisbehaved(Misbehaviour::FileLocator)) => "afl_invalid",
        Err(Cause::CardMisbehaved(Misbehaviour::StatusWord(_))) => "read_record_status",
        Err(Cause::CardMisbehaved(Misbehaviour::ResponseFormat)) => "record_template",
        Err(Cause::CardMisbehaved(Misbehaviour::ElementRepeated)) => "redundant_object",
        Err(other) => return Err(format!("{other:?}")),
    };
    Ok(json!({ "outcome": "terminate", "reason": reason }))
}

fn static_data(input: &Value) -> Outcome {
    let mut data = StaticData::default();
    let mut tag_list = None;
    let entries = afl::parse(&bytes(input, "afl_94")?).map_err(|error| format!("{error:?}"))?;
    for entry in entries {
        for (record, authenticated) in entry.records() {
            let bytes = bytes(&input["records"], &format!("{}/{record}", entry.sfi))?;
            let elements = records::elements(entry.sfi, &bytes);
            let elements = elements.map_err(|error| format!("{error:?}"))?;
            let list = elements
                .iter()
                .find(|object| object.tag == tag::SDA_TAG_LIST);
            tag_list = tag_list.or(list.map(|object| object.value.to_vec()));
            if authenticated {
                data.add(entry.sfi, &bytes);
            }
        }
    }
    let aip = Aip::from_bytes(array(input, "aip_82")?);
    let gathered = data.finish(tag_list.as_deref(), aip);
    let gathered = gathered.map(|gathered| hex(&gathered));
    Ok(json!({ "static_data_to_authenticate": gathered }))
}
