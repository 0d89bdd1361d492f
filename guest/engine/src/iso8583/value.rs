//! One field's value: between the canonical form inside the engine and the bytes of a message.
//!
//! Canonical is ASCII text for everything but `Content::Binary`, which is bytes as they are.

use super::dialect::{Content, Encoding, FieldFormat, FieldLength, LengthPrefix, Padding};
use super::ebcdic;

/// Why a value does not fit its field. Holds nothing of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The bytes end within what is read next: the field, or its prefix.
    Short {
        /// How many bytes that has.
        needed: usize,
        /// How many there are.
        present: usize,
    },
    /// The value is longer than the field allows, or not as long as it must be.
    Length,
    /// The length prefix is not a number.
    Prefix,
    /// A character, digit or padding the field does not allow.
    Content,
}

/// Reads the field at the start of `bytes`: its canonical value, and the bytes after it.
pub(super) fn decode<'a>(
    format: &FieldFormat,
    bytes: &'a [u8],
) -> Result<(Vec<u8>, &'a [u8]), Fault> {
    let (units, bytes) = match format.length {
        FieldLength::Fixed(length) => (Units::Counted(usize::from(length)), bytes),
        FieldLength::Prefixed(prefix) => decode_prefix(prefix, bytes)?,
    };
    let size = match units {
        Units::Counted(count) => encoded_size(format.encoding, count),
        Units::Bytes(count) => count,
    };
    let (encoded, rest) = split(bytes, size)?;
    let value = decode_units(format, encoded, units)?;
    if let FieldLength::Prefixed(prefix) = format.length {
        (value.len() <= usize::from(prefix.length_max))
            .then_some(())
            .ok_or(Fault::Length)?;
    }
    check_content(format.content, &value)?;
    Ok((value, rest))
}

/// Appends the field with its prefix.
pub(super) fn encode(
    format: &FieldFormat,
    value: &[u8],
    output: &mut Vec<u8>,
) -> Result<(), Fault> {
    check_content(format.content, value)?;
    let value = match format.length {
        FieldLength::Fixed(length) => fill(format, value, usize::from(length))?,
        FieldLength::Prefixed(prefix) if value.len() > usize::from(prefix.length_max) => {
            return Err(Fault::Length);
        }
        FieldLength::Prefixed(_) => value.to_vec(),
    };
    let encoded = encode_units(format, &value)?;
    if let FieldLength::Prefixed(prefix) = format.length {
        let count = if prefix.counts_bytes {
            encoded.len()
        } else {
            value.len()
        };
        encode_prefix(prefix, count, output)?;
    }
    output.extend_from_slice(&encoded);
    Ok(())
}

/// The first `size` bytes, and the rest.
pub(super) fn split(bytes: &[u8], size: usize) -> Result<(&[u8], &[u8]), Fault> {
    bytes.split_at_checked(size).ok_or(Fault::Short {
        needed: size,
        present: bytes.len(),
    })
}

/// How much a field holds.
#[derive(Clone, Copy)]
enum Units {
    /// So many digits, characters or bytes.
    Counted(usize),
    /// So many encoded bytes; an odd digit shows in its padding only.
    Bytes(usize),
}

fn encoded_size(encoding: Encoding, count: usize) -> usize {
    match encoding {
        Encoding::Ascii | Encoding::Ebcdic | Encoding::Binary => count,
        Encoding::Bcd => count.div_ceil(2),
        Encoding::HexAscii => count.saturating_mul(2),
    }
}

fn decode_prefix(prefix: LengthPrefix, bytes: &[u8]) -> Result<(Units, &[u8]), Fault> {
    let (encoded, rest) = split(bytes, prefix_size(prefix))?;
    let count = match prefix.encoding {
        Encoding::Ascii => decimal(encoded)?,
        Encoding::Ebcdic => decimal(&ebcdic::to_ascii(encoded).ok_or(Fault::Prefix)?)?,
        Encoding::HexAscii => hexadecimal(encoded)
            .ok_or(Fault::Prefix)
            .map(|b| big_endian(&b))?,
        Encoding::Bcd => decimal(&nibbles(encoded))?,
        Encoding::Binary => big_endian(encoded),
    };
    let units = if prefix.counts_bytes {
        Units::Bytes(count)
    } else {
        Units::Counted(count)
    };
    Ok((units, rest))
}

fn encode_prefix(prefix: LengthPrefix, count: usize, output: &mut Vec<u8>) -> Result<(), Fault> {
    let bytes = count.to_be_bytes();
    let digits = format!("{count:0width$}", width = usize::from(prefix.digits)).into_bytes();
    if digits.len() > usize::from(prefix.digits)
        && !matches!(prefix.encoding, Encoding::Binary | Encoding::HexAscii)
    {
        return Err(Fault::Length);
    }
    match prefix.encoding {
        Encoding::Ascii => output.extend_from_slice(&digits),
        Encoding::Ebcdic => {
            output.extend_from_slice(&ebcdic::from_ascii(&digits).ok_or(Fault::Prefix)?);
        }
        Encoding::Bcd => output.extend_from_slice(&pack(&digits, Padding::ZerosLeft)?),
        Encoding::Binary | Encoding::HexAscii => {
            let (high, low) = bytes
                .split_at_checked(bytes.len().saturating_sub(binary_prefix_size(prefix)))
                .ok_or(Fault::Length)?;
            if high.iter().any(|byte| *byte != 0) {
                return Err(Fault::Length);
            }
            if prefix.encoding == Encoding::Binary {
                output.extend_from_slice(low);
            } else {
                output.extend_from_slice(&to_hexadecimal(low));
            }
        }
    }
    Ok(())
}

fn prefix_size(prefix: LengthPrefix) -> usize {
    let digits = usize::from(prefix.digits);
    match prefix.encoding {
        Encoding::Ascii | Encoding::Ebcdic => digits,
        Encoding::Bcd => digits.div_ceil(2),
        Encoding::Binary => binary_prefix_size(prefix),
        Encoding::HexAscii => binary_prefix_size(prefix).saturating_mul(2),
    }
}

fn binary_prefix_size(prefix: LengthPrefix) -> usize {
    if prefix.length_max <= 0xFF { 1 } else { 2 }
}

fn decode_units(format: &FieldFormat, encoded: &[u8], units: Units) -> Result<Vec<u8>, Fault> {
    match format.encoding {
        Encoding::Ascii if format.content == Content::Track => Ok(track_separator(encoded)),
        Encoding::Ascii | Encoding::Binary => Ok(encoded.to_vec()),
        Encoding::Ebcdic => ebcdic::to_ascii(encoded).ok_or(Fault::Content),
        Encoding::HexAscii => hexadecimal(encoded).ok_or(Fault::Content),
        Encoding::Bcd => unpack(format, &nibbles(encoded), units),
    }
}

fn encode_units(format: &FieldFormat, value: &[u8]) -> Result<Vec<u8>, Fault> {
    match format.encoding {
        Encoding::Ascii | Encoding::Binary => Ok(value.to_vec()),
        Encoding::Ebcdic => ebcdic::from_ascii(value).ok_or(Fault::Content),
        Encoding::HexAscii => Ok(to_hexadecimal(value)),
        Encoding::Bcd => pack(value, format.padding),
    }
}

/// Takes the digits out of BCD nibbles written as characters, and checks the odd one's filling.
fn unpack(format: &FieldFormat, nibbles: &[u8], units: Units) -> Result<Vec<u8>, Fault> {
    let count = match units {
        Units::Counted(count) => count,
        // Only F shows where an odd value ends; with zeros the byte count is all there is.
        Units::Bytes(_) if format.padding == Padding::FRight && nibbles.last() == Some(&b'F') => {
            nibbles.len().saturating_sub(1)
        }
        Units::Bytes(_) => nibbles.len(),
    };
    let odd = nibbles.len().saturating_sub(count);
    let (digits, filling) = match format.padding {
        Padding::ZerosLeft => {
            let (filling, digits) = split(nibbles, odd)?;
            (digits, filling)
        }
        Padding::ZerosRight | Padding::SpacesRight | Padding::FRight => split(nibbles, count)?,
    };
    let expected = if format.padding == Padding::FRight {
        b'F'
    } else {
        b'0'
    };
    if filling.iter().any(|nibble| *nibble != expected) {
        return Err(Fault::Content);
    }
    Ok(if format.content == Content::Track {
        track_separator(digits)
    } else {
        digits.to_vec()
    })
}

/// Packs digits, two a byte. The separator `=` becomes the digit D (ISO 7813).
fn pack(digits: &[u8], padding: Padding) -> Result<Vec<u8>, Fault> {
    let mut nibbles = Vec::with_capacity(digits.len().saturating_add(1));
    let odd = !digits.len().is_multiple_of(2);
    if odd && padding == Padding::ZerosLeft {
        nibbles.push(0);
    }
    for digit in digits {
        nibbles.push(match digit {
            b'0'..=b'9' => digit & 0x0F,
            b'=' => 0x0D,
            _ => return Err(Fault::Content),
        });
    }
    if odd && padding != Padding::ZerosLeft {
        nibbles.push(if padding == Padding::FRight { 0x0F } else { 0 });
    }
    Ok(nibbles
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, nibble| (byte << 4) | nibble))
        .collect())
}

/// Fills a value up to its fixed length.
fn fill(format: &FieldFormat, value: &[u8], length: usize) -> Result<Vec<u8>, Fault> {
    let missing = length.checked_sub(value.len()).ok_or(Fault::Length)?;
    if missing > 0 && format.content == Content::Binary {
        return Err(Fault::Length);
    }
    let (left, right) = match format.padding {
        Padding::ZerosLeft => (vec![b'0'; missing], Vec::new()),
        Padding::ZerosRight => (Vec::new(), vec![b'0'; missing]),
        Padding::SpacesRight if format.content == Content::Characters => {
            (Vec::new(), vec![b' '; missing])
        }
        Padding::SpacesRight | Padding::FRight if missing == 0 => (Vec::new(), Vec::new()),
        Padding::SpacesRight | Padding::FRight => return Err(Fault::Length),
    };
    Ok([left.as_slice(), value, right.as_slice()].concat())
}

fn check_content(content: Content, value: &[u8]) -> Result<(), Fault> {
    let fits = match content {
        Content::Numeric => value.iter().all(u8::is_ascii_digit),
        Content::Characters => value.iter().all(|byte| (0x20..0x7F).contains(byte)),
        Content::SignedNumeric => match value {
            [b'C' | b'D', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
            _ => false,
        },
        Content::Track => value
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'='),
        Content::Binary => true,
    };
    fits.then_some(()).ok_or(Fault::Content)
}

/// Track 2 with `=` as its separator, whichever of `=` and `D` it came with.
fn track_separator(value: &[u8]) -> Vec<u8> {
    value
        .iter()
        .map(|byte| if *byte == b'D' { b'=' } else { *byte })
        .collect()
}

fn decimal(digits: &[u8]) -> Result<usize, Fault> {
    digits.iter().try_fold(0_usize, |sum, digit| match digit {
        b'0'..=b'9' => sum
            .checked_mul(10)
            .and_then(|sum| sum.checked_add(usize::from(digit & 0x0F)))
            .ok_or(Fault::Prefix),
        _ => Err(Fault::Prefix),
    })
}

fn big_endian(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |sum: usize, byte| (sum << 8) | usize::from(*byte))
}

/// The nibbles of BCD as upper-case hexadecimal characters.
fn nibbles(bytes: &[u8]) -> Vec<u8> {
    to_hexadecimal(bytes)
}

pub(crate) fn to_hexadecimal(bytes: &[u8]) -> Vec<u8> {
    let character = |nibble: u8| match nibble {
        0..=9 => b'0'.saturating_add(nibble),
        _ => b'A'.saturating_add(nibble.saturating_sub(10)),
    };
    bytes
        .iter()
        .flat_map(|byte| [character(byte >> 4), character(byte & 0x0F)])
        .collect()
}

pub(super) fn hexadecimal(characters: &[u8]) -> Option<Vec<u8>> {
    let nibble = |character: u8| {
        char::from(character)
            .to_digit(16)
            .and_then(|n| u8::try_from(n).ok())
    };
    if !characters.len().is_multiple_of(2) {
        return None;
    }
    characters
        .chunks(2)
        .map(|pair| {
            pair.iter().try_fold(0_u8, |byte, character| {
                Some((byte << 4) | nibble(*character)?)
            })
        })
        .collect()
}
