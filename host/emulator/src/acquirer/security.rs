//! The acquirer's half of the keys: message authentication and PIN blocks under TDES DUKPT.

use vault::{
    TdesKey,
    dukpt::tdes::{self, KeySerialNumber, TransactionKeys},
    mac::{self, Padding},
    pin_block,
};
use zeroize::Zeroizing;

/// The keys of one request, and the code of its answer (ANSI X9.24-1:2009, A.4).
pub(super) struct MacKeys(TransactionKeys);

impl MacKeys {
    /// The keys of a request with this serial number. `None` when it is no serial number that a
    /// transaction may carry.
    pub(super) fn of(base_derivation_key: &[u8; 16], serial_number: &[u8]) -> Option<Self> {
        keys(base_derivation_key, serial_number).map(Self)
    }

    /// Whether a request's code is right.
    pub(super) fn verifies(&self, authenticated: &[u8], code: &[u8]) -> bool {
        retail(&self.0.mac_request(), authenticated).is_some_and(|expected| expected == code)
    }

    /// The code of an answer. Without a key of double length, which DUKPT never gives, zeros.
    pub(super) fn authenticate(&self, authenticated: &[u8]) -> [u8; 8] {
        retail(&self.0.mac_response(), authenticated).unwrap_or_default()
    }
}

/// The PIN of a block in ISO 9564-1 format 0 as ASCII digits. `None` when the serial number is
/// none, or the block is not of this card and format.
pub(super) fn pin_of(
    base_derivation_key: &[u8; 16],
    serial_number: &[u8],
    block: &[u8],
    pan: &str,
) -> Option<Zeroizing<String>> {
    let keys = keys(base_derivation_key, serial_number)?;
    let clear = pin_block::decipher(&keys.pin_encryption(), block).ok()?;
    decode_format_0(*clear.as_bytes(), pan)
}

/// ISO 9564-1:2017, 9.3.2: the PIN's block and the card number's block, one over the other.
fn decode_format_0(block: [u8; 8], pan: &str) -> Option<Zeroizing<String>> {
    let digits: Vec<u8> = pan.bytes().map(|byte| byte.wrapping_sub(b'0')).collect();
    let (_, without_check_digit) = digits.split_last()?;
    let start = without_check_digit.len().checked_sub(12)?;
    let twelve = without_check_digit.get(start..)?;
    let account = [0; 4].into_iter().chain(twelve.iter().copied());
    let nibbles: Zeroizing<Vec<u8>> = Zeroizing::new(
        block
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 0x0F])
            .zip(account)
            .map(|(pin, account)| pin ^ account)
            .collect(),
    );
    let (control, rest) = nibbles.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (pin, fill) = rest.split_at_checked(usize::from(*length))?;
    let well_formed = *control == 0
        && (4..=12).contains(length)
        && pin.iter().all(|digit| *digit <= 9)
        && fill.iter().all(|nibble| *nibble == 0x0F);
    let text = |digit: &u8| char::from(b'0'.wrapping_add(*digit));
    well_formed.then(|| Zeroizing::new(pin.iter().map(text).collect()))
}

fn keys(base_derivation_key: &[u8; 16], serial_number: &[u8]) -> Option<TransactionKeys> {
    let serial_number = KeySerialNumber::parse(serial_number)?;
    if !serial_number.is_of_a_transaction() {
        return None;
    }
    let base = TdesKey::double(base_derivation_key);
    let initial = tdes::initial_key(&base, serial_number).ok()?;
    tdes::derive(&initial, serial_number).ok()
}

/// ISO 9797-1:2011, algorithm 3 with padding method 1.
fn retail(key: &TdesKey, message: &[u8]) -> Option<[u8; 8]> {
    mac::retail(key, Padding::Method1, message).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_format_0_and_nothing_else() {
        // ISO 9564-1:2017, 9.3.2: PIN 1234, account number 4111111111111111.
        let pan = "4111111111111111";
        let right = [0x04, 0x12, 0x25, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE];
        let pin = decode_format_0(right, pan).expect("a PIN");
        assert_eq!(pin.as_str(), "1234");
        let format_1 = [0x14, 0x12, 0x25, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE];
        let too_short = [0x03, 0x12, 0x25, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE];
        let wrong_fill = [0x04, 0x12, 0x25, 0xEE, 0xEE, 0xEE, 0xEE, 0xEF];
        for block in [format_1, too_short, wrong_fill] {
            assert!(decode_format_0(block, pan).is_none(), "{block:02X?}");
        }
        assert!(decode_format_0(right, "4111").is_none());
        assert!(decode_format_0(right, "").is_none());
    }

    #[test]
    fn a_serial_number_that_no_transaction_has_gives_no_keys() {
        assert!(MacKeys::of(&[0; 16], &[0xFF; 10]).is_none());
        assert!(MacKeys::of(&[0; 16], &[]).is_none());
        let zero = [0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0, 0];
        assert!(MacKeys::of(&[0; 16], &zero).is_none());
        let one = [0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0, 1];
        assert!(MacKeys::of(&[0; 16], &one).is_some());
    }
}
