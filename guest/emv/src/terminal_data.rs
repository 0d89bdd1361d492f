//! The data elements the terminal brings to a transaction.

use crate::bits::{TerminalCapabilities, Tsi, Tvr};
use crate::card_data::CardData;
use crate::parameters::{Application, Terminal};
use crate::tag;
use crate::transaction::Transaction;

/// The largest amount twelve digits can hold.
pub(crate) const AMOUNT_MAX: u64 = 999_999_999_999;

/// Tag 9F39: integrated circuit card, CVV can be checked (ISO 8583:1987, field 22).
const POS_ENTRY_MODE_CHIP: u8 = 0x05;

/// What this kernel does not do, whatever the terminal could: biometrics, and PINs enciphered with
/// elliptic curves (EMV 4.4 Book 4, Annex A2).
const NOT_DONE: TerminalCapabilities = TerminalCapabilities::ONLINE_BIOMETRIC
    .union(TerminalCapabilities::OFFLINE_BIOMETRIC)
    .union(TerminalCapabilities::ECC_ENCIPHERED_OFFLINE_PIN);

/// What terminal and kernel can do together: the value of tag 9F33, and what every step goes by.
pub(crate) fn capabilities(terminal: &Terminal) -> TerminalCapabilities {
    presentable(terminal.capabilities)
}

/// What of it this kernel does.
const fn presentable(capabilities: TerminalCapabilities) -> TerminalCapabilities {
    capabilities.difference(NOT_DONE)
}

/// Fills in what the terminal knows before the card is asked (EMV 4.4 Book 3, 10.1: TVR and TSI
/// begin at zero).
pub(crate) fn fill(
    card: &mut CardData,
    terminal: &Terminal,
    application: &Application,
    transaction: &Transaction,
    unpredictable_number: [u8; 4],
) {
    card.set(tag::TVR, &Tvr::empty().to_bytes());
    card.set(tag::TSI, &Tsi::empty().to_bytes());
    card.set(tag::UNPREDICTABLE_NUMBER, &unpredictable_number);
    fill_terminal(card, terminal);
    fill_transaction(card, transaction);
    card.set(tag::AID, application.aid.as_bytes());
    card.set(
        tag::APPLICATION_VERSION_TERMINAL,
        &application.version.to_be_bytes(),
    );
    let limit = u32::try_from(application.floor_limit).unwrap_or(u32::MAX);
    card.set(tag::TERMINAL_FLOOR_LIMIT, &limit.to_be_bytes());
}

fn fill_terminal(card: &mut CardData, terminal: &Terminal) {
    let name = &terminal.merchant_name_and_location;
    card.set(
        tag::TERMINAL_CAPABILITIES,
        &capabilities(terminal).to_bytes(),
    );
    card.set(
        tag::ADDITIONAL_TERMINAL_CAPABILITIES,
        &terminal.additional_capabilities.to_bytes(),
    );
    card.set(tag::TERMINAL_TYPE, &[terminal.kind.to_byte()]);
    card.set(
        tag::TERMINAL_COUNTRY_CODE,
        &bcd::<2>(terminal.country.into()),
    );
    card.set(tag::TERMINAL_IDENTIFICATION, &terminal.terminal_id);
    card.set(tag::MERCHANT_IDENTIFIER, &terminal.merchant_id);
    card.set(
        tag::MERCHANT_NAME_AND_LOCATION,
        name.get(..252).unwrap_or(name),
    );
    card.set(
        tag::MERCHANT_CATEGORY_CODE,
        &bcd::<2>(terminal.merchant_category_code.into()),
    );
    card.set(
        tag::IFD_SERIAL_NUMBER,
        &terminal.interface_device_serial_number,
    );
    card.set(tag::POS_ENTRY_MODE, &[POS_ENTRY_MODE_CHIP]);
}

fn fill_transaction(card: &mut CardData, transaction: &Transaction) {
    card.set(tag::AMOUNT_AUTHORISED, &bcd::<6>(transaction.amount));
    card.set(tag::AMOUNT_OTHER, &bcd::<6>(transaction.amount_other));
    // The binary forms hold four bytes; a larger amount exists in its numeric form only.
    if let Ok(amount) = u32::try_from(transaction.amount) {
        card.set(tag::AMOUNT_AUTHORISED_BINARY, &amount.to_be_bytes());
    }
    if let Ok(amount) = u32::try_from(transaction.amount_other) {
        card.set(tag::AMOUNT_OTHER_BINARY, &amount.to_be_bytes());
    }
    card.set(
        tag::TRANSACTION_CURRENCY_CODE,
        &bcd::<2>(transaction.currency.into()),
    );
    card.set(
        tag::TRANSACTION_CURRENCY_EXPONENT,
        &bcd::<1>(transaction.currency_exponent.into()),
    );
    card.set(tag::TRANSACTION_TYPE, &[transaction.kind.to_byte()]);
    card.set(tag::TRANSACTION_DATE, &transaction.date);
    card.set(tag::TRANSACTION_TIME, &transaction.time);
    card.set(
        tag::TRANSACTION_SEQUENCE_COUNTER,
        &bcd::<4>(transaction.sequence.into()),
    );
}

/// Writes the last `2 * N` digits of a number, two a byte.
pub(crate) fn bcd<const N: usize>(number: u64) -> [u8; N] {
    let mut bytes = [0; N];
    let mut rest = number;
    for byte in bytes.iter_mut().rev() {
        let (units, tens) = (rest % 10, rest / 10 % 10);
        *byte = u8::try_from((tens << 4) | units).unwrap_or(0);
        rest /= 100;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_9f33_claims_what_the_kernel_does() {
        for (given, presented) in [
            ([0xE0, 0xF8, 0xCC], [0xE0, 0xF8, 0xCC]),
            ([0xFF, 0xFF, 0xFF], [0xFF, 0xF8, 0xFF]),
            ([0x20, 0x08, 0x00], [0x20, 0x08, 0x00]),
        ] {
            assert_eq!(
                presentable(TerminalCapabilities::from_bytes(given)),
                TerminalCapabilities::from_bytes(presented)
            );
        }
    }

    #[test]
    fn numbers_are_written_two_digits_a_byte() {
        assert_eq!(bcd::<6>(2500), [0, 0, 0, 0, 0x25, 0x00]);
        assert_eq!(bcd::<6>(AMOUNT_MAX), [0x99; 6]);
        assert_eq!(bcd::<2>(554), [0x05, 0x54]);
        assert_eq!(bcd::<1>(123), [0x23]);
    }
}
