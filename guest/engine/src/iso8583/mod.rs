//! ISO 8583:1987 messages: bitmap and fields, driven by a dialect table.
//!
//! [`Codec`] is made once of a [`dialect::Dialect`], which it checks. Decoding is total: whatever
//! the bytes are, the result is a message or an error that names the field and holds nothing of
//! its value.

pub mod anatomy;
pub(crate) mod answers;
pub mod dialect;
mod ebcdic;
pub mod fields;
pub mod management;
pub(crate) mod requests;
mod table;
#[cfg(test)]
mod tests;
mod value;
pub mod words;

use core::fmt;
use std::collections::BTreeMap;

use zeroize::Zeroizing;

use dialect::{Dialect, Encoding, FieldFormat};
pub use table::DialectError;
pub use value::Fault;
pub(crate) use value::to_hexadecimal;

/// The longest message the link carries (`wit/deps/acquirer-link.wit`).
const MESSAGE_LENGTH_MAX: usize = 8192;

/// A message: its type and its fields in canonical form. Wiped when dropped; `Debug` shows field
/// numbers only.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Such as 0200.
    pub message_type: MessageType,
    fields: BTreeMap<u8, Zeroizing<Vec<u8>>>,
}

/// A message type indicator: four digits (ISO 8583:1987, 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageType(u16);

/// Where and why a message cannot be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    /// The part of the message.
    pub place: Place,
    /// What is wrong there.
    pub fault: Fault,
}

/// A part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The bytes before the message type.
    Header,
    /// The message type.
    MessageType,
    /// A bitmap.
    Bitmap,
    /// A field, by number.
    Field(u8),
    /// What comes after the last field.
    End,
}

/// A message that was read, and how much of it a message authentication code covers.
#[derive(Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The message.
    pub message: Message,
    /// The bytes from the message type up to the authentication code, when there is one.
    pub authenticated: Option<Zeroizing<Vec<u8>>>,
}

/// Reads and writes the messages of one dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    dialect: Dialect,
    fields: BTreeMap<u8, FieldFormat>,
}

impl MessageType {
    /// `None` when `number` has more than four digits.
    pub const fn new(number: u16) -> Option<Self> {
        if number <= 9999 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number, 0 to 9999.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Four digits.
    pub fn to_digits(self) -> String {
        format!("{:04}", self.0)
    }

    fn parse(digits: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(digits).ok()?;
        (digits.iter().all(u8::is_ascii_digit)).then(|| text.parse().ok().map(Self))?
    }
}

impl Message {
    /// A message without fields.
    pub const fn new(message_type: MessageType) -> Self {
        Self {
            message_type,
            fields: BTreeMap::new(),
        }
    }

    /// The canonical value of a field: text in ASCII, or bytes as they are.
    pub fn field(&self, number: u8) -> Option<&[u8]> {
        self.fields.get(&number).map(|value| value.as_slice())
    }

    /// Sets or replaces a field.
    pub fn set(&mut self, number: u8, value: impl AsRef<[u8]>) {
        self.fields
            .insert(number, Zeroizing::new(value.as_ref().to_vec()));
    }

    /// The fields by number.
    pub fn fields(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.fields
            .iter()
            .map(|(number, value)| (*number, value.as_slice()))
    }

    /// Where the authentication code goes: the last bit of the last bitmap.
    pub fn mac_field(&self) -> u8 {
        if self.fields.keys().any(|number| *number > 64) {
            128
        } else {
            64
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ", self.message_type.to_digits())?;
        formatter.debug_set().entries(self.fields.keys()).finish()
    }
}

impl fmt::Debug for Decoded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Decoded")
            .field("message", &self.message)
            .field(
                "authenticated",
                &self.authenticated.as_ref().map(|bytes| bytes.len()),
            )
            .finish()
    }
}

impl Codec {
    /// The table.
    pub const fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// Whether the dialect knows a field.
    pub fn knows(&self, number: u8) -> bool {
        self.fields.contains_key(&number)
    }

    /// Writes a message, header included, without a fresh authentication code.
    pub fn encode(&self, message: &Message) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut output = Zeroizing::new(self.dialect.header.clone());
        self.encode_body(message, &mut output)?;
        if output.len() > MESSAGE_LENGTH_MAX {
            return Err(Error {
                place: Place::End,
                fault: Fault::Length,
            });
        }
        Ok(output)
    }

    /// The bytes an authentication code has to cover: everything from the message type up to the
    /// code itself, with the code's bit set already. The header is not covered.
    pub fn authenticated_bytes(&self, message: &Message) -> Result<Zeroizing<Vec<u8>>, Error> {
        let number = message.mac_field();
        let mut whole = message.clone();
        let length = self.dialect.mac.map_or(8, |mac| usize::from(mac.length));
        whole.set(number, vec![0; length]);
        let mut output = Zeroizing::new(Vec::new());
        self.encode_body(&whole, &mut output)?;
        let mut code = Vec::new();
        self.encode_field(number, &vec![0; length], &mut code)?;
        let covered = output.len().saturating_sub(code.len());
        output.truncate(covered);
        Ok(output)
    }

    /// Reads a message. Every byte must belong to it.
    pub fn decode(&self, bytes: &[u8]) -> Result<Decoded, Error> {
        let at = |place| move |fault| Error { place, fault };
        let header = self.dialect.header.len();
        let (_, body) = value::split(bytes, header).map_err(at(Place::Header))?;
        let (message_type, rest) = self.decode_message_type(body)?;
        let (numbers, mut rest) = self.decode_bitmaps(rest)?;
        let mut message = Message::new(message_type);
        let mut authenticated = None;
        for number in numbers {
            let place = Place::Field(number);
            let format = self.fields.get(&number).ok_or(at(place)(Fault::Content))?;
            if matches!(number, 64 | 128) {
                let covered = body.len().saturating_sub(rest.len());
                authenticated = body
                    .get(..covered)
                    .map(|bytes| Zeroizing::new(bytes.to_vec()));
            }
            let (value, after) = value::decode(format, rest).map_err(at(place))?;
            message.fields.insert(number, Zeroizing::new(value));
            rest = after;
        }
        if rest.is_empty() {
            Ok(Decoded {
                message,
                authenticated,
            })
        } else {
            Err(at(Place::End)(Fault::Length))
        }
    }

    /// Whether an answer's header belongs to a request: the same header, or for a TPDU the one
    /// with its two addresses exchanged. Other headers carry the acquirer's own data and are not
    /// compared.
    pub fn header_answers(&self, answer: &[u8]) -> bool {
        match (
            self.dialect.header_is_tpdu,
            self.dialect.header.as_slice(),
            answer,
        ) {
            (
                true,
                [identifier, to_high, to_low, from_high, from_low, ..],
                [answer_identifier, first, second, third, fourth, ..],
            ) => {
                identifier == answer_identifier
                    && [first, second, third, fourth] == [from_high, from_low, to_high, to_low]
            }
            (true, _, _) => false,
            (false, _, _) => true,
        }
    }

    fn encode_body(&self, message: &Message, output: &mut Vec<u8>) -> Result<(), Error> {
        let fault = |fault| Error {
            place: Place::MessageType,
            fault,
        };
        let digits = message.message_type.to_digits().into_bytes();
        match self.dialect.message_type_encoding {
            Encoding::Bcd => output.extend_from_slice(&message.message_type.to_bcd()),
            Encoding::Ebcdic => {
                let encoded = ebcdic::from_ascii(&digits).ok_or(fault(Fault::Content))?;
                output.extend_from_slice(&encoded);
            }
            Encoding::Ascii | Encoding::Binary | Encoding::HexAscii => {
                output.extend_from_slice(&digits);
            }
        }
        self.encode_bitmaps(message, output);
        for (number, value) in message.fields() {
            self.encode_field(number, value, output)?;
        }
        Ok(())
    }

    fn encode_field(&self, number: u8, value: &[u8], output: &mut Vec<u8>) -> Result<(), Error> {
        let at = |fault| Error {
            place: Place::Field(number),
            fault,
        };
        let format = self.fields.get(&number).ok_or(at(Fault::Content))?;
        value::encode(format, value, output).map_err(at)
    }

    fn encode_bitmaps(&self, message: &Message, output: &mut Vec<u8>) {
        let numbers: Vec<u8> = message.fields.keys().copied().collect();
        let bitmap = anatomy::bitmap(&numbers);
        match self.dialect.bitmap_encoding {
            Encoding::HexAscii => output.extend_from_slice(&to_hexadecimal(&bitmap)),
            Encoding::Binary | Encoding::Ascii | Encoding::Bcd | Encoding::Ebcdic => {
                output.extend_from_slice(&bitmap);
            }
        }
    }

    fn decode_message_type<'a>(&self, bytes: &'a [u8]) -> Result<(MessageType, &'a [u8]), Error> {
        let at = |fault| Error {
            place: Place::MessageType,
            fault,
        };
        let size = if self.dialect.message_type_encoding == Encoding::Bcd {
            2
        } else {
            4
        };
        let (encoded, rest) = value::split(bytes, size).map_err(at)?;
        let digits = match self.dialect.message_type_encoding {
            Encoding::Bcd => to_hexadecimal(encoded),
            Encoding::Ebcdic => ebcdic::to_ascii(encoded).ok_or(at(Fault::Content))?,
            Encoding::Ascii | Encoding::Binary | Encoding::HexAscii => encoded.to_vec(),
        };
        Ok((MessageType::parse(&digits).ok_or(at(Fault::Content))?, rest))
    }

    /// The numbers of the fields present, 1 apart, and the bytes after the bitmaps.
    fn decode_bitmaps<'a>(&self, bytes: &'a [u8]) -> Result<(Vec<u8>, &'a [u8]), Error> {
        let (primary, rest) = self.decode_bitmap(bytes)?;
        let (secondary, rest) = if primary >> 63 == 1 {
            self.decode_bitmap(rest)?
        } else {
            (0, rest)
        };
        let bits = (u128::from(primary) << 64) | u128::from(secondary);
        let present = |number: &u8| {
            let shift = 128_u32.saturating_sub(u32::from(*number));
            (bits >> shift) & 1 == 1
        };
        let numbers: Vec<u8> = (2..=128).filter(present).collect();
        // Field 65 announces a third bitmap, which ISO 8583:1987 does not have.
        if numbers.contains(&65) {
            return Err(Error {
                place: Place::Bitmap,
                fault: Fault::Content,
            });
        }
        Ok((numbers, rest))
    }

    fn decode_bitmap<'a>(&self, bytes: &'a [u8]) -> Result<(u64, &'a [u8]), Error> {
        let at = |fault| Error {
            place: Place::Bitmap,
            fault,
        };
        let hexadecimal = self.dialect.bitmap_encoding == Encoding::HexAscii;
        let size = if hexadecimal { 16 } else { 8 };
        let (encoded, rest) = value::split(bytes, size).map_err(at)?;
        let bitmap = if hexadecimal {
            value::hexadecimal(encoded).ok_or(at(Fault::Content))?
        } else {
            encoded.to_vec()
        };
        let bitmap: [u8; 8] = bitmap.try_into().map_err(|_| at(Fault::Content))?;
        Ok((u64::from_be_bytes(bitmap), rest))
    }
}

impl MessageType {
    fn to_bcd(self) -> [u8; 2] {
        let digit = |divisor: u16| self.0.checked_div(divisor).unwrap_or_default() % 10;
        let high = (digit(1000) << 4) | digit(100);
        let low = (digit(10) << 4) | digit(1);
        [
            u8::try_from(high).unwrap_or_default(),
            u8::try_from(low).unwrap_or_default(),
        ]
    }
}
