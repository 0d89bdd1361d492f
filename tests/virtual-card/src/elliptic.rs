//! Keys and signatures on the curve P-256, and what they sign: EC-SDSA with SHA-256, algorithm suite 10
//! (EMV 4.4 Book 2, 12, A2.2 and B2.4).
#![expect(
    clippy::arithmetic_side_effects,
    reason = "scalars wrap at the order of the curve"
)]

use std::ops::Neg;

use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::point::{AffineCoordinates, DecompactPoint};
use p256::elliptic_curve::{FieldBytes, Group, PrimeField};
use p256::{AffinePoint, NistP256, ProjectivePoint, Scalar};
use sha2::{Digest, Sha256};

use crate::rsa::Drbg;
use crate::tlv;

/// The algorithm suite of every key here.
const SUITE: u8 = 0x10;
/// SHA-256 among the hash algorithms (EMV 4.4 Book 2, B2.3).
const SHA_256: u8 = 0x02;
/// The last day of every certificate.
const LAST_DAY: [u8; 4] = [0x20, 0x40, 0x12, 0x31];

/// A key pair. The public key is an x-coordinate; of the two points with it the one with the lower y is
/// meant, and the secret is that one's.
#[derive(Clone, Debug)]
pub(crate) struct EllipticKey {
    label: String,
    secret: Scalar,
    x: Vec<u8>,
}

impl EllipticKey {
    /// The key that `label` names, always the same one.
    pub(crate) fn new(label: &str) -> Self {
        let secret = scalar(&Drbg::new(label).bytes(32));
        let point: AffinePoint = ProjectivePoint::mul_by_generator(&secret).into();
        let lower = Option::<AffinePoint>::from(AffinePoint::decompact(&point.x()));
        let is_lower = lower.is_some_and(|lower| lower.y() == point.y());
        Self {
            label: label.to_owned(),
            secret: if is_lower { secret } else { secret.neg() },
            x: point.x().to_vec(),
        }
    }

    /// Most significant byte first, 32 bytes.
    pub(crate) fn x(&self) -> &[u8] {
        &self.x
    }

    /// The hash over a point and the message, and the number that leads to the point (A2.2.2).
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let seed = Sha256::new_with_prefix(&self.label)
            .chain_update(message)
            .finalize();
        let once = scalar(&seed);
        let point: AffinePoint = ProjectivePoint::mul_by_generator(&once).into();
        let hash = Sha256::new_with_prefix(point.x())
            .chain_update(message)
            .finalize();
        let number = once + scalar(&hash) * self.secret;
        [&hash[..], &number.to_repr()].concat()
    }
}

/// A number below the order of the curve out of 32 bytes.
fn scalar(bytes: &[u8]) -> Scalar {
    let bytes = FieldBytes::<NistP256>::try_from(bytes).unwrap_or_default();
    <Scalar as Reduce<FieldBytes<NistP256>>>::reduce(&bytes)
}

/// Who certifies an issuer, and whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Authority<'a> {
    pub(crate) key: &'a EllipticKey,
    pub(crate) rid: [u8; 5],
    pub(crate) index: u8,
}

/// The issuer's certificate, tag 90 (EMV 4.4 Book 2, 12.3). `identifier` is the beginning of the number.
pub(crate) fn issuer_certificate(
    authority: Authority<'_>,
    issuer: &EllipticKey,
    identifier: [u8; 5],
) -> Vec<u8> {
    let fields = [
        &[0x12, 0x00][..],
        &identifier,
        &[SUITE],
        &LAST_DAY,
        &[0x00, 0x00, 0x01],
        &authority.rid,
        &[authority.index],
        issuer.x(),
    ]
    .concat();
    [&fields[..], &authority.key.sign(&fields)].concat()
}

/// The card's certificate, tag 9F46 (EMV 4.4 Book 2, 12.4), over what the issuer certifies of the card.
pub(crate) fn icc_certificate(
    issuer: &EllipticKey,
    icc: &EllipticKey,
    card_data: &[u8],
) -> Vec<u8> {
    let fields = [
        &[0x14, 0x00, SUITE][..],
        &LAST_DAY,
        &[0x23, 0x59],
        &[0x00, 0x00, 0x00, 0x00, 0x00, 0x01],
        &[0x00, SHA_256],
        &Sha256::digest(card_data),
        icc.x(),
    ]
    .concat();
    [&fields[..], &issuer.sign(&fields)].concat()
}

/// What the issuer certifies of the card (EMV 4.4 Book 3, 10.3): its signed records, then AIP, name and
/// PDOL as objects.
pub(crate) fn card_data(
    records: &[u8],
    profile: &[u8],
    aid: &[u8],
    pdol: Option<&[u8]>,
) -> Vec<u8> {
    let mut data = [
        records,
        &tlv::object(0x82, profile),
        &tlv::object(0x9F06, aid),
    ]
    .concat();
    data.extend(
        pdol.map(|pdol| tlv::object(0x9F38, pdol))
            .unwrap_or_default(),
    );
    data
}

/// Signed dynamic application data, tag 9F4B (EMV 4.4 Book 2, 12.5.2).
pub(crate) fn dynamic_data(icc: &EllipticKey, exchanged: &[u8]) -> Vec<u8> {
    const FORMAT: u8 = 0x15;
    let signature = icc.sign(&[&[FORMAT], exchanged].concat());
    [&[FORMAT], &signature[..]].concat()
}
