//! A terminal, an application and a transaction, for tests and for `vectors`.

use crate::bits::{AdditionalTerminalCapabilities, TerminalCapabilities, Tvr};
use crate::parameters::{Aid, Application, CdaMode, RandomSelection, Terminal, TerminalType};
use crate::transaction::{Transaction, TransactionType};

/// A terminal like the one of the vectors, but for its capabilities (tag 9F33).
pub(crate) fn terminal(capabilities: [u8; 3]) -> Result<Terminal, String> {
    Ok(Terminal {
        terminal_id: *b"TERMID01",
        merchant_id: *b"MERCHANT       ",
        merchant_name_and_location: b"SHOP".to_vec(),
        merchant_category_code: 5999,
        country: 36,
        kind: TerminalType::parse(0x22).ok_or("no terminal type")?,
        capabilities: TerminalCapabilities::from_bytes(capabilities),
        additional_capabilities: AdditionalTerminalCapabilities::from_bytes([
            0xF0, 0x00, 0xF0, 0xA0, 0x01,
        ]),
        interface_device_serial_number: *b"12345678",
        languages: vec![*b"en"],
        cda_mode: CdaMode::Mode1,
    })
}

pub(crate) fn application(aid: &[u8], partial_selection: bool) -> Result<Application, String> {
    Ok(Application {
        aid: Aid::parse(aid).ok_or("no application has that identifier")?,
        partial_selection,
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

pub(crate) const fn transaction() -> Transaction {
    Transaction {
        amount: 1000,
        amount_other: 0,
        currency: 554,
        currency_exponent: 2,
        kind: TransactionType::GoodsAndServices,
        date: [0x26, 0x01, 0x01],
        time: [0x12, 0x00, 0x00],
        sequence: 1,
        merchant_forced_online: false,
        only_issuer_approves: false,
    }
}
