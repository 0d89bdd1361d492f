//! ISO 8583:1987 in the built-in dialect, read and written.
//!
//! Written apart from the terminal's codec, so that two readings of the dialect meet in the tests.

use std::{collections::BTreeMap, fmt, ops::Range};

use zeroize::Zeroizing;

use super::fields::{self, Length, number as field};

/// Bytes of one bitmap.
const BITMAP_LENGTH: usize = 8;

/// One message. Prints the numbers of its fields, never what they hold: card data is among it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// The four digits as a number: 200 for 0200.
    pub(super) message_type: u16,
    fields: BTreeMap<u8, Zeroizing<Vec<u8>>>,
}

/// A message as it came.
#[derive(Debug)]
pub(super) struct Received {
    /// What it says.
    pub(super) message: Message,
    /// The bytes that its authentication code covers: all before the code.
    pub(super) authenticated: Range<usize>,
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FormatError {
    /// It ends within the message type, a bitmap, or this field.
    #[error("the message ends within field {0}")]
    Truncated(u8),
    /// The message type is not four digits.
    #[error("the message type is not four digits")]
    MessageType,
    /// The dialect has no such field.
    #[error("the dialect has no field {0}")]
    UnknownField(u8),
    /// The length prefix is no number, or above the field's most.
    #[error("the length of field {0} is wrong")]
    Length(u8),
    /// A character that the field may not hold.
    #[error("field {0} holds what it may not")]
    Content(u8),
    /// Bytes follow the last field.
    #[error("bytes follow the last field")]
    Trailing,
    /// The authentication code is missing, or not in the last bit of the last bitmap.
    #[error("the authentication code is missing or misplaced")]
    Authentication,
}

impl Message {
    /// A message without fields.
    pub(super) fn new(message_type: u16) -> Self {
        Self {
            message_type,
            fields: BTreeMap::new(),
        }
    }

    /// What a field holds.
    pub(super) fn field(&self, number: u8) -> Option<&[u8]> {
        self.fields.get(&number).map(|value| value.as_slice())
    }

    /// What a field of digits or characters holds.
    pub(super) fn text(&self, number: u8) -> Option<&str> {
        self.field(number)
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// What a field of digits holds, as a number.
    pub(super) fn number(&self, number: u8) -> Option<u64> {
        self.text(number)?.parse().ok()
    }

    /// Sets a field. The caller keeps to its format.
    pub(super) fn set(&mut self, number: u8, value: impl AsRef<[u8]>) {
        self.fields
            .insert(number, Zeroizing::new(value.as_ref().to_vec()));
    }

    /// Takes a field over from another message, when that has it.
    pub(super) fn copy(&mut self, number: u8, from: &Self) {
        if let Some(value) = from.field(number) {
            self.set(number, value);
        }
    }

    /// The message type as its four digits.
    pub(super) fn type_digits(&self) -> String {
        format!("{:04}", self.message_type)
    }

    /// The field with the authentication code: the last bit of the last bitmap.
    pub(super) fn mac_field(&self) -> u8 {
        let secondary = self.fields.keys().any(|number| *number > field::MAC);
        if secondary {
            field::MAC_SECONDARY
        } else {
            field::MAC
        }
    }

    /// Writes the message with the authentication code that `authenticate` makes over all bytes
    /// before it.
    pub(super) fn encode(mut self, authenticate: impl FnOnce(&[u8]) -> [u8; 8]) -> Vec<u8> {
        self.fields.remove(&field::MAC);
        self.fields.remove(&field::MAC_SECONDARY);
        let mac_field = self.mac_field();
        let present: Vec<u8> = self.fields.keys().copied().chain([mac_field]).collect();
        let mut bytes = self.type_digits().into_bytes();
        bytes.extend(bitmaps(&present));
        for (number, value) in &self.fields {
            match fields::format_of(*number) {
                Some((_, Length::TwoDigits(_))) => {
                    bytes.extend(format!("{:02}", value.len()).bytes());
                }
                Some((_, Length::ThreeDigits(_))) => {
                    bytes.extend(format!("{:03}", value.len()).bytes());
                }
                Some((_, Length::Fixed(_))) | None => {}
            }
            bytes.extend_from_slice(value);
        }
        let mac = authenticate(&bytes);
        bytes.extend(mac);
        bytes
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Message({:04} {:?})",
            self.message_type,
            self.fields.keys()
        )
    }
}

/// Reads a message. It must end with its authentication code.
pub(super) fn decode(bytes: &[u8]) -> Result<Received, FormatError> {
    let mut rest = Rest(bytes);
    let digits = rest.take(4, 0)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(FormatError::MessageType);
    }
    let message_type = decimal(digits).ok_or(FormatError::MessageType)?;
    let mut message = Message::new(u16::try_from(message_type).unwrap_or(u16::MAX));
    let numbers = rest.field_numbers()?;
    for number in &numbers {
        let value = rest.field(*number)?;
        message.set(*number, value);
    }
    if !rest.0.is_empty() {
        return Err(FormatError::Trailing);
    }
    let last = numbers.last().copied().unwrap_or_default();
    let misplaced = last == field::MAC_SECONDARY && message.field(field::MAC).is_some();
    if misplaced || !matches!(last, field::MAC | field::MAC_SECONDARY) {
        return Err(FormatError::Authentication);
    }
    Ok(Received {
        message,
        authenticated: 0..bytes.len().saturating_sub(8),
    })
}

/// What is still to be read.
struct Rest<'bytes>(&'bytes [u8]);

impl<'bytes> Rest<'bytes> {
    fn take(&mut self, length: usize, number: u8) -> Result<&'bytes [u8], FormatError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(FormatError::Truncated(number))?;
        self.0 = rest;
        Ok(taken)
    }

    /// The numbers of the fields that the bitmaps announce, 1 left out.
    fn field_numbers(&mut self) -> Result<Vec<u8>, FormatError> {
        let mut bits = self.take(BITMAP_LENGTH, 1)?.to_vec();
        if bits.first().is_some_and(|byte| byte & 0x80 != 0) {
            bits.extend(self.take(BITMAP_LENGTH, 1)?);
        }
        let set = |number: &u8| {
            let index = number.saturating_sub(1);
            let byte = bits.get(usize::from(index >> 3));
            byte.is_some_and(|byte| byte & (0x80 >> (index & 7)) != 0)
        };
        Ok((2..=128).filter(set).collect())
    }

    fn field(&mut self, number: u8) -> Result<&'bytes [u8], FormatError> {
        let (content, length) =
            fields::format_of(number).ok_or(FormatError::UnknownField(number))?;
        let (prefix, most) = match length {
            Length::Fixed(length) => (0, length),
            Length::TwoDigits(most) => (2, most),
            Length::ThreeDigits(most) => (3, most),
        };
        let length = match prefix {
            0 => most,
            digits => decimal(self.take(digits, number)?).ok_or(FormatError::Length(number))?,
        };
        if length > most {
            return Err(FormatError::Length(number));
        }
        let value = self.take(length, number)?;
        if !fields::allows(content, value) {
            return Err(FormatError::Content(number));
        }
        Ok(value)
    }
}

fn decimal(digits: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(digits).ok()?;
    let only_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    only_digits.then(|| text.parse().ok()).flatten()
}

/// The bitmaps for these fields: eight bytes, or sixteen with bit 1 set.
fn bitmaps(present: &[u8]) -> Vec<u8> {
    let secondary = present.iter().any(|number| *number > field::MAC);
    let mut bits = vec![0_u8; if secondary { 16 } else { 8 }];
    for number in present.iter().copied().chain(secondary.then_some(1)) {
        let index = number.saturating_sub(1);
        if let Some(byte) = bits.get_mut(usize::from(index >> 3)) {
            *byte |= 0x80 >> (index & 7);
        }
    }
    bits
}
