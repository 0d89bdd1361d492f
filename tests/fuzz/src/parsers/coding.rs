//! TLV, data object lists, the file locator and the CVM list.
//!
//! EMV 4.4 Book 3, Annex B, 5.4, 10.2 and 10.5.

use std::collections::BTreeMap;

use emv::Tag;
use emv::dol::{Dol, LENGTH_MAX};
use emv::parsers;
use emv::tag::Format;
use emv::tlv::{self, Object};

use super::lies_within;
use crate::input::Input;

/// How many objects the kernel takes from one string.
const OBJECTS_MAX: usize = 512;

/// A string of data objects.
pub fn tlv(data: &[u8]) {
    if let Ok((tag, rest)) = tlv::parse_tag(data) {
        let written = tag.to_bytes();
        assert_eq!([&written, rest].concat(), data, "a tag is its own bytes");
    }
    let level: Vec<_> = tlv::objects(data).collect();
    let read: Vec<Object<'_>> = level.iter().filter_map(|object| object.ok()).collect();
    assert!(
        level.iter().rev().skip(1).all(Result::is_ok),
        "nothing is read after an error"
    );
    for object in read.iter().take(32) {
        assert!(lies_within(object.value, data), "{object:?}");
        let mut one = Vec::new();
        tlv::encode(object.tag, object.value, &mut one);
        assert_eq!(tlv::only(&one, object.tag), Some(object.value));
        let first = read.iter().find(|other| other.tag == object.tag);
        assert_eq!(tlv::find(data, object.tag), first.map(|first| first.value));
    }
    let Ok(primitives) = tlv::primitives(data) else {
        return;
    };
    assert_eq!(read.len(), level.len(), "a tree has whole levels");
    assert!(primitives.len() <= OBJECTS_MAX);
    for object in &primitives {
        assert!(!object.tag.is_constructed() && lies_within(object.value, data));
    }
    // A length longer than need be is written shorter, so the text is not the same, but what it
    // says is.
    assert_eq!(tlv::primitives(&rewritten(data)), Ok(primitives));
}

/// The same tree in the shortest form. `data` is well-formed.
fn rewritten(data: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    for object in tlv::objects(data).filter_map(Result::ok) {
        if object.tag.is_constructed() {
            tlv::encode(object.tag, &rewritten(object.value), &mut output);
        } else {
            tlv::encode(object.tag, object.value, &mut output);
        }
    }
    output
}

/// A data object list, and what the terminal has for it.
pub fn dol(data: &[u8]) {
    let mut input = Input::new(data);
    let bytes = input.block();
    let values: BTreeMap<Tag, &[u8]> = tlv::objects(input.remainder())
        .filter_map(Result::ok)
        .map(|object| (object.tag, object.value))
        .collect();
    let Ok(list) = Dol::parse(bytes) else {
        return;
    };
    let entries = list.entries().iter();
    let written = entries.flat_map(|(tag, length)| [tag.to_bytes(), vec![*length]].concat());
    assert_eq!(written.collect::<Vec<u8>>(), bytes, "a list is its entries");
    let filled = list.fill(|tag| values.get(&tag).copied());
    assert!(filled.len() <= LENGTH_MAX);
    let mut rest = filled.as_slice();
    for (tag, length) in list.entries() {
        assert!(list.contains(*tag));
        let (field, after) = rest.split_at(usize::from(*length));
        check_field(*tag, field, values.get(tag).copied().unwrap_or_default());
        rest = after;
    }
    assert_eq!(rest, [0; 0], "nothing beyond what was asked for");
}

/// EMV 4.4 Book 3, 5.4, the other way round: what a field of the list may look like.
fn check_field(tag: Tag, field: &[u8], value: &[u8]) {
    if tag.is_constructed() || value.is_empty() {
        assert!(field.iter().all(|byte| *byte == 0), "{tag}");
        return;
    }
    let format = tag.element().map_or(Format::B, |element| element.format);
    let common = field.len().min(value.len());
    let (kept, filling, filler) = if format == Format::N {
        let (filling, kept) = field.split_at(field.len().saturating_sub(common));
        assert!(value.ends_with(kept), "{tag}: digits keep their right end");
        (kept, filling, 0x00)
    } else {
        let (kept, filling) = field.split_at(common);
        assert!(value.starts_with(kept), "{tag}: the left end is kept");
        let filler = if format == Format::Cn { 0xFF } else { 0x00 };
        (kept, filling, filler)
    };
    assert_eq!(kept.len(), common);
    assert!(filling.iter().all(|byte| *byte == filler), "{tag}: filling");
}

/// Tag 94.
pub fn afl(data: &[u8]) {
    let Some(entries) = parsers::file_locator(data) else {
        return;
    };
    assert!(!entries.is_empty());
    let written = entries.iter().flat_map(|entry| {
        let [sfi, first, last, authenticated] = entry.fields;
        [sfi << 3, first, last, authenticated]
    });
    assert_eq!(written.collect::<Vec<u8>>(), data, "it is its entries");
    for entry in &entries {
        let [sfi, first, last, authenticated] = entry.fields;
        assert!((1..=30).contains(&sfi) && 1 <= first && first <= last);
        let numbers = entry.records.iter().map(|(number, _)| *number);
        assert!(numbers.eq(first..=last), "every record, once, in order");
        let signed = entry.records.iter().take_while(|(_, signed)| *signed);
        assert_eq!(signed.count(), usize::from(authenticated));
        let signed = entry.records.iter().filter(|(_, signed)| *signed);
        assert_eq!(signed.count(), usize::from(authenticated), "the first ones");
    }
}

/// Tag 8E.
pub fn cvm_list(data: &[u8]) {
    let Some((amounts, rules)) = parsers::cvm_list(data) else {
        assert!(data.len() < 8 || !data.len().is_multiple_of(2));
        return;
    };
    let amounts = amounts.into_iter().flat_map(u32::to_be_bytes);
    let written = amounts.chain(rules.into_iter().flatten());
    assert_eq!(written.collect::<Vec<u8>>(), data, "it is its parts");
}
