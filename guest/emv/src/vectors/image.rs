//! Dialogues of readers that collect a card's data without paying.
//!
//! Such a reader asks in an order of its own, for records no terminal reads, and no cryptogram is
//! in what it recorded. Every command must be one that the kernel builds, byte for byte; every
//! answer is read by the function with which the kernel reads its like.
//!
//! EMV 4.4 Book 1, 12; EMV 4.4 Book 3, 6.5 and 10.2.

use serde_json::{Map, Value, json};

use super::fields::hex;
use super::given::{Given, stored};
use crate::apdu::{self, Occurrence, Response, status};
use crate::dialogue::Dialogue;
use crate::records::{self, ProcessingOptions};
use crate::scripted::Scripted;
use crate::selection::{self, Fci};
use crate::tag::{self, Tag};
use crate::tlv;

/// What such a recording is good for, in the vectors' words.
const NOTE: &str = "directory and FCI parsing only; cryptograms in this image are dummies";

/// Whether a dialogue is one: no cryptogram was asked for.
pub(super) fn is_one(steps: &[Vec<u8>]) -> bool {
    !steps.iter().any(|step| step.starts_with(&[0x80, 0xAE]))
}

/// What the card of a dialogue gave.
pub(super) fn read(steps: &[Vec<u8>], case: &Value, ports: &mut Scripted) -> Result<Value, String> {
    let mut image = Image {
        dialogue: Dialogue::new(ports),
        actual: Map::new(),
        given: Given::default(),
        directory: None,
        locator: None,
    };
    for step in steps {
        image.step(step)?;
    }
    let objects = stored(case, &image.dialogue.card, &image.given);
    image.actual.insert("card_data_objects".to_owned(), objects);
    image.actual.insert("note".to_owned(), json!(NOTE));
    Ok(Value::Object(image.actual))
}

struct Image<'p> {
    dialogue: Dialogue<'p, Scripted>,
    actual: Map<String, Value>,
    given: Given,
    /// The file of the directory, as long as no application is selected.
    directory: Option<u8>,
    /// Where the application's records are, once it said so.
    locator: Option<ProcessingOptions>,
}

impl Image<'_> {
    fn step(&mut self, step: &[u8]) -> Result<(), String> {
        let unreadable = || format!("the answer to {} cannot be read", hex(step));
        match step {
            [0x00, 0xA4, ..] => {
                let name = step.get(5..).and_then(|rest| rest.strip_suffix(&[0x00]));
                let name = name.ok_or_else(unreadable)?;
                let command = apdu::select(name, Occurrence::First);
                let answer = self.send(step, command)?;
                if name == apdu::PAYMENT_SYSTEM_ENVIRONMENT {
                    let data = answer.success().ok_or_else(unreadable)?;
                    self.directory = selection::directory_sfi(data);
                    self.directory.ok_or_else(unreadable)?;
                    self.given.note(data);
                    return Ok(());
                }
                self.directory = None;
                let fci = answer.success().and_then(Fci::parse);
                self.selected(&fci.ok_or_else(unreadable)?, &answer)
            }
            [0x80, 0xA8, ..] => {
                let mut template = Vec::new();
                tlv::encode(tag::COMMAND_TEMPLATE, &[], &mut template);
                let answer = self.send(step, apdu::get_processing_options(&template))?;
                let data = answer.success().ok_or_else(unreadable)?;
                let options = ProcessingOptions::parse(data).map_err(|_| unreadable())?;
                let aip = hex(&options.aip.to_bytes());
                self.actual.insert("aip_82".to_owned(), json!(aip));
                let afl = hex(&options.afl);
                self.actual.insert("afl_94".to_owned(), json!(afl));
                self.locator = Some(options);
                Ok(())
            }
            [0x00, 0xB2, record, location, _] => {
                let (record, sfi) = (*record, location >> 3);
                let answer = self.send(step, Some(apdu::read_record(sfi, record)))?;
                match answer.success() {
                    Some(data) => self.record(sfi, data).ok_or_else(unreadable),
                    None => Ok(()),
                }
            }
            [0x80, 0xCA, high, low, _] => {
                let tag = Tag::new(u16::from_be_bytes([*high, *low]).into());
                let answer = self.send(step, apdu::get_data(tag))?;
                let readable = answer
                    .success()
                    .is_none_or(|data| tlv::only(data, tag).is_some());
                readable.then_some(()).ok_or_else(unreadable)
            }
            other => Err(format!("{} is not covered yet", hex(other))),
        }
    }

    /// Sends what the kernel builds; it must be what was recorded.
    fn send(&mut self, step: &[u8], command: Option<Vec<u8>>) -> Result<Response, String> {
        let command = command.filter(|command| command == step);
        let command = command.ok_or_else(|| format!("{} is no command of ours", hex(step)))?;
        let answer = self.dialogue.transmit(&command);
        answer.map_err(|cause| format!("{cause:?}"))
    }

    fn selected(&mut self, fci: &Fci, answer: &Response) -> Result<(), String> {
        if answer.status != status::SUCCESS {
            return Err("the application was refused".to_owned());
        }
        let name = hex(fci.name.as_bytes());
        self.actual.insert("aid_selected".to_owned(), json!(name));
        self.dialogue.card.set(tag::DF_NAME, fci.name.as_bytes());
        for (tag, value) in &fci.elements {
            self.dialogue.card.set(*tag, value);
        }
        self.given.note(&answer.data);
        Ok(())
    }

    /// A record of the directory, of the application, or of a file that is neither's: the card's
    /// own log.
    fn record(&mut self, sfi: u8, data: &[u8]) -> Option<()> {
        if self.directory == Some(sfi) {
            selection::directory_entries(data)?;
            self.given.note(data);
            return Some(());
        }
        let entries = self.locator.iter().flat_map(|options| &options.entries);
        if entries.into_iter().any(|entry| entry.sfi == sfi) {
            for object in records::elements(sfi, data).ok()? {
                self.dialogue.keep(object.tag, object.value).ok()?;
            }
        }
        Some(())
    }
}
