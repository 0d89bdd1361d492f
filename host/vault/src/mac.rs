//! Message authentication codes: retail MAC and CBC-MAC (ISO 9797-1:2011), CMAC (NIST SP 800-38B).
//!
//! Public for the acquirer's side. The terminal's codes are made by
//! [`crate::Vault::generate_mac`].

use cipher::common::InnerInit;
use cipher::{Array, KeyInit};
use cmac::block_api::CmacCipher;
use cmac::digest::OutputSizeUser;
use cmac::{Cmac, Mac};
use des::Des;
use retail_mac::RetailMac;
use zeroize::Zeroizing;

use crate::key::{AesCipher, encrypt_cbc};
use crate::{AesKey, Error, TdesKey};

/// How a message authentication code is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacAlgorithm {
    /// ISO 9797-1 algorithm 3 with TDES, padding method 1, 8 bytes.
    RetailPadding1,
    /// ISO 9797-1 algorithm 3 with TDES, padding method 2, 8 bytes.
    RetailPadding2,
    /// CMAC with AES (NIST SP 800-38B), 16 bytes.
    CmacAes,
}

impl MacAlgorithm {
    /// How many bytes the whole code has.
    pub(crate) fn code_length(self) -> usize {
        match self {
            Self::RetailPadding1 | Self::RetailPadding2 => 8,
            Self::CmacAes => 16,
        }
    }
}

/// How a message is filled up to whole blocks (ISO 9797-1:2011, 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Method 1: zeros, as few as needed. An empty message becomes one block.
    Method1,
    /// Method 2: one bit 1, then zeros.
    Method2,
    /// Method 3: a block with the message's length in bits in front, then as method 1.
    Method3,
}

/// Fills a message up to whole blocks of 8 bytes.
pub fn pad(padding: Padding, message: &[u8]) -> Zeroizing<Vec<u8>> {
    // Room for every method, so that the message is never moved and left behind.
    let mut padded = Zeroizing::new(Vec::with_capacity(message.len().saturating_add(16)));
    if padding == Padding::Method3 {
        let bits = u64::try_from(message.len())
            .unwrap_or(u64::MAX)
            .saturating_mul(8);
        padded.extend_from_slice(&bits.to_be_bytes());
    }
    padded.extend_from_slice(message);
    if padding == Padding::Method2 {
        padded.push(0x80);
    }
    let whole = padded.len().next_multiple_of(8).max(8);
    padded.resize(whole, 0);
    padded
}

/// The retail MAC: ISO 9797-1 algorithm 3 with DES.
///
/// Fails with [`Error::InvalidInput`] when the key is not of double length.
pub fn retail(key: &TdesKey, padding: Padding, message: &[u8]) -> Result<[u8; 8], Error> {
    let key = key.as_double().ok_or(Error::InvalidInput)?;
    let mac = <RetailMac<Des> as KeyInit>::new(key.into());
    Ok(mac
        .chain_update(&*pad(padding, message))
        .finalize()
        .into_bytes()
        .into())
}

/// The CBC-MAC: ISO 9797-1 algorithm 1 with TDES.
pub fn cbc_tdes(key: &TdesKey, padding: Padding, message: &[u8]) -> [u8; 8] {
    let enciphered = encrypt_cbc(&key.cipher(), &pad(padding, message));
    // Padding leaves one block at least.
    enciphered.last_chunk().copied().unwrap_or_default()
}

/// CMAC with TDES.
pub fn cmac_tdes(key: &TdesKey, message: &[u8]) -> [u8; 8] {
    cmac(key.cipher(), message).into()
}

/// CMAC with AES.
pub fn cmac_aes(key: &AesKey, message: &[u8]) -> [u8; 16] {
    match key.cipher() {
        AesCipher::Aes128(cipher) => cmac(cipher, message).into(),
        AesCipher::Aes192(cipher) => cmac(cipher, message).into(),
        AesCipher::Aes256(cipher) => cmac(cipher, message).into(),
    }
}

fn cmac<C: CmacCipher>(cipher: C, message: &[u8]) -> Array<u8, C::BlockSize>
where
    Cmac<C>: Mac + OutputSizeUser<OutputSize = C::BlockSize> + InnerInit<Inner = C>,
{
    Cmac::inner_init(cipher)
        .chain_update(message)
        .finalize()
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_every_length_to_whole_blocks() {
        for length in 0..=17 {
            let message = vec![0xFF; length];
            let first = pad(Padding::Method1, &message);
            assert_eq!(first.len(), length.next_multiple_of(8).max(8));
            let second = pad(Padding::Method2, &message);
            assert_eq!(second.len(), (length + 1).next_multiple_of(8));
            assert_eq!(second[length], 0x80);
            let third = pad(Padding::Method3, &message);
            assert_eq!(third[..8], u64::try_from(length * 8).unwrap().to_be_bytes());
            assert_eq!(third.len(), 8 + length.next_multiple_of(8));
        }
    }

    #[test]
    fn retail_needs_a_double_length_key() {
        let triple = TdesKey::parse(&[1; 24]).unwrap();
        assert_eq!(
            retail(&triple, Padding::Method1, b"m"),
            Err(Error::InvalidInput)
        );
    }

    #[test]
    fn retail_of_one_block_is_one_triple_encipherment() {
        // With one block, algorithm 3 is TDES of that block (ISO 9797-1:2011, 7.4).
        let key = TdesKey::double(b"01234567fedcba98");
        assert_eq!(
            retail(&key, Padding::Method1, b"8 bytes.").unwrap(),
            cbc_tdes(&key, Padding::Method1, b"8 bytes.")
        );
        assert_ne!(
            retail(&key, Padding::Method1, b"9 bytes..").unwrap(),
            cbc_tdes(&key, Padding::Method1, b"9 bytes..")
        );
    }
}
