//! Keys: what they are for, how they are injected, and the block ciphers they drive.

use std::fmt;

use aes::{Aes128, Aes192, Aes256};
use cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::TdesEde3;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The purpose of a key. One live key per purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyPurpose {
    /// Enciphers PIN blocks ([`crate::Vault::encrypt_pin`]).
    PinEncryption,
    /// Authenticates messages ([`crate::Vault::generate_mac`]).
    MessageAuthentication,
    /// Enciphers card data ([`crate::Vault::encrypt_data`]).
    DataEncryption,
}

/// A key as it is injected: the initial key of a DUKPT set. Wiped on drop.
pub enum NewKey {
    /// ANSI X9.24-1: double-length initial key and the ten-byte KSN with counter zero.
    TdesDukpt {
        /// 16 bytes.
        initial_key: Zeroizing<[u8; 16]>,
        /// 10 bytes; the low 21 bits are zero.
        initial_ksn: [u8; 10],
    },
    /// ANSI X9.24-3, AES-128.
    AesDukpt {
        /// 16 bytes.
        initial_key: Zeroizing<[u8; 16]>,
        /// 8 bytes.
        initial_key_id: [u8; 8],
    },
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TdesDukpt { initial_ksn, .. } => f
                .debug_struct("TdesDukpt")
                .field("initial_ksn", initial_ksn)
                .finish_non_exhaustive(),
            Self::AesDukpt { initial_key_id, .. } => f
                .debug_struct("AesDukpt")
                .field("initial_key_id", initial_key_id)
                .finish_non_exhaustive(),
        }
    }
}

/// The length of a TDES key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TdesLength {
    /// 16 bytes: two keys, the first used again as the third.
    Double,
    /// 24 bytes: three keys.
    Triple,
}

/// A TDES key of double or triple length. Parity bits are kept as given and ignored. Wiped on
/// drop; on the heap, so that moving it leaves no copy behind.
pub struct TdesKey {
    /// Always three keys: of a double-length key the first stands last as well.
    bytes: Box<Zeroizing<[u8; 24]>>,
    length: TdesLength,
}

impl TdesKey {
    /// Takes 16 or 24 bytes; `None` at any other length.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if let Ok(double) = bytes.try_into() {
            return Some(Self::double(double));
        }
        let triple: &[u8; 24] = bytes.try_into().ok()?;
        let mut key = Self {
            bytes: Box::default(),
            length: TdesLength::Triple,
        };
        key.bytes.copy_from_slice(triple);
        Some(key)
    }

    /// Takes a double-length key.
    pub fn double(bytes: &[u8; 16]) -> Self {
        let mut key = Self {
            bytes: Box::default(),
            length: TdesLength::Double,
        };
        let [first, second, third] = key.thirds_mut();
        let (left, right) = bytes.split_at(8);
        first.copy_from_slice(left);
        second.copy_from_slice(right);
        third.copy_from_slice(left);
        key
    }

    /// Whether both are the same key, in constant time. Keys of different length differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.length == other.length && self.bytes.ct_eq(&**other.bytes).into()
    }

    /// The left and the right key of a double-length key, else `None`.
    pub(crate) fn halves(&self) -> Option<[Zeroizing<[u8; 8]>; 2]> {
        if self.length == TdesLength::Triple {
            return None;
        }
        let (left, rest) = self.bytes.split_first_chunk::<8>()?;
        Some([Zeroizing::new(*left), Zeroizing::new(*rest.first_chunk()?)])
    }

    /// The key of a double-length key, as it was given, else `None`.
    pub(crate) fn as_double(&self) -> Option<&[u8; 16]> {
        (self.length == TdesLength::Double).then(|| self.bytes.first_chunk())?
    }

    /// The cipher under this key, three keys long in both cases.
    pub(crate) fn cipher(&self) -> TdesEde3 {
        TdesEde3::new((&**self.bytes).into())
    }

    fn thirds_mut(&mut self) -> [&mut [u8]; 3] {
        let (first, rest) = self.bytes.split_at_mut(8);
        let (second, third) = rest.split_at_mut(8);
        [first, second, third]
    }
}

impl fmt::Debug for TdesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TdesKey")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// The length of an AES key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AesLength {
    /// 16 bytes.
    Aes128,
    /// 24 bytes.
    Aes192,
    /// 32 bytes.
    Aes256,
}

/// An AES key. Wiped on drop; on the heap, so that moving it leaves no copy behind.
pub struct AesKey(AesKeyBytes);

enum AesKeyBytes {
    Aes128(Box<Zeroizing<[u8; 16]>>),
    Aes192(Box<Zeroizing<[u8; 24]>>),
    Aes256(Box<Zeroizing<[u8; 32]>>),
}

impl AesKey {
    /// Takes 16, 24 or 32 bytes; `None` at any other length.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self(match bytes.len() {
            16 => AesKeyBytes::Aes128(boxed(bytes)?),
            24 => AesKeyBytes::Aes192(boxed(bytes)?),
            32 => AesKeyBytes::Aes256(boxed(bytes)?),
            _ => return None,
        }))
    }

    /// How long the key is.
    pub fn length(&self) -> AesLength {
        match &self.0 {
            AesKeyBytes::Aes128(_) => AesLength::Aes128,
            AesKeyBytes::Aes192(_) => AesLength::Aes192,
            AesKeyBytes::Aes256(_) => AesLength::Aes256,
        }
    }

    /// Whether both are the same key, in constant time. Keys of different length differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.bytes().ct_eq(other.bytes()).into()
    }

    /// The key itself. Stays in the crate.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.0 {
            AesKeyBytes::Aes128(bytes) => &***bytes,
            AesKeyBytes::Aes192(bytes) => &***bytes,
            AesKeyBytes::Aes256(bytes) => &***bytes,
        }
    }

    /// The cipher under this key.
    pub(crate) fn cipher(&self) -> AesCipher {
        match &self.0 {
            AesKeyBytes::Aes128(bytes) => AesCipher::Aes128(Aes128::new((&***bytes).into())),
            AesKeyBytes::Aes192(bytes) => AesCipher::Aes192(Aes192::new((&***bytes).into())),
            AesKeyBytes::Aes256(bytes) => AesCipher::Aes256(Aes256::new((&***bytes).into())),
        }
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AesKey")
            .field("length", &self.length())
            .finish_non_exhaustive()
    }
}

fn boxed<const N: usize>(bytes: &[u8]) -> Option<Box<Zeroizing<[u8; N]>>> {
    let bytes: &[u8; N] = bytes.try_into().ok()?;
    let mut key = Box::new(Zeroizing::new([0; N]));
    key.copy_from_slice(bytes);
    Some(key)
}

/// AES under a key of any of its lengths.
pub(crate) enum AesCipher {
    Aes128(Aes128),
    Aes192(Aes192),
    Aes256(Aes256),
}

/// A block cipher with its key in it.
pub(crate) trait BlockCipher<const N: usize> {
    /// Enciphers one block in place.
    fn encrypt(&self, block: &mut [u8; N]);
    /// Deciphers one block in place.
    fn decrypt(&self, block: &mut [u8; N]);
}

impl BlockCipher<8> for TdesEde3 {
    fn encrypt(&self, block: &mut [u8; 8]) {
        self.encrypt_block(block.into());
    }

    fn decrypt(&self, block: &mut [u8; 8]) {
        self.decrypt_block(block.into());
    }
}

impl BlockCipher<16> for AesCipher {
    fn encrypt(&self, block: &mut [u8; 16]) {
        let block: &mut Array<u8, _> = block.into();
        match self {
            Self::Aes128(cipher) => cipher.encrypt_block(block),
            Self::Aes192(cipher) => cipher.encrypt_block(block),
            Self::Aes256(cipher) => cipher.encrypt_block(block),
        }
    }

    fn decrypt(&self, block: &mut [u8; 16]) {
        let block: &mut Array<u8, _> = block.into();
        match self {
            Self::Aes128(cipher) => cipher.decrypt_block(block),
            Self::Aes192(cipher) => cipher.decrypt_block(block),
            Self::Aes256(cipher) => cipher.decrypt_block(block),
        }
    }
}

/// Enciphers `data` in cipher block chaining mode from a zero initial vector (ISO 10116), after
/// zeros that fill the last block.
pub(crate) fn encrypt_cbc<const N: usize>(cipher: &impl BlockCipher<N>, data: &[u8]) -> Vec<u8> {
    let mut enciphered = Vec::with_capacity(data.len().next_multiple_of(N));
    let mut chained = [0; N];
    for chunk in data.chunks(N) {
        for (left, right) in chained.iter_mut().zip(chunk) {
            *left ^= right;
        }
        cipher.encrypt(&mut chained);
        enciphered.extend_from_slice(&chained);
    }
    enciphered
}

/// Reverses [`encrypt_cbc`]; the filling zeros stay. `None` when `data` is no whole number of
/// blocks.
pub(crate) fn decrypt_cbc<const N: usize>(
    cipher: &impl BlockCipher<N>,
    data: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (blocks, rest) = data.as_chunks::<N>();
    if !rest.is_empty() {
        return None;
    }
    let mut deciphered = Zeroizing::new(Vec::with_capacity(data.len()));
    let mut previous = [0; N];
    for enciphered in blocks {
        let mut block = Zeroizing::new([0; N]);
        block.copy_from_slice(enciphered);
        cipher.decrypt(&mut block);
        deciphered.extend(block.iter().zip(previous).map(|(left, right)| left ^ right));
        previous = *enciphered;
    }
    Some(deciphered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_lengths_of_their_cipher_only() {
        for length in 0..=40 {
            let bytes = vec![1; length];
            assert_eq!(
                TdesKey::parse(&bytes).is_some(),
                [16, 24].contains(&length),
                "{length}"
            );
            assert_eq!(
                AesKey::parse(&bytes).is_some(),
                [16, 24, 32].contains(&length),
                "{length}"
            );
        }
    }

    #[test]
    fn keys_match_only_themselves() {
        let key = TdesKey::parse(&[1; 16]).unwrap();
        assert!(key.matches(&TdesKey::double(&[1; 16])));
        assert!(!key.matches(&TdesKey::double(&[2; 16])));
        // Three equal keys encipher as the double-length key does, and are another key.
        assert!(!key.matches(&TdesKey::parse(&[1; 24]).unwrap()));
        let key = AesKey::parse(&[1; 16]).unwrap();
        assert!(key.matches(&AesKey::parse(&[1; 16]).unwrap()));
        assert!(!key.matches(&AesKey::parse(&[2; 16]).unwrap()));
        assert!(!key.matches(&AesKey::parse(&[1; 32]).unwrap()));
    }

    #[test]
    fn cbc_deciphers_what_it_enciphered() {
        let tdes = TdesKey::double(b"0123456789abcdef").cipher();
        let aes = AesKey::parse(b"0123456789abcdef").unwrap().cipher();
        for length in [1, 7, 8, 9, 16, 33] {
            let data = vec![0xA5; length];
            let deciphered = decrypt_cbc(&tdes, &encrypt_cbc(&tdes, &data)).unwrap();
            assert_eq!(deciphered.len(), length.next_multiple_of(8));
            assert_eq!(&deciphered[..length], &data);
            assert!(deciphered[length..].iter().all(|byte| *byte == 0));
            let deciphered = decrypt_cbc(&aes, &encrypt_cbc(&aes, &data)).unwrap();
            assert_eq!(deciphered.len(), length.next_multiple_of(16));
            assert_eq!(&deciphered[..length], &data);
        }
        assert!(decrypt_cbc(&tdes, &[0; 9]).is_none());
    }
}
