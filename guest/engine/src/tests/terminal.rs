//! The devices of a terminal in memory, whose power can fail at any call.

use std::panic;

use super::journal::Decision;
use super::line::{self, code, serial_number};
use super::world::{CardManner, PAN, PowerLoss, Presented, Profile, World};
use crate::fixed_card;
use crate::iso8583::dialect::{MacAlgorithm, PinBlockFormat};
use crate::money::{Amount, Currency};
use crate::parameters::{
    Acquirer, Application, CaPublicKey, CdaMode, EllipticCaPublicKey, MagstripeRules, Scheme,
    TerminalData, Timeouts,
};
use crate::ports::{
    Account, AcquirerLink, CardReader, CardReaderError, Counter, Crypto, CryptoError, Display,
    DisplayError, DisplayMessage, Entry, Journal, JournalError, Line, LinkError, NoDecision,
    OnlineAnswer, OnlineRequest, Parameters, Phase, PinEntry, PinEntryError, PinRules, PointOfSale,
    PresentedCard, Printer, PrinterError, Progress, Protected, Technologies, Trace, TraceEvent,
};

/// One life of the terminal, from power to power.
pub(super) struct MemoryTerminal<'w> {
    world: &'w mut World,
    running: Option<String>,
    power: Option<PowerLoss>,
    calls: usize,
}

impl<'w> MemoryTerminal<'w> {
    pub(super) fn new(
        world: &'w mut World,
        running: Option<&str>,
        power: Option<PowerLoss>,
    ) -> Self {
        Self {
            world,
            running: running.map(str::to_owned),
            power,
            calls: 0,
        }
    }

    /// One call of the engine: power may fail before its effect and after it.
    fn call<R>(&mut self, effect: impl FnOnce(&mut World, Option<&str>) -> R) -> R {
        let call = self.calls;
        self.calls += 1;
        self.fail(PowerLoss { call, after: false });
        let result = effect(self.world, self.running.as_deref());
        self.fail(PowerLoss { call, after: true });
        result
    }

    fn fail(&self, moment: PowerLoss) {
        if self.power == Some(moment) {
            panic::resume_unwind(Box::new(moment));
        }
    }

    fn see(&mut self, what: String) {
        assert!(!what.contains(PAN), "a PAN: {what}");
        self.call(|world, _| world.seen.push(what));
    }

    /// Someone is told that the running transaction is approved.
    fn tell_approved(&mut self) {
        let id = self.running.clone().expect("a running transaction");
        let phase = self.world.journal.last(&id).map(|entry| entry.phase);
        assert!(
            matches!(phase, Some(Phase::Approved | Phase::AdviceDue)),
            "{id} is shown approved in {phase:?}"
        );
        self.world.shown_approved.push(id);
    }
}

impl Parameters for MemoryTerminal<'_> {
    fn terminal_data(&mut self) -> TerminalData {
        let online_only = self.world.setting.profile == Profile::OnlineOnly;
        self.call(|_, _| TerminalData {
            terminal_id: "TERM0001".into(),
            merchant_id: "MERCHANT01".into(),
            merchant_name: "CORNER SHOP".into(),
            merchant_address: vec!["1 QUEEN STREET".into()],
            merchant_category_code: 5411,
            country: 554,
            terminal_type: if online_only { 0x21 } else { 0x22 },
            capabilities: vec![0xE0, 0x68, 0x00],
            additional_capabilities: vec![0x60, 0x00, 0xF0, 0xA0, 0x01],
            interface_device_serial_number: "00000001".into(),
            languages: vec!["en".into()],
            currencies: vec![Currency {
                numeric: 554,
                alphabetic: "NZD".into(),
                exponent: 2,
            }],
            pin_bypass_allowed: false,
            cda_mode: CdaMode::Mode1,
        })
    }

    fn time_limits(&mut self) -> Timeouts {
        self.call(|_, _| Timeouts {
            card_ms: 60_000,
            key_ms: 30_000,
            answer_ms: 20_000,
            decision_ms: 10_000,
        })
    }

    fn applications(&mut self) -> Vec<Application> {
        let tac_online = match self.world.setting.profile {
            Profile::OnlineOnly | Profile::Offline => [0; 5],
            Profile::AsksAboveFloorLimit => [0, 0, 0, 0x80, 0],
            Profile::FallsBack => [0xFF; 5],
        };
        self.call(|_, _| {
            vec![Application {
                aid: fixed_card::AID.to_vec(),
                partial_selection: true,
                scheme: Scheme::Visa,
                application_version: 0x0096,
                tac_default: vec![0; 5],
                tac_denial: vec![0; 5],
                tac_online: tac_online.to_vec(),
                floor_limit_minor: 1_000_000,
                random_threshold_minor: 0,
                random_target_percent: 0,
                random_target_percent_max: 0,
                default_ddol: Vec::new(),
                default_tdol: Vec::new(),
            }]
        })
    }

    fn find_ca_public_key(&mut self, _: &[u8], _: u8) -> Option<CaPublicKey> {
        self.call(|_, _| None)
    }

    fn find_elliptic_ca_public_key(&mut self, _: &[u8], _: u8) -> Option<EllipticCaPublicKey> {
        self.call(|_, _| None)
    }

    fn is_issuer_certificate_revoked(&mut self, _: &[u8], _: u8, _: &[u8]) -> bool {
        self.call(|_, _| false)
    }

    fn is_on_exception_file(&mut self, pan: &[u8], sequence_number: Option<u8>) -> bool {
        assert_eq!((pan.len(), sequence_number), (8, Some(1)));
        self.call(|_, _| false)
    }

    fn acquirer_data(&mut self) -> Acquirer {
        self.call(|world, _| Acquirer {
            acquirer_id: "123456".into(),
            network_id: "001".into(),
            dialect: world.dialect.clone(),
        })
    }

    fn magstripe_rules(&mut self) -> Option<MagstripeRules> {
        self.call(|world, _| world.magstripe.clone())
    }
}

impl CardReader for MemoryTerminal<'_> {
    type Card = ();

    fn wait_for_card(
        &mut self,
        accepted: Technologies,
        _: u32,
    ) -> Result<PresentedCard<()>, CardReaderError> {
        assert!(!accepted.contactless);
        self.call(|world, _| {
            let presented = world.presented.pop_front();
            if let Some(Presented::Chip(manner)) = presented {
                world.setting.card = manner;
                world.commands = 0;
            }
            let what = match presented {
                None => world.setting.card.into(),
                Some(presented) => presented,
            };
            let stripe = matches!(what, Presented::Stripe(_) | Presented::BrokenStripe);
            let taken = if stripe {
                accepted.magstripe
            } else {
                accepted.contact
            };
            match what {
                _ if !taken => Err(CardReaderError::TimedOut),
                Presented::Chip(CardManner::Absent) => Err(CardReaderError::TimedOut),
                Presented::Chip(_) => Ok(PresentedCard::Contact(())),
                Presented::Mute => Err(CardReaderError::CardUnresponsive),
                Presented::Stripe(track) => {
                    let track = track.as_bytes().to_vec().into();
                    Ok(PresentedCard::Magstripe(Some(track)))
                }
                Presented::BrokenStripe => Ok(PresentedCard::Magstripe(None)),
            }
        })
    }

    fn transmit(&mut self, (): &(), command: &[u8]) -> Result<Vec<u8>, CardReaderError> {
        self.call(|world, _| {
            let number = world.commands;
            world.commands += 1;
            let generate = command.starts_with(&[0x80, 0xAE]);
            world.cryptograms += usize::from(generate);
            let last = generate && world.cryptograms == 2;
            match world.setting.card {
                CardManner::LeavesAt(at) if number >= at => Err(CardReaderError::CardRemoved),
                CardManner::FallsSilentAt(at) if number >= at => {
                    Err(CardReaderError::CardUnresponsive)
                }
                CardManner::Blocked => Ok(vec![0x6A, 0x81]),
                CardManner::WithoutApplication => Ok(vec![0x6A, 0x82]),
                CardManner::ApplicationBlocked if command.starts_with(&[0x00, 0xA4]) => {
                    Ok(vec![0x62, 0x83])
                }
                CardManner::LeavesLast if last => Err(CardReaderError::CardRemoved),
                CardManner::Declines if generate => Ok(decline(command)),
                CardManner::DeclinesLast if last => Ok(decline(command)),
                _ => Ok(fixed_card::answer(command)),
            }
        })
    }
}

/// An AAC, whatever GENERATE AC asked for.
fn decline(command: &[u8]) -> Vec<u8> {
    let mut declined = command.to_vec();
    declined[2] = 0;
    fixed_card::answer(&declined)
}

impl PinEntry for MemoryTerminal<'_> {
    type Pin = ();

    fn enter_pin(&mut self, rules: PinRules) -> Result<(), PinEntryError> {
        let amount = rules.amount.minor();
        self.see(format!("keypad   {:?} {amount}", rules.prompt));
        Ok(())
    }

    fn verify_offline(
        &mut self,
        (): (),
        (): &(),
        _: &emv::ports::OfflinePinMethod,
    ) -> Result<u16, PinEntryError> {
        self.call(|_, _| Ok(0x9000))
    }
}

impl Crypto for MemoryTerminal<'_> {
    fn encrypt_pin(
        &mut self,
        (): (),
        pan: &[u8],
        format: PinBlockFormat,
    ) -> Result<Protected, CryptoError> {
        assert_eq!((pan.len(), format), (8, PinBlockFormat::Iso0));
        self.call(|_, _| {
            Ok(Protected {
                bytes: vec![0x55; 8],
                key_serial_number: vec![0xEE; 10],
            })
        })
    }

    fn encrypt_data(&mut self, data: &[u8]) -> Result<Protected, CryptoError> {
        assert!(data.starts_with(PAN.as_bytes()), "track 2");
        self.call(|world, _| {
            if world.enciphers_data {
                Ok(Protected {
                    bytes: vec![0x66; 24],
                    key_serial_number: vec![0xDD; 10],
                })
            } else {
                Err(CryptoError::KeyMissing)
            }
        })
    }

    fn next_key_serial_number(&mut self, _: MacAlgorithm) -> Result<Vec<u8>, CryptoError> {
        self.call(|world, _| {
            if world.setting.vault_works {
                Ok(serial_number(world.key_uses + 1))
            } else {
                Err(CryptoError::KeyExhausted)
            }
        })
    }

    fn generate_mac(&mut self, message: &[u8], _: MacAlgorithm) -> Result<Protected, CryptoError> {
        self.call(|world, _| {
            world.key_uses += 1;
            let key_serial_number = serial_number(world.key_uses);
            Ok(Protected {
                bytes: code(message, &key_serial_number),
                key_serial_number,
            })
        })
    }

    fn verify_mac(
        &mut self,
        message: &[u8],
        mac: &[u8],
        key_serial_number: &[u8],
        _: MacAlgorithm,
    ) -> Result<bool, CryptoError> {
        self.call(|world, _| {
            if key_serial_number != serial_number(world.key_uses) {
                return Err(CryptoError::KeyMissing);
            }
            Ok(code(message, key_serial_number) == mac)
        })
    }

    fn rsa_recover(&mut self, _: &[u8], _: &[u8], _: &[u8]) -> Option<Vec<u8>> {
        self.call(|_, _| None)
    }

    fn random(&mut self, length: u32) -> Vec<u8> {
        self.call(|_, _| vec![0x5A; usize::try_from(length).expect("usize")])
    }
}

impl Display for MemoryTerminal<'_> {
    fn show(&mut self, message: DisplayMessage) {
        if message == DisplayMessage::Approved {
            self.tell_approved();
        }
        self.see(format!("display  {message:?}"));
    }

    fn present_card(&mut self, amount: Amount, currency: u16) {
        self.see(format!(
            "display  present card {} {currency}",
            amount.minor()
        ));
    }

    fn choose_application(&mut self, labels: &[Vec<u8>], _: u32) -> Result<u32, DisplayError> {
        assert!((1..=16).contains(&labels.len()));
        self.call(|_, _| Ok(0))
    }
}

impl Printer for MemoryTerminal<'_> {
    fn print(&mut self, lines: &[Line]) -> Result<(), PrinterError> {
        assert!(lines.len() <= 100);
        if lines.contains(&Line::Columns("STATUS".into(), "APPROVED".into())) {
            self.tell_approved();
        }
        for line in lines {
            self.see(match line {
                Line::Text(text) => format!("printer  {text}"),
                Line::Columns(left, right) => format!("printer  {left:<12}{right:>24}"),
                Line::Blank => "printer".into(),
            });
        }
        self.call(|world, _| {
            if world.setting.printer_works {
                Ok(())
            } else {
                Err(PrinterError::OutOfPaper)
            }
        })
    }
}

impl PointOfSale for MemoryTerminal<'_> {
    fn report(&mut self, progress: Progress) {
        let masked = match progress {
            Progress::CardDetected(card) => format!(
                "CardDetected {:?} {:?} {}",
                card.entry_mode,
                card.scheme,
                String::from_utf8_lossy(&card.masked_pan)
            ),
            other => format!("{other:?}"),
        };
        self.see(format!("pos      {masked}"));
    }

    fn proceed(&mut self) -> bool {
        self.call(|world, _| !world.setting.aborts)
    }

    fn authorise_online(
        &mut self,
        request: &OnlineRequest,
        _: u32,
    ) -> Result<OnlineAnswer, NoDecision> {
        self.call(|world, _| {
            assert_eq!(world.journal.decision, Decision::NotAsked, "asked twice");
            let decision = world.decision.clone();
            if decision != Err(NoDecision::Unavailable) {
                world.journal.decision = Decision::Asked;
                world.questions.push(request.clone());
            }
            if decision.is_ok() {
                world.journal.decision = Decision::Given;
            }
            decision
        })
    }
}

impl AcquirerLink for MemoryTerminal<'_> {
    fn exchange(&mut self, request: &[u8], _: u32) -> Result<Vec<u8>, LinkError> {
        self.call(|world, running| {
            world.journal.exchange();
            line::carry(world, running, request)
        })
    }
}

impl Journal for MemoryTerminal<'_> {
    fn append(&mut self, id: &str, phase: Phase, content: &[u8]) -> Result<(), JournalError> {
        self.call(|world, _| {
            let written = world.journal.append(id, phase, content);
            let failed = if written.is_ok() { "" } else { " failed" };
            world.seen.push(format!("journal  {id} {phase:?}{failed}"));
            written
        })
    }

    fn append_approval(
        &mut self,
        id: &str,
        phase: Phase,
        content: &[u8],
        account: &Account,
    ) -> Result<(), JournalError> {
        assert_eq!(self.running.as_deref(), Some(id), "another is approved");
        self.call(|world, _| {
            let written = world.journal.append(id, phase, content);
            let failed = if written.is_ok() { "" } else { " failed" };
            world
                .seen
                .push(format!("journal  {id} {phase:?} and card log{failed}"));
            if written.is_ok() {
                world.journal.note(account, world.asked_minor);
            }
            written
        })
    }

    fn last_payment(&mut self, account: &Account) -> Result<Option<u64>, JournalError> {
        self.call(|world, _| world.journal.last_payment(account))
    }

    fn unsettled(
        &mut self,
        after_sequence: u64,
        count_max: u32,
    ) -> Result<Vec<Entry>, JournalError> {
        self.call(|world, _| Ok(world.journal.unsettled(after_sequence, count_max)))
    }

    fn batch(&mut self, after_sequence: u64, count_max: u32) -> Result<Vec<Entry>, JournalError> {
        self.call(|world, _| Ok(world.journal.batch(after_sequence, count_max)))
    }

    fn last_entry(&mut self, id: &str) -> Result<Option<Entry>, JournalError> {
        let readable = [self.running.as_deref(), self.world.original.as_deref()];
        assert!(readable.contains(&Some(id)), "another's entry is read");
        self.call(|world, _| Ok(world.journal.last(id).cloned()))
    }

    fn next(&mut self, counter: Counter) -> Result<u32, JournalError> {
        self.call(|world, _| world.journal.next(counter))
    }
}

impl Trace for MemoryTerminal<'_> {
    fn record_event(&mut self, event: TraceEvent) {
        self.call(|world, _| {
            if let TraceEvent::Engine {
                rule, statement, ..
            } = event
            {
                world.trace.push((rule, statement));
            }
        });
    }
}
