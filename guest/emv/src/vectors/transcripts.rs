//! Whole dialogues with published cards.
//!
//! The kernel's steps are run in the order in which a recorded terminal took them, with what that
//! terminal knew; each must send the recorded command byte for byte. Whether a terminal of ours
//! would decide the same is not asked: the vectors do not say what that terminal was set to. What
//! belongs to the reader ([`super::transport`]) or to the vault (VERIFY) is sent as it stands.

use serde_json::{Map, Value, json};

use super::fields::{array, hex, objects, optional, text};
use super::given::{Given, stored};
use super::known_keys::{self, Published};
use super::selection::{candidate, selected_name};
use super::{
    Outcome, application, image, script_was_kept, scripted, terminal, transaction, transport,
};
use crate::application_selection::{Offer, build_candidate_list, final_select};
use crate::authentication;
use crate::bits::{Tsi, Tvr};
use crate::card_data::{CardData, CryptogramType};
use crate::contact::{Read, Selected, initiate_application, read_application_data};
use crate::dialogue::Dialogue;
use crate::dol::Dol;
use crate::key_chain::Material;
use crate::online::issuer_authentication;
use crate::outcome::Cause;
use crate::parameters::Application;
use crate::scripted::Scripted;
use crate::selection::Candidate;
use crate::signed_answer::{AnswerAuthentication, Moment, Request, Scheme};
use crate::tag::{self, Tag};
use crate::tlv;

pub(super) fn run(case: &Value) -> Outcome {
    let mut ports = scripted(case)?;
    let mut actual = Map::new();
    match text(case, "interface")? {
        "contact" => {}
        "contact T=0" => {
            let recorded: Vec<_> = ports.card.drain(..).collect();
            let (exchanges, used) = transport::unwrapped(&recorded)?;
            ports.card = exchanges.into();
            actual.insert("transport".to_owned(), json!(used));
        }
        "contactless" => return Err("contactless is not covered yet".to_owned()),
        other => return Err(format!("no interface is {other}")),
    }
    let steps: Vec<Vec<u8>> = ports
        .card
        .iter()
        .map(|(command, _)| command.clone())
        .collect();
    if image::is_one(&steps) {
        let read = image::read(&steps, case, &mut ports)?;
        script_was_kept(&ports)?;
        return Ok(read);
    }
    let known = known_keys::all()?.iter();
    ports.ca_keys = known.map(|known| known.key.clone()).collect();
    let given = Given::of_selection(&ports);
    let mut replay = Replay {
        case,
        dialogue: Dialogue::new(&mut ports),
        actual,
        given,
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
    given: Given,
    cryptograms: u8,
}

impl Replay<'_, '_> {
    fn all(&mut self, steps: &[Vec<u8>]) -> Result<(), String> {
        let selected = self.up_to_the_application(steps)?;
        let asked = steps.get(self.dialogue.ports.sent.len()..);
        for step in asked.unwrap_or_default() {
            let [0x80, 0xCA, high, low, _] = step.as_slice() else {
                break;
            };
            self.get_data(*high, *low)?;
        }
        let read = self.records(selected)?;
        self.static_signature(&read);
        let sent = self.dialogue.ports.sent.len();
        for step in steps.get(sent..).unwrap_or_default() {
            match step.as_slice() {
                [0x80, 0xCA, high, low, _] => self.get_data(*high, *low)?,
                [0x00, 0x88, 0x00, 0x00, _, data @ .., 0x00] => self.dynamic(data, &read)?,
                [0x00, 0x20 | 0x84, ..] => self.of_the_vault(step)?,
                [0x80, 0xAE, control, _, _, data @ .., 0x00] => {
                    self.generate(*control, data, &read)?;
                }
                [0x00, 0x82, 0x00, 0x00, _, data @ ..] => {
                    issuer_authentication(&mut self.dialogue, Some(data)).map_err(words)?;
                }
                other => return Err(format!("{} is not covered yet", hex(other))),
            }
        }
        Ok(())
    }

    /// EMV 4.4 Book 1, 12.
    fn up_to_the_application(&mut self, steps: &[Vec<u8>]) -> Result<Selected, String> {
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
            self.first_of_the_directory(&applications)?
        } else {
            candidate(name.as_bytes())?
        };
        let terminal = terminal()?;
        let mut transaction = transaction();
        // A certificate counts on the day of the dialogue.
        let values = &self.case["generate_ac_1_values"];
        if let Some(date) = optional(array, values, "9A")? {
            transaction.date = date;
        }
        let offer = Offer {
            terminal: &terminal,
            applications: &applications,
            transaction: &transaction,
        };
        let selected = final_select(&mut self.dialogue, &candidate, &offer).map_err(words)?;
        selected.ok_or_else(|| "the application was refused".to_owned())
    }

    fn first_of_the_directory(
        &mut self,
        applications: &[Application],
    ) -> Result<Candidate, String> {
        let candidates = build_candidate_list(&mut self.dialogue, applications);
        let candidates = candidates.map_err(words)?;
        let names = candidates.iter().map(|one| hex(one.name.as_bytes()));
        let names: Vec<String> = names.collect();
        self.actual
            .insert("pse_candidates".to_owned(), json!(names));
        candidates
            .into_iter()
            .next()
            .ok_or_else(|| "no candidate".to_owned())
    }

    fn get_data(&mut self, high: u8, low: u8) -> Result<(), String> {
        let tag = Tag::new(u16::from_be_bytes([high, low]).into());
        self.dialogue.get_data(tag).map(drop).map_err(words)
    }

    fn records(&mut self, selected: Selected) -> Result<Read, String> {
        let aid = hex(selected.fci.name.as_bytes());
        self.actual.insert("aid_selected".to_owned(), json!(aid));
        self.fill("pdol_values", &[])?;
        let initiated = initiate_application(&mut self.dialogue, selected).map_err(words)?;
        let initiated = initiated.ok_or("the application cannot be used")?;
        let read = read_application_data(&mut self.dialogue, initiated).map_err(words)?;
        for (name, tag) in [("aip_82", tag::AIP), ("afl_94", tag::AFL)] {
            let value = self.dialogue.card.value(tag).map(hex);
            self.actual.insert(name.to_owned(), json!(value));
        }
        let stored = stored(self.case, &self.dialogue.card, &self.given);
        self.actual.insert("card_data_objects".to_owned(), stored);
        Ok(read)
    }

    /// EMV 4.4 Book 2, 5: the signature over the static data, where the card has one. It takes no
    /// command.
    fn static_signature(&mut self, read: &Read) {
        let card = &self.dialogue.card;
        if card.contains(tag::SIGNED_STATIC_APPLICATION_DATA) {
            let material = Material::of(card, read);
            let verified = authentication::verify_static(self.dialogue.ports, &material);
            let result = match verified {
                Ok(_) => "success".to_owned(),
                Err(failure) => format!("{failure:?}"),
            };
            self.actual.insert("sda".to_owned(), json!(result));
        }
    }

    /// EMV 4.4 Book 2, 6.5: INTERNAL AUTHENTICATE and what the card signed.
    fn dynamic(&mut self, data: &[u8], read: &Read) -> Result<(), String> {
        let default = &read.terms.application.default_ddol;
        let list = self.dialogue.card.value(tag::DDOL).unwrap_or(default);
        let list = Dol::parse(list).map_err(|error| format!("{error:?}"))?;
        self.take_over(&list, data, &[])?;
        authentication::perform(&mut self.dialogue, read).map_err(words)?;
        let card = &self.dialogue.card;
        let (failed, tried) = (Tvr::DDA_FAILED, Tsi::ODA_PERFORMED);
        let passed = !card.tvr().contains(failed) && card.tsi().contains(tried);
        let index = card.value(tag::CA_PUBLIC_KEY_INDEX_CARD).map(hex);
        let index = index.unwrap_or_default();
        let rid = read.terms.application.aid.rid();
        let result = if passed {
            match published_in(rid, &index)? {
                None => format!("success with CAPK {} {index}", hex(&rid)),
                Some(case) => {
                    self.is_signed_as_in(case, data)?;
                    format!("success, see oda_rsa case {}", case.id)
                }
            }
        } else {
            format!("{:?}", card.tvr())
        };
        self.actual.insert("dda".to_owned(), json!(result));
        Ok(())
    }

    /// Whether the card gave the signature of a published case, to the same data.
    fn is_signed_as_in(&self, case: &Published, data: &[u8]) -> Result<(), String> {
        let answer = self.dialogue.ports.answered.as_deref();
        let answer = answer.and_then(|answer| answer.strip_suffix(&[0x90, 0x00]));
        let signed = answer.and_then(|answer| tlv::only(answer, tag::RESPONSE_TEMPLATE_1));
        if (signed, data) == (Some(&case.signature), &case.challenge) {
            Ok(())
        } else {
            Err(format!("the signature is not that of {}", case.id))
        }
    }

    /// VERIFY and GET CHALLENGE, which the vault sends: the kernel sees the status word alone.
    fn of_the_vault(&mut self, step: &[u8]) -> Result<(), String> {
        let answer = self.dialogue.transmit(step).map_err(words)?;
        answer.expect_success().map(drop).map_err(words)
    }

    /// EMV 4.4 Book 3, 10.8 and 10.11: both GENERATE AC.
    fn generate(&mut self, control: u8, data: &[u8], read: &Read) -> Result<(), String> {
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
        let name = format!("generate_ac_{number}_values");
        if self.case[&name].is_null() {
            self.take_over(list, data, own)?;
        } else {
            self.fill(&name, own)?;
        }
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

    /// The same from the recorded command itself, where the case does not list it: its data is
    /// what the list of the card asks for.
    fn take_over(&mut self, list: &Dol, mut data: &[u8], own: &[Tag]) -> Result<(), String> {
        for (tag, length) in list.entries() {
            let parts = data.split_at_checked(usize::from(*length));
            let (value, rest) = parts.ok_or("the command is shorter than its list")?;
            if !own.contains(tag) {
                self.dialogue.card.set(*tag, value);
            }
            data = rest;
        }
        match data {
            [] => Ok(()),
            _ => Err("the command is longer than its list".to_owned()),
        }
    }
}

/// The case that published a key which stands in no list.
fn published_in(rid: [u8; 5], index: &str) -> Result<Option<&'static Published>, String> {
    let mut known = known_keys::all()?.iter();
    let known = known.find(|known| known.key.rid == rid && hex(&[known.key.index]) == index);
    Ok(known.and_then(|known| known.case.as_ref()))
}

fn words(cause: Cause) -> String {
    format!("{cause:?}")
}
