//! Application selection.

use serde_json::{Value, json};

use super::fields::{bytes, hex, list, number, text, truth};
use super::{Outcome, application, script_was_kept, scripted, terminal, transaction};
use crate::application_selection::{Offer, build_candidate_list, final_select};
use crate::bits::AdditionalTerminalCapabilities;
use crate::dialogue::Dialogue;
use crate::outcome::{Cause, NotAccepted};
use crate::parameters::{Aid, Application};
use crate::selection::{Candidate, Fci, Labels, choose_language, needs_cardholder};
use crate::tag;
use crate::tlv;

pub(super) fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    if input["operation"].is_null() {
        return candidates(input);
    }
    match text(input, "operation")? {
        "final_select" => final_selection(input),
        "choose_language" => language(input),
        "display_name" => display_name(input),
        other => Err(format!("no operation is {other}")),
    }
}

fn candidates(input: &Value) -> Outcome {
    let aids = list(input, "terminal_aids")?.iter();
    let applications: Vec<Application> = aids
        .map(|aid| application(&bytes(aid, "aid")?, truth(aid, "partial")?))
        .collect::<Result<_, String>>()?;
    let mut ports = scripted(input)?;
    let built = build_candidate_list(&mut Dialogue::new(&mut ports), &applications);
    script_was_kept(&ports)?;
    let candidates = match built {
        Err(Cause::NotAccepted(NotAccepted::CardBlocked)) => {
            return Ok(json!({ "outcome": "card_blocked" }));
        }
        Err(other) => return Err(format!("{other:?}")),
        Ok(candidates) => candidates,
    };
    let names = candidates.iter();
    let names: Vec<String> = names.map(|one| hex(one.name.as_bytes())).collect();
    // Nobody is asked when there is nothing to choose from.
    let asked = (!names.is_empty()).then(|| needs_cardholder(&candidates, false));
    Ok(json!({
        "outcome": if names.is_empty() { "not_accepted" } else { "ok" },
        "candidates_in_order": names,
        "cardholder_selection_or_confirmation": asked,
    }))
}

/// The candidate that a SELECT of this name is sent for.
pub(super) fn candidate(name: &[u8]) -> Result<Candidate, String> {
    let (mut inside, mut fci) = (Vec::new(), Vec::new());
    tlv::encode(tag::DF_NAME, name, &mut inside);
    tlv::encode(tag::FCI_PROPRIETARY_TEMPLATE, &[], &mut inside);
    tlv::encode(tag::FCI_TEMPLATE, &inside, &mut fci);
    let fci = Fci::parse(&fci).ok_or("the SELECT has no application name")?;
    Ok(Candidate::from(fci))
}

/// The name in a SELECT command.
pub(super) fn selected_name(command: &[u8]) -> Result<Aid, String> {
    let name = command.get(5..).and_then(|rest| rest.strip_suffix(&[0]));
    name.and_then(Aid::parse)
        .ok_or_else(|| "the command selects no application".to_owned())
}

fn final_selection(input: &Value) -> Outcome {
    let mut ports = scripted(input)?;
    let (command, _) = ports.card.front().ok_or("the case has no command")?;
    let name = selected_name(command)?;
    let terminal = terminal()?;
    let applications = [application(name.as_bytes(), false)?];
    let offer = Offer {
        terminal: &terminal,
        applications: &applications,
        transaction: &transaction(),
    };
    let candidate = candidate(name.as_bytes())?;
    let selected = final_select(&mut Dialogue::new(&mut ports), &candidate, &offer);
    script_was_kept(&ports)?;
    let left = number(input, "other_candidates_left")?;
    let outcome = match selected {
        Ok(Some(_)) => "selected",
        Ok(None) if left > 0 => "try_again",
        Ok(None) => "not_accepted",
        Err(Cause::CardMisbehaved(_)) => "card_error",
        Err(other) => return Err(format!("{other:?}")),
    };
    Ok(json!({ "outcome": outcome }))
}

fn language(input: &Value) -> Outcome {
    let languages = list(input, "terminal_languages")?.iter();
    let languages: Vec<[u8; 2]> = languages
        .map(|language| language.as_str()?.as_bytes().try_into().ok())
        .collect::<Option<_>>()
        .ok_or("a language does not have two letters")?;
    let preference = bytes(input, "language_preference_5F2D")?;
    let chosen = choose_language(&preference, &languages);
    let chosen = chosen.map(|letters| String::from_utf8_lossy(&letters).into_owned());
    Ok(json!({ "language": chosen }))
}

fn display_name(input: &Value) -> Outcome {
    let optional = |name: &str| super::fields::optional(bytes, input, name);
    let table = optional("issuer_code_table_9F11")?;
    let labels = Labels {
        label: bytes(input, "label_50")?,
        preferred_name: optional("preferred_name_9F12")?,
        code_table: table.and_then(|table| table.first().copied()),
    };
    // EMV 4.4 Book 4, Annex A3: code tables 10 and 9, then 8 to 1.
    let mut tables = 0_u16;
    for table in list(input, "supported_code_tables")? {
        let bit = table.as_u64().and_then(|table| table.checked_sub(1));
        let bit = bit.and_then(|bit| u32::try_from(bit).ok());
        tables |= bit
            .filter(|bit| *bit < 10)
            .and_then(|bit| 1_u16.checked_shl(bit))
            .ok_or("there is no such code table")?;
    }
    let [high, low] = tables.to_be_bytes();
    let capabilities = AdditionalTerminalCapabilities::from_bytes([0, 0, 0, high, low]);
    let shown = String::from_utf8_lossy(labels.displayed(capabilities)).into_owned();
    Ok(json!({ "display": shown }))
}
