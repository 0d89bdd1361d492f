//! Whole dialogues with published cards.
//!
//! The kernel's steps are run in the order in which a recorded terminal took them, with what that
//! terminal knew; each must send the recorded command byte for byte. Whether a terminal of ours
//! would decide the same is not asked: the vectors do not say what that terminal was set to.

use serde_json::{Map, Value, json};

use super::fields::{bytes, hex, objects, optional, text};
use super::selection::{candidate, selected_name};
use super::{Outcome, application, script_was_kept, scripted, terminal, transaction};
use crate::application_selection::{Offer, build_candidate_list, final_select};
use crate::bits::Tvr;
use crate::card_data::{CardData, CryptogramType};
use crate::contact::{Read, Selected, initiate_application, read_application_data};
use crate::dialogue::Dialogue;
use crate::online::issuer_authentication;
use crate::outcome::Cause;
use crate::scripted::Scripted;
use crate::signed_answer::{AnswerAuthentication, Moment, Request, Scheme};
use crate::tag::{self, Tag};

pub(super) fn run(case: &Value) -> Outcome {
    match text(case, "interface")? {
        "contact" => {}
        "contactless" => return Err("contactless is not covered yet".to_owned()),
        other => return Err(format!("{other} is of the reader: not covered yet")),
    }
    let steps: Vec<Vec<u8>> = super::fields::list(case, "apdus")?
        .iter()
        .map(|apdu| bytes(apdu, "c"))
        .collect::<Result<_, _>>()?;
    let mut ports = scripted(case)?;
    let mut replay = Replay {
        case,
        dialogue: Dialogue::new(&mut ports),
        actual: Map::new(),
        cryptograms: 0,
    };
    let replayed = replay.all(&steps);
    let Replay {
        mut actual,
        dialogue,
        ..
    } = replay;
    let outcome = outcome(&dialogue.card);
    if ports.unexpected.is_none() {
        replayed?;
    }
    script_was_kept(&ports)?;
    actual.insert("outcome".to_owned(), json!(outcome));
    Ok(Value::Object(actual))
}

/// What a dialogue came to, in the vectors' words; `None` when they have none for it.
fn outcome(card: &CardData) -> Option<&'static str> {
    let refused = card.tvr().contains(Tvr::ISSUER_AUTHENTICATION_FAILED);
    match (card.cryptogram_type()?, refused) {
        (CryptogramType::Aac, false) => Some("declined: the terminal must honour the AAC"),
        (CryptogramType::Tc, true) => {
            Some("issuer authentication failed (TVR byte 5 b7) yet the card gives a TC")
        }
        _ => None,
    }
}

struct Replay<'a, 'p> {
    case: &'a Value,
    dialogue: Dialogue<'p, Scripted>,
    actual: Map<String, Value>,
    cryptograms: u8,
}

impl Replay<'_, '_> {
    fn all(&mut self, steps: &[Vec<u8>]) -> Result<(), String> {
        let read = self.up_to_the_records(steps)?;
        let sent = self.dialogue.ports.sent.len();
        for step in steps.get(sent..).unwrap_or_default() {
            match step.as_slice() {
                [0x80, 0xCA, high, low, _] => {
                    let tag = Tag::new(u16::from_be_bytes([*high, *low]).into());
                    self.dialogue.get_data(tag).map_err(words)?;
                }
                [0x80, 0xAE, control, ..] => self.generate(*control, &read)?,
                [0x00, 0x82, 0x00, 0x00, _, data @ ..] => {
                    issuer_authentication(&mut self.dialogue, Some(data)).map_err(words)?;
                }
                other => return Err(format!("{} is not covered yet", hex(other))),
            }
        }
        Ok(())
    }

    /// EMV 4.4 Book 1, 12, and EMV 4.4 Book 3, 10.1 and 10.2.
    fn up_to_the_records(&mut self, steps: &[Vec<u8>]) -> Result<Read, String> {
        let directory = |step: &Vec<u8>| step.get(5..) == Some(b"1PAY.SYS.DDF01\0");
        let with_directory = steps.first().is_some_and(directory);
        let select = |step: &&Vec<u8>| step.starts_with(&[0x00, 0xA4]) && !directory(step);
        let select = steps
            .iter()
            .find(select)
            .ok_or("no application is selected")?;
        let name = selected_name(select)?;
        let applications = [application(name.rid().as_slice(), true)?];
        let candidate = if with_directory {
            let candidates = build_candidate_list(&mut self.dialogue, &applications);
            let candidates = candidates.map_err(words)?;
            let names = candidates.iter().map(|one| hex(one.name.as_bytes()));
            let names: Vec<String> = names.collect();
            self.actual
                .insert("pse_candidates".to_owned(), json!(names));
            candidates.into_iter().next().ok_or("no candidate")?
        } else {
            candidate(name.as_bytes())?
        };
        let terminal = terminal()?;
        let offer = Offer {
            terminal: &terminal,
            applications: &applications,
            transaction: &transaction(),
        };
        let selected = final_select(&mut self.dialogue, &candidate, &offer).map_err(words)?;
        self.records(selected.ok_or("the application was refused")?)
    }

    fn records(&mut self, selected: Selected) -> Result<Read, String> {
        let aid = hex(selected.fci.name.as_bytes());
        self.actual.insert("aid_selected".to_owned(), json!(aid));
        self.fill("pdol_values", &[])?;
        let initiated = initiate_application(&mut self.dialogue, selected).map_err(words)?;
        let initiated = initiated.ok_or("the application cannot be used")?;
        let read = read_application_data(&mut self.dialogue, initiated).map_err(words)?;
        let elements = self.case.pointer("/expect/card_data_objects");
        let elements = elements.and_then(Value::as_object);
        let stored = elements.into_iter().flatten().map(|(digits, _)| {
            let tag = u32::from_str_radix(digits, 16).ok().map(Tag::new);
            let value = tag.and_then(|tag| self.dialogue.card.value(tag));
            (digits.clone(), json!(value.map(hex)))
        });
        let stored: Map<String, Value> = stored.collect();
        for (name, tag) in [("aip_82", tag::AIP), ("afl_94", tag::AFL)] {
            let value = self.dialogue.card.value(tag).map(hex);
            self.actual.insert(name.to_owned(), json!(value));
        }
        self.actual
            .insert("card_data_objects".to_owned(), Value::Object(stored));
        Ok(read)
    }

    /// EMV 4.4 Book 3, 10.8 and 10.11: both GENERATE AC.
    fn generate(&mut self, control: u8, read: &Read) -> Result<(), String> {
        self.cryptograms = self.cryptograms.saturating_add(1);
        let number = self.cryptograms;
        let kinds = [
            CryptogramType::Aac,
            CryptogramType::Arqc,
            CryptogramType::Tc,
        ];
        let requested = kinds
            .into_iter()
            .find(|kind| kind.to_reference_control() == control)
            .ok_or("this GENERATE AC is not covered yet")?;
        // What the kernel made itself must be what the terminal had by then.
        let (list, own, moment) = match number {
            1 => (&read.cdol1, &[][..], Moment::First),
            2 => (&read.cdol2, &[tag::TVR][..], Moment::AfterIssuer),
            _ => return Err("a third GENERATE AC".to_owned()),
        };
        self.fill(&format!("generate_ac_{number}_values"), own)?;
        let application = &read.terms.application;
        // None of these terminals asked for a signature: `control` above would be another.
        let mut authentication = AnswerAuthentication::new(Scheme::None, &[]);
        let request = Request {
            kind: requested,
            moment,
        };
        authentication
            .generate(&mut self.dialogue, application, list, request)
            .map_err(words)?;
        let given = [
            tag::CRYPTOGRAM_INFORMATION_DATA,
            tag::ATC,
            tag::APPLICATION_CRYPTOGRAM,
            tag::ISSUER_APPLICATION_DATA,
        ];
        let given = given.map(|tag| {
            let value = self.dialogue.card.value(tag).map(hex);
            (tag.to_string(), json!(value))
        });
        let control = hex(&[requested.to_reference_control()]);
        self.actual
            .insert(format!("generate_ac_{number}_p1"), json!(control));
        self.actual.insert(
            format!("ac_{number}"),
            Value::Object(given.into_iter().collect()),
        );
        Ok(())
    }

    /// Takes over what the recorded terminal knew, but for what the kernel makes itself.
    fn fill(&mut self, name: &str, own: &[Tag]) -> Result<(), String> {
        for (tag, value) in optional(objects, self.case, name)?.unwrap_or_default() {
            if !own.contains(&tag) {
                self.dialogue.card.set(tag, &value);
            }
        }
        Ok(())
    }
}

fn words(cause: Cause) -> String {
    format!("{cause:?}")
}
