//! What the keys sign: certificates, static data and dynamic data (EMV 4.4 Book 2, 5 and 6).
//!
//! Every signed block starts with 6A, ends with a SHA-1 hash and BC, and is exactly as long as the
//! modulus of its signer.

use sha1::{Digest, Sha1};

use crate::alteration::{Alterations, Field, Signed};
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

/// What is signed, and what is wrong with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made<'a> {
    pub(crate) signed: Signed,
    pub(crate) alterations: &'a Alterations,
}

impl<'a> Made<'a> {
    fn or(self, field: Field, right: &'a [u8]) -> &'a [u8] {
        self.alterations.or(self.signed, field, right)
    }
}

/// A key that is certified, and until when (MMYY).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) key: &'a RsaKey,
    /// The issuer identifier, or the number of the card as cn and ten bytes.
    pub(crate) identifier: &'a [u8],
    pub(crate) expiry: [u8; 2],
}

/// A public key certificate (EMV 4.4 Book 2, 5.1, table 2, and 6.1, table 10). `static_data` is what
/// it covers beside the key.
pub(crate) fn public_key(
    signer: &RsaKey,
    subject: Subject<'_>,
    static_data: &[u8],
    made: Made<'_>,
) -> Certificate {
    let (modulus, exponent) = (subject.key.modulus(), subject.key.exponent());
    let format = if made.signed == Signed::Issuer {
        [0x02]
    } else {
        [0x04]
    };
    let one = |length: usize| [u8::try_from(length).unwrap_or(u8::MAX)];
    let (key_length, exponent_length) = (one(modulus.len()), one(exponent.len()));
    let mut fields = [
        made.or(Field::Format, &format),
        made.or(Field::Identifier, subject.identifier),
        made.or(Field::Expiry, &subject.expiry),
        // The same for all, since none is revoked unless a test says so.
        made.or(Field::Serial, &[0x00, 0x00, 0x01]),
        made.or(Field::HashAlgorithm, &[HASH_ALGORITHM]),
        made.or(Field::KeyAlgorithm, &[KEY_ALGORITHM]),
        made.or(Field::KeyLength, &key_length),
        made.or(Field::ExponentLength, &exponent_length),
    ]
    .concat();
    let room = signer
        .length()
        .saturating_sub(FRAME)
        .saturating_sub(fields.len());
    let (inside, remainder) = modulus.split_at(room.min(modulus.len()));
    fields.extend(inside);
    let hashed = [remainder, &exponent, static_data].concat();
    Certificate {
        signed: sign(signer, &padded(fields, signer), &hashed, made),
        remainder: remainder.to_vec(),
    }
}

/// Signed static application data (EMV 4.4 Book 2, 5.1, table 3), tag 93.
pub(crate) fn static_data(
    issuer: &RsaKey,
    authentication_code: [u8; 2],
    static_data: &[u8],
    alterations: &Alterations,
) -> Vec<u8> {
    let made = Made {
        signed: Signed::Static,
        alterations,
    };
    let head = [
        made.or(Field::Format, &[0x03]),
        made.or(Field::HashAlgorithm, &[HASH_ALGORITHM]),
        &authentication_code[..],
    ]
    .concat();
    sign(issuer, &padded(head, issuer), static_data, made)
}

/// Signed dynamic application data (EMV 4.4 Book 2, 6.5.1 and 6.6.1), tag 9F4B.
pub(crate) fn dynamic_data(
    icc: &RsaKey,
    icc_dynamic_data: &[u8],
    terminal_data: &[u8],
    alterations: &Alterations,
) -> Vec<u8> {
    let made = Made {
        signed: Signed::Dynamic,
        alterations,
    };
    let length = [u8::try_from(icc_dynamic_data.len()).unwrap_or(u8::MAX)];
    let head = [
        made.or(Field::Format, &[0x05]),
        made.or(Field::HashAlgorithm, &[HASH_ALGORITHM]),
        made.or(Field::DataLength, &length),
        icc_dynamic_data,
    ]
    .concat();
    sign(icc, &padded(head, icc), terminal_data, made)
}

fn padded(mut fields: Vec<u8>, signer: &RsaKey) -> Vec<u8> {
    fields.resize(signer.length().saturating_sub(FRAME), 0xBB);
    fields
}

fn sign(signer: &RsaKey, fields: &[u8], also_hashed: &[u8], made: Made<'_>) -> Vec<u8> {
    let mut hash = Sha1::new()
        .chain_update(fields)
        .chain_update(also_hashed)
        .finalize()
        .to_vec();
    for (byte, altered) in hash.iter_mut().zip(made.or(Field::Hash, &[])) {
        *byte = *altered;
    }
    let (header, trailer) = ([HEADER], [TRAILER]);
    let block = [
        made.or(Field::Header, &header),
        fields,
        &hash,
        made.or(Field::Trailer, &trailer),
    ];
    signer.private(&block.concat())
}
