//! AES DUKPT (ANSI X9.24-3:2017), the acquirer's side.
//!
//! Derivation keys of 128, 192 and 256 bits; working keys of AES and TDES. A key of one length never
//! derives a longer one: that would look stronger than it is.

use std::fmt;

use zeroize::Zeroizing;

use super::CounterRule;
use crate::key::{BlockCipher, encrypt_cbc};
use crate::{AesKey, AesLength, Error, TdesKey, TdesLength};

/// 32 bits, of which sixteen are one at most (X9.24-3:2017, 6.2).
pub(crate) const COUNTER: CounterRule = CounterRule {
    bits: 32,
    ones_max: 16,
};

/// A key serial number: the initial key's identifier of eight bytes and the transaction counter of
/// four. Not secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeySerialNumber {
    initial_key_id: [u8; 8],
    counter: u32,
}

impl KeySerialNumber {
    /// The number of one transaction of a device.
    pub fn new(initial_key_id: [u8; 8], counter: u32) -> Self {
        Self {
            initial_key_id,
            counter,
        }
    }

    /// Takes twelve bytes; `None` at any other length.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 12] = bytes.try_into().ok()?;
        let (initial_key_id, counter) = bytes.split_first_chunk()?;
        let counter = u32::from_be_bytes(counter.try_into().ok()?);
        Some(Self::new(*initial_key_id, counter))
    }

    /// The twelve bytes.
    pub fn to_bytes(self) -> Vec<u8> {
        [self.initial_key_id.as_slice(), &self.counter.to_be_bytes()].concat()
    }

    /// The initial key's identifier: which base key, which device.
    pub fn initial_key_id(self) -> [u8; 8] {
        self.initial_key_id
    }

    /// The transaction counter.
    pub fn counter(self) -> u32 {
        self.counter
    }

    /// Whether a transaction may carry this number: its counter has one to sixteen one-bits.
    pub fn is_of_a_transaction(self) -> bool {
        COUNTER.allows(self.counter)
    }

    /// The number of the next transaction, or `None` when the key has reached its last use.
    pub fn next(self) -> Option<Self> {
        Some(Self {
            counter: COUNTER.next(self.counter)?,
            ..self
        })
    }

    /// The same device's number with another counter.
    pub(crate) fn with_counter(self, counter: u32) -> Self {
        Self { counter, ..self }
    }
}

impl fmt::Debug for KeySerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// What a working key is for (X9.24-3:2017, 6.3.3, table 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUsage {
    /// Enciphers another key.
    KeyEncryption,
    /// Enciphers PIN blocks.
    PinEncryption,
    /// Authenticates what the terminal sends.
    MacGeneration,
    /// Authenticates what the acquirer answers.
    MacVerification,
    /// Authenticates both.
    MacBothWays,
    /// Enciphers data that the terminal sends.
    DataEncryption,
    /// Enciphers data that the acquirer answers.
    DataDecryption,
    /// Enciphers both.
    DataBothWays,
}

impl KeyUsage {
    fn indicator(self) -> u16 {
        match self {
            Self::KeyEncryption => 0x0002,
            Self::PinEncryption => 0x1000,
            Self::MacGeneration => 0x2000,
            Self::MacVerification => 0x2001,
            Self::MacBothWays => 0x2002,
            Self::DataEncryption => 0x3000,
            Self::DataDecryption => 0x3001,
            Self::DataBothWays => 0x3002,
        }
    }
}

/// Derives a device's initial key from the base derivation key, of the same length
/// (X9.24-3:2017, 6.3.1).
pub fn initial_key(base_derivation_key: &AesKey, initial_key_id: [u8; 8]) -> Result<AesKey, Error> {
    let algorithm = Algorithm::Aes(base_derivation_key.length());
    derive_aes(
        base_derivation_key,
        KEY_DERIVATION_INITIAL_KEY,
        algorithm,
        initial_key_id,
    )
}

/// Derives the keys of one transaction from the device's initial key (X9.24-3:2017, 6.3.2): one
/// step for each one-bit of the counter, from the left.
///
/// Fails with [`Error::InvalidInput`] when `ksn` is of no transaction (see
/// [`KeySerialNumber::is_of_a_transaction`]).
pub fn derive(initial_key: &AesKey, ksn: KeySerialNumber) -> Result<TransactionKeys, Error> {
    if !ksn.is_of_a_transaction() {
        return Err(Error::InvalidInput);
    }
    derive_unchecked(initial_key, ksn)
}

/// Derives the keys under which a device's initial key is replaced (X9.24-3:2017, 6.5.4). Their
/// counter, all ones, is of no transaction. Use [`KeyUsage::KeyEncryption`] of them.
pub fn derive_for_update(
    initial_key: &AesKey,
    initial_key_id: [u8; 8],
) -> Result<TransactionKeys, Error> {
    derive_unchecked(initial_key, KeySerialNumber::new(initial_key_id, u32::MAX))
}

/// The keys of one transaction, derived by usage from its transaction key. Wiped on drop.
pub struct TransactionKeys {
    transaction_key: AesKey,
    ksn: KeySerialNumber,
}

impl TransactionKeys {
    pub(crate) fn new(transaction_key: AesKey, ksn: KeySerialNumber) -> Self {
        Self {
            transaction_key,
            ksn,
        }
    }

    /// The key that the others are derived from. It enciphers nothing itself.
    pub fn transaction_key(&self) -> &AesKey {
        &self.transaction_key
    }

    /// An AES working key.
    ///
    /// Fails with [`Error::InvalidInput`] when `length` is more than the derivation key's own.
    pub fn aes(&self, usage: KeyUsage, length: AesLength) -> Result<AesKey, Error> {
        let block = derivation_context(self.ksn);
        derive_aes(
            &self.transaction_key,
            usage.indicator(),
            Algorithm::Aes(length),
            block,
        )
    }

    /// A TDES working key.
    ///
    /// Fails with [`Error::InvalidInput`] as [`TransactionKeys::aes`] does, by strength: a key of
    /// any length derives both TDES lengths.
    pub fn tdes(&self, usage: KeyUsage, length: TdesLength) -> Result<TdesKey, Error> {
        let block = derivation_context(self.ksn);
        let algorithm = Algorithm::Tdes(length);
        let bytes = derive_bytes(&self.transaction_key, usage.indicator(), algorithm, block)?;
        TdesKey::parse(&bytes).ok_or(Error::InvalidInput)
    }
}

impl fmt::Debug for TransactionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionKeys")
            .field("ksn", &self.ksn)
            .finish_non_exhaustive()
    }
}

/// Enciphers data as [`crate::Vault::encrypt_data`] does: AES in cipher block chaining mode from a
/// zero initial vector, the last block filled with zeros.
pub fn encrypt_data(key: &AesKey, data: &[u8]) -> Vec<u8> {
    encrypt_cbc(&key.cipher(), data)
}

/// Reverses [`encrypt_data`]. The zeros that filled the last block stay.
///
/// Fails with [`Error::InvalidInput`] when `data` is no whole number of blocks.
pub fn decrypt_data(key: &AesKey, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    crate::key::decrypt_cbc(&key.cipher(), data).ok_or(Error::InvalidInput)
}

/// One step from a derivation key to the one whose counter has one more one-bit. `ksn` carries the
/// counter of the new key.
pub(crate) fn derive_future_key(key: &AesKey, ksn: KeySerialNumber) -> Result<AesKey, Error> {
    derive_aes(
        key,
        KEY_DERIVATION,
        Algorithm::Aes(key.length()),
        derivation_context(ksn),
    )
}

/// The usage of a derivation key that is no initial key (X9.24-3:2017, table 3).
const KEY_DERIVATION: u16 = 0x8000;

/// The usage of an initial key.
const KEY_DERIVATION_INITIAL_KEY: u16 = 0x8001;

fn derive_unchecked(initial_key: &AesKey, ksn: KeySerialNumber) -> Result<TransactionKeys, Error> {
    let mut key = AesKey::parse(initial_key.bytes()).ok_or(Error::InvalidInput)?;
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
    Ok(TransactionKeys::new(key, ksn))
}

/// What kind of key is derived.
#[derive(Clone, Copy)]
enum Algorithm {
    Tdes(TdesLength),
    Aes(AesLength),
}

impl Algorithm {
    /// The algorithm indicator and the length in bits (X9.24-3:2017, tables 4 and 5).
    fn indicators(self) -> (u16, u16) {
        match self {
            Self::Tdes(TdesLength::Double) => (0, 128),
            Self::Tdes(TdesLength::Triple) => (1, 192),
            Self::Aes(AesLength::Aes128) => (2, 128),
            Self::Aes(AesLength::Aes192) => (3, 192),
            Self::Aes(AesLength::Aes256) => (4, 256),
        }
    }

    /// Whether a derivation key of this length may derive such a key.
    fn derivable_from(self, length: AesLength) -> bool {
        match self {
            Self::Tdes(_) => true,
            Self::Aes(_) => self.indicators().1 <= Self::Aes(length).indicators().1,
        }
    }
}

/// The last eight bytes of the derivation data for all but the initial key: the device's part of
/// the identifier, and the counter (X9.24-3:2017, 6.3.3).
fn derivation_context(ksn: KeySerialNumber) -> [u8; 8] {
    let mut context = ksn.initial_key_id;
    context.rotate_left(4);
    if let Some(counter) = context.last_chunk_mut() {
        *counter = ksn.counter.to_be_bytes();
    }
    context
}

fn derive_aes(
    key: &AesKey,
    usage: u16,
    algorithm: Algorithm,
    context: [u8; 8],
) -> Result<AesKey, Error> {
    AesKey::parse(&derive_bytes(key, usage, algorithm, context)?).ok_or(Error::InvalidInput)
}

/// The derivation function (X9.24-3:2017, 6.3.4): as many blocks of derivation data as the key
/// needs, numbered, enciphered under the derivation key.
fn derive_bytes(
    key: &AesKey,
    usage: u16,
    algorithm: Algorithm,
    context: [u8; 8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    if !algorithm.derivable_from(key.length()) {
        return Err(Error::InvalidInput);
    }
    let (indicator, bits) = algorithm.indicators();
    let length = usize::from(bits / 8);
    let cipher = key.cipher();
    let mut derived = Zeroizing::new(Vec::with_capacity(length.next_multiple_of(16)));
    // Two blocks at most: the longest key has 256 bits.
    for number in 1..=bits.div_ceil(128) {
        let [_, number] = number.to_be_bytes();
        let mut block = Zeroizing::new([0; 16]);
        let data = [VERSION, number].into_iter().chain(usage.to_be_bytes());
        let data = data
            .chain(indicator.to_be_bytes())
            .chain(bits.to_be_bytes())
            .chain(context);
        for (place, byte) in block.iter_mut().zip(data) {
            *place = byte;
        }
        cipher.encrypt(&mut block);
        derived.extend_from_slice(&*block);
    }
    derived.truncate(length);
    Ok(derived)
}

/// The version of the derivation data.
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_serial_numbers_of_no_transaction() {
        let key = AesKey::parse(&[1; 16]).unwrap();
        for counter in [0, 0x0001_FFFF, u32::MAX] {
            let refused = derive(&key, KeySerialNumber::new([0; 8], counter));
            assert_eq!(refused.err(), Some(Error::InvalidInput), "{counter:X}");
        }
        assert!(KeySerialNumber::parse(&[0; 11]).is_none());
        assert!(KeySerialNumber::parse(&[0; 13]).is_none());
    }

    #[test]
    fn derives_no_longer_key_than_its_own() {
        let ksn = KeySerialNumber::new([0; 8], 1);
        let keys = derive(&AesKey::parse(&[1; 16]).unwrap(), ksn).unwrap();
        let longer = keys.aes(KeyUsage::PinEncryption, AesLength::Aes256);
        assert_eq!(longer.err(), Some(Error::InvalidInput));
        assert!(keys.aes(KeyUsage::PinEncryption, AesLength::Aes128).is_ok());
    }

    #[test]
    fn prints_the_serial_number_as_it_travels() {
        let ksn = KeySerialNumber::new([0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56], 0xFE);
        assert_eq!(format!("{ksn:?}"), "1234567890123456000000FE");
        assert_eq!(KeySerialNumber::parse(&ksn.to_bytes()), Some(ksn));
    }
}
