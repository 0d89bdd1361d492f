//! The issuer's decision on a request, and what it tells the card.

use virtual_card::Issuer;

use super::{
    behaviour::{self, Conduct},
    chip,
    codec::Message,
    fields::number as field,
    issuers::Issuers,
    security,
    service::Service,
};
use crate::keys;

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Field 39.
    pub(super) code: String,
    /// Field 38, when approved.
    pub(super) authorisation_code: Option<String>,
}

/// Field 39 for a request that is new.
///
/// In this order: a card nobody issued is 14; another expiry date, or one that is past, is 54; chip data that is not of
/// this transaction, a cryptogram the card did not make, a stripe that the issuer did not write, or one that should
/// have been a chip, is 05; a wrong PIN is 55; then the amount decides.
pub(super) fn response_code(issuers: &Issuers, message: &Message, set: Conduct) -> String {
    let amount = message.number(field::AMOUNT).unwrap_or_default();
    refusal(issuers, message)
        .map_or_else(|| behaviour::response_code_for(amount, set), str::to_owned)
}

/// What speaks against a request, whatever its amount.
fn refusal(issuers: &Issuers, message: &Message) -> Option<&'static str> {
    let Some(issuer) = issuer(issuers, message) else {
        return Some("14");
    };
    let expiry = message.text(field::EXPIRY);
    if expiry.is_some_and(|expiry| expiry != issuer.expiry()) || has_expired(&issuer, message) {
        return Some("54");
    }
    // Who gets money back has to prove nothing; the card's last cryptogram says no to a payment.
    let right = if Service::of(message) == Service::Refund && is_chip(message) {
        true
    } else if is_chip(message) {
        chip_data_is_right(&issuer, message)
    } else {
        stripe_is_right(&issuer, message)
    };
    if !right {
        return Some("05");
    }
    if message.field(field::PIN_BLOCK).is_some() && !pin_is_right(&issuer, message) {
        return Some("55");
    }
    None
}

/// Field 55 of the answer: issuer authentication data and scripts. Empty when the request brought
/// no cryptogram.
pub(super) fn issuer_data(issuers: &Issuers, message: &Message, code: &str) -> Vec<u8> {
    let elements = message.field(field::CHIP_DATA).and_then(chip::elements);
    let arc = <[u8; 2]>::try_from(code.as_bytes());
    let (Some(issuer), Some(elements), Ok(arc)) = (issuer(issuers, message), elements, arc) else {
        return Vec::new();
    };
    let authentication = issuer.authentication_data(&elements, arc);
    // EMV 4.4 Book 3, Annex A: tag 91 has eight to sixteen bytes.
    let Some(length) = u8::try_from(authentication.len())
        .ok()
        .filter(|length| *length > 0)
    else {
        return Vec::new();
    };
    let mut data = vec![0x91, length];
    data.extend(authentication);
    data.extend(issuer.scripts(&elements, arc));
    data
}

/// Field 54 of the answer to an inquiry: what every card of the emulator holds, in the currency that
/// was asked in (ISO 8583:1987, field 54: account 30, available amount 02).
pub(super) fn balance(message: &Message) -> String {
    let currency = message.text(field::CURRENCY).unwrap_or("000");
    format!("3002{currency}C{BALANCE_MINOR:012}")
}

/// What every card holds, in minor units.
const BALANCE_MINOR: u64 = 8750;

/// A card number of which the first six and the last four digits show.
pub(super) fn masked(pan: &str) -> String {
    let last = pan.len().saturating_sub(4);
    pan.chars()
        .enumerate()
        .map(|(index, digit)| {
            if (6..last).contains(&index) {
                '*'
            } else {
                digit
            }
        })
        .collect()
}

fn issuer(issuers: &Issuers, message: &Message) -> Option<Issuer> {
    issuers.of_number(message.text(field::PAN)?)
}

/// Whether the card's last month lies before the month of the transaction: tag 9A, since no field
/// of the message has the year.
fn has_expired(issuer: &Issuer, message: &Message) -> bool {
    let elements = message.field(field::CHIP_DATA).and_then(chip::elements);
    let date = elements.as_ref().and_then(|elements| elements.get(&0x9A));
    let month = date.and_then(|date| chip::decimal(date.get(..2)?));
    let expiry = issuer.expiry().parse().ok();
    expiry
        .zip(month)
        .is_some_and(|(expiry, month): (u64, u64)| expiry < month)
}

/// Field 22: 05 is a chip, 07 a contactless chip.
fn is_chip(message: &Message) -> bool {
    let mode = message.text(field::ENTRY_MODE).unwrap_or_default();
    mode.starts_with("05") || mode.starts_with("07")
}

/// Whether field 55 holds an ARQC that the card made for this amount and currency.
fn chip_data_is_right(issuer: &Issuer, message: &Message) -> bool {
    let Some(elements) = message.field(field::CHIP_DATA).and_then(chip::elements) else {
        return false;
    };
    let number = |tag| {
        elements
            .get(&tag)
            .and_then(|value: &Vec<u8>| chip::decimal(value))
    };
    // EMV 4.4 Book 3, 6.5.5.4, table 14: the upper two bits 10 are an ARQC.
    let information = elements.get(&0x9F27).and_then(|value| value.first());
    information.is_some_and(|information| information & 0xC0 == 0x80)
        && number(0x9F02) == message.number(field::AMOUNT)
        && number(0x5F2A) == message.number(field::CURRENCY)
        && issuer.verify_cryptogram(&elements)
}

/// Whether field 35 is what the issuer wrote, and field 22 says why a stripe was read that has a chip
/// beside it.
fn stripe_is_right(issuer: &Issuer, message: &Message) -> bool {
    let track = message.text(field::TRACK_2).unwrap_or_default();
    let mode = message.text(field::ENTRY_MODE).unwrap_or_default();
    let fallback = mode.starts_with("80");
    issuer.track_2_matches(track) && fallback == issuer.stripe_names_chip()
}

fn pin_is_right(issuer: &Issuer, message: &Message) -> bool {
    let serial_number = message.field(field::PIN_KEY_SERIAL_NUMBER);
    let block = message.field(field::PIN_BLOCK);
    let (Some(serial_number), Some(block), Some(pan)) =
        (serial_number, block, message.text(field::PAN))
    else {
        return false;
    };
    security::pin_of(&keys::PIN_BASE_DERIVATION_KEY, serial_number, block, pan)
        .is_some_and(|pin| issuer.pin_matches(&pin))
}
