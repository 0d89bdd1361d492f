//! TDES DUKPT (ANSI X9.24-1:2009, annex A), the acquirer's side.
//!
//! ```
//! use vault::dukpt::tdes::{self, KeySerialNumber};
//! use vault::{Error, Pan, Pin, TdesKey, pin_block};
//!
//! /// What an acquirer does with an online PIN.
//! fn read_pin(bdk: &TdesKey, ksn: &[u8], block: &[u8], pan: &Pan) -> Result<Pin, Error> {
//!     let ksn = KeySerialNumber::parse(ksn).ok_or(Error::InvalidInput)?;
//!     let keys = tdes::derive(&tdes::initial_key(bdk, ksn)?, ksn)?;
//!     pin_block::decipher(&keys.pin_encryption(), block)
//!         .and_then(|clear| pin_block::decode_iso0(&clear, pan))
//!         .map_err(|_| Error::InvalidInput)
//! }
//! ```

use std::fmt;

use cipher::{BlockCipherEncrypt, KeyInit};
use des::Des;
use zeroize::Zeroizing;

use super::CounterRule;
use crate::key::{BlockCipher, encrypt_cbc};
use crate::{Error, TdesKey};

/// 21 bits, of which ten are one at most (X9.24-1:2009, A.2).
pub(crate) const COUNTER: CounterRule = CounterRule {
    bits: 21,
    ones_max: 10,
};

/// The bits of a KSN's last four bytes that are the counter.
const COUNTER_MASK: u32 = 0x001F_FFFF;

/// A key serial number: key set identifier, device identifier and, in the low 21 bits, the
/// transaction counter. Not secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeySerialNumber([u8; 10]);

impl KeySerialNumber {
    /// Takes ten bytes; `None` at any other length. A shorter number is padded with FF on its left
    /// by whoever sent it.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The ten bytes.
    pub fn as_bytes(&self) -> &[u8; 10] {
        &self.0
    }

    /// The transaction counter, 21 bits.
    pub fn counter(self) -> u32 {
        u32::from_be_bytes(self.low_bytes()) & COUNTER_MASK
    }

    /// Whether a transaction may carry this number: its counter has one to ten one-bits.
    pub fn is_of_a_transaction(self) -> bool {
        COUNTER.allows(self.counter())
    }

    /// The number of the next transaction, or `None` when the key has reached its last use.
    pub fn next(self) -> Option<Self> {
        COUNTER
            .next(self.counter())
            .map(|counter| self.with_counter(counter))
    }

    /// The same device's number with another counter, of which the low 21 bits count.
    pub(crate) fn with_counter(self, counter: u32) -> Self {
        let low = (u32::from_be_bytes(self.low_bytes()) & !COUNTER_MASK) | (counter & COUNTER_MASK);
        let mut bytes = self.0;
        if let Some(place) = bytes.last_chunk_mut() {
            *place = low.to_be_bytes();
        }
        Self(bytes)
    }

    /// The eight right-most bytes: what a key is derived from (A.2, "Crypto Register-1").
    fn derivation_block(self) -> [u8; 8] {
        let [_, _, block @ ..] = self.0;
        block
    }

    fn low_bytes(self) -> [u8; 4] {
        let [_, _, _, _, _, _, low @ ..] = self.0;
        low
    }
}

impl fmt::Debug for KeySerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// Derives a device's initial key from the base derivation key (X9.24-1:2009, A.6). The counter in
/// `ksn` does not matter.
///
/// Fails with [`Error::InvalidInput`] when the key is not of double length.
pub fn initial_key(base_derivation_key: &TdesKey, ksn: KeySerialNumber) -> Result<TdesKey, Error> {
    let key = base_derivation_key.as_double().ok_or(Error::InvalidInput)?;
    let [block @ .., _, _] = *ksn.with_counter(0).as_bytes();
    let mut initial = Zeroizing::new([0; 16]);
    let (left, right) = initial.split_at_mut(8);
    let halves = [
        (left, Zeroizing::new(*key)),
        (right, masked(key, NON_REVERSIBLE)),
    ];
    for (half, key) in halves {
        let mut enciphered = Zeroizing::new(block);
        TdesKey::double(&key).cipher().encrypt(&mut enciphered);
        half.copy_from_slice(&*enciphered);
    }
    Ok(TdesKey::double(&initial))
}

/// Derives the keys of one transaction from the device's initial key (X9.24-1:2009, A.3): one step
/// for each one-bit of the counter, from the left.
///
/// Fails with [`Error::InvalidInput`] when the key is not of double length, or when `ksn` is of no
/// transaction (see [`KeySerialNumber::is_of_a_transaction`]).
pub fn derive(initial_key: &TdesKey, ksn: KeySerialNumber) -> Result<TransactionKeys, Error> {
    if !ksn.is_of_a_transaction() {
        return Err(Error::InvalidInput);
    }
    let mut key = TdesKey::double(initial_key.as_double().ok_or(Error::InvalidInput)?);
    let mut reached = 0;
    for bit in (0..COUNTER.bits)
        .rev()
        .filter_map(|bit| 1_u32.checked_shl(bit))
    {
        if ksn.counter() & bit != 0 {
            reached |= bit;
            key = derive_future_key(&key, ksn.with_counter(reached))?;
        }
    }
    TransactionKeys::from_transaction_key(key)
}

/// The keys of one transaction, each a variant of its transaction key. Wiped on drop.
pub struct TransactionKeys {
    transaction_key: TdesKey,
    bytes: Zeroizing<[u8; 16]>,
}

impl TransactionKeys {
    /// Fails with [`Error::InvalidInput`] when the key is not of double length.
    pub(crate) fn from_transaction_key(key: TdesKey) -> Result<Self, Error> {
        let bytes = Zeroizing::new(*key.as_double().ok_or(Error::InvalidInput)?);
        Ok(Self {
            transaction_key: key,
            bytes,
        })
    }

    /// The key that the others are variants of. It enciphers nothing itself.
    pub fn transaction_key(&self) -> &TdesKey {
        &self.transaction_key
    }

    /// Enciphers PIN blocks (X9.24-1:2009, A.4.1, table A-1).
    pub fn pin_encryption(&self) -> TdesKey {
        self.variant([0, 0, 0, 0, 0, 0, 0, 0xFF])
    }

    /// Authenticates what the terminal sends.
    pub fn mac_request(&self) -> TdesKey {
        self.variant([0, 0, 0, 0, 0, 0, 0xFF, 0])
    }

    /// Authenticates what the acquirer answers.
    pub fn mac_response(&self) -> TdesKey {
        self.variant([0, 0, 0, 0, 0xFF, 0, 0, 0])
    }

    /// Enciphers data that the terminal sends.
    pub fn data_request(&self) -> TdesKey {
        self.one_way_variant([0, 0, 0, 0, 0, 0xFF, 0, 0])
    }

    /// Enciphers data that the acquirer answers.
    pub fn data_response(&self) -> TdesKey {
        self.one_way_variant([0, 0, 0, 0xFF, 0, 0, 0, 0])
    }

    fn variant(&self, mask: [u8; 8]) -> TdesKey {
        TdesKey::double(&masked(&self.bytes, mask))
    }

    /// A data key goes through one more step, so that it does not reveal the variants (A.4.1): each
    /// half of the variant enciphered under the whole.
    fn one_way_variant(&self, mask: [u8; 8]) -> TdesKey {
        let variant = masked(&self.bytes, mask);
        let cipher = TdesKey::double(&variant).cipher();
        let mut key = Zeroizing::new([0; 16]);
        let halves = variant.as_chunks::<8>().0.iter();
        for (half, place) in halves.zip(key.as_chunks_mut::<8>().0) {
            place.copy_from_slice(half);
            cipher.encrypt(place);
        }
        TdesKey::double(&key)
    }
}

impl fmt::Debug for TransactionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionKeys").finish_non_exhaustive()
    }
}

/// Enciphers data as [`crate::Vault::encrypt_data`] does: TDES in cipher block chaining mode from a
/// zero initial vector, the last block filled with zeros.
pub fn encrypt_data(key: &TdesKey, data: &[u8]) -> Vec<u8> {
    encrypt_cbc(&key.cipher(), data)
}

/// Reverses [`encrypt_data`]. The zeros that filled the last block stay.
///
/// Fails with [`Error::InvalidInput`] when `data` is no whole number of blocks.
pub fn decrypt_data(key: &TdesKey, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    crate::key::decrypt_cbc(&key.cipher(), data).ok_or(Error::InvalidInput)
}

/// The "Non-reversible Key Generation Process" (X9.24-1:2009, A.2): one step from a key to the key
/// whose counter has one more one-bit. `ksn` carries the counter of the new key.
///
/// Fails with [`Error::InvalidInput`] when the key is not of double length.
pub(crate) fn derive_future_key(key: &TdesKey, ksn: KeySerialNumber) -> Result<TdesKey, Error> {
    let bytes = key.as_double().ok_or(Error::InvalidInput)?;
    let mut future = Zeroizing::new([0; 16]);
    let (left, right) = future.split_at_mut(8);
    right.copy_from_slice(&*one_way(key, ksn.derivation_block())?);
    let key = TdesKey::double(&masked(bytes, NON_REVERSIBLE));
    left.copy_from_slice(&*one_way(&key, ksn.derivation_block())?);
    Ok(TdesKey::double(&future))
}

/// The mask of the left half's derivation (A.2).
const NON_REVERSIBLE: [u8; 8] = [0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0];

/// DES of the block, masked before and after with the right half, under the left half.
fn one_way(key: &TdesKey, block: [u8; 8]) -> Result<Zeroizing<[u8; 8]>, Error> {
    let [left, right] = key.halves().ok_or(Error::InvalidInput)?;
    let mut result = Zeroizing::new(block);
    mask_in_place(&mut result, *right);
    Des::new((&*left).into()).encrypt_block((&mut *result).into());
    mask_in_place(&mut result, *right);
    Ok(result)
}

/// Both halves of a key masked with the same eight bytes.
fn masked(key: &[u8; 16], mask: [u8; 8]) -> Zeroizing<[u8; 16]> {
    let mut variant = Zeroizing::new(*key);
    for half in variant.as_chunks_mut::<8>().0 {
        mask_in_place(half, mask);
    }
    variant
}

fn mask_in_place(bytes: &mut [u8; 8], mask: [u8; 8]) {
    for (byte, mask) in bytes.iter_mut().zip(&mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_serial_numbers_of_no_transaction() {
        let key = TdesKey::double(&[1; 16]);
        let base = KeySerialNumber([0xFF; 10]);
        for counter in [0, 0x7FF, 0x1F_FFFF] {
            let refused = derive(&key, base.with_counter(counter));
            assert_eq!(refused.err(), Some(Error::InvalidInput), "{counter:X}");
        }
        assert!(derive(&key, base.with_counter(1)).is_ok());
        for length in [0, 9, 11] {
            assert!(KeySerialNumber::parse(&vec![0; length]).is_none());
        }
    }

    #[test]
    fn refuses_triple_length_keys() {
        let triple = TdesKey::parse(&[1; 24]).unwrap();
        let ksn = KeySerialNumber([0xFF; 10]).with_counter(1);
        assert_eq!(initial_key(&triple, ksn).err(), Some(Error::InvalidInput));
        assert_eq!(derive(&triple, ksn).err(), Some(Error::InvalidInput));
    }

    #[test]
    fn the_counter_does_not_touch_the_device_identifier() {
        let ksn = KeySerialNumber([0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xF5, 0x55, 0x55]);
        assert_eq!(ksn.with_counter(0).as_bytes()[7], 0xE0);
        assert_eq!(
            ksn.with_counter(u32::MAX).as_bytes()[5..8],
            [0x32, 0x10, 0xFF]
        );
        assert_eq!(ksn.counter(), 0x15_5555);
        assert_eq!(format!("{ksn:?}"), "FFFF9876543210F55555");
    }
}
