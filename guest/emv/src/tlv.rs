//! BER-TLV as EMV uses it: definite lengths, tags of up to four bytes, 00 as padding.
//!
//! Nothing is copied and nothing recurses: an object borrows its value, and a tree is walked with
//! limits on depth and count, so that no input can exhaust the stack or the memory.
//!
//! EMV 4.4 Book 3, Annex B.

use core::fmt;

use crate::tag::Tag;

/// How many levels of templates are opened.
const DEPTH_MAX: usize = 8;

/// How many objects one string may hold, on all levels together.
const OBJECTS_MAX: usize = 512;

/// One data object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Object<'a> {
    /// Its tag.
    pub tag: Tag,
    /// Its value.
    pub value: &'a [u8],
}

/// Why a string is not BER-TLV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// It ends within a tag.
    TagTruncated,
    /// A tag of more than four bytes.
    TagTooLong,
    /// It ends after a tag.
    LengthMissing,
    /// It ends within a length.
    LengthTruncated,
    /// The indefinite length, which EMV does not use.
    IndefiniteLength,
    /// A length of more than four bytes.
    LengthTooLong,
    /// It ends within a value.
    ValueTruncated,
    /// Templates within templates beyond the limit.
    TooDeep,
    /// More objects than the limit.
    TooMany,
}

/// The objects of one level. Padding is skipped; after the first error there is nothing more.
pub fn objects(bytes: &[u8]) -> Objects<'_> {
    Objects { rest: bytes }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}({} bytes)", self.tag, self.value.len())
    }
}

/// See [`objects`].
#[derive(Clone)]
pub struct Objects<'a> {
    rest: &'a [u8],
}

impl<'a> Objects<'a> {
    /// The tag that stands next, whether or not its object can be read. `None` at the end, and
    /// where there is no tag.
    pub(crate) fn next_tag(&self) -> Option<Tag> {
        let padding = self.rest.iter().take_while(|byte| **byte == 0).count();
        let rest: &'a [u8] = self.rest.get(padding..)?;
        parse_tag(rest).ok().map(|(tag, _)| tag)
    }
}

impl fmt::Debug for Objects<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Objects({} bytes)", self.rest.len())
    }
}

impl<'a> Iterator for Objects<'a> {
    type Item = Result<Object<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((0, rest)) = self.rest.split_first() {
            self.rest = rest;
        }
        if self.rest.is_empty() {
            return None;
        }
        let parsed = object(self.rest);
        self.rest = parsed.as_ref().map_or(&[], |(_, rest)| *rest);
        Some(parsed.map(|(object, _)| object))
    }
}

/// Every primitive object of a string, templates opened, in the order they stand. Fails when any
/// template cannot be read to its end.
pub fn primitives(bytes: &[u8]) -> Result<Vec<Object<'_>>, Error> {
    let mut found = Vec::new();
    let mut count = 0_usize;
    let mut open = vec![objects(bytes)];
    while let Some(level) = open.last_mut() {
        match level.next() {
            None => {
                open.pop();
                continue;
            }
            Some(object) => {
                let object = object?;
                if object.tag.is_constructed() {
                    open.push(objects(object.value));
                } else {
                    found.push(object);
                }
            }
        }
        count = count.saturating_add(1);
        if count > OBJECTS_MAX {
            return Err(Error::TooMany);
        }
        if open.len() > DEPTH_MAX {
            return Err(Error::TooDeep);
        }
    }
    Ok(found)
}

/// The value of the one object that is the whole string, when its tag is `tag`.
pub fn only(bytes: &[u8], tag: Tag) -> Option<&[u8]> {
    let (object, rest) = object(bytes).ok()?;
    (object.tag == tag && rest.is_empty()).then_some(object.value)
}

/// The value of the first object with this tag on the highest level of a well-formed string.
pub fn find(bytes: &[u8], tag: Tag) -> Option<&[u8]> {
    objects(bytes)
        .filter_map(Result::ok)
        .find(|object| object.tag == tag)
        .map(|object| object.value)
}

/// The objects of one level as they stand, but for those with this tag. Padding between them is
/// left out too.
pub(crate) fn without(bytes: &[u8], tag: Tag) -> Result<Vec<u8>, Error> {
    let mut kept = Vec::new();
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        if *first == 0 {
            rest = after;
            continue;
        }
        let (found, behind) = object(rest)?;
        let length = rest.len().saturating_sub(behind.len());
        if found.tag != tag {
            kept.extend(rest.iter().take(length));
        }
        rest = behind;
    }
    Ok(kept)
}

/// Reads a tag and returns what follows it.
pub fn parse_tag(bytes: &[u8]) -> Result<(Tag, &[u8]), Error> {
    let (first, mut rest) = bytes.split_first().ok_or(Error::TagTruncated)?;
    let mut number = u32::from(*first);
    let mut more = first & 0x1F == 0x1F;
    while more {
        let (next, after) = rest.split_first().ok_or(Error::TagTruncated)?;
        if number > 0x00FF_FFFF {
            return Err(Error::TagTooLong);
        }
        number = (number << 8) | u32::from(*next);
        more = next & 0x80 != 0;
        rest = after;
    }
    Ok((Tag::new(number), rest))
}

/// Appends one data object. A value of more than 65535 bytes is not written.
pub fn encode(tag: Tag, value: &[u8], output: &mut Vec<u8>) {
    let Ok(length) = u16::try_from(value.len()) else {
        return;
    };
    output.extend(tag.to_bytes());
    match length.to_be_bytes() {
        [0, low @ 0..=0x7F] => output.push(low),
        [0, low] => output.extend([0x81, low]),
        [high, low] => output.extend([0x82, high, low]),
    }
    output.extend(value);
}

/// Reads one object and returns what follows it.
pub fn object(bytes: &[u8]) -> Result<(Object<'_>, &[u8]), Error> {
    let (tag, rest) = parse_tag(bytes)?;
    let (length, rest) = parse_length(rest)?;
    let (value, rest) = rest.split_at_checked(length).ok_or(Error::ValueTruncated)?;
    Ok((Object { tag, value }, rest))
}

/// Reads a length and returns what follows it. A length longer than need be is accepted.
pub fn parse_length(bytes: &[u8]) -> Result<(usize, &[u8]), Error> {
    let (first, rest) = bytes.split_first().ok_or(Error::LengthMissing)?;
    match *first {
        short @ 0..=0x7F => Ok((usize::from(short), rest)),
        0x80 => Err(Error::IndefiniteLength),
        long => {
            let count = usize::from(long & 0x7F);
            if count > 4 {
                return Err(Error::LengthTooLong);
            }
            let (digits, rest) = rest.split_at_checked(count).ok_or(Error::LengthTruncated)?;
            let length = digits
                .iter()
                .fold(0_u32, |sum, digit| (sum << 8) | u32::from(*digit));
            Ok((usize::try_from(length).unwrap_or(usize::MAX), rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_value_is_in_no_debug_text() {
        let bytes = [0x5A, 0x02, 0x47, 0x61];
        let mut all = objects(&bytes);
        assert_eq!(format!("{all:?}"), "Objects(4 bytes)");
        let object = all.next().expect("one").expect("well-formed");
        assert_eq!(format!("{object:?}"), "5A(2 bytes)");
    }

    #[test]
    fn a_tag_has_four_bytes_at_most() {
        let longest = Tag::new(0xFFFF_FF01);
        assert_eq!(parse_tag(&[0xFF, 0xFF, 0xFF, 0x01]), Ok((longest, &[][..])));
        for tag in [
            [0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            [0xDF, 0x81, 0x81, 0x81, 0x01],
        ] {
            assert_eq!(parse_tag(&tag), Err(Error::TagTooLong), "{tag:02X?}");
        }
    }

    #[test]
    fn a_length_has_four_bytes_at_most() {
        for (bytes, length) in [
            (&[0x7F][..], Ok(0x7F)),
            (&[0x83, 0x01, 0x02, 0x03], Ok(0x01_0203)),
            (&[0x84, 0x00, 0x01, 0x02, 0x03], Ok(0x01_0203)),
            (&[0x84, 0x00, 0x01, 0x02], Err(Error::LengthTruncated)),
            (&[0x85, 0, 0, 0, 0, 1], Err(Error::LengthTooLong)),
            (&[0xFF; 128], Err(Error::LengthTooLong)),
            (&[0x80], Err(Error::IndefiniteLength)),
            (&[], Err(Error::LengthMissing)),
        ] {
            let read = parse_length(bytes).map(|(length, _)| length);
            assert_eq!(read, length, "{bytes:02X?}");
        }
    }

    #[test]
    fn templates_within_templates_end_at_the_limit() {
        let mut nested = vec![0x9C, 0x01, 0x00];
        for _ in 0..DEPTH_MAX {
            let mut outer = Vec::new();
            encode(Tag::new(0xE0), &nested, &mut outer);
            nested = outer;
        }
        assert_eq!(primitives(&nested), Err(Error::TooDeep));
        assert!(primitives(&nested[2..]).is_ok());
    }

    #[test]
    fn more_objects_than_the_limit_are_refused() {
        assert_eq!(
            primitives(&[0x9C, 0x00].repeat(OBJECTS_MAX)).map(|found| found.len()),
            Ok(512)
        );
        assert_eq!(
            primitives(&[0x9C, 0x00].repeat(OBJECTS_MAX + 1)),
            Err(Error::TooMany)
        );
    }

    #[test]
    fn only_takes_one_object_and_nothing_after_it() {
        let tag = Tag::new(0x70);
        for (bytes, value) in [
            (&[0x70, 0x01, 0xAA][..], Some(&[0xAA][..])),
            (&[0x70, 0x01, 0xAA, 0x00], None),
            (&[0x77, 0x01, 0xAA], None),
            (&[0x70, 0x02, 0xAA], None),
        ] {
            assert_eq!(only(bytes, tag), value);
        }
    }

    #[test]
    fn what_is_left_stands_as_it_came() {
        let tag = Tag::new(0x9F4B);
        for (bytes, kept) in [
            (&[0x9F, 0x4B, 0x01, 0xAA][..], Some(&[][..])),
            // A length longer than need be stays, padding goes.
            (
                &[
                    0x9F, 0x27, 0x81, 0x01, 0x80, 0x00, 0x9F, 0x4B, 0x01, 0xAA, 0x00, 0x82, 0x00,
                ],
                Some(&[0x9F, 0x27, 0x81, 0x01, 0x80, 0x82, 0x00]),
            ),
            (
                &[0x70, 0x04, 0x9F, 0x4B, 0x01, 0xAA],
                Some(&[0x70, 0x04, 0x9F, 0x4B, 0x01, 0xAA]),
            ),
            (&[0x9F, 0x27, 0x02, 0x80], None),
        ] {
            assert_eq!(without(bytes, tag).ok().as_deref(), kept, "{bytes:02X?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(value in proptest::collection::vec(any::<u8>(), 0..700)) {
            let mut bytes = Vec::new();
            encode(Tag::new(0x9F10), &value, &mut bytes);
            prop_assert_eq!(only(&bytes, Tag::new(0x9F10)), Some(&value[..]));
        }

        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let found = primitives(&bytes).map_or(0, |found| found.len());
            prop_assert!(found <= OBJECTS_MAX);
        }
    }
}
