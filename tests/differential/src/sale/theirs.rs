//! A sale by the other kernel.

use std::convert::Infallible;

use emv_rs::contact::terminal::{Terminal, TerminalApplication};
use emv_rs::contact::transaction::TransactionInputs;
use emv_rs::contact::transaction_driver::Transaction;
use emv_rs::contact::transaction_flow::{HostMediated, TransactionFlowStep, start};
use emv_rs::core::apdu::{Command, Response};
use emv_rs::core::card_reader::CardReader;
use emv_rs::core::crl::CrlEntry;
use emv_rs::core::ecc_oda::EccCaPublicKey;
use emv_rs::core::oda::CaPublicKey;
use emv_rs::de::additional_terminal_capabilities::AdditionalTerminalCapabilities;
use emv_rs::de::terminal_capabilities::TerminalCapabilities;
use emv_rs::de::terminal_type::TerminalType;

use super::{
    AMOUNT, APPLICATIONS, CAPABILITIES, CURRENCY, DATE, Decision, Keys, Sale, TIME,
    UNPREDICTABLE_NUMBER, Verdict,
};

/// The application that [`terminal`] lists first.
pub(crate) const AID: [u8; 7] = APPLICATIONS[0].0;

/// Algorithm suite 10 (EMV 4.4 Book 2, Annex B2.4).
const SUITE: u8 = 0x10;

/// Runs a sale up to its first cryptogram.
pub(crate) fn sell(sale: &Sale) -> Verdict {
    let mut terminal = terminal();
    let [entry, methods] = CAPABILITIES;
    let capabilities = TerminalCapabilities::parse(&[entry, methods, sale.security]);
    terminal.terminal_capabilities = capabilities.expect("three bytes");
    let reader = Reader {
        card: sale.card(),
        signature_asked: None,
    };
    let mut transaction = Transaction::new(reader, &terminal, inputs(), HostMediated);
    let (rsa, ecc) = keys(sale.keys);
    let revoked: Vec<CrlEntry> = APPLICATIONS
        .iter()
        .filter_map(|(aid, _)| {
            Some(CrlEntry {
                rid: *aid.first_chunk()?,
                ca_pk_index: 0xF1,
                cert_serial: sale.revoked?,
            })
        })
        .collect();
    // The largest number is never chosen, as no percentage is above it.
    let step = start(&mut transaction, &rsa, &ecc, &revoked, None);
    let decision = match step {
        Ok(TransactionFlowStep::Approved { .. }) => Decision::Approved,
        Ok(TransactionFlowStep::Declined { .. }) => Decision::Declined,
        Ok(TransactionFlowStep::OnlineRequest { .. }) => Decision::Online,
        Ok(
            TransactionFlowStep::SelectApplication { .. }
            | TransactionFlowStep::CardholderVerification { .. }
            | TransactionFlowStep::Terminated { .. },
        )
        | Err(_) => Decision::Terminated,
    };
    Verdict {
        decision,
        tvr: transaction.ctx.tvr.to_bytes(),
        tsi: transaction.ctx.tsi.to_bytes(),
        signature_asked: transaction.card.signature_asked.unwrap_or(0),
    }
}

struct Reader {
    card: virtual_card::Card,
    signature_asked: Option<u8>,
}

impl CardReader for Reader {
    type Error = Infallible;

    fn transmit(&mut self, command: &Command) -> Result<Response, Infallible> {
        let command = command.to_bytes().expect("a command");
        if let [0x80, 0xAE, control, ..] = command[..] {
            self.signature_asked.get_or_insert(control & 0x18);
        }
        let answer = self.card.transmit(&command);
        Ok(Response::parse(&answer).expect("an answer"))
    }
}

fn keys(keys: Keys) -> (Vec<CaPublicKey>, Vec<EccCaPublicKey>) {
    if keys == Keys::Absent {
        return (Vec::new(), Vec::new());
    }
    let rsa = virtual_card::ca_public_keys().into_iter();
    let rsa = rsa.map(|key| CaPublicKey {
        rid: key.rid,
        index: key.index,
        modulus: key.modulus,
        exponent: key.exponent,
    });
    let ecc = virtual_card::ecc_ca_public_keys().into_iter();
    let ecc = ecc.map(|key| EccCaPublicKey {
        rid: key.rid,
        index: key.index,
        x_coord: key.x,
        algorithm_suite: SUITE,
    });
    (rsa.collect(), ecc.collect())
}

/// The same terminal as ours, without capabilities yet.
pub(crate) fn terminal() -> Terminal {
    let additional = AdditionalTerminalCapabilities::parse(&[0x60, 0x00, 0xF0, 0xA0, 0x01]);
    Terminal {
        terminal_type: TerminalType(0x22),
        terminal_capabilities: TerminalCapabilities::default(),
        additional_terminal_capabilities: additional.expect("five bytes"),
        terminal_country_code: 554,
        terminal_identification: *b"TERMID01",
        ifd_serial_number: *b"12345678",
        merchant_category_code: 5999,
        merchant_identifier: *b"MERCHANT       ",
        merchant_name_and_location: b"SHOP".to_vec(),
        acquirer_identifier: None,
        cardholder_selection_and_confirmation_supported: true,
        applications: APPLICATIONS.iter().map(application).collect(),
    }
}

fn application((aid, version): &([u8; 7], [u8; 2])) -> TerminalApplication {
    TerminalApplication {
        aid: aid.to_vec(),
        partial_match_allowed: true,
        application_version_number: *version,
        terminal_floor_limit: 10_000,
        terminal_risk_management_data: None,
        default_ddol: Some(vec![0x9F, 0x37, 0x04]),
        default_tdol: None,
        tac_denial: None,
        tac_online: None,
        tac_default: None,
        rts_target_percentage: None,
        rts_max_target_percentage: None,
        rts_threshold_value: None,
    }
}

const fn inputs() -> TransactionInputs {
    TransactionInputs {
        amount_authorised: AMOUNT,
        amount_other: 0,
        transaction_currency_code: CURRENCY,
        transaction_currency_exponent: 2,
        transaction_date: DATE,
        transaction_time: TIME,
        transaction_type: 0x00,
        transaction_sequence_counter: 1,
        unpredictable_number: UNPREDICTABLE_NUMBER,
    }
}
