//! Data object lists: read, and filled from both kernels' tables of data elements
//! (EMV 4.4 Book 3, 5.4).

use std::collections::BTreeMap;

use emv_rs::core::dol::{Dol, ValueFormat};
use emv_rs::core::tag_info::{Format, lookup};
use proptest::prelude::*;

use crate::comparison::{Area, Difference, compare};

#[derive(Debug, Clone)]
struct Input {
    list: Vec<u8>,
    /// What the terminal has.
    values: BTreeMap<u32, Vec<u8>>,
}

/// The values asked for; `None` when the list cannot be used.
type Verdict = Option<Vec<u8>>;

const AREA: Area<Input, Verdict> = Area {
    ours,
    theirs,
    differences: &[
        Difference {
            name: "compressed digits without a value",
            ours: "is an element that is not there: zeros (EMV 4.4 Book 3, 5.4 and Annex B).",
            theirs: "is a number without digits, filled with F. Its own store keeps no such element.",
            instead: |input, verdict| {
                let other = ours(&input.with_digits());
                (*verdict != other).then_some(other)
            },
        },
        Difference {
            name: "more than a command carries",
            ours: "refuses a list that asks for more than 255 bytes: no command can answer it.",
            theirs: "fills it.",
            instead: |input, verdict| {
                let entries = entries(&input.list)?;
                let total: usize = entries.iter().map(|(_, length)| usize::from(*length)).sum();
                let readable = entries.iter().all(|(tag, _)| *tag <= 0xFFFF);
                let filled = filled(&input.with_digits(), &entries);
                (verdict.is_none() && total > 255 && readable).then_some(Some(filled))
            },
        },
        Difference {
            name: "tags of three and four bytes",
            ours: "reads them: payment systems use them beside the tags of EMV.",
            theirs: "refuses the list.",
            instead: |input, verdict| {
                let long = entries(&input.list)?.iter().any(|(tag, _)| *tag > 0xFFFF);
                (verdict.is_some() && long).then_some(None)
            },
        },
    ],
};

impl Input {
    /// The same, but compressed digits without a value are padding.
    fn with_digits(&self) -> Self {
        let is_cn = |tag| {
            let element = emv::Tag::new(tag).element();
            element.is_some_and(|element| element.format == emv::tag::Format::Cn)
        };
        let mut digits = self.clone();
        for (tag, value) in &mut digits.values {
            if value.is_empty() && is_cn(*tag) {
                value.push(0xFF);
            }
        }
        digits
    }
}

/// The tags and lengths of a list that ends well.
fn entries(list: &[u8]) -> Option<Vec<(u32, u8)>> {
    let mut entries = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let (tag, after) = emv::tlv::parse_tag(rest).ok()?;
        let (length, after) = after.split_first()?;
        entries.push((tag.number(), *length));
        rest = after;
    }
    Some(entries)
}

/// The values of each entry, each filled alone.
fn filled(input: &Input, entries: &[(u32, u8)]) -> Vec<u8> {
    let alone = entries.iter().map(|(tag, length)| {
        let mut list = emv::Tag::new(*tag).to_bytes();
        list.push(*length);
        let values = input.values.clone();
        ours(&Input { list, values }).expect("one entry")
    });
    alone.collect::<Vec<_>>().concat()
}

fn ours(input: &Input) -> Verdict {
    let list = emv::dol::Dol::parse(&input.list).ok()?;
    Some(list.fill(|tag| input.values.get(&tag.number()).map(Vec::as_slice)))
}

fn theirs(input: &Input) -> Verdict {
    let list = Dol::parse(&input.list).ok()?;
    Some(list.build(|tag| {
        let value = input.values.get(&tag.0)?;
        let format = lookup(tag).first().map(|element| element.format);
        let format = match format {
            Some(Format::Numeric) => ValueFormat::Numeric,
            Some(Format::CompressedNumeric) => ValueFormat::CompressedNumeric,
            _ => ValueFormat::Other,
        };
        Some((format, value.clone()))
    }))
}

/// Every tag of EMV, some of payment systems, and any.
fn tag() -> impl Strategy<Value = u32> {
    let known = emv::tag::ELEMENTS
        .iter()
        .map(|element| element.tag.number());
    let known: Vec<u32> = known.collect();
    prop_oneof![
        12 => prop::sample::select(known),
        1 => prop::sample::select(vec![0x70, 0xA5, 0xBF0C, 0x9F7C, 0xDF_810C, 0xDF81_8101]),
    ]
}

/// A list that ends well.
fn list() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![12 => 0..12_u8, 1 => any::<u8>()];
    let entry = (tag(), length).prop_map(|(tag, length)| {
        let mut entry = emv::Tag::new(tag).to_bytes();
        entry.push(length);
        entry
    });
    prop::collection::vec(entry, 0..10).prop_map(|entries| entries.concat())
}

fn inputs() -> impl Strategy<Value = Input> {
    let list = prop_oneof![
        8 => list(),
        1 => (list(), any::<prop::sample::Index>()).prop_map(|(mut list, index)| {
            list.truncate(index.index(list.len() + 1));
            list
        }),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    let value = prop::collection::vec(any::<u8>(), 0..12);
    let values = prop::collection::btree_map(tag(), value, 0..40);
    (list, values).prop_map(|(list, values)| Input { list, values })
}

#[test]
fn both_kernels_fill_lists_alike() {
    compare(&AREA, &inputs(), 40);
}
