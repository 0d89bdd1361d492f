//! A message taken apart, as far as it goes: for explaining one, never for acting on it.
//!
//! [`Codec::decode`] takes a message or refuses it. Whoever looks for what is wrong with one wants
//! everything before the fault, and to know what is missing after it.

use core::fmt;

use zeroize::Zeroizing;

use super::{Codec, Error, Fault, Place, value};

/// The parts of a message up to its end or its first fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anatomy {
    /// The header when the dialect has one, the message type, the bitmap, and each field.
    pub parts: Vec<Part>,
    /// The fields that the bitmap announces and that were not reached.
    pub unread: Vec<u8>,
    /// How many bytes `parts` cover.
    pub covered: usize,
    /// The fault, when there is one.
    pub error: Option<Error>,
}

/// One part of a message. `Debug` shows its place only.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub place: Place,
    /// Where it starts, in bytes from the start of the message.
    pub offset: usize,
    /// Its canonical value: text in ASCII or bytes as they are, without a prefix of length.
    pub value: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} at {}", self.place, self.offset)
    }
}

impl Codec {
    /// Takes a message apart.
    pub fn take_apart(&self, bytes: &[u8]) -> Anatomy {
        let mut anatomy = Anatomy {
            parts: Vec::new(),
            unread: Vec::new(),
            covered: 0,
            error: None,
        };
        anatomy.error = self.dissect(bytes, &mut anatomy).err();
        anatomy
    }

    fn dissect(&self, bytes: &[u8], anatomy: &mut Anatomy) -> Result<(), Error> {
        let header = self.dialect.header.len();
        let (value, rest) = value::split(bytes, header).map_err(|fault| Error {
            place: Place::Header,
            fault,
        })?;
        if !value.is_empty() {
            anatomy.add(Place::Header, value.to_vec(), bytes, rest);
        }
        let (message_type, rest) = self.decode_message_type(rest)?;
        let digits = message_type.to_digits().into_bytes();
        anatomy.add(Place::MessageType, digits, bytes, rest);
        let (numbers, mut rest) = self.decode_bitmaps(rest)?;
        anatomy.add(Place::Bitmap, bitmap(&numbers), bytes, rest);
        anatomy.unread.clone_from(&numbers);
        for number in numbers {
            let at = |fault| Error {
                place: Place::Field(number),
                fault,
            };
            let format = self.fields.get(&number).ok_or(at(Fault::Content))?;
            let (value, after) = value::decode(format, rest).map_err(at)?;
            anatomy.unread.retain(|unread| *unread != number);
            anatomy.add(Place::Field(number), value, bytes, after);
            rest = after;
        }
        rest.is_empty().then_some(()).ok_or(Error {
            place: Place::End,
            fault: Fault::Length,
        })
    }
}

impl Anatomy {
    /// The part that ends where `rest` begins.
    fn add(&mut self, place: Place, value: Vec<u8>, whole: &[u8], rest: &[u8]) {
        self.parts.push(Part {
            place,
            offset: self.covered,
            value: Zeroizing::new(value),
        });
        self.covered = whole.len().saturating_sub(rest.len());
    }
}

/// The bitmap of these fields, before it is encoded.
pub(super) fn bitmap(numbers: &[u8]) -> Vec<u8> {
    let secondary = numbers.iter().any(|number| *number > 64);
    let bits = numbers
        .iter()
        .filter_map(|number| 128_u32.checked_sub(u32::from(*number)))
        .fold(u128::from(secondary) << 127, |bits, shift| {
            bits | (1 << shift)
        });
    let bytes = bits.to_be_bytes();
    let size = if secondary { 16 } else { 8 };
    bytes.get(..size).unwrap_or(&bytes).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso8583::fields;
    use proptest::prelude::*;

    #[test]
    fn everything_before_a_fault_is_there() {
        let codec = Codec::new(fields::built_in()).expect("the built-in table");
        let bitmap = [0x20, 0, 0, 0, 0, 0x80, 0, 0x01];
        let message = [b"0210", &bitmap[..], b"000000", b"TERM"].concat();
        let anatomy = codec.take_apart(&message);
        let places: Vec<_> = anatomy.parts.iter().map(|part| part.place).collect();
        assert_eq!(places, [Place::MessageType, Place::Bitmap, Place::Field(3)]);
        assert_eq!(anatomy.unread, [41, 64]);
        assert_eq!(anatomy.covered, 18);
        assert_eq!(anatomy.parts[1].value.as_slice(), bitmap);
        let fault = Fault::Short {
            needed: 8,
            present: 4,
        };
        let place = Place::Field(41);
        assert_eq!(anatomy.error, Some(Error { place, fault }));
        assert_eq!(format!("{:?}", anatomy.parts[2]), "Field(3) at 12");
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_codec(
            noise in proptest::collection::vec(any::<u8>(), 0..200),
            bitmap in any::<[u8; 8]>(),
        ) {
            let codec = Codec::new(fields::built_in()).expect("the built-in table");
            for input in [noise.clone(), [b"0210", &bitmap[..], &noise].concat()] {
                let anatomy = codec.take_apart(&input);
                prop_assert!(anatomy.covered <= input.len());
                let decoded = codec.decode(&input);
                prop_assert_eq!(anatomy.error, decoded.as_ref().err().copied());
                let fields = anatomy.parts.iter().filter_map(|part| match part.place {
                    Place::Field(number) => Some((number, part.value.as_slice())),
                    Place::Header | Place::MessageType | Place::Bitmap | Place::End => None,
                });
                if let Ok(decoded) = decoded {
                    prop_assert!(fields.eq(decoded.message.fields()));
                    prop_assert_eq!(anatomy.covered, input.len());
                }
            }
        }
    }
}
