//! The keys of all cards: certification authorities, issuers and cards, made once from fixed labels.
//!
//! Nothing here is secret: whoever has the source has the keys. They are therefore neither sealed nor
//! wiped, and a terminal that trusts them must be a test terminal.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use sha1::{Digest, Sha1};

use crate::cryptogram::TdesKey;
use crate::elliptic::EllipticKey;
use crate::personalization;
use crate::rsa::{Drbg, RsaKey};

/// The index of every key here (tag 8F), among those that schemes use for tests.
pub(crate) const CA_INDEX: u8 = 0xF1;

/// Bytes of a certification authority's and of an issuer's modulus: 1152 bits.
const CA_LENGTH: usize = 144;
/// Bytes of a card's modulus: 1024 bits.
const ICC_LENGTH: usize = 128;

/// A certification authority's public key (EMV 4.4 Book 2, 11.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaPublicKey {
    /// Registered application provider identifier.
    pub rid: [u8; 5],
    /// Tag 8F.
    pub index: u8,
    /// Most significant byte first, 144 bytes.
    pub modulus: Vec<u8>,
    /// Most significant byte first.
    pub exponent: Vec<u8>,
    /// SHA-1 over RID, index, modulus and exponent.
    pub checksum: [u8; 20],
}

/// One key for each application provider in the catalogue.
pub fn ca_public_keys() -> Vec<CaPublicKey> {
    let rids: std::collections::BTreeSet<[u8; 5]> = personalization::all()
        .iter()
        .flat_map(|card| &card.applications)
        .map(personalization::ApplicationData::rid)
        .collect();
    rids.into_iter().map(ca_public_key).collect()
}

/// The key of one application provider, in the catalogue or not: a card that was changed may have any.
pub fn ca_public_key(rid: [u8; 5]) -> CaPublicKey {
    let key = ca_key(rid);
    let (modulus, exponent) = (key.modulus(), key.exponent());
    let checksum = Sha1::new()
        .chain_update(rid)
        .chain_update([CA_INDEX])
        .chain_update(&modulus)
        .chain_update(&exponent)
        .finalize()
        .into();
    CaPublicKey {
        rid,
        index: CA_INDEX,
        modulus,
        exponent,
        checksum,
    }
}

/// The certification authority's key pair of an application provider.
pub(crate) fn ca_key(rid: [u8; 5]) -> RsaKey {
    cached(&format!("ca {rid:02X?}"), CA_LENGTH, 3)
}

/// The key pair of the one bank that issues the cards of an application provider.
pub(crate) fn issuer_key(rid: [u8; 5], length: Option<usize>) -> RsaKey {
    let length = length.unwrap_or(CA_LENGTH);
    cached(&format!("issuer {rid:02X?}"), length, 3)
}

/// The key pair of a card. Its exponent is the other one that EMV allows
/// (EMV 4.4 Book 2, 11.2.1), so that both are met.
pub(crate) fn icc_key(pan: &str, length: Option<usize>) -> RsaKey {
    cached(&format!("icc {pan}"), length.unwrap_or(ICC_LENGTH), 65_537)
}

/// The key pair under which PINs for a card are enciphered, when it has one for that alone.
pub(crate) fn pin_key(pan: &str) -> RsaKey {
    cached(&format!("pin {pan}"), ICC_LENGTH, 3)
}

/// A certification authority's public key on the curve P-256 (EMV 4.4 Book 2, 12.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EccCaPublicKey {
    /// Registered application provider identifier.
    pub rid: [u8; 5],
    /// Tag 8F.
    pub index: u8,
    /// The x-coordinate, most significant byte first, 32 bytes; of the two points with it the one with
    /// the lower y is meant.
    pub x: Vec<u8>,
}

/// One key for each application provider in the catalogue, for cards with `elliptic-keys`.
pub fn ecc_ca_public_keys() -> Vec<EccCaPublicKey> {
    let ca = |rid| EccCaPublicKey {
        rid,
        index: CA_INDEX,
        x: ecc_ca_key(rid).x().to_vec(),
    };
    ca_public_keys()
        .into_iter()
        .map(|key| ca(key.rid))
        .collect()
}

/// The certification authority's key pair on a curve.
pub(crate) fn ecc_ca_key(rid: [u8; 5]) -> EllipticKey {
    EllipticKey::new(&format!("elliptic ca {rid:02X?}"))
}

/// The issuer's key pair on a curve.
pub(crate) fn ecc_issuer_key(rid: [u8; 5]) -> EllipticKey {
    EllipticKey::new(&format!("elliptic issuer {rid:02X?}"))
}

/// The card's key pair on a curve.
pub(crate) fn ecc_icc_key(pan: &str) -> EllipticKey {
    EllipticKey::new(&format!("elliptic icc {pan}"))
}

/// What an issuer's master key is for (EMV 4.4 Book 2, 8 and 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    ApplicationCryptogram,
    ScriptMac,
    ScriptConfidentiality,
}

/// An issuer's master key.
pub(crate) fn issuer_master_key(rid: [u8; 5], purpose: Purpose) -> TdesKey {
    let bytes = Drbg::new(&format!("master {rid:02X?} {purpose:?}")).bytes(16);
    TdesKey::new(<[u8; 16]>::try_from(bytes).unwrap_or_default())
}

/// Most key pairs that are kept. They are made from their labels, so that one can be made again.
const CACHED_MAX: usize = 512;

fn cached(label: &str, length: usize, exponent: u32) -> RsaKey {
    static KEYS: OnceLock<Mutex<BTreeMap<(String, usize), RsaKey>>> = OnceLock::new();
    let keys = KEYS.get_or_init(Mutex::default);
    let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
    let name = (label.to_owned(), length);
    if keys.len() >= CACHED_MAX && !keys.contains_key(&name) {
        keys.clear();
    }
    let made = keys
        .entry(name)
        .or_insert_with(|| RsaKey::generate(label, length, exponent));
    made.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publishes_one_key_a_provider_with_its_checksum() {
        let keys = ca_public_keys();
        let rids: Vec<[u8; 5]> = keys.iter().map(|key| key.rid).collect();
        assert_eq!(
            rids,
            [
                [0xA0, 0, 0, 0, 3],
                [0xA0, 0, 0, 0, 4],
                [0xA0, 0, 0, 3, 0x84]
            ]
        );
        for key in keys {
            assert_eq!((key.modulus.len(), key.index), (CA_LENGTH, CA_INDEX));
            let bytes = [&key.rid[..], &[key.index], &key.modulus, &key.exponent].concat();
            assert_eq!(<[u8; 20]>::from(Sha1::digest(bytes)), key.checksum);
        }
    }
}
