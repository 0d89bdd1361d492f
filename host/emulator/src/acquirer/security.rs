//! Message authentication and PIN blocks, from the acquirer's side of DUKPT (ANSI X9.24-1).

use subtle::ConstantTimeEq as _;
use terminal_host::vault::{
    Pan, Pin, TdesKey,
    dukpt::tdes::{self, KeySerialNumber, TransactionKeys},
    mac::{self, Padding},
    pin_block,
};
use zeroize::Zeroizing;

use super::message::Message;
use crate::keys::{MAC_BDK, PIN_BDK};

/// The field with the key serial number of the PIN block.
const PIN_KSN: u8 = 62;

/// The field with the key serial number of the authentication code.
pub(super) const MAC_KSN: u8 = 63;

/// Bytes of an authentication code.
const MAC_LENGTH: usize = 8;

/// Whether the request's authentication code is right: over every byte before it.
pub(super) fn is_authentic(message: &Message, bytes: &[u8]) -> bool {
    let (Some(keys), Some(mac)) = (mac_keys(message), message.bytes(message.mac_field())) else {
        return false;
    };
    let covered = bytes
        .get(..bytes.len().saturating_sub(MAC_LENGTH))
        .unwrap_or_default();
    mac::retail(&keys.mac_request(), Padding::Method1, covered)
        .is_ok_and(|right| right.ct_eq(mac).into())
}

/// The answer on the wire, with its authentication code under the key of the request.
pub(super) fn authenticated(answer: &Message, request: &Message) -> Vec<u8> {
    let mut answer = answer.clone();
    let Some(keys) = mac_keys(request) else {
        return answer.encode();
    };
    if let Some(ksn) = request.bytes(MAC_KSN) {
        answer.set(MAC_KSN, ksn);
    }
    // The bitmap announces the code before it is known.
    answer.set(answer.mac_field(), [0; MAC_LENGTH]);
    let mut bytes = answer.encode();
    bytes.truncate(bytes.len().saturating_sub(MAC_LENGTH));
    if let Ok(code) = mac::retail(&keys.mac_response(), Padding::Method1, &bytes) {
        bytes.extend(code);
    }
    bytes
}

/// Whether field 52 holds the PIN that `matches`. `None` when there is no PIN block to judge.
pub(super) fn pin_is_right(message: &Message, pan: &str, right: &str) -> Option<bool> {
    let block = message.bytes(52)?;
    let entered = entered_pin(message, pan, block);
    let right = Pin::from_digits(digits(right));
    Some(
        entered
            .zip(right)
            .is_some_and(|(entered, right)| entered.matches(&right)),
    )
}

fn entered_pin(message: &Message, pan: &str, block: &[u8]) -> Option<Pin> {
    let keys = keys(&PIN_BDK, message.bytes(PIN_KSN)?)?;
    let clear = pin_block::decipher(&keys.pin_encryption(), block).ok()?;
    let pan = Pan::from_digits(digits(pan)).ok()?;
    pin_block::decode_iso0(&clear, &pan).ok()
}

fn mac_keys(message: &Message) -> Option<TransactionKeys> {
    keys(&MAC_BDK, message.bytes(MAC_KSN)?)
}

fn keys(base: &[u8; 16], ksn: &[u8]) -> Option<TransactionKeys> {
    let ksn = KeySerialNumber::parse(ksn)?;
    let initial = tdes::initial_key(&TdesKey::double(base), ksn).ok()?;
    tdes::derive(&initial, ksn).ok()
}

fn digits(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.bytes().map(|byte| byte.wrapping_sub(b'0')).collect())
}
