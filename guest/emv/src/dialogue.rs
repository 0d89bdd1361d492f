//! One transaction's conversation: the ports, the data elements gathered so far, and the two
//! things every step does, talking to the card and concluding.

use zeroize::Zeroizing;

use crate::apdu::Response;
use crate::bits::{Tsi, Tvr};
use crate::card_data::CardData;
use crate::outcome::{Cause, Ended, Misbehaviour};
use crate::parameters::Application;
use crate::ports::Ports;
use crate::rules::Conclusion;
use crate::tag::{self, Tag};
use crate::trace::{self, Event};

/// How many commands one transaction may take. A real card needs less than a hundred; one that
/// never ends its directory or its list of applications is stopped here.
pub(crate) const COMMANDS_MAX: usize = 256;

/// See the module.
pub(crate) struct Dialogue<'p, P> {
    pub(crate) ports: &'p mut P,
    /// What card and terminal know so far.
    pub(crate) card: CardData,
    /// How many commands were sent.
    pub(crate) commands: usize,
    /// Whether the card answered that an application of the terminal is blocked.
    pub(crate) application_blocked: bool,
    /// Whether the card refused an application that was chosen.
    pub(crate) application_refused: bool,
}

impl<'p, P: Ports> Dialogue<'p, P> {
    /// A conversation that has not begun.
    pub(crate) fn new(ports: &'p mut P) -> Self {
        Self {
            ports,
            card: CardData::default(),
            commands: 0,
            application_blocked: false,
            application_refused: false,
        }
    }

    /// Sends a command. Fails when the card gave no answer, one that is no response APDU, or
    /// when too many commands were sent.
    pub(crate) fn transmit(&mut self, command: &[u8]) -> Result<Response, Cause> {
        self.commands = self.commands.saturating_add(1);
        if self.commands > COMMANDS_MAX {
            return Err(Cause::CardMisbehaved(Misbehaviour::TooManyCommands));
        }
        let response = Zeroizing::new(self.ports.transmit(command).map_err(Cause::Card)?);
        Response::parse(&response).ok_or(Cause::CardMisbehaved(Misbehaviour::ResponseLength))
    }

    /// Acts on a conclusion: sets its TVR bits and records it. Nothing else sets a TVR bit.
    ///
    /// Invariant: a TVR bit once set stays set.
    pub(crate) fn conclude(&mut self, conclusion: &Conclusion) {
        self.conclude_with(conclusion, Vec::new());
    }

    /// Acts on a conclusion of action analysis, which looked at the terminal's action codes too.
    pub(crate) fn conclude_on_codes(&mut self, conclusion: &Conclusion, application: &Application) {
        let codes = trace::terminal_action_codes(conclusion, application);
        self.conclude_with(conclusion, codes);
    }

    fn conclude_with(&mut self, conclusion: &Conclusion, more: Vec<(Tag, Vec<u8>)>) {
        let tvr = self.card.tvr() | conclusion.sets;
        self.card.set(tag::TVR, &tvr.to_bytes());
        let mut event = Event::new(conclusion, &self.card);
        event.elements.extend(more);
        self.ports.record(event);
    }

    /// Acts on several conclusions in order.
    pub(crate) fn conclude_all<'c>(
        &mut self,
        conclusions: impl IntoIterator<Item = &'c Conclusion>,
    ) {
        for conclusion in conclusions {
            self.conclude(conclusion);
        }
    }

    /// Notes that a function was performed (EMV 4.4 Book 3, Annex C6).
    pub(crate) fn performed(&mut self, function: Tsi) {
        let tsi = self.card.tsi() | function;
        self.card.set(tag::TSI, &tsi.to_bytes());
    }

    /// Keeps an element the card gave, by the rules of its row: what is not the card's to give is
    /// ignored, and an empty value is an absent one (EMV 4.4 Book 3, 7.1 and 7.5).
    ///
    /// Fails when the element was given before or has a length its format does not allow.
    pub(crate) fn keep(&mut self, tag: Tag, value: &[u8]) -> Result<(), Cause> {
        let element = tag.element();
        if element.is_some_and(|element| element.source != tag::Source::Card) {
            return Ok(());
        }
        if self.card.contains(tag) {
            return Err(Cause::CardMisbehaved(Misbehaviour::ElementRepeated));
        }
        if value.is_empty() {
            return Ok(());
        }
        if element.is_some_and(|element| !element.allows(value.len())) {
            return Err(Cause::CardMisbehaved(Misbehaviour::ElementFormat));
        }
        self.card.set(tag, value);
        Ok(())
    }

    /// Reads one primitive element with GET DATA (EMV 4.4 Book 3, 6.5.7). `None` when the card
    /// does not give it, or not in the right form.
    pub(crate) fn get_data(&mut self, tag: Tag) -> Result<Option<Vec<u8>>, Cause> {
        let Some(command) = crate::apdu::get_data(tag) else {
            return Ok(None);
        };
        let response = self.transmit(&command)?;
        let value = response
            .success()
            .and_then(|data| crate::tlv::only(data, tag));
        let allowed = |value: &&[u8]| tag.element().is_some_and(|row| row.allows(value.len()));
        let value = value.filter(allowed).map(<[u8]>::to_vec);
        if let Some(value) = &value {
            self.card.set(tag, value);
        }
        Ok(value)
    }

    /// Ends early, with what the card gave so far.
    pub(crate) fn ended(self, cause: Cause, reversal_required: bool) -> Ended {
        Ended {
            cause,
            card: Box::new(self.card),
            reversal_required,
        }
    }

    /// The TVR as it is now.
    pub(crate) fn tvr(&self) -> Tvr {
        self.card.tvr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;
    use crate::scripted::Scripted;

    #[test]
    fn a_card_gives_what_is_its_own_once_and_well_formed() {
        let misbehaved = |misbehaviour| Err(Cause::CardMisbehaved(misbehaviour));
        for (tag, value, kept, result) in [
            (tag::PAN, &[0x47, 0x61, 0x73, 0x90][..], true, Ok(())),
            (
                tag::PAN,
                &[0x47; 11],
                false,
                misbehaved(Misbehaviour::ElementFormat),
            ),
            (tag::PAN, &[], false, Ok(())),
            (tag::TERMINAL_CAPABILITIES, &[0xFF; 3], false, Ok(())),
            (tag::AUTHORISATION_RESPONSE_CODE, b"00", false, Ok(())),
            (Tag::new(0x9F7C), &[0x01], true, Ok(())),
            (
                tag::AIP,
                &[0x18, 0x00],
                true,
                misbehaved(Misbehaviour::ElementRepeated),
            ),
        ] {
            let mut ports = Scripted::default();
            let mut dialogue = Dialogue::new(&mut ports);
            dialogue.card.set(tag::AIP, &[0x00, 0x00]);
            assert_eq!(dialogue.keep(tag, value), result, "{tag}");
            assert_eq!(dialogue.card.contains(tag), kept, "{tag}");
            assert_eq!(dialogue.card.array(tag::AIP), Some([0x00, 0x00]));
        }
    }

    #[test]
    fn no_tvr_bit_is_set_without_a_line_in_the_trace() {
        let mut ports = Scripted::default();
        let mut dialogue = Dialogue::new(&mut ports);
        dialogue.conclude_all([&rules::EXPIRED, &rules::NOT_EXPIRED, &rules::NEW_CARD]);
        assert_eq!(dialogue.tvr(), Tvr::EXPIRED | Tvr::NEW_CARD);
        assert_eq!(ports.events.len(), 3);
    }

    #[test]
    fn commands_are_counted() {
        let mut ports = Scripted::default();
        ports
            .answers
            .extend(vec![vec![0x90, 0x00]; COMMANDS_MAX.saturating_add(5)]);
        let mut dialogue = Dialogue::new(&mut ports);
        let sent = (0..COMMANDS_MAX)
            .filter(|_| dialogue.transmit(&[0; 4]).is_ok())
            .count();
        assert_eq!(sent, COMMANDS_MAX);
        let stopped = Cause::CardMisbehaved(Misbehaviour::TooManyCommands);
        assert_eq!(dialogue.transmit(&[0; 4]), Err(stopped));
    }
}
