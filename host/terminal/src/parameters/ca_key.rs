//! Certification authorities' keys, and the issuers' certificates that are good no more.

use jiff::civil::Date;
use serde::Deserialize;

use super::{HexBytes, Parameters, given::given, to_hex};

/// A certification authority's RSA key (EMV 4.4 Book 2, 11.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaPublicKey {
    /// Registered application provider identifier, five bytes.
    pub rid: HexBytes,
    /// Tag 8F.
    pub index: u8,
    /// Most significant byte first: 64 to 248 bytes.
    pub modulus: HexBytes,
    /// `03` or `010001`.
    pub exponent: HexBytes,
    /// SHA-1 over RID, index, modulus and exponent, recomputed when the set is checked.
    pub checksum: HexBytes,
    /// Last day of use as YYMMDD, three BCD bytes; `null` when there is none.
    #[serde(deserialize_with = "given")]
    pub expires: Option<HexBytes>,
}

/// A certification authority's key on an elliptic curve (EMV 4.4 Book 2, 12.2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EllipticCaPublicKey {
    /// Registered application provider identifier, five bytes.
    pub rid: HexBytes,
    /// Tag 8F. An RSA key may have the same.
    pub index: u8,
    /// How it signs.
    pub suite: AlgorithmSuite,
    /// The x-coordinate of its point, most significant byte first; of the two points with it the one
    /// with the lower y is meant.
    pub x: HexBytes,
    /// SHA-256 over RID, index, the suite's indicator and `x`, recomputed when the set is checked.
    /// EMV names no such value: it is this host's, so that a damaged key is found as one of RSA is.
    pub checksum: HexBytes,
    /// Last day of use as YYMMDD, three BCD bytes; `null` when there is none.
    #[serde(deserialize_with = "given")]
    pub expires: Option<HexBytes>,
}

/// How a key on an elliptic curve signs (EMV 4.4 Book 2, Annex B2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum AlgorithmSuite {
    /// Suite 10: EC-SDSA with SHA-256 on P-256.
    #[serde(rename = "ec_sdsa_sha_256_p_256")]
    EcSdsaSha256P256,
    /// Suite 11: EC-SDSA with SHA-512 on P-521.
    #[serde(rename = "ec_sdsa_sha_512_p_521")]
    EcSdsaSha512P521,
}

impl AlgorithmSuite {
    /// The Algorithm Suite Indicator (EMV 4.4 Book 2, Annex B2.4).
    pub(super) const fn indicator(self) -> u8 {
        match self {
            Self::EcSdsaSha256P256 => 0x10,
            Self::EcSdsaSha512P521 => 0x11,
        }
    }

    /// How long an x-coordinate is, in bytes (EMV 4.4 Book 2, Annex B2.2).
    pub(super) const fn field_length(self) -> usize {
        match self {
            Self::EcSdsaSha256P256 => 32,
            Self::EcSdsaSha512P521 => 66,
        }
    }
}

/// An issuer's certificate that is good no more, by what its entry in a revocation list has
/// (EMV 4.4 Book 2, 5.1.2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedIssuerCertificate {
    /// Registered application provider identifier, five bytes.
    pub rid: HexBytes,
    /// Tag 8F: the key that signed the certificate.
    pub index: u8,
    /// The certificate's serial number, three bytes.
    pub serial_number: HexBytes,
}

impl Parameters {
    /// The certification authorities' keys whose last day is before `today`, as `A000000003 index F1,
    /// last day 251231`. The set is right with them; the kernel does not use them.
    pub fn expired_ca_keys(&self, today: Date) -> Vec<String> {
        let rsa = self
            .ca_public_keys
            .iter()
            .map(|key| (&key.rid, key.index, &key.expires));
        let elliptic = self
            .elliptic_ca_public_keys
            .iter()
            .map(|key| (&key.rid, key.index, &key.expires));
        rsa.chain(elliptic)
            .filter_map(|(rid, index, expires)| {
                let expires = expires.as_ref()?;
                let ended = last_day(expires)? < today;
                ended.then(|| {
                    let (rid, expires) = (to_hex(rid), to_hex(expires));
                    format!("{rid} index {index:02X}, last day {expires}")
                })
            })
            .collect()
    }
}

/// Reads YYMMDD in BCD. `None` when it is no day of the calendar. The kernel reads the century the
/// same way: 50 to 99 are 19YY.
pub(super) fn last_day(bytes: &[u8]) -> Option<Date> {
    let &[year, month, day] = bytes else {
        return None;
    };
    let year = i16::from(decimal(year)?);
    let century = if year >= 50 { 1900 } else { 2000 };
    Date::new(year.checked_add(century)?, decimal(month)?, decimal(day)?).ok()
}

/// The number two BCD digits stand for.
fn decimal(byte: u8) -> Option<i8> {
    let (tens, units) = (byte >> 4, byte & 0x0F);
    if tens > 9 || units > 9 {
        return None;
    }
    i8::try_from(tens.checked_mul(10)?.checked_add(units)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_day_is_a_day_of_the_calendar() {
        for (bytes, day) in [
            (&[0x31, 0x12, 0x31][..], Some((2031, 12, 31))),
            (&[0x28, 0x02, 0x29], Some((2028, 2, 29))),
            (&[0x49, 0x01, 0x01], Some((2049, 1, 1))),
            (&[0x50, 0x01, 0x01], Some((1950, 1, 1))),
            (&[0x27, 0x02, 0x29], None),
            (&[0x26, 0x11, 0x31], None),
            (&[0x26, 0x13, 0x01], None),
            (&[0x26, 0x00, 0x01], None),
            (&[0x2A, 0x01, 0x01], None),
            (&[0x26, 0x01], None),
        ] {
            let expected = day.map(|(year, month, day)| Date::constant(year, month, day));
            assert_eq!(last_day(bytes), expected, "{bytes:02X?}");
        }
    }

    #[test]
    fn keys_that_have_ended_are_named() {
        let text = include_str!("../../tests/parameters.json");
        let mut parameters = Parameters::from_json(text).expect("right parameters");
        let elliptic = &mut parameters.elliptic_ca_public_keys;
        elliptic[0].expires = Some(HexBytes(vec![0x31, 0x12, 0x30]));
        let named = |year, month, day| parameters.expired_ca_keys(Date::constant(year, month, day));
        assert_eq!(named(2031, 12, 30), Vec::<String>::new());
        let of_curve = "A000000003 index 93, last day 311230";
        assert_eq!(named(2031, 12, 31), [of_curve]);
        let of_rsa = "A000000003 index 92, last day 311231";
        assert_eq!(named(2032, 1, 1), [of_rsa, of_curve]);
    }
}
