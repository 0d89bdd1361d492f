//! The rules of certification authorities' keys and of revoked certificates.
//!
//! A set is taken whole or not at all: of a set with one wrong key nobody knows what else went wrong
//! on its way. The kernel checks a key again before it uses it; it shares no code with this.

use std::collections::BTreeSet;

use p256::{
    NistP256,
    elliptic_curve::point::DecompactPoint,
    elliptic_curve::{CurveArithmetic, FieldBytes},
};
use p521::NistP521;
use ring::digest;

use super::{length, rule};
use crate::parameters::{
    AlgorithmSuite, CaPublicKey, EllipticCaPublicKey, HexBytes, Parameters, ParametersError,
    RevokedIssuerCertificate, ca_key::last_day, to_hex,
};

/// The most keys of each kind.
const KEYS_MAX: usize = 256;

/// The most revoked certificates.
const REVOKED_MAX: usize = 4096;

/// The first bit of tag 9F33's third byte that claims XDA.
const XDA: u8 = 0x04;

/// Checks the keys of both kinds, and the list of revoked certificates.
pub(super) fn check(parameters: &Parameters) -> Result<(), ParametersError> {
    list(
        "ca_public_keys",
        &parameters.ca_public_keys,
        |key| (&key.rid, key.index),
        rsa_key,
    )?;
    list(
        "elliptic_ca_public_keys",
        &parameters.elliptic_ca_public_keys,
        |key| (&key.rid, key.index),
        elliptic_key,
    )?;
    // With XDA chosen nothing else is tried: without a key every such card would fail.
    let claims = parameters.terminal.capabilities.last();
    rule(
        claims.is_none_or(|claims| claims & XDA == 0)
            || !parameters.elliptic_ca_public_keys.is_empty(),
        "terminal.capabilities",
        "XDA is claimed, and elliptic_ca_public_keys is empty",
    )?;
    revoked(&parameters.revoked_issuer_certificates)
}

/// Which key is meant: `A000000003 index F1`.
fn name(rid: &[u8], index: u8) -> String {
    format!("key {} index {index:02X}", to_hex(rid))
}

/// A list of keys: each is right, and no two are of the same RID and index.
fn list<K>(
    path: &str,
    keys: &[K],
    identity: impl Fn(&K) -> (&[u8], u8),
    check: impl Fn(&str, &K) -> Result<(), ParametersError>,
) -> Result<(), ParametersError> {
    count(path, keys.len(), KEYS_MAX)?;
    let mut seen = BTreeSet::new();
    for (position, key) in keys.iter().enumerate() {
        let path = format!("{path}[{position}]");
        let (rid, index) = identity(key);
        let named = name(rid, index);
        check(&path, key).map_err(|refused| of(&named, refused))?;
        rule(
            seen.insert((rid, index)),
            path,
            &format!("{named}: listed twice"),
        )?;
    }
    Ok(())
}

/// EMV 4.4 Book 2, 11.2.2.
fn rsa_key(path: &str, key: &CaPublicKey) -> Result<(), ParametersError> {
    rid(path, &key.rid)?;
    length(&format!("{path}.modulus"), &key.modulus, 64, 248)?;
    // The length of a certificate is the modulus' own, so its first bit is not to be missing.
    rule(
        key.modulus.first().is_some_and(|first| *first >= 0x80),
        format!("{path}.modulus"),
        "expected a first byte of 80 or more",
    )?;
    rule(
        matches!(&*key.exponent, [3] | [1, 0, 1]),
        format!("{path}.exponent"),
        "expected 03 or 010001",
    )?;
    expires(path, key.expires.as_ref())?;
    let parts = [&*key.rid, &[key.index], &*key.modulus, &*key.exponent].concat();
    rule(
        digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &parts).as_ref() == &*key.checksum,
        format!("{path}.checksum"),
        "not the SHA-1 of RID, index, modulus and exponent",
    )
}

/// EMV 4.4 Book 2, 12.2.
fn elliptic_key(path: &str, key: &EllipticCaPublicKey) -> Result<(), ParametersError> {
    rid(path, &key.rid)?;
    let field_length = key.suite.field_length();
    length(&format!("{path}.x"), &key.x, field_length, field_length)?;
    rule(
        is_on_curve(key.suite, &key.x),
        format!("{path}.x"),
        "no point of the curve has this x-coordinate",
    )?;
    expires(path, key.expires.as_ref())?;
    let parts = [&*key.rid, &[key.index, key.suite.indicator()], &*key.x].concat();
    rule(
        digest::digest(&digest::SHA256, &parts).as_ref() == &*key.checksum,
        format!("{path}.checksum"),
        "not the SHA-256 of RID, index, suite indicator and x",
    )
}

fn is_on_curve(suite: AlgorithmSuite, x: &[u8]) -> bool {
    fn has_point<C: CurveArithmetic<AffinePoint: DecompactPoint<C>>>(x: &[u8]) -> bool {
        let x = FieldBytes::<C>::try_from(x);
        x.is_ok_and(|x| C::AffinePoint::decompact(&x).is_some().into())
    }
    match suite {
        AlgorithmSuite::EcSdsaSha256P256 => has_point::<NistP256>(x),
        AlgorithmSuite::EcSdsaSha512P521 => has_point::<NistP521>(x),
    }
}

fn revoked(certificates: &[RevokedIssuerCertificate]) -> Result<(), ParametersError> {
    count(
        "revoked_issuer_certificates",
        certificates.len(),
        REVOKED_MAX,
    )?;
    for (position, certificate) in certificates.iter().enumerate() {
        let path = format!("revoked_issuer_certificates[{position}]");
        rid(&path, &certificate.rid)?;
        length(
            &format!("{path}.serial_number"),
            &certificate.serial_number,
            3,
            3,
        )?;
    }
    Ok(())
}

/// Five bytes; of the international ones, which begin with A, the other nine digits are decimal
/// (ISO 7816-5).
fn rid(path: &str, rid: &[u8]) -> Result<(), ParametersError> {
    let path = format!("{path}.rid");
    length(&path, rid, 5, 5)?;
    let mut digits = rid.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    let international = digits.next() == Some(0xA);
    rule(
        !international || digits.all(|digit| digit < 10),
        &path,
        "expected nine decimal digits after A",
    )?;
    rule(
        rid.iter().any(|byte| *byte != 0),
        &path,
        "expected more than zeros",
    )
}

fn expires(path: &str, expires: Option<&HexBytes>) -> Result<(), ParametersError> {
    rule(
        expires.is_none_or(|bytes| last_day(bytes).is_some()),
        format!("{path}.expires"),
        "expected a day of the calendar as YYMMDD, or null",
    )
}

fn count(path: &str, count: usize, max: usize) -> Result<(), ParametersError> {
    rule(count <= max, path, &format!("expected {max} or fewer"))
}

/// The refusal of a key, with its name.
fn of(named: &str, refused: ParametersError) -> ParametersError {
    ParametersError::new(refused.path, format!("{named}: {}", refused.problem))
}

#[cfg(test)]
mod tests;
