//! ISO 8583:1987 messages of the built-in dialect: four ASCII digits of message type, binary bitmaps,
//! ASCII fields.

use std::collections::BTreeMap;

use super::fields::{Format, format};

/// A message. Values are as on the wire, without their length prefix.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// The message type, four digits.
    pub(super) kind: u16,
    fields: BTreeMap<u8, Vec<u8>>,
}

/// A message that cannot be read, with the field at which it broke; 0 is the message type, 1 a bitmap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message breaks at field {0}")]
pub(super) struct Broken(pub(super) u8);

impl Message {
    pub(super) fn new(kind: u16) -> Self {
        Self {
            kind,
            fields: BTreeMap::new(),
        }
    }

    /// Reads a whole message. Bytes that are left over break it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Broken> {
        let (kind, rest) = bytes.split_at_checked(4).ok_or(Broken(0))?;
        let kind = number(kind)
            .and_then(|kind| u16::try_from(kind).ok())
            .ok_or(Broken(0))?;
        let (present, mut rest) = bitmap(rest)?;
        let mut fields = BTreeMap::new();
        for field in present {
            let format = format(field).ok_or(Broken(field))?;
            let (value, after) = read(format, rest).ok_or(Broken(field))?;
            fields.insert(field, value.to_vec());
            rest = after;
        }
        if rest.is_empty() {
            Ok(Self { kind, fields })
        } else {
            Err(Broken(128))
        }
    }

    /// Writes the message. A value that does not fit its field is left out.
    pub(super) fn encode(&self) -> Vec<u8> {
        let written: Vec<(u8, Vec<u8>)> = self
            .fields
            .iter()
            .filter_map(|(field, value)| Some((*field, write(format(*field)?, value)?)))
            .collect();
        let secondary = written.iter().any(|(field, _)| *field > 64);
        let mut bits: u128 = if secondary { 1 << 127 } else { 0 };
        for (field, _) in &written {
            bits |= 1_u128
                .checked_shl(u32::from(128_u8.saturating_sub(*field)))
                .unwrap_or(0);
        }
        let bitmap = bits.to_be_bytes();
        let mut bytes = format!("{:04}", self.kind).into_bytes();
        bytes.extend(bitmap.iter().take(if secondary { 16 } else { 8 }));
        bytes.extend(written.into_iter().flat_map(|(_, value)| value));
        bytes
    }

    pub(super) fn bytes(&self, field: u8) -> Option<&[u8]> {
        self.fields.get(&field).map(Vec::as_slice)
    }

    /// A field as text; empty when it is absent or no text.
    pub(super) fn text(&self, field: u8) -> &str {
        self.bytes(field)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }

    /// A field as a number; `None` when it is absent or no number.
    pub(super) fn number(&self, field: u8) -> Option<u64> {
        self.bytes(field).and_then(number)
    }

    pub(super) fn set(&mut self, field: u8, value: impl Into<Vec<u8>>) {
        self.fields.insert(field, value.into());
    }

    /// Whether a field above 64 is there, so that the authentication code is field 128.
    pub(super) fn mac_field(&self) -> u8 {
        if self.fields.keys().any(|field| *field > 64) {
            128
        } else {
            64
        }
    }
}

/// The fields that the bitmaps announce, and what follows them.
fn bitmap(bytes: &[u8]) -> Result<(Vec<u8>, &[u8]), Broken> {
    let (primary, mut rest) = bytes.split_first_chunk::<8>().ok_or(Broken(1))?;
    let mut bits = u128::from(u64::from_be_bytes(*primary)) << 64;
    if bits >> 127 == 1 {
        let (secondary, after) = rest.split_first_chunk::<8>().ok_or(Broken(1))?;
        bits |= u128::from(u64::from_be_bytes(*secondary));
        rest = after;
    }
    let present = (2_u8..=128)
        .filter(|field| (bits >> (128_u8.saturating_sub(*field))) & 1 == 1)
        .collect();
    Ok((present, rest))
}

/// One value and what follows it.
fn read(format: Format, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match format {
        Format::Digits(length) | Format::Characters(length) | Format::Bytes(length) => {
            (length, bytes)
        }
        Format::LongDigits(max) | Format::Long(max) => prefixed(bytes, 2, max)?,
        Format::Longer(max) | Format::LongerBytes(max) => prefixed(bytes, 3, max)?,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    holds(format, value).then_some((value, rest))
}

fn prefixed(bytes: &[u8], digits: usize, max: usize) -> Option<(usize, &[u8])> {
    let (prefix, rest) = bytes.split_at_checked(digits)?;
    let length = usize::try_from(number(prefix)?).ok()?;
    (length <= max).then_some((length, rest))
}

fn write(format: Format, value: &[u8]) -> Option<Vec<u8>> {
    let prefix = match format {
        Format::Digits(length) | Format::Characters(length) | Format::Bytes(length) => {
            (value.len() == length).then(String::new)?
        }
        Format::LongDigits(max) | Format::Long(max) => {
            (value.len() <= max).then(|| format!("{:02}", value.len()))?
        }
        Format::Longer(max) | Format::LongerBytes(max) => {
            (value.len() <= max).then(|| format!("{:03}", value.len()))?
        }
    };
    holds(format, value).then(|| [prefix.as_bytes(), value].concat())
}

/// Whether the value is made of what the format holds.
fn holds(format: Format, value: &[u8]) -> bool {
    match format {
        Format::Digits(_) | Format::LongDigits(_) => value.iter().all(u8::is_ascii_digit),
        Format::Characters(_) | Format::Long(_) | Format::Longer(_) => value
            .iter()
            .all(|byte| byte.is_ascii_graphic() || *byte == b' '),
        Format::Bytes(_) | Format::LongerBytes(_) => true,
    }
}

/// At most eighteen digits as a number.
fn number(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    (text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Message {
        let mut message = Message::new(200);
        message.set(3, "000000");
        message.set(4, "000000002500");
        message.set(11, "000123");
        message.set(41, "TENON001");
        message.set(55, [0x9F, 0x27, 0x01, 0x80]);
        message
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let mut message = sample();
        let bytes = message.encode();
        assert_eq!(&bytes[..4], b"0200");
        assert_eq!(bytes[4..12], [0x30, 0x20, 0, 0, 0, 0x80, 0x02, 0]);
        assert!(Message::parse(&bytes).is_ok_and(|read| read == message));
        message.set(90, "0".repeat(42));
        let bytes = message.encode();
        assert_eq!(bytes[4] & 0x80, 0x80);
        assert!(Message::parse(&bytes).is_ok_and(|read| read == message));
        assert_eq!(message.mac_field(), 128);
    }

    #[test]
    fn a_broken_message_is_refused_at_its_field() {
        let bytes = sample().encode();
        for (cut, field) in [
            (0, 0),
            (3, 0),
            (9, 1),
            (15, 3),
            (20, 4),
            (bytes.len() - 1, 55),
        ] {
            assert_eq!(
                Message::parse(&bytes[..cut]).err(),
                Some(Broken(field)),
                "cut at {cut}"
            );
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(Message::parse(&longer).err(), Some(Broken(128)));
        let mut letters = bytes;
        letters[12] = b'x';
        assert_eq!(Message::parse(&letters).err(), Some(Broken(3)));
    }
}
