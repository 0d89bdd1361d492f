//! What an RSA signature gives back when it is opened: certificates of issuer and card, and
//! signed data. Pure: the RSA operation itself is a tool of the terminal.
//!
//! EMV 4.4 Book 2, 5, 6 and Annex A2.1.

use sha1::{Digest, Sha1};

use crate::ca_keys::exponent_allowed;
use crate::date::Date;
use crate::identity::Pan;

/// The first and the last byte of everything recovered (EMV 4.4 Book 2, 5.1).
const HEADER: u8 = 0x6A;
const TRAILER: u8 = 0xBC;

/// The hash algorithm SHA-1 and the key algorithm RSA (EMV 4.4 Book 2, Annex B2 and B3).
const SHA_1: u8 = 0x01;
const RSA: u8 = 0x01;

/// An RSA public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    pub(crate) modulus: Vec<u8>,
    pub(crate) exponent: Vec<u8>,
}

/// Why a certificate or signature is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The card lacks what is needed.
    Missing,
    /// The terminal has no valid certification authority key.
    CaKey,
    /// It is not as long as the key, or the RSA operation refused it.
    Length,
    Header,
    Trailer,
    Format,
    Hash,
    HashAlgorithm,
    KeyAlgorithm,
    KeyLength,
    Expired,
    Revoked,
    IssuerIdentifier,
    Pan,
    /// The static data is not coded as the standard asks.
    StaticData,
    /// The Cryptogram Information Data is another inside the signature than in clear.
    Information,
    /// The signature covers other transaction data than was exchanged.
    TransactionData,
    /// An elliptic-curve signature that is not the key's.
    Signature,
}

/// What belongs to a certificate beside the certificate itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Companion<'a> {
    /// What of the key did not fit; empty when all did.
    pub(crate) remainder: &'a [u8],
    pub(crate) exponent: &'a [u8],
    pub(crate) pan: &'a Pan,
    pub(crate) today: Date,
}

/// The issuer's key, and the serial number of its certificate (EMV 4.4 Book 2, 5.3).
pub(crate) fn issuer_key(
    recovered: &[u8],
    beside: Companion<'_>,
) -> Result<(PublicKey, [u8; 3]), Refusal> {
    let opened = open(recovered, 0x02)?;
    let (identifier, fields) = take::<4>(opened.fields)?;
    let (certificate, key_digits) = CertificateFields::parse(fields)?;
    certificate.expect_remainder(key_digits, beside.remainder)?;
    opened.check_hash(&[beside.remainder, beside.exponent])?;
    if !identifies(&identifier, beside.pan) {
        return Err(Refusal::IssuerIdentifier);
    }
    let key = certificate.key(key_digits, beside)?;
    Ok((key, certificate.serial))
}

/// The card's key (EMV 4.4 Book 2, 6.4). `static_data` is what the certificate covers beside its
/// own fields; empty for a key that enciphers PINs.
pub(crate) fn icc_key(
    recovered: &[u8],
    beside: Companion<'_>,
    static_data: &[u8],
) -> Result<PublicKey, Refusal> {
    let opened = open(recovered, 0x04)?;
    let (pan, fields) = take::<10>(opened.fields)?;
    let (certificate, key_digits) = CertificateFields::parse(fields)?;
    certificate.expect_remainder(key_digits, beside.remainder)?;
    opened.check_hash(&[beside.remainder, beside.exponent, static_data])?;
    if Pan::parse(&pan).as_ref() != Some(beside.pan) {
        return Err(Refusal::Pan);
    }
    certificate.key(key_digits, beside)
}

/// The Data Authentication Code of signed static data (EMV 4.4 Book 2, 5.4).
pub(crate) fn static_signature(recovered: &[u8], static_data: &[u8]) -> Result<[u8; 2], Refusal> {
    let opened = open(recovered, 0x03)?;
    let ([algorithm], fields) = take::<1>(opened.fields)?;
    if algorithm != SHA_1 {
        return Err(Refusal::HashAlgorithm);
    }
    opened.check_hash(&[static_data])?;
    take::<2>(fields).map(|(code, _)| code)
}

/// The ICC Dynamic Number of a dynamic signature over `terminal_data` (EMV 4.4 Book 2, 6.5.2).
pub(crate) fn dynamic_signature(
    recovered: &[u8],
    terminal_data: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let opened = open(recovered, 0x05)?;
    let ([algorithm, length], fields) = take::<2>(opened.fields)?;
    if algorithm != SHA_1 {
        return Err(Refusal::HashAlgorithm);
    }
    opened.check_hash(&[terminal_data])?;
    let data = fields.get(..usize::from(length)).ok_or(Refusal::Format)?;
    let (length, rest) = data.split_first().ok_or(Refusal::Format)?;
    let number = rest.get(..usize::from(*length)).ok_or(Refusal::Format)?;
    (2..=8)
        .contains(&number.len())
        .then(|| number.to_vec())
        .ok_or(Refusal::Format)
}

/// What a combined signature holds (EMV 4.4 Book 2, 6.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Combined {
    /// Tag 9F4C.
    pub(crate) dynamic_number: Vec<u8>,
    /// Tag 9F27.
    pub(crate) information: u8,
    /// Tag 9F26.
    pub(crate) cryptogram: [u8; 8],
    pub(crate) transaction_hash: [u8; 20],
}

/// A combined signature that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unverified {
    /// Why.
    pub(crate) refusal: Refusal,
    /// Tag 9F27 as it stands inside, when it could be read.
    pub(crate) information: Option<u8>,
}

impl From<Refusal> for Unverified {
    /// Refused before anything inside could be read.
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            information: None,
        }
    }
}

/// What a combined signature is checked against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchanged<'a> {
    /// Tag 9F37.
    pub(crate) unpredictable_number: [u8; 4],
    /// Tag 9F27 as it came in clear.
    pub(crate) information: u8,
    /// The values of the lists and the objects of the answer.
    pub(crate) transaction_data: &'a [u8],
}

/// A combined signature, checked in the order of the book (EMV 4.4 Book 2, 6.6.2).
pub(crate) fn combined_signature(
    recovered: &[u8],
    exchanged: &Exchanged<'_>,
) -> Result<Combined, Unverified> {
    let opened = open(recovered, 0x05)?;
    let ([algorithm, length], fields) = take::<2>(opened.fields)?;
    let data = fields.get(..usize::from(length)).ok_or(Refusal::Format)?;
    let combined = Combined::parse(data)?;
    let refused = |refusal| Unverified {
        refusal,
        information: Some(combined.information),
    };
    if combined.information != exchanged.information {
        return Err(refused(Refusal::Information));
    }
    if algorithm != SHA_1 {
        return Err(refused(Refusal::HashAlgorithm));
    }
    opened
        .check_hash(&[&exchanged.unpredictable_number])
        .map_err(refused)?;
    if Sha1::digest(exchanged.transaction_data)[..] != combined.transaction_hash {
        return Err(refused(Refusal::TransactionData));
    }
    Ok(combined)
}

impl Combined {
    /// Reads the ICC Dynamic Data; what a card adds behind it is its own.
    fn parse(data: &[u8]) -> Result<Self, Refusal> {
        let (length, rest) = data.split_first().ok_or(Refusal::Format)?;
        let (number, rest) = rest
            .split_at_checked(usize::from(*length))
            .filter(|(number, _)| (2..=8).contains(&number.len()))
            .ok_or(Refusal::Format)?;
        let ([information], rest) = take::<1>(rest)?;
        let (cryptogram, rest) = take::<8>(rest)?;
        let (transaction_hash, _) = take::<20>(rest)?;
        Ok(Self {
            dynamic_number: number.to_vec(),
            information,
            cryptogram,
            transaction_hash,
        })
    }
}

/// Something recovered, between header and trailer.
struct Opened<'a> {
    /// The format byte and everything up to the hash: what the hash begins with.
    hashed: &'a [u8],
    /// The same without the format byte.
    fields: &'a [u8],
    hash: &'a [u8; 20],
}

/// Checks header, trailer and format, in the order of the book.
fn open(recovered: &[u8], format: u8) -> Result<Opened<'_>, Refusal> {
    let (trailer, rest) = recovered.split_last().ok_or(Refusal::Length)?;
    let (header, rest) = rest.split_first().ok_or(Refusal::Length)?;
    let (hashed, hash) = rest.split_last_chunk::<20>().ok_or(Refusal::Length)?;
    let (actual, fields) = hashed.split_first().ok_or(Refusal::Length)?;
    if *trailer != TRAILER {
        return Err(Refusal::Trailer);
    }
    if *header != HEADER {
        return Err(Refusal::Header);
    }
    if *actual != format {
        return Err(Refusal::Format);
    }
    Ok(Opened {
        hashed,
        fields,
        hash,
    })
}

impl Opened<'_> {
    fn check_hash(&self, further: &[&[u8]]) -> Result<(), Refusal> {
        let mut hash = Sha1::new_with_prefix(self.hashed);
        for part in further {
            hash.update(part);
        }
        if hash.finalize()[..] == self.hash[..] {
            Ok(())
        } else {
            Err(Refusal::Hash)
        }
    }
}

/// The fields both kinds of certificate share.
struct CertificateFields {
    expiration: [u8; 2],
    serial: [u8; 3],
    hash_algorithm: u8,
    key_algorithm: u8,
    key_length: u8,
    exponent_length: u8,
}

impl CertificateFields {
    /// Reads the fields and returns the leftmost digits of the key, which follow them.
    fn parse(fields: &[u8]) -> Result<(Self, &[u8]), Refusal> {
        let (expiration, fields) = take::<2>(fields)?;
        let (serial, fields) = take::<3>(fields)?;
        let ([hash_algorithm, key_algorithm, key_length, exponent_length], key) =
            take::<4>(fields)?;
        let fields = Self {
            expiration,
            serial,
            hash_algorithm,
            key_algorithm,
            key_length,
            exponent_length,
        };
        Ok((fields, key))
    }

    /// EMV 4.4 Book 3, 7.5: a key that did not fit, without its rest, is data that is missing.
    fn expect_remainder(&self, digits: &[u8], remainder: &[u8]) -> Result<(), Refusal> {
        let fits = usize::from(self.key_length) <= digits.len();
        if fits || !remainder.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Missing)
        }
    }

    /// The key certified, put together from the certificate and the remainder.
    fn key(&self, digits: &[u8], beside: Companion<'_>) -> Result<PublicKey, Refusal> {
        let last_day = Date::parse_month(self.expiration).ok_or(Refusal::Expired)?;
        if beside.today > last_day {
            return Err(Refusal::Expired);
        }
        if self.hash_algorithm != SHA_1 {
            return Err(Refusal::HashAlgorithm);
        }
        if self.key_algorithm != RSA {
            return Err(Refusal::KeyAlgorithm);
        }
        let length = usize::from(self.key_length);
        // A key shorter than its room is padded; a longer one goes on in the remainder.
        let modulus = match digits.get(..length) {
            Some(whole) => whole.to_vec(),
            None => [digits, beside.remainder].concat(),
        };
        let fits = modulus.len() == length
            && beside.exponent.len() == usize::from(self.exponent_length)
            && exponent_allowed(beside.exponent);
        fits.then(|| PublicKey {
            modulus,
            exponent: beside.exponent.to_vec(),
        })
        .ok_or(Refusal::KeyLength)
    }
}

/// Whether three or more digits, padded with F, begin the PAN (EMV 4.4 Book 2, 5.3 and 12.3).
pub(crate) fn identifies(identifier: &[u8], pan: &Pan) -> bool {
    let nibbles: Vec<u8> = identifier
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0x0F])
        .collect();
    let count = nibbles.iter().take_while(|nibble| **nibble < 10).count();
    let same = nibbles
        .iter()
        .zip(pan.digits())
        .take(count)
        .all(|(nibble, digit)| b'0'.saturating_add(*nibble) == *digit);
    let padded = nibbles.iter().skip(count).all(|nibble| *nibble == 0x0F);
    count >= 3 && count <= pan.digits().len() && same && padded
}

/// Splits off `N` bytes.
pub(crate) fn take<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), Refusal> {
    bytes
        .split_first_chunk()
        .map(|(head, rest)| (*head, rest))
        .ok_or(Refusal::Length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_identifier_is_the_beginning_of_the_pan() {
        let pan = Pan::parse(&[0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10]).expect("valid");
        for (identifier, begins) in [
            ([0x47, 0x61, 0x73, 0x90], true),
            ([0x47, 0x61, 0x73, 0xFF], true),
            ([0x47, 0x6F, 0xFF, 0xFF], true),
            ([0x47, 0xFF, 0xFF, 0xFF], false),
            ([0x47, 0x62, 0xFF, 0xFF], false),
            ([0x47, 0x6F, 0x1F, 0xFF], false),
            ([0xFF; 4], false),
        ] {
            assert_eq!(identifies(&identifier, &pan), begins, "{identifier:02X?}");
        }
    }

    #[test]
    fn what_is_too_short_is_refused() {
        for length in 0..23 {
            assert!(open(&vec![0xBC; length], 0x02).is_err());
        }
    }
}
