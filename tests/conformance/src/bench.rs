//! A terminal around the kernel: the card of a case, its cardholder, and the terminal's tools.

use std::collections::VecDeque;

use emv::Identity;
use emv::parameters::{CaPublicKey, EccCaPublicKey};
use emv::ports::{
    Card, CardFault, Cardholder, Interruption, OfflinePinEntry, OfflinePinMethod, PinEntry,
    PinPrompt, Tools,
};
use emv::trace::Event;
use sha1::{Digest, Sha1};

use crate::case::{Answer, Case, Interposed};
use crate::command::Named;
use crate::surroundings::{Keys, Surroundings};
use crate::terminal;

/// More commands than any transaction may take, so that an endless one is noticed.
const COMMANDS_BEYOND_ANY: usize = 300;

/// See the module.
pub(crate) struct Bench<'a> {
    card: virtual_card::Card,
    surroundings: &'a Surroundings,
    answers: Vec<(&'a Answer, usize)>,
    choices: VecDeque<&'a str>,
    pins: VecDeque<&'a str>,
    numbers: usize,
    /// What was seen.
    pub(crate) sent: Vec<Named>,
    pub(crate) events: Vec<Event>,
    pub(crate) offered: Vec<Vec<u8>>,
    pub(crate) prompts: Vec<PinPrompt>,
    /// What the case does not speak of.
    pub(crate) problems: Vec<String>,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(case: &'a Case) -> Self {
        let mut card = case.card.clone();
        card.insert();
        Self {
            card,
            surroundings: &case.surroundings,
            answers: case.answers.iter().map(|answer| (answer, 0)).collect(),
            choices: case.choices.iter().map(String::as_str).collect(),
            pins: case.pins.iter().map(String::as_str).collect(),
            numbers: 0,
            sent: Vec::new(),
            events: Vec::new(),
            offered: Vec::new(),
            prompts: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Notes what the case prepared and nobody wanted.
    pub(crate) fn finish(&mut self) {
        let unused = self.choices.iter().map(|choice| format!("choice {choice}"));
        let unused = unused.chain(self.pins.iter().map(|pin| format!("PIN {pin}")));
        let unmet = self
            .answers
            .iter()
            .filter(|(answer, met)| match answer.nth {
                Some(nth) => *met < nth,
                None => *met == 0,
            });
        let unmet = unmet.map(|(answer, _)| format!("answer to {:?}", answer.to));
        let left: Vec<String> = unused
            .chain(unmet)
            .map(|what| format!("{what} was never wanted"))
            .collect();
        self.problems.extend(left);
    }

    fn interposed(&mut self, command: &Named) -> Option<&'a Interposed> {
        let mut found = None;
        for (answer, met) in &mut self.answers {
            if answer.to.fits(command) {
                *met = met.saturating_add(1);
                if found.is_none() && answer.nth.is_none_or(|nth| nth == *met) {
                    found = Some(&answer.with);
                }
            }
        }
        found
    }

    fn interruption(&mut self, word: Option<&str>, what: &str) -> Interruption {
        match word {
            Some("cancel") => Interruption::Cancelled,
            Some("abort") => Interruption::Aborted,
            Some("timeout") => Interruption::TimedOut,
            Some("removed") => Interruption::Card(CardFault::Removed),
            Some(other) => {
                self.problems.push(format!("{other:?} is no {what}"));
                Interruption::TimedOut
            }
            None => {
                self.problems.push(format!("the case has no {what} left"));
                Interruption::TimedOut
            }
        }
    }
}

impl Card for Bench<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardFault> {
        let named = Named::of(command);
        let interposed = self.interposed(&named);
        self.sent.push(named);
        if self.sent.len() > COMMANDS_BEYOND_ANY {
            self.problems
                .push("the transaction does not end".to_owned());
            return Err(CardFault::Unresponsive);
        }
        match interposed {
            None => Ok(self.card.transmit(command)),
            Some(Interposed::Instead(bytes)) => Ok(bytes.clone()),
            Some(Interposed::Afterwards(bytes)) => {
                self.card.transmit(command);
                Ok(bytes.clone())
            }
            Some(Interposed::Gone(fault)) => Err(*fault),
            Some(Interposed::Status(status)) => {
                let answer = self.card.transmit(command);
                let data = answer
                    .split_last_chunk::<2>()
                    .map_or(&[][..], |(data, _)| data);
                Ok([data, status].concat())
            }
        }
    }
}

impl Cardholder for Bench<'_> {
    fn choose_application(&mut self, labels: &[Vec<u8>]) -> Result<usize, Interruption> {
        let shown: Vec<_> = labels
            .iter()
            .map(|label| String::from_utf8_lossy(label))
            .collect();
        self.offered.push(shown.join("; ").into_bytes());
        let choice = self.choices.pop_front();
        let position = choice.and_then(|choice| choice.parse::<usize>().ok());
        position
            .and_then(|position| position.checked_sub(1))
            .ok_or_else(|| self.interruption(choice, "choice"))
    }

    fn chooses_applications(&self) -> bool {
        self.surroundings.cardholder_chooses
    }

    fn choice_refused(&mut self) {
        self.offered.push(b"try again".to_vec());
    }

    fn enter_online_pin(&mut self) -> Result<PinEntry, Interruption> {
        match self.pins.pop_front() {
            Some("bypass") => Ok(PinEntry::Bypassed),
            Some("no-keypad") => Ok(PinEntry::Unavailable),
            Some(pin) if pin.bytes().all(|digit| digit.is_ascii_digit()) => Ok(PinEntry::Entered),
            other => Err(self.interruption(other, "PIN")),
        }
    }

    fn verify_offline_pin(
        &mut self,
        prompt: PinPrompt,
        method: &OfflinePinMethod,
    ) -> Result<OfflinePinEntry, Interruption> {
        self.prompts.push(prompt);
        let pin = match self.pins.pop_front() {
            Some("bypass") => return Ok(OfflinePinEntry::Bypassed),
            Some("no-keypad") => return Ok(OfflinePinEntry::Unavailable),
            Some(pin) if pin.bytes().all(|digit| digit.is_ascii_digit()) => pin,
            other => return Err(self.interruption(other, "PIN")),
        };
        terminal::verify_pin(self, pin, method).map_err(Interruption::Card)
    }
}

impl Tools for Bench<'_> {
    fn rsa_recover(&mut self, modulus: &[u8], exponent: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        terminal::rsa_recover(modulus, exponent, data)
    }

    fn unpredictable_number(&mut self) -> [u8; 4] {
        let numbers = &self.surroundings.numbers;
        let number = numbers.get(self.numbers).or(numbers.last());
        self.numbers = self.numbers.saturating_add(1);
        number.copied().unwrap_or_default()
    }

    fn ca_public_key(&mut self, rid: &[u8; 5], index: u8) -> Option<CaPublicKey> {
        let keys = self.surroundings.keys;
        let mut key = terminal::ca_public_key(rid, index).filter(|_| keys != Keys::Absent)?;
        match keys {
            Keys::Right | Keys::Absent => {}
            Keys::WrongChecksum => key.checksum = [0; 20],
            Keys::ExponentTwo => key.exponent = vec![0x02],
            Keys::Other => key.index = index ^ 0x01,
            Keys::WrongModulus => {
                // Still odd, and as long as it was.
                if let Some(byte) = key.modulus.get_mut(8) {
                    *byte ^= 0x10;
                }
            }
        }
        if keys != Keys::WrongChecksum {
            let parts = [&key.rid[..], &[key.index], &key.modulus, &key.exponent];
            key.checksum = Sha1::digest(parts.concat()).into();
        }
        key.expires = self.surroundings.keys_expire;
        Some(key)
    }

    fn ecc_ca_public_key(&mut self, rid: &[u8; 5], index: u8) -> Option<EccCaPublicKey> {
        let keys = self.surroundings.keys;
        let mut key = terminal::ecc_ca_public_key(rid, index).filter(|_| keys != Keys::Absent)?;
        if keys == Keys::Other {
            key.index ^= 0x01;
        }
        key.expires = self.surroundings.keys_expire;
        Some(key)
    }

    fn issuer_certificate_revoked(&mut self, _: &[u8; 5], _: u8, serial: [u8; 3]) -> bool {
        self.surroundings.revoked == Some(serial)
    }

    fn on_exception_file(&mut self, _: &emv::Pan, _: Option<u8>) -> bool {
        self.surroundings.on_exception_file
    }

    fn logged_amount(&mut self, _: &emv::Pan, _: Option<u8>) -> u64 {
        self.surroundings.logged_amount
    }

    fn card_identified(&mut self, _: &Identity) {}

    fn record(&mut self, event: Event) {
        self.events.push(event);
    }
}
