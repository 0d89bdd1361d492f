//! The usual terminal, and what it does for the kernel: for this suite and for `tests/fuzz`.

use std::sync::OnceLock;

use emv::bits::{AdditionalTerminalCapabilities, TerminalCapabilities, Tvr};
use emv::parameters::{
    Aid, AlgorithmSuite, Application, CaPublicKey, CdaMode, Connection, EccCaPublicKey, Operator,
    RandomSelection, Terminal, TerminalType,
};
use emv::ports::{Card, CardFault, OfflinePinEntry, OfflinePinMethod};
use emv::{CardData, Tag, Transaction, TransactionType};
use num_bigint::BigUint;
use virtual_card::Elements;

/// What field 55 tells the issuer.
const ELEMENTS: [u32; 13] = [
    0x9F26, 0x9F27, 0x9F10, 0x9F37, 0x9F36, 0x95, 0x9A, 0x9C, 0x9F02, 0x9F03, 0x5F2A, 0x82, 0x9F1A,
];

/// A merchant's attended terminal with every capability.
pub fn terminal() -> Terminal {
    Terminal {
        terminal_id: *b"TERMID01",
        merchant_id: *b"MERCHANT       ",
        merchant_name_and_location: b"SHOP".to_vec(),
        merchant_category_code: 5999,
        country: 554,
        kind: TerminalType {
            operator: Operator::Merchant,
            attended: true,
            connection: Connection::OfflineWithOnline,
        },
        capabilities: TerminalCapabilities::from_bytes([0xE0, 0xF8, 0xC8]),
        additional_capabilities: AdditionalTerminalCapabilities::from_bytes([
            0xF0, 0, 0xF0, 0xA0, 1,
        ]),
        interface_device_serial_number: *b"12345678",
        languages: vec![*b"en"],
        cda_mode: CdaMode::Mode1,
    }
}

/// An application with a floor limit of 100.00 and no action codes, in the version that the virtual
/// cards of its scheme have.
pub fn application(aid: Aid) -> Application {
    let mastercard = aid.rid() == [0xA0, 0, 0, 0, 0x04];
    Application {
        aid,
        partial_selection: true,
        version: if mastercard { 0x0002 } else { 0x0096 },
        tac_default: Tvr::empty(),
        tac_denial: Tvr::empty(),
        tac_online: Tvr::empty(),
        floor_limit: 10_000,
        random_selection: RandomSelection::default(),
        default_ddol: vec![0x9F, 0x37, 0x04],
        default_tdol: Vec::new(),
    }
}

/// Goods for NZD 25.00.
pub const fn transaction() -> Transaction {
    Transaction {
        amount: 2500,
        amount_other: 0,
        currency: 554,
        currency_exponent: 2,
        kind: TransactionType::GoodsAndServices,
        date: [0x26, 0x11, 0x21],
        time: [0x12, 0x34, 0x56],
        sequence: 7,
        merchant_forced_online: false,
        only_issuer_approves: false,
    }
}

/// The RSA operation. `None` for a modulus or an exponent that no key has.
pub fn rsa_recover(modulus: &[u8], exponent: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let number = BigUint::from_bytes_be;
    // A key that a card made up must neither panic nor take for ever.
    if number(modulus) == BigUint::ZERO || modulus.len() > 512 || exponent.len() > 4 {
        return None;
    }
    let digits = number(data)
        .modpow(&number(exponent), &number(modulus))
        .to_bytes_be();
    let missing = modulus.len().checked_sub(digits.len())?;
    Some([vec![0; missing], digits].concat())
}

/// The key of the virtual cards' certification authority. Those of the catalogue are made once; a card
/// that was changed may have any.
pub fn ca_public_key(rid: &[u8; 5], index: u8) -> Option<CaPublicKey> {
    static KEYS: OnceLock<Vec<CaPublicKey>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| {
        let keys = virtual_card::ca_public_keys().into_iter();
        keys.map(as_the_kernel_takes_it).collect()
    });
    let known = keys.iter().find(|key| key.rid == *rid).cloned();
    let key = known.unwrap_or_else(|| as_the_kernel_takes_it(virtual_card::ca_public_key(*rid)));
    (key.index == index).then_some(key)
}

fn as_the_kernel_takes_it(key: virtual_card::CaPublicKey) -> CaPublicKey {
    CaPublicKey {
        rid: key.rid,
        index: key.index,
        modulus: key.modulus,
        exponent: key.exponent,
        checksum: key.checksum,
        expires: None,
    }
}

/// The elliptic-curve key of the virtual cards' certification authority.
pub fn ecc_ca_public_key(rid: &[u8; 5], index: u8) -> Option<EccCaPublicKey> {
    let mut keys = ecc_ca_public_keys().iter();
    keys.find(|key| key.rid == *rid && key.index == index)
        .cloned()
}

/// All elliptic-curve keys of the virtual cards' certification authority.
pub fn ecc_ca_public_keys() -> &'static [EccCaPublicKey] {
    static KEYS: OnceLock<Vec<EccCaPublicKey>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let keys = virtual_card::ecc_ca_public_keys().into_iter();
        keys.map(|key| EccCaPublicKey {
            rid: key.rid,
            index: key.index,
            suite: AlgorithmSuite::EcSdsaSha256P256,
            x: key.x,
            expires: None,
        })
        .collect()
    })
}

/// Gives a PIN of decimal digits to the card in one VERIFY (EMV 4.4 Book 3, 6.5.12).
pub fn verify_pin<C: Card>(
    card: &mut C,
    pin: &str,
    method: &OfflinePinMethod,
) -> Result<OfflinePinEntry, CardFault> {
    let block = pin_block(pin);
    match method {
        OfflinePinMethod::Plaintext => verify(card, 0x80, &block),
        OfflinePinMethod::Enciphered { modulus, exponent } => {
            verify_enciphered(card, block, modulus, exponent)
        }
    }
}

/// What the issuer is told of the card's data.
pub fn elements(card: &CardData) -> Elements {
    ELEMENTS
        .into_iter()
        .filter_map(|number| Some((number, card.value(Tag::new(number))?.to_vec())))
        .collect()
}

/// Enciphers a PIN block for the card (EMV 4.4 Book 2, 7.2), and sends it.
fn verify_enciphered<C: Card>(
    card: &mut C,
    block: [u8; 8],
    modulus: &[u8],
    exponent: &[u8],
) -> Result<OfflinePinEntry, CardFault> {
    let answer = card.transmit(&[0x00, 0x84, 0x00, 0x00, 0x00])?;
    let challenge = match answer.split_last_chunk::<2>() {
        Some((challenge, [0x90, 0x00])) if challenge.len() == 8 => challenge,
        Some(_) | None => return Ok(OfflinePinEntry::ChallengeRefused),
    };
    let mut clear = [&[0x7F], &block[..], challenge].concat();
    clear.resize(modulus.len(), 0xA5);
    let enciphered = rsa_recover(modulus, exponent, &clear).unwrap_or_default();
    verify(card, 0x88, &enciphered)
}

fn verify<C: Card>(card: &mut C, p2: u8, data: &[u8]) -> Result<OfflinePinEntry, CardFault> {
    let length = u8::try_from(data.len()).unwrap_or(u8::MAX);
    let answer = card.transmit(&[&[0x00, 0x20, 0x00, p2, length], data].concat())?;
    let status = answer.last_chunk::<2>().copied().unwrap_or_default();
    Ok(OfflinePinEntry::Answered(u16::from_be_bytes(status)))
}

/// The PIN block of ISO 9564-1 format 2.
fn pin_block(pin: &str) -> [u8; 8] {
    let text = format!("2{:X}{pin:F<14}", pin.len().min(14));
    crate::values::bytes(&text).unwrap_or([0xFF; 8])
}
