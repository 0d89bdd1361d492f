//! Certificates and signed data, as they are after the RSA operation, and those with elliptic curves.
//!
//! Bytes by chance hold no hash of themselves. So an input may ask for the right one to be put in,
//! and what is behind the hash is reached too.
//!
//! EMV 4.4 Book 2, 5, 6 and 12.

use conformance::terminal;
use emv::parsers::{self, Beside};
use emv::{Pan, tag};
use sha1::{Digest, Sha1};

use super::holds;
use crate::input::Input;

/// Tag 5A of the card the certificates are about.
const PAN: [u8; 8] = [0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10];

/// The day: 21 November 2026.
const TODAY: [u8; 4] = [0x20, 0x26, 0x11, 0x21];

/// The longest RSA key of a card or issuer (EMV 4.4 Book 2, Annex B2.1).
const MODULUS_LENGTH_MAX: usize = 248;

/// What an input says: which parser, whether the hash is made right, and the parts.
struct Parts<'a> {
    kind: u8,
    sealed: bool,
    /// The bit that is turned over in a block that was accepted.
    turned: u8,
    block: &'a [u8],
    remainder: &'a [u8],
    exponent: &'a [u8],
    further: &'a [u8],
}

/// One certificate or signature, and what stands beside it.
pub fn certificates(data: &[u8]) {
    let mut input = Input::new(data);
    let [control, turned] = input.array();
    let parts = Parts {
        kind: control % 8,
        sealed: control & 0x80 != 0,
        turned,
        block: input.block(),
        remainder: input.block(),
        exponent: input.block(),
        further: input.remainder(),
    };
    match parts.kind {
        0 | 1 => key(&parts),
        2 => signature(&parts, 0x03, |block| {
            parsers::static_signature(block, parts.further).map(|code| code.to_vec())
        }),
        3 => signature(&parts, 0x05, |block| {
            parsers::dynamic_signature(block, parts.further)
        }),
        4 => combined(&parts),
        _ => elliptic(&parts),
    }
}

/// The certificates of an issuer and of a card.
fn key(parts: &Parts<'_>) {
    let Some(pan) = Pan::parse(&PAN) else { return };
    let [_, year, month, day] = TODAY;
    let issuer = parts.kind == 0;
    let beside = Beside {
        remainder: parts.remainder,
        exponent: parts.exponent,
        pan: &pan,
        today: [year, month, day],
        static_data: if issuer { &[] } else { parts.further },
    };
    let read = |block: &[u8]| {
        if issuer {
            parsers::issuer_certificate(block, &beside)
        } else {
            parsers::icc_certificate(block, &beside)
        }
    };
    let covered = [beside.remainder, beside.exponent, beside.static_data].concat();
    let format = if issuer { 0x02 } else { 0x04 };
    let block = block(parts, format, &covered);
    let Some((modulus, exponent)) = read(&block) else {
        return;
    };
    assert_eq!(exponent, parts.exponent);
    assert!(matches!(exponent.as_slice(), [3] | [1, 0, 1]), "3 or 65537");
    assert!(u8::try_from(modulus.len()).is_ok());
    let digits = [&block[..], parts.remainder].concat();
    let in_block = holds(&block, &modulus);
    let continued = modulus.ends_with(parts.remainder) && modulus.len() <= digits.len();
    assert!(in_block || continued, "the key is in the certificate");
    assert_refused_when_turned(parts, &block, |block| read(block).is_some());
}

/// Signed static and dynamic data.
fn signature(parts: &Parts<'_>, format: u8, read: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let block = block(parts, format, parts.further);
    if let Some(value) = read(&block) {
        assert!((2..=8).contains(&value.len()) && holds(&block, &value));
        assert_refused_when_turned(parts, &block, |block| read(block).is_some());
    }
}

/// A combined signature over a transaction.
fn combined(parts: &Parts<'_>) {
    let mut input = Input::new(parts.remainder);
    let (number, information) = (input.array::<4>(), input.byte());
    let read =
        |block: &[u8]| parsers::combined_signature(block, number, information, parts.further);
    let mut fields = parts.block.to_vec();
    // The hash over the transaction is the last part of what the card says.
    if parts.sealed
        && let Some(end) = fields.last_chunk_mut::<20>()
    {
        *end = Sha1::digest(parts.further).into();
    }
    let parts = Parts {
        block: &fields,
        ..*parts
    };
    let block = block(&parts, 0x05, &number);
    if let Some((dynamic, cryptogram)) = read(&block) {
        assert!((2..=8).contains(&dynamic.len()) && holds(&block, &dynamic));
        assert!(holds(&block, &cryptogram) && holds(&block, &[information]));
        let others = parsers::combined_signature(&block, number, !information, parts.further);
        assert_eq!(others, None, "the card said something else in clear");
        assert_refused_when_turned(&parts, &block, |block| read(block).is_some());
    }
}

/// The block as it came, or with header, format, hash and trailer as they must be.
fn block(parts: &Parts<'_>, format: u8, covered: &[u8]) -> Vec<u8> {
    let block = parts.block.get(..MODULUS_LENGTH_MAX).unwrap_or(parts.block);
    if !parts.sealed {
        return block.to_vec();
    }
    let hash = Sha1::new()
        .chain_update([format])
        .chain_update(block)
        .chain_update(covered)
        .finalize();
    [&[0x6A, format], block, &hash, &[0xBC]].concat()
}

/// A signature holds for one text only: with any bit of it another way it is refused.
fn assert_refused_when_turned(parts: &Parts<'_>, block: &[u8], accepts: impl Fn(&[u8]) -> bool) {
    let mut other = block.to_vec();
    let position = usize::from(parts.turned).checked_rem(other.len());
    if let Some(byte) = position.and_then(|position| other.get_mut(position)) {
        *byte ^= 1_u8.rotate_left(u32::from(parts.turned % 8));
    }
    assert!(!accepts(&other), "bit {} is not covered", parts.turned);
}

/// Certificates and signatures with elliptic curves: nobody here has a private key, so all but the
/// genuine ones are refused, and none of those is about this card.
fn elliptic(parts: &Parts<'_>) {
    let Some(pan) = Pan::parse(&PAN) else { return };
    let Some(ca) = terminal::ecc_ca_public_keys().first() else {
        return;
    };
    let suite = ca.suite;
    // A key of the input's own choice may be no point of the curve.
    let x = if parts.sealed { &ca.x } else { parts.remainder };
    let accepted = match parts.kind {
        5 => parsers::ecc_issuer_certificate(ca, parts.block, &pan, TODAY).is_some(),
        6 => parsers::ecc_icc_certificate((suite, x), parts.block, parts.further, TODAY).is_some(),
        _ => parsers::ecc_dynamic_signature((suite, x), parts.block, parts.further),
    };
    assert!(
        !accepted,
        "{} was forged",
        tag::ISSUER_PUBLIC_KEY_CERTIFICATE
    );
}
