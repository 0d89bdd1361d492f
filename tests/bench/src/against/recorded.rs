//! One contact dialogue, recorded once with the virtual card and answered from the record since.

use std::convert::Infallible;

use anyhow::{Context, Result, ensure};
use emv::{
    Decision, Identity, Transaction, TransactionType,
    bits::{AdditionalTerminalCapabilities, TerminalCapabilities, Tsi, Tvr},
    contact,
    parameters::{Aid, Application, CaPublicKey, CdaMode, RandomSelection, Terminal, TerminalType},
    ports::{
        Card, CardFault, Cardholder, Interruption, OfflinePinEntry, OfflinePinMethod, PinEntry,
        PinPrompt, Tools,
    },
    trace::Event,
};
use emv_rs::{
    contact::{
        terminal as other,
        transaction::TransactionInputs,
        transaction_driver,
        transaction_flow::{HostMediated, TransactionFlowStep, start},
    },
    core::{
        apdu::{Command, Response},
        card_reader::CardReader,
        oda,
    },
    de::{
        additional_terminal_capabilities as their_additional, terminal_capabilities as their_own,
        terminal_type,
    },
};
use terminal_host::vault;

/// A card with DDA that goes online above its own limit.
const CARD: &str = "visa-credit";
const AID: [u8; 7] = [0xA0, 0, 0, 0, 0x03, 0x10, 0x10];
const CAPABILITIES: [u8; 3] = [0xE0, 0x28, 0xC0];
const ADDITIONAL: [u8; 5] = [0x60, 0x00, 0xF0, 0xA0, 0x01];
const DATE: [u8; 3] = [0x26, 0x11, 0x21];
const TIME: [u8; 3] = [0x12, 0x34, 0x56];
const UNPREDICTABLE_NUMBER: [u8; 4] = [0xDE, 0xAD, 0xBE, 0xEF];

/// A command and its answer.
type Exchange = (Vec<u8>, Vec<u8>);

/// What both kernels said to the card and heard, and the terminals they run in.
pub(crate) struct Dialogues {
    said_by_ours: Vec<Exchange>,
    said_by_theirs: Vec<Exchange>,
    terminal: Terminal,
    applications: Vec<Application>,
    keys: Vec<virtual_card::CaPublicKey>,
    their_terminal: other::Terminal,
    their_keys: Vec<oda::CaPublicKey>,
}

/// Records the dialogue of each kernel with a card of its own.
///
/// Fails when they did not read the same records, or did not get the same signature.
pub(crate) fn dialogues() -> Result<Dialogues> {
    let keys = virtual_card::ca_public_keys();
    let their_keys = keys.iter().map(|key| oda::CaPublicKey {
        rid: key.rid,
        index: key.index,
        modulus: key.modulus.clone(),
        exponent: key.exponent.clone(),
    });
    let mut dialogues = Dialogues {
        said_by_ours: Vec::new(),
        said_by_theirs: Vec::new(),
        terminal: terminal()?,
        applications: vec![application()?],
        their_keys: their_keys.collect(),
        keys,
        their_terminal: their_terminal()?,
    };
    let mut tape = Tape::recording(&dialogues.keys)?;
    dialogues.run_ours(&mut tape);
    dialogues.said_by_ours = tape.said;
    let mut tape = Tape::recording(&dialogues.keys)?;
    dialogues.run_theirs(&mut tape);
    dialogues.said_by_theirs = tape.said;
    let read = |said: &[Exchange]| -> Vec<Exchange> {
        let read = said.iter().filter(|(command, _)| is_read(command));
        read.cloned().collect()
    };
    ensure!(
        read(&dialogues.said_by_ours) == read(&dialogues.said_by_theirs),
        "the kernels do not read the same card"
    );
    Ok(dialogues)
}

/// READ RECORD and INTERNAL AUTHENTICATE.
fn is_read(command: &[u8]) -> bool {
    matches!(command, [0x00, 0xB2 | 0x88, ..])
}

impl Dialogues {
    /// The card's records, one after the other.
    pub(crate) fn records(&self) -> Vec<u8> {
        let said = self.said_by_ours.iter();
        let records = said.filter(|(command, _)| matches!(command[..], [0x00, 0xB2, ..]));
        let content = records.filter_map(|(_, answer)| answer.strip_suffix(&[0x90, 0x00]));
        content.collect::<Vec<_>>().concat()
    }

    /// Runs our kernel against the record. Whether the card was authentic, and goes online.
    pub(crate) fn ours(&self) -> bool {
        self.run_ours(&mut Tape::replaying(&self.keys, &self.said_by_ours))
    }

    /// Runs the other kernel against the record.
    pub(crate) fn theirs(&self) -> bool {
        self.run_theirs(&mut Tape::replaying(&self.keys, &self.said_by_theirs))
    }

    fn run_ours(&self, tape: &mut Tape<'_>) -> bool {
        match contact::start(tape, &self.terminal, &self.applications, &transaction()) {
            Ok(Decision::Online(request)) => {
                let (tvr, tsi) = (request.card().tvr(), request.card().tsi());
                !tvr.contains(Tvr::DDA_FAILED) && tsi.contains(Tsi::ODA_PERFORMED)
            }
            _ => false,
        }
    }

    fn run_theirs(&self, tape: &mut Tape<'_>) -> bool {
        let mut transaction = transaction_driver::Transaction::new(
            Reader(tape),
            &self.their_terminal,
            their_inputs(),
            HostMediated,
        );
        let step = start(&mut transaction, &self.their_keys, &[], &[], None);
        let context = &transaction.ctx;
        matches!(step, Ok(TransactionFlowStep::OnlineRequest { .. }))
            && !context.tvr.dda_failed
            && context.tsi.offline_data_authentication_was_performed
    }
}

/// A card that is recorded, or a record that answers in its place.
struct Tape<'a> {
    card: Option<virtual_card::Card>,
    keys: &'a [virtual_card::CaPublicKey],
    said: Vec<Exchange>,
    answers: std::slice::Iter<'a, Exchange>,
}

impl<'a> Tape<'a> {
    fn recording(keys: &'a [virtual_card::CaPublicKey]) -> Result<Self> {
        let mut card = virtual_card::Card::named(CARD).context("no such card")?;
        card.insert();
        Ok(Self {
            card: Some(card),
            keys,
            said: Vec::new(),
            answers: [].iter(),
        })
    }

    fn replaying(keys: &'a [virtual_card::CaPublicKey], said: &'a [Exchange]) -> Self {
        Self {
            card: None,
            keys,
            said: Vec::new(),
            answers: said.iter(),
        }
    }

    /// Both kernels get a copy of the answer, as from a reader.
    fn answer(&mut self, command: &[u8]) -> Option<Vec<u8>> {
        let Some(card) = &mut self.card else {
            let (expected, answer) = self.answers.next()?;
            return (expected == command).then(|| answer.clone());
        };
        let answer = card.transmit(command);
        self.said.push((command.to_vec(), answer.clone()));
        Some(answer)
    }
}

impl Card for Tape<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardFault> {
        self.answer(command).ok_or(CardFault::Removed)
    }
}

impl Cardholder for Tape<'_> {
    fn choose_application(&mut self, _: &[Vec<u8>]) -> Result<usize, Interruption> {
        Ok(0)
    }

    fn enter_online_pin(&mut self) -> Result<PinEntry, Interruption> {
        Ok(PinEntry::Unavailable)
    }

    fn verify_offline_pin(
        &mut self,
        _: PinPrompt,
        _: &OfflinePinMethod,
    ) -> Result<OfflinePinEntry, Interruption> {
        Ok(OfflinePinEntry::Unavailable)
    }
}

impl Tools for Tape<'_> {
    fn rsa_recover(&mut self, modulus: &[u8], exponent: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        vault::rsa_recover(modulus, exponent, data).ok()
    }

    fn unpredictable_number(&mut self) -> [u8; 4] {
        UNPREDICTABLE_NUMBER
    }

    fn ca_public_key(&mut self, rid: &[u8; 5], index: u8) -> Option<CaPublicKey> {
        let mut keys = self.keys.iter();
        let key = keys.find(|key| (key.rid, key.index) == (*rid, index))?;
        Some(CaPublicKey {
            rid: key.rid,
            index: key.index,
            modulus: key.modulus.clone(),
            exponent: key.exponent.clone(),
            checksum: key.checksum,
            expires: None,
        })
    }

    fn card_identified(&mut self, _: &Identity) {}

    fn record(&mut self, _: Event) {}
}

/// The same card to the other kernel.
struct Reader<'a, 'b>(&'a mut Tape<'b>);

impl CardReader for Reader<'_, '_> {
    type Error = Infallible;

    fn transmit(&mut self, command: &Command) -> Result<Response, Infallible> {
        let command = command.to_bytes().unwrap_or_default();
        let answer = self.0.answer(&command).unwrap_or_else(|| vec![0x6F, 0x00]);
        Ok(Response::parse(&answer).unwrap_or_else(|_| std::process::abort()))
    }
}

fn terminal() -> Result<Terminal> {
    Ok(Terminal {
        terminal_id: *b"TERMID01",
        merchant_id: *b"MERCHANT       ",
        merchant_name_and_location: b"SHOP".to_vec(),
        merchant_category_code: 5999,
        country: 554,
        kind: TerminalType::parse(0x22).context("no type of terminal")?,
        capabilities: TerminalCapabilities::from_bytes(CAPABILITIES),
        additional_capabilities: AdditionalTerminalCapabilities::from_bytes(ADDITIONAL),
        interface_device_serial_number: *b"12345678",
        languages: vec![*b"en"],
        cda_mode: CdaMode::Mode1,
    })
}

fn application() -> Result<Application> {
    Ok(Application {
        aid: Aid::parse(&AID).context("no name")?,
        partial_selection: true,
        version: 0x0096,
        tac_default: Tvr::empty(),
        tac_denial: Tvr::empty(),
        tac_online: Tvr::empty(),
        floor_limit: 0,
        random_selection: RandomSelection::default(),
        default_ddol: vec![0x9F, 0x37, 0x04],
        default_tdol: Vec::new(),
    })
}

const fn transaction() -> Transaction {
    Transaction {
        amount: 2500,
        amount_other: 0,
        currency: 554,
        currency_exponent: 2,
        kind: TransactionType::GoodsAndServices,
        date: DATE,
        time: TIME,
        sequence: 1,
        merchant_forced_online: false,
        only_issuer_approves: false,
    }
}

fn their_terminal() -> Result<other::Terminal> {
    let own = their_own::TerminalCapabilities::parse(&CAPABILITIES)?;
    let additional = their_additional::AdditionalTerminalCapabilities::parse(&ADDITIONAL)?;
    Ok(other::Terminal {
        terminal_type: terminal_type::TerminalType(0x22),
        terminal_capabilities: own,
        additional_terminal_capabilities: additional,
        terminal_country_code: 554,
        terminal_identification: *b"TERMID01",
        ifd_serial_number: *b"12345678",
        merchant_category_code: 5999,
        merchant_identifier: *b"MERCHANT       ",
        merchant_name_and_location: b"SHOP".to_vec(),
        acquirer_identifier: None,
        cardholder_selection_and_confirmation_supported: true,
        applications: vec![other::TerminalApplication {
            aid: AID.to_vec(),
            partial_match_allowed: true,
            application_version_number: [0x00, 0x96],
            terminal_floor_limit: 0,
            terminal_risk_management_data: None,
            default_ddol: Some(vec![0x9F, 0x37, 0x04]),
            default_tdol: None,
            tac_denial: None,
            tac_online: None,
            tac_default: None,
            rts_target_percentage: None,
            rts_max_target_percentage: None,
            rts_threshold_value: None,
        }],
    })
}

const fn their_inputs() -> TransactionInputs {
    TransactionInputs {
        amount_authorised: 2500,
        amount_other: 0,
        transaction_currency_code: 554,
        transaction_currency_exponent: 2,
        transaction_date: DATE,
        transaction_time: TIME,
        transaction_type: 0x00,
        transaction_sequence_counter: 1,
        unpredictable_number: UNPREDICTABLE_NUMBER,
    }
}
