//! TLV, data object lists, the file locator and the CVM list.

use serde_json::{Value, json};

use super::{bytes_of, expect_equal, run, text_of};
use crate::afl;
use crate::apdu;
use crate::cvm::CvmList;
use crate::dol::Dol;
use crate::scripted::{hex, unhex};
use crate::tag::Tag;
use crate::tlv::{self, Error};

#[test]
fn tlv() {
    run(include_str!("../../../../tests/vectors/tlv.json"), |case| {
        if case["input"]["tag"].is_string() {
            tag_case(case)
        } else {
            tree_case(case)
        }
    });
}

fn tag_case(case: &Value) -> Result<(), String> {
    let bytes = bytes_of(&case["input"], "tag");
    let tag = tlv::parse_tag(&bytes)
        .ok()
        .filter(|(_, rest)| rest.is_empty())
        .map(|(tag, _)| tag);
    expect_equal(tag.is_some(), case["expect"]["valid"] == true)?;
    let Some(tag) = tag else { return Ok(()) };
    let class = ["universal", "application", "context", "private"][usize::from(bytes[0] >> 6)];
    expect_equal(tag.is_constructed(), case["expect"]["constructed"] == true)?;
    expect_equal(class, text_of(&case["expect"], "class"))
}

fn tree_case(case: &Value) -> Result<(), String> {
    let bytes = bytes_of(&case["input"], "tlv");
    let expected = &case["expect"];
    match tlv::primitives(&bytes) {
        Ok(_) => expect_equal(&json!(tree(&bytes)), &expected["tree"]),
        Err(error) => expect_equal(reason(error), text_of(expected, "reason")),
    }
}

fn tree(bytes: &[u8]) -> Vec<Value> {
    tlv::objects(bytes)
        .map(|object| object.expect("checked before"))
        .map(|object| {
            let mut node = json!({ "tag": object.tag.to_string(), "value": hex(object.value) });
            if object.tag.is_constructed() {
                node["children"] = json!(tree(object.value));
            }
            node
        })
        .collect()
}

fn reason(error: Error) -> &'static str {
    match error {
        Error::TagTruncated => "tag_truncated",
        Error::LengthMissing => "length_missing",
        Error::LengthTruncated => "length_truncated",
        Error::IndefiniteLength => "indefinite_length",
        Error::ValueTruncated => "value_truncated",
        Error::TagTooLong | Error::LengthTooLong | Error::TooDeep | Error::TooMany => "limit",
    }
}

#[test]
fn dol() {
    run(include_str!("../../../../tests/vectors/dol.json"), |case| {
        let input = &case["input"];
        if input["afl_94"].is_string() {
            afl_case(case)
        } else if input["cvm_list_8E"].is_string() {
            cvm_list_case(case)
        } else if input["data_objects"].is_object() {
            fill_case(case)
        } else {
            parse_case(case)
        }
    });
}

fn parse_case(case: &Value) -> Result<(), String> {
    let expected = &case["expect"];
    let parsed = Dol::parse(&bytes_of(&case["input"], "dol"));
    expect_equal(parsed.is_ok(), expected["result"] == "ok")?;
    let Ok(list) = parsed else { return Ok(()) };
    let entries: Vec<Value> = list
        .entries()
        .iter()
        .map(|(tag, length)| json!([tag.to_string(), length]))
        .collect();
    expect_equal(&json!(entries), &expected["entries"])?;
    expect_equal(&json!(list.fill(|_| None).len()), &expected["total_length"])
}

fn fill_case(case: &Value) -> Result<(), String> {
    let input = &case["input"];
    let list = Dol::parse(&bytes_of(input, "dol")).map_err(|error| format!("{error:?}"))?;
    let values: Vec<(Tag, Vec<u8>)> = input["data_objects"]
        .as_object()
        .expect("objects")
        .iter()
        .map(|(tag, value)| (tag_of(tag), unhex(value.as_str().expect("a value"))))
        .collect();
    let value = |tag| {
        values
            .iter()
            .find(|(other, _)| *other == tag)
            .map(|(_, value)| &value[..])
    };
    expect_equal(
        hex(&list.fill(value)).as_str(),
        text_of(&case["expect"], "data"),
    )
}

fn tag_of(digits: &str) -> Tag {
    Tag::new(u32::from_str_radix(digits, 16).expect("a tag"))
}

fn afl_case(case: &Value) -> Result<(), String> {
    let expected = &case["expect"];
    let parsed = afl::parse(&bytes_of(&case["input"], "afl_94"));
    expect_equal(parsed.is_some(), expected["result"] == "ok")?;
    let Some(entries) = parsed else { return Ok(()) };
    let commands: Vec<Value> = entries
        .iter()
        .flat_map(|entry| {
            entry
                .records()
                .map(|(record, _)| apdu::read_record(entry.sfi, record))
        })
        .map(|command| json!(hex(&command)))
        .collect();
    let entries: Vec<Value> = entries
        .iter()
        .map(|entry| {
            json!({ "sfi": entry.sfi, "first": entry.first, "last": entry.last,
                    "oda_records": entry.authenticated })
        })
        .collect();
    expect_equal(&json!(entries), &expected["entries"])?;
    expect_equal(&json!(commands), &expected["read_record_commands"])
}

fn cvm_list_case(case: &Value) -> Result<(), String> {
    let expected = &case["expect"];
    let parsed = CvmList::parse(&bytes_of(&case["input"], "cvm_list_8E"));
    // A list without a rule is an absent one to the kernel, an error to the vectors.
    let parsed = parsed.filter(|list| !list.rules.is_empty());
    expect_equal(parsed.is_some(), expected["result"] == "ok")?;
    let Some(list) = parsed else { return Ok(()) };
    let rules: Vec<Value> = list
        .rules
        .iter()
        .map(|rule| {
            json!({ "code": hex(&[rule.code]), "condition": hex(&[rule.condition]),
                    "method": hex(&[rule.code & 0x3F]),
                    "apply_next_if_unsuccessful": rule.continues() })
        })
        .collect();
    expect_equal(&json!(list.amount_x), &expected["amount_x"])?;
    expect_equal(&json!(list.amount_y), &expected["amount_y"])?;
    expect_equal(&json!(rules), &expected["rules"])
}
