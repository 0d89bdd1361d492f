//! TLV: strings read, and trees written (EMV 4.4 Book 3, Annex B).

use emv_rs::{Tlv, Value};
use proptest::prelude::*;

use crate::comparison::{Area, Difference, compare};

/// An object and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Primitive(u32, Vec<u8>),
    Template(u32, Vec<Self>),
}

/// The deepest template and the most objects that our kernel reads.
const DEPTH_MAX: usize = 8;
const OBJECTS_MAX: usize = 512;

/// The objects of a string; `None` when it is no TLV.
const READING: Area<Vec<u8>, Option<Vec<Node>>> = Area {
    ours: |bytes| {
        // The kernel opens templates with its limits first; levels are then read one by one.
        emv::tlv::primitives(bytes).ok()?;
        ours(bytes)
    },
    theirs: |bytes| theirs(&Tlv::parse_all(bytes).ok()?),
    differences: &[
        Difference {
            name: "templates nested too deep",
            ours: "refuses: no card needs them, and no input may take the stack.",
            theirs: "reads them, one call for each.",
            instead: |bytes, verdict| {
                let tree = ours(bytes).filter(|tree| depth(tree) > DEPTH_MAX)?;
                verdict.is_none().then_some(Some(tree))
            },
        },
        Difference {
            name: "too many objects",
            ours: "refuses: no card needs them, and no input may take the memory.",
            theirs: "reads them.",
            instead: |bytes, verdict| {
                let tree = ours(bytes).filter(|tree| count(tree) > OBJECTS_MAX)?;
                verdict.is_none().then_some(Some(tree))
            },
        },
    ],
};

fn ours(bytes: &[u8]) -> Option<Vec<Node>> {
    emv::tlv::objects(bytes)
        .map(|object| {
            let object = object.ok()?;
            let tag = object.tag.number();
            Some(if object.tag.is_constructed() {
                Node::Template(tag, ours(object.value)?)
            } else {
                Node::Primitive(tag, object.value.to_vec())
            })
        })
        .collect()
}

fn theirs(objects: &[Tlv]) -> Option<Vec<Node>> {
    objects
        .iter()
        .map(|object| {
            let tag = object.tag().0;
            Some(match object.value() {
                Value::Primitive(value) => Node::Primitive(tag, value.clone()),
                Value::Constructed(inside) => Node::Template(tag, theirs(inside)?),
            })
        })
        .collect()
}

fn depth(tree: &[Node]) -> usize {
    let inside = tree.iter().map(|node| match node {
        Node::Primitive(..) => 0,
        Node::Template(_, nodes) => depth(nodes),
    });
    1 + inside.max().unwrap_or(0)
}

fn count(tree: &[Node]) -> usize {
    let inside = tree.iter().map(|node| match node {
        Node::Primitive(..) => 0,
        Node::Template(_, nodes) => count(nodes),
    });
    tree.len() + inside.sum::<usize>()
}

/// The string of a tree.
const WRITING: Area<Vec<Node>, Vec<u8>> = Area {
    ours: |tree| tree.iter().flat_map(written_by_ours).collect(),
    theirs: |tree| {
        tree.iter()
            .flat_map(|node| theirs_of(node).encode())
            .collect()
    },
    differences: &[],
};

fn written_by_ours(node: &Node) -> Vec<u8> {
    let mut output = Vec::new();
    match node {
        Node::Primitive(tag, value) => {
            emv::tlv::encode(emv::Tag::new(*tag), value, &mut output);
        }
        Node::Template(tag, nodes) => {
            let inside: Vec<u8> = nodes.iter().flat_map(written_by_ours).collect();
            emv::tlv::encode(emv::Tag::new(*tag), &inside, &mut output);
        }
    }
    output
}

fn theirs_of(node: &Node) -> Tlv {
    match node {
        Node::Primitive(tag, value) => Tlv::primitive(emv_rs::Tag(*tag), value.clone()),
        Node::Template(tag, nodes) => {
            let inside: Vec<Tlv> = nodes.iter().map(theirs_of).collect();
            Tlv::constructed(emv_rs::Tag(*tag), inside)
        }
    }
}

fn primitive_tag() -> impl Strategy<Value = u32> {
    prop::sample::select(vec![
        0x82,
        0x8E,
        0x5A,
        0x9F02,
        0x9F36,
        0x5F24,
        0xDF_810C,
        0xDF81_8101,
    ])
}

/// Trees as deep and wide as cards make them, and a little beyond the limits.
fn tree() -> impl Strategy<Value = Vec<Node>> {
    let value = prop_oneof![
        12 => prop::collection::vec(any::<u8>(), 0..40),
        1 => prop::collection::vec(any::<u8>(), 120..400),
    ];
    let leaf = (primitive_tag(), value).prop_map(|(tag, value)| Node::Primitive(tag, value));
    let template = prop::sample::select(vec![0x70_u32, 0x77, 0x6F, 0xA5, 0xBF0C, 0x61]);
    let node = leaf.prop_recursive(10, 60, 4, move |inside| {
        let inside = prop::collection::vec(inside, 0..4);
        (template.clone(), inside).prop_map(|(tag, nodes)| Node::Template(tag, nodes))
    });
    prop::collection::vec(node, 0..4)
}

/// Any bytes, strings of trees, such strings with a change, and what is beyond the limits.
fn string() -> impl Strategy<Value = Vec<u8>> {
    let written = tree().prop_map(|tree| (WRITING.ours)(&tree));
    let changed = (written, any::<prop::sample::Index>(), 0..4_u8, any::<u8>()).prop_map(
        |(mut bytes, index, change, byte)| {
            if let Some(place) = (!bytes.is_empty()).then(|| index.index(bytes.len())) {
                match change {
                    0 => bytes[place] = byte,
                    1 => bytes.truncate(place),
                    2 => bytes.insert(place, byte),
                    _ => {}
                }
            }
            bytes
        },
    );
    // A length in more bytes than it needs, of which both read four.
    let value = prop::collection::vec(any::<u8>(), 0..10);
    let long = (value, 1..=5_usize).prop_map(|(value, count)| {
        let count_byte = 0x80 | u8::try_from(count).expect("a few");
        let zeros = vec![0x00; count - 1];
        let length = [u8::try_from(value.len()).expect("a few")];
        [&[0x82, count_byte], &zeros[..], &length, &value].concat()
    });
    let nested = (1..14_usize).prop_map(|depth| {
        let leaf = Node::Primitive(0x82, vec![0x18, 0x00]);
        let nest = |inside, _| Node::Template(0x70, vec![inside]);
        (WRITING.ours)(&vec![(0..depth).fold(leaf, nest)])
    });
    prop_oneof![
        8 => changed,
        // Bytes that often begin an object, or make it longer than it is.
        4 => prop::collection::vec(
            prop_oneof![
                any::<u8>(),
                prop::sample::select(vec![0x00, 0x01, 0x02, 0x70, 0x5F, 0x9F, 0x80, 0x81, 0x82, 0x84])
            ],
            0..24,
        ),
        1 => long,
        1 => nested,
        1 => (500..530_usize).prop_map(|count| [0x82, 0x00].repeat(count)),
    ]
}

#[test]
fn both_kernels_read_the_same_objects() {
    compare(&READING, &string(), 40);
}

#[test]
fn both_kernels_write_the_same_strings() {
    compare(&WRITING, &tree(), 20);
}
