//! What the keys sign: certificates, static data and dynamic data (EMV 4.4 Book 2, 5 and 6).
//!
//! Every signed block starts with 6A, ends with a SHA-1 hash and BC, and is exactly as long as the
//! modulus of its signer.

use sha1::{Digest, Sha1};

use crate::rsa::RsaKey;

const HEADER: u8 = 0x6A;
const TRAILER: u8 = 0xBC;
/// SHA-1 (EMV 4.4 Book 2, B3.1).
const HASH_ALGORITHM: u8 = 0x01;
/// RSA (EMV 4.4 Book 2, B2.1).
const KEY_ALGORITHM: u8 = 0x01;
/// Header, trailer and hash.
const FRAME: usize = 22;

/// A certificate and the part of the key it had no room for (tags 90 and 92, or 9F46 and 9F48).
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub(crate) signed: Vec<u8>,
    pub(crate) remainder: Vec<u8>,
}

/// The issuer public key certificate (EMV 4.4 Book 2, 5.1, table 2). `expiry` is MMYY.
pub(crate) fn issuer(
    ca: &RsaKey,
    issuer: &RsaKey,
    identifier: [u8; 4],
    expiry: [u8; 2],
) -> Certificate {
    let head = [&[0x02], &identifier[..], &expiry[..]].concat();
    key_certificate(ca, issuer, head, &[])
}

/// The ICC public key certificate (EMV 4.4 Book 2, 6.1, table 10) over the static data. `pan` is cn
/// and ten bytes.
pub(crate) fn icc(
    issuer: &RsaKey,
    icc: &RsaKey,
    pan: &[u8],
    expiry: [u8; 2],
    static_data: &[u8],
) -> Certificate {
    key_certificate(issuer, icc, [&[0x04], pan, &expiry].concat(), static_data)
}

/// Signed static application data (EMV 4.4 Book 2, 5.1, table 3), tag 93.
pub(crate) fn static_data(
    issuer: &RsaKey,
    authentication_code: [u8; 2],
    static_data: &[u8],
) -> Vec<u8> {
    let head = [&[0x03, HASH_ALGORITHM], &authentication_code[..]].concat();
    sign(issuer, &padded(head, issuer), static_data)
}

/// Signed dynamic application data (EMV 4.4 Book 2, 6.5.1 and 6.6.1), tag 9F4B.
pub(crate) fn dynamic_data(icc: &RsaKey, icc_dynamic_data: &[u8], terminal_data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(icc_dynamic_data.len()).unwrap_or(u8::MAX);
    let head = [&[0x05, HASH_ALGORITHM, length], icc_dynamic_data].concat();
    sign(icc, &padded(head, icc), terminal_data)
}

fn key_certificate(
    signer: &RsaKey,
    subject: &RsaKey,
    head: Vec<u8>,
    also_hashed: &[u8],
) -> Certificate {
    let (modulus, exponent) = (subject.modulus(), subject.exponent());
    let mut fields = head;
    // Serial number: three bytes, the same for all since none is ever revoked.
    fields.extend([0x00, 0x00, 0x01, HASH_ALGORITHM, KEY_ALGORITHM]);
    fields.extend(
        [modulus.len(), exponent.len()].map(|length| u8::try_from(length).unwrap_or(u8::MAX)),
    );
    let room = signer
        .length()
        .saturating_sub(FRAME)
        .saturating_sub(fields.len());
    let (inside, remainder) = modulus.split_at(room.min(modulus.len()));
    fields.extend(inside);
    let hashed = [remainder, &exponent, also_hashed].concat();
    Certificate {
        signed: sign(signer, &padded(fields, signer), &hashed),
        remainder: remainder.to_vec(),
    }
}

fn padded(mut fields: Vec<u8>, signer: &RsaKey) -> Vec<u8> {
    fields.resize(signer.length().saturating_sub(FRAME), 0xBB);
    fields
}

fn sign(signer: &RsaKey, fields: &[u8], also_hashed: &[u8]) -> Vec<u8> {
    let hash = Sha1::new()
        .chain_update(fields)
        .chain_update(also_hashed)
        .finalize();
    signer.private(&[&[HEADER], fields, &hash[..], &[TRAILER]].concat())
}
