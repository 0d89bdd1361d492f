//! Certificates and signed data with elliptic curves. They are not enciphered: the fields stand in
//! clear, and a signature over them follows. Pure.
//!
//! EMV 4.4 Book 2, 12.3, 12.4 and 12.5.

use sha2::{Digest, Sha256, Sha512};

use crate::certificate::{Refusal, identifies, take};
use crate::date::{Date, Minute};
use crate::elliptic::EllipticKey;
use crate::identity::Pan;
use crate::parameters::{AlgorithmSuite, EccCaPublicKey};

/// The first byte of each format.
const ISSUER_CERTIFICATE: u8 = 0x12;
const ICC_CERTIFICATE: u8 = 0x14;
pub(crate) const SIGNED_DYNAMIC_DATA: u8 = 0x15;

/// How the fields of a certificate, and the hash in it, are coded; there is one way.
const ENCODING: u8 = 0x00;

/// The issuer's key, and the serial number of its certificate (EMV 4.4 Book 2, 12.3).
pub(crate) fn issuer_key(
    ca: &EccCaPublicKey,
    certificate: &[u8],
    pan: &Pan,
    today: Date,
) -> Result<(EllipticKey, [u8; 3]), Refusal> {
    let ([format, encoding], fields) = take::<2>(certificate)?;
    if (format, encoding) != (ISSUER_CERTIFICATE, ENCODING) {
        return Err(Refusal::Format);
    }
    let (identifier, fields) = take::<5>(fields)?;
    let ([suite], fields) = take::<1>(fields)?;
    let (expiration, fields) = take::<4>(fields)?;
    let (serial, fields) = take::<3>(fields)?;
    let (rid, fields) = take::<5>(fields)?;
    let ([index], fields) = take::<1>(fields)?;
    if !identifies(&identifier, pan) {
        return Err(Refusal::IssuerIdentifier);
    }
    if Date::parse_long(expiration).is_none_or(|last| today > last) {
        return Err(Refusal::Expired);
    }
    if (rid, index) != (ca.rid, ca.index) {
        return Err(Refusal::CaKey);
    }
    let signer = EllipticKey {
        suite: ca.suite,
        x: ca.x.clone(),
    };
    let key = certified_key(&signer, certificate, suite, fields)?;
    Ok((key, serial))
}

/// The card's key (EMV 4.4 Book 2, 12.4). `card_data` is what the issuer certifies of the card
/// beside the key.
pub(crate) fn icc_key(
    issuer: &EllipticKey,
    certificate: &[u8],
    card_data: &[u8],
    now: Minute,
) -> Result<EllipticKey, Refusal> {
    let ([format, encoding, suite], fields) = take::<3>(certificate)?;
    if (format, encoding) != (ICC_CERTIFICATE, ENCODING) {
        return Err(Refusal::Format);
    }
    let (expiration, fields) = take::<4>(fields)?;
    let (time, fields) = take::<2>(fields)?;
    let (_serial, fields) = take::<6>(fields)?;
    let ([hash_encoding, hash_algorithm], fields) = take::<2>(fields)?;
    if Minute::parse_long(expiration, time).is_none_or(|last| now > last) {
        return Err(Refusal::Expired);
    }
    if hash_encoding != ENCODING {
        return Err(Refusal::Format);
    }
    let hash = hash(hash_algorithm, card_data).ok_or(Refusal::HashAlgorithm)?;
    let (certified, fields) = fields.split_at_checked(hash.len()).ok_or(Refusal::Length)?;
    if certified != hash {
        return Err(Refusal::Hash);
    }
    certified_key(issuer, certificate, suite, fields)
}

/// What both certificates end with: a key, and the signature over everything before.
fn certified_key(
    signer: &EllipticKey,
    certificate: &[u8],
    suite: u8,
    fields: &[u8],
) -> Result<EllipticKey, Refusal> {
    let suite = AlgorithmSuite::from_indicator(suite).ok_or(Refusal::KeyAlgorithm)?;
    let (x, signature) = fields
        .split_at_checked(suite.field_length())
        .ok_or(Refusal::Length)?;
    if signature.len() != signer.suite.signature_length() {
        return Err(Refusal::Length);
    }
    let message = certificate.strip_suffix(signature).ok_or(Refusal::Length)?;
    let key = EllipticKey {
        suite,
        x: x.to_vec(),
    };
    if !signer.verifies(message, signature) {
        return Err(Refusal::Signature);
    }
    if !key.is_on_curve() {
        return Err(Refusal::KeyLength);
    }
    Ok(key)
}

/// Signed dynamic application data over `exchanged`: the values of the lists and the objects of
/// the answer (EMV 4.4 Book 2, 12.5.2 and 12.5.3).
pub(crate) fn dynamic_signature(
    key: &EllipticKey,
    signed_data: &[u8],
    exchanged: &[u8],
) -> Result<(), Refusal> {
    let (format, signature) = signed_data.split_first().ok_or(Refusal::Length)?;
    if *format != SIGNED_DYNAMIC_DATA {
        return Err(Refusal::Format);
    }
    if signature.len() != key.suite.signature_length() {
        return Err(Refusal::Length);
    }
    let message = [&[SIGNED_DYNAMIC_DATA], exchanged].concat();
    if key.verifies(&message, signature) {
        Ok(())
    } else {
        Err(Refusal::Signature)
    }
}

/// The hash algorithms of EMV 4.4 Book 2, Annex B2.3, but for those that no card may have yet.
fn hash(algorithm: u8, data: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        0x02 => Some(Sha256::digest(data).to_vec()),
        0x03 => Some(Sha512::digest(data).to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn certification_authority() -> EccCaPublicKey {
        EccCaPublicKey {
            rid: [0xA0, 0, 0, 0, 0x03],
            index: 0x21,
            suite: AlgorithmSuite::EcSdsaSha256P256,
            x: vec![0x01; 32],
            expires: None,
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused(
            begins_well in any::<bool>(),
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let pan = Pan::parse(&[0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10]).expect("valid");
            let day = [0x20, 0x26, 0x11, 0x21];
            let today = Date::parse_long(day).expect("a date");
            let now = Minute::parse_long(day, [0x12, 0x00]).expect("a time");
            let ca = certification_authority();
            let key = EllipticKey { suite: ca.suite, x: ca.x.clone() };
            let begun = |format: u8| {
                let beginning: &[u8] = if begins_well { &[format, 0x00] } else { &[] };
                [beginning, &bytes].concat()
            };
            prop_assert!(issuer_key(&ca, &begun(0x12), &pan, today).is_err());
            prop_assert!(icc_key(&key, &begun(0x14), &bytes, now).is_err());
            prop_assert!(dynamic_signature(&key, &begun(0x15), &bytes).is_err());
        }
    }
}
