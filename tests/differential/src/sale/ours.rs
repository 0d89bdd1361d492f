//! A sale by the kernel of this project.

use emv::bits::{AdditionalTerminalCapabilities, TerminalCapabilities, Tvr};
use emv::parameters::{
    Aid, AlgorithmSuite, Application, CaPublicKey, CdaMode, EccCaPublicKey, RandomSelection,
    Terminal, TerminalType,
};
use emv::ports::{
    Card, CardFault, Cardholder, Interruption, OfflinePinEntry, OfflinePinMethod, PinEntry,
    PinPrompt, Tools,
};
use emv::trace::Event;
use emv::{CardData, Identity, Transaction, TransactionType, contact};

use super::{
    AMOUNT, APPLICATIONS, CAPABILITIES, CURRENCY, DATE, Decision, Keys, Sale, TIME,
    UNPREDICTABLE_NUMBER, Verdict,
};

/// Runs a sale up to its first cryptogram.
pub(crate) fn sell(sale: &Sale) -> Verdict {
    let mut ports = Ports {
        sale,
        card: sale.card(),
        signature_asked: None,
    };
    let (decision, card) = match contact::start(
        &mut ports,
        &terminal(sale.security),
        &applications(),
        &transaction(),
    ) {
        Ok(emv::Decision::Approved(completed)) => (Decision::Approved, completed.card),
        Ok(emv::Decision::Declined(completed)) => (Decision::Declined, completed.card),
        Ok(emv::Decision::Online(request)) => (Decision::Online, request.card().clone()),
        Err(ended) => (Decision::Terminated, *ended.card),
    };
    verdict(decision, &card, ports.signature_asked.unwrap_or(0))
}

fn verdict(decision: Decision, card: &CardData, signature_asked: u8) -> Verdict {
    Verdict {
        decision,
        tvr: card.tvr().to_bytes(),
        tsi: card.tsi().to_bytes(),
        signature_asked,
    }
}

struct Ports<'a> {
    sale: &'a Sale,
    card: virtual_card::Card,
    signature_asked: Option<u8>,
}

impl Card for Ports<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardFault> {
        if let [0x80, 0xAE, control, ..] = command {
            self.signature_asked.get_or_insert(control & 0x18);
        }
        Ok(self.card.transmit(command))
    }
}

impl Cardholder for Ports<'_> {
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

impl Tools for Ports<'_> {
    /// The operation of the terminal that is built here.
    fn rsa_recover(&mut self, modulus: &[u8], exponent: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        vault::rsa_recover(modulus, exponent, data).ok()
    }

    fn unpredictable_number(&mut self) -> [u8; 4] {
        UNPREDICTABLE_NUMBER
    }

    fn ca_public_key(&mut self, rid: &[u8; 5], index: u8) -> Option<CaPublicKey> {
        if self.sale.keys == Keys::Absent {
            return None;
        }
        let mut keys = virtual_card::ca_public_keys().into_iter();
        let key = keys.find(|key| (key.rid, key.index) == (*rid, index))?;
        let wrong = self.sale.keys == Keys::WrongChecksum;
        Some(CaPublicKey {
            rid: key.rid,
            index: key.index,
            modulus: key.modulus,
            exponent: key.exponent,
            checksum: if wrong { [0; 20] } else { key.checksum },
            expires: None,
        })
    }

    fn ecc_ca_public_key(&mut self, rid: &[u8; 5], index: u8) -> Option<EccCaPublicKey> {
        if self.sale.keys == Keys::Absent {
            return None;
        }
        let mut keys = virtual_card::ecc_ca_public_keys().into_iter();
        let key = keys.find(|key| (key.rid, key.index) == (*rid, index))?;
        Some(EccCaPublicKey {
            rid: key.rid,
            index: key.index,
            suite: AlgorithmSuite::EcSdsaSha256P256,
            x: key.x,
            expires: None,
        })
    }

    fn issuer_certificate_revoked(&mut self, _: &[u8; 5], _: u8, serial: [u8; 3]) -> bool {
        self.sale.is_revoked(serial)
    }

    fn card_identified(&mut self, _: &Identity) {}

    fn record(&mut self, _: Event) {}
}

fn terminal(security: u8) -> Terminal {
    let [entry, methods] = CAPABILITIES;
    Terminal {
        terminal_id: *b"TERMID01",
        merchant_id: *b"MERCHANT       ",
        merchant_name_and_location: b"SHOP".to_vec(),
        merchant_category_code: 5999,
        country: 554,
        kind: TerminalType::parse(0x22).expect("a type"),
        capabilities: TerminalCapabilities::from_bytes([entry, methods, security]),
        additional_capabilities: AdditionalTerminalCapabilities::from_bytes([
            0x60, 0x00, 0xF0, 0xA0, 0x01,
        ]),
        interface_device_serial_number: *b"12345678",
        languages: vec![*b"en"],
        cda_mode: CdaMode::Mode1,
    }
}

fn applications() -> Vec<Application> {
    APPLICATIONS
        .iter()
        .map(|(aid, version)| Application {
            aid: Aid::parse(aid).expect("a name"),
            partial_selection: true,
            version: u16::from_be_bytes(*version),
            tac_default: Tvr::empty(),
            tac_denial: Tvr::empty(),
            tac_online: Tvr::empty(),
            floor_limit: 10_000,
            random_selection: RandomSelection::default(),
            default_ddol: vec![0x9F, 0x37, 0x04],
            default_tdol: Vec::new(),
        })
        .collect()
}

const fn transaction() -> Transaction {
    Transaction {
        amount: AMOUNT,
        amount_other: 0,
        currency: CURRENCY,
        currency_exponent: 2,
        kind: TransactionType::GoodsAndServices,
        date: DATE,
        time: TIME,
        sequence: 1,
        merchant_forced_online: false,
        only_issuer_approves: false,
    }
}
