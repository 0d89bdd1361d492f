//! A card as its reader meets it: power, selection, and faults on purpose.

use std::sync::Arc;

use crate::apdu::{Command, Outcome, Status};
use crate::application::Application;
use crate::language::Error;
use crate::personalization::{self, Chip, Personalization};
use crate::quirk::{Fault, Quirk, fault_at};
use crate::tlv;

/// The basic answer of a T=1 card (EMV 4.4 Book 1, 8.2): TB1 and TC1 zero, an information field of 32
/// bytes, block and character waiting integers 4 and 5, and the check byte.
const ANSWER_TO_RESET: [u8; 9] = [0x3B, 0xE0, 0x00, 0x00, 0x81, 0x31, 0x20, 0x45, 0x35];

/// The payment system environment (EMV 4.4 Book 1, 12.2.2).
const PSE: &[u8] = b"1PAY.SYS.DDF01";

/// The file of the payment system environment that lists applications.
const DIRECTORY: u8 = 1;

/// A chip card. Each value is a card of its own: its counters start at zero and its PIN tries at three,
/// and what a transaction or a script changes stays changed, over `insert` too.
#[derive(Clone, Debug)]
pub struct Card {
    personalization: Arc<Personalization>,
    applications: Vec<Application>,
    selected: Selected,
    quirks: Vec<Quirk>,
    /// Commands since the card was inserted.
    commands: u32,
    /// Whether it gave no answer because it is silent, not because it was pulled.
    silent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Selected {
    Nothing,
    Environment,
    Application(usize),
}

impl Card {
    /// A new card of this name in the catalogue. `None` when there is none.
    pub fn named(name: &str) -> Option<Self> {
        personalization::named(name).map(|card| Self::new(card.clone()))
    }

    /// A new card like the one of this name, with changes in the language of the card files under
    /// `cards/`: a line there stands in place of the base's. Fails when there is no such base, and
    /// for the first line that cannot be read.
    pub fn changed(base: &str, changes: &str) -> Result<Self, Error> {
        let base = personalization::named(base).ok_or(Error::Base)?;
        base.changed(changes).map(Self::new)
    }

    /// A new card of a text in the language of the card files, whoever wrote it. Fails for the first line
    /// that cannot be read, for what is missing, and for a text beyond the limits.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        Personalization::parse(text).map(Self::new)
    }

    fn new(card: Personalization) -> Self {
        let applications = card
            .applications
            .iter()
            .map(|data| Application::new(&card, data))
            .collect();
        Self {
            quirks: card.quirks.clone(),
            personalization: Arc::new(card),
            applications,
            selected: Selected::Nothing,
            commands: 0,
            silent: false,
        }
    }

    /// Powers the card: forgets the transaction in progress, counts commands from 1 again, and returns
    /// the answer to reset; nothing when the chip is mute, or there is none.
    pub fn insert(&mut self) -> Vec<u8> {
        self.commands = 0;
        self.leave();
        self.silent = !self.has_chip() || self.quirks.contains(&Quirk::Mute);
        if self.silent {
            return Vec::new();
        }
        ANSWER_TO_RESET.to_vec()
    }

    /// Answers one command, of any bytes, with data and status word. An empty answer means that the card
    /// was pulled, or fell silent ([`Card::is_silent`]): it does not answer again before the next
    /// `insert`.
    pub fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        if !self.has_chip() {
            return Vec::new();
        }
        self.commands = self.commands.saturating_add(1);
        let (data, status) = match fault_at(&self.quirks, self.commands, command) {
            Some(Fault::Removed) => return Vec::new(),
            Some(Fault::Silent) => {
                self.silent = true;
                return Vec::new();
            }
            Some(Fault::Answer(bytes)) => return bytes,
            None => self.execute(command),
        };
        [&data, &status.0.to_be_bytes()[..]].concat()
    }

    /// Whether the card gives no answer although it is there.
    pub const fn is_silent(&self) -> bool {
        self.silent
    }

    /// The name it has in its text.
    pub fn name(&self) -> &str {
        &self.personalization.name
    }

    /// Whether there is a chip beside the stripe.
    pub fn has_chip(&self) -> bool {
        self.personalization.chip == Chip::Contact
    }

    /// Track 2 of the stripe (ISO/IEC 7813) in ASCII, without sentinels and redundancy check.
    pub fn track_2(&self) -> String {
        self.personalization.track_2()
    }

    /// The PIN that the cardholder would type, four to twelve digits.
    pub fn pin(&self) -> &str {
        &self.personalization.pin
    }

    /// What was written on the card.
    pub(crate) fn personalization(&self) -> &Arc<Personalization> {
        &self.personalization
    }

    /// The same card with one more fault.
    #[must_use]
    pub fn with_quirk(mut self, quirk: Quirk) -> Self {
        self.quirks.push(quirk);
        if let Quirk::SignatureAt(nth, fault) = quirk {
            for application in &mut self.applications {
                application.sign_wrong_at(nth, fault);
            }
        }
        self
    }

    fn execute(&mut self, command: &[u8]) -> (Vec<u8>, Status) {
        let outcome = Command::parse(command).and_then(|command| {
            if (command.class, command.instruction) == (0x00, 0xA4) {
                return self.select(&command);
            }
            self.answer(&command).map(|data| (data, Status::OK))
        });
        outcome.unwrap_or_else(|status| (Vec::new(), status))
    }

    fn answer(&mut self, command: &Command<'_>) -> Outcome {
        match self.selected {
            Selected::Application(index) => match self.applications.get_mut(index) {
                Some(application) => application.answer(command),
                None => Err(Status::CONDITIONS_NOT_SATISFIED),
            },
            Selected::Environment if (command.class, command.instruction) == (0x00, 0xB2) => {
                self.read_directory(command)
            }
            Selected::Environment | Selected::Nothing => Err(Status::CONDITIONS_NOT_SATISFIED),
        }
    }

    /// SELECT by name (EMV 4.4 Book 1, 11.3 and 12.3.3). P2 02 asks for the next application whose name
    /// starts with the same bytes. What was selected before is left, found or not.
    fn select(&mut self, command: &Command<'_>) -> Result<(Vec<u8>, Status), Status> {
        if command.p1 != 0x04 || !matches!(command.p2, 0x00 | 0x02) {
            return Err(Status::WRONG_P1_P2);
        }
        if !(5..=16).contains(&command.data.len()) {
            return Err(Status::WRONG_LENGTH);
        }
        let previous = self.selected;
        self.leave();
        let directory = !self.personalization.without_directory;
        if command.p2 == 0x00 && command.data == PSE && directory {
            self.selected = Selected::Environment;
            return Ok((environment_information(), Status::OK));
        }
        let skipped = match previous {
            Selected::Application(index) if command.p2 == 0x02 => index.saturating_add(1),
            Selected::Application(_) | Selected::Environment | Selected::Nothing => 0,
        };
        let mut later = self.applications.iter_mut().enumerate().skip(skipped);
        let found = later.find(|(_, application)| application.data().aid.starts_with(command.data));
        let (index, application) = found.ok_or(Status::FILE_NOT_FOUND)?;
        self.selected = Selected::Application(index);
        Ok(application.select())
    }

    /// One application a record (EMV 4.4 Book 1, 12.2.3).
    fn read_directory(&self, command: &Command<'_>) -> Outcome {
        if command.p2 & 0x07 != 0x04 || command.p1 == 0 {
            return Err(Status::WRONG_P1_P2);
        }
        if command.p2 >> 3 != DIRECTORY {
            return Err(Status::FILE_NOT_FOUND);
        }
        let index = usize::from(command.p1).saturating_sub(1);
        let data = self
            .applications
            .get(index)
            .ok_or(Status::RECORD_NOT_FOUND)?
            .data();
        let mut entry = vec![
            tlv::object(0x4F, &data.aid),
            tlv::object(0x50, data.label.as_bytes()),
        ];
        entry.extend(data.priority.map(|priority| tlv::object(0x87, &[priority])));
        let names = [0x9F12, 0x9F11].map(|tag| (tag, data.element(tag)));
        let present = names.iter().filter(|(_, value)| !value.is_empty());
        entry.extend(present.map(|(tag, value)| tlv::object(*tag, value)));
        Ok(tlv::template(0x70, &[tlv::template(0x61, &entry)]))
    }

    fn leave(&mut self) {
        self.selected = Selected::Nothing;
        for application in &mut self.applications {
            application.reset();
        }
    }
}

fn environment_information() -> Vec<u8> {
    let proprietary = [tlv::object(0x88, &[DIRECTORY]), tlv::object(0x5F2D, b"en")];
    tlv::template(
        0x6F,
        &[tlv::object(0x84, PSE), tlv::template(0xA5, &proprietary)],
    )
}
