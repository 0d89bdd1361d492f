//! What is around the kernel in a play: card, cardholder and the terminal's tools. It notes all it
//! sees.

use emv::parameters::{CaPublicKey, EccCaPublicKey};
use emv::ports::{
    Card, CardFault, Cardholder, Interruption, OfflinePinEntry, OfflinePinMethod, PinEntry,
    PinPrompt, Tools,
};
use emv::trace::Event;
use emv::{Identity, Pan};

use conformance::terminal;

use super::play::{Act, Command, Play, Setting};

/// More commands than any transaction may take, so that an endless one ends here.
const EXCHANGES_MAX: usize = 4096;

/// See the module.
pub(super) struct Bench<'a> {
    play: &'a Play,
    card: virtual_card::Card,
    acts: usize,
    /// The commands of the issuer's scripts, as soon as it answered.
    pub(super) scripts: Vec<Vec<u8>>,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) events: Vec<Noted>,
    pub(super) prompts: Vec<Prompt>,
    pub(super) identity: Option<Identity>,
    /// Why nothing may be sent any more.
    over: Option<&'static str>,
    /// Commands that were sent nevertheless.
    pub(super) sent_after: Option<&'static str>,
    /// The most applications offered at once.
    pub(super) offered: usize,
}

/// A command and its answer.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) name: Command,
    pub(super) command: Vec<u8>,
    /// `None` when the card left.
    pub(super) answer: Option<Vec<u8>>,
    /// The issuer wrote it.
    pub(super) scripted: bool,
    /// The keypad's, not the kernel's.
    pub(super) keypad: bool,
}

/// A line of the trace.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) event: Event,
    /// How many commands were sent before.
    pub(super) after: usize,
}

/// An offline PIN asked for.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    /// How many commands were sent before.
    pub(super) after: usize,
    /// What was entered was given to the card.
    pub(super) spent: bool,
}

impl<'a> Bench<'a> {
    pub(super) fn new(play: &'a Play, mut card: virtual_card::Card) -> Self {
        card.insert();
        Self {
            play,
            card,
            acts: 0,
            scripts: Vec::new(),
            exchanges: Vec::new(),
            events: Vec::new(),
            prompts: Vec::new(),
            identity: None,
            over: None,
            sent_after: None,
            offered: 0,
        }
    }

    /// The kernel said how it ended.
    pub(super) fn finish(&mut self) {
        self.over = Some("the outcome");
    }

    fn setting(&self) -> &'a Setting {
        &self.play.terminal
    }

    fn act(&mut self) -> Result<Act, Interruption> {
        let act = self.play.acts.get(self.acts).copied().unwrap_or_default();
        self.acts = self.acts.saturating_add(1);
        let interruption = match act {
            Act::Right | Act::Wrong | Act::Bypass | Act::Unavailable => return Ok(act),
            Act::Cancel => Interruption::Cancelled,
            Act::Abort => Interruption::Aborted,
            Act::TimeOut => Interruption::TimedOut,
            Act::Remove => Interruption::Card(CardFault::Removed),
        };
        self.over = Some("an interruption");
        Err(interruption)
    }

    /// The card's own answer, and what becomes of it.
    fn answer(&mut self, name: Command, command: &[u8]) -> Result<Vec<u8>, CardFault> {
        let own = |exchange: &&Exchange| exchange.name == name;
        let nth = self.exchanges.iter().filter(own).count().saturating_add(1);
        let nth_of_all = self.exchanges.len().saturating_add(1);
        let changes = self.play.changes.iter();
        let changes = changes.filter(|change| change.is_about(name, nth, nth_of_all));
        let mut answer = self.card.transmit(command);
        for change in changes {
            change.apply(&mut answer)?;
        }
        Ok(answer)
    }
}

impl Card for Bench<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardFault> {
        let name = Command::of(command);
        if self.over.is_some() && self.sent_after.is_none() {
            self.sent_after = self.over;
        }
        let answer = if self.exchanges.len() < EXCHANGES_MAX {
            self.answer(name, command)
        } else {
            Err(CardFault::Unresponsive)
        };
        if answer.is_err() {
            self.over = Some("the card's leaving");
        }
        let scripted = self.scripts.iter().any(|script| script == command);
        self.exchanges.push(Exchange {
            name,
            command: command.to_vec(),
            answer: answer.as_ref().ok().cloned(),
            scripted,
            keypad: false,
        });
        answer
    }
}

impl Cardholder for Bench<'_> {
    fn choose_application(&mut self, labels: &[Vec<u8>]) -> Result<usize, Interruption> {
        self.offered = self.offered.max(labels.len());
        Ok(match self.act()? {
            Act::Wrong => 1,
            Act::Bypass => labels.len(),
            Act::Unavailable => labels.len().saturating_sub(1),
            Act::Right | Act::Cancel | Act::Abort | Act::TimeOut | Act::Remove => 0,
        })
    }

    fn enter_online_pin(&mut self) -> Result<PinEntry, Interruption> {
        Ok(match self.act()? {
            Act::Bypass => PinEntry::Bypassed,
            Act::Unavailable => PinEntry::Unavailable,
            Act::Right | Act::Wrong | Act::Cancel | Act::Abort | Act::TimeOut | Act::Remove => {
                PinEntry::Entered
            }
        })
    }

    fn verify_offline_pin(
        &mut self,
        _prompt: PinPrompt,
        method: &OfflinePinMethod,
    ) -> Result<OfflinePinEntry, Interruption> {
        let before = self.exchanges.len();
        self.prompts.push(Prompt {
            after: before,
            spent: false,
        });
        let pin = match self.act()? {
            Act::Bypass => return Ok(OfflinePinEntry::Bypassed),
            Act::Unavailable => return Ok(OfflinePinEntry::Unavailable),
            Act::Wrong => "9999".to_owned(),
            Act::Right | Act::Cancel | Act::Abort | Act::TimeOut | Act::Remove => {
                self.card.pin().to_owned()
            }
        };
        let entry = terminal::verify_pin(self, &pin, method).map_err(Interruption::Card);
        let sent = self.exchanges.iter_mut().skip(before);
        sent.for_each(|exchange| exchange.keypad = true);
        if let Some(prompt) = self.prompts.last_mut() {
            prompt.spent = matches!(entry, Ok(OfflinePinEntry::Answered(_)));
        }
        entry
    }
}

impl Tools for Bench<'_> {
    fn rsa_recover(&mut self, modulus: &[u8], exponent: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        terminal::rsa_recover(modulus, exponent, data)
    }

    fn unpredictable_number(&mut self) -> [u8; 4] {
        let mask = u32::from_be_bytes(self.setting().number);
        (0xDEAD_BEEF ^ mask).to_be_bytes()
    }

    fn ca_public_key(&mut self, rid: &[u8; 5], index: u8) -> Option<CaPublicKey> {
        let has_keys = !self.setting().has(Setting::NO_KEYS);
        terminal::ca_public_key(rid, index).filter(|_| has_keys)
    }

    fn ecc_ca_public_key(&mut self, rid: &[u8; 5], index: u8) -> Option<EccCaPublicKey> {
        let has_keys = !self.setting().has(Setting::NO_KEYS);
        terminal::ecc_ca_public_key(rid, index).filter(|_| has_keys)
    }

    fn issuer_certificate_revoked(&mut self, _: &[u8; 5], _: u8, _: [u8; 3]) -> bool {
        self.setting().has(Setting::REVOKED)
    }

    fn on_exception_file(&mut self, _: &Pan, _: Option<u8>) -> bool {
        self.setting().has(Setting::EXCEPTION)
    }

    fn logged_amount(&mut self, _: &Pan, _: Option<u8>) -> u64 {
        if self.setting().has(Setting::LOGGED) {
            u64::MAX
        } else {
            0
        }
    }

    fn card_identified(&mut self, identity: &Identity) {
        self.identity = Some(identity.clone());
    }

    fn record(&mut self, event: Event) {
        // The last line: what the transaction came to.
        if event.rule == "CMP-01" {
            self.over = Some("the outcome");
        }
        let after = self.exchanges.len();
        self.events.push(Noted { event, after });
    }
}
