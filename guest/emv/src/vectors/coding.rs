//! TLV, data object lists, the file locator and the CVM list.

use serde_json::{Value, json};

use super::Outcome;
use super::fields::{bytes, hex, objects};
use crate::afl;
use crate::apdu;
use crate::cvm::CvmList;
use crate::dol::Dol;
use crate::tag::Tag;
use crate::tlv::{self, Error};

pub(super) fn tlv(case: &Value) -> Outcome {
    let input = &case["input"];
    if input["tag"].is_null() {
        return Ok(tlv_tree(&bytes(input, "tlv")?));
    }
    let bytes = bytes(input, "tag")?;
    let Ok((tag, [])) = tlv::parse_tag(&bytes) else {
        return Ok(json!({ "valid": false }));
    };
    let class = match bytes.first().map_or(0, |first| first >> 6) {
        0 => "universal",
        1 => "application",
        2 => "context",
        _ => "private",
    };
    Ok(json!({ "valid": true, "constructed": tag.is_constructed(), "class": class }))
}

fn tlv_tree(bytes: &[u8]) -> Value {
    match tlv::primitives(bytes).and_then(|_| tree(bytes)) {
        Ok(tree) => json!({ "result": "ok", "tree": tree }),
        Err(error) => json!({ "result": "error", "reason": tlv_reason(error) }),
    }
}

fn tree(bytes: &[u8]) -> Result<Vec<Value>, Error> {
    tlv::objects(bytes)
        .map(|object| {
            let object = object?;
            let (tag, value) = (object.tag.to_string(), hex(object.value));
            Ok(if object.tag.is_constructed() {
                json!({ "tag": tag, "value": value, "children": tree(object.value)? })
            } else {
                json!({ "tag": tag, "value": value })
            })
        })
        .collect()
}

const fn tlv_reason(error: Error) -> &'static str {
    match error {
        Error::TagTruncated => "tag_truncated",
        Error::LengthMissing => "length_missing",
        Error::LengthTruncated => "length_truncated",
        Error::IndefiniteLength => "indefinite_length",
        Error::ValueTruncated => "value_truncated",
        Error::TagTooLong | Error::LengthTooLong | Error::TooDeep | Error::TooMany => "limit",
    }
}

pub(super) fn dol(case: &Value) -> Outcome {
    let input = &case["input"];
    if !input["afl_94"].is_null() {
        return Ok(locator(&bytes(input, "afl_94")?));
    }
    if !input["cvm_list_8E"].is_null() {
        return Ok(cvm_list(&bytes(input, "cvm_list_8E")?));
    }
    let bytes = bytes(input, "dol")?;
    let Ok(list) = Dol::parse(&bytes) else {
        let mut prefixes = (0..bytes.len()).rev().filter_map(|end| bytes.get(..end));
        let before = prefixes
            .find_map(|prefix| Dol::parse(prefix).ok())
            .unwrap_or_default();
        return Ok(json!({ "result": "error", "valid_entries_before_error": entries(&before) }));
    };
    if input["data_objects"].is_null() {
        let total = list.fill(|_| None).len();
        return Ok(json!({ "result": "ok", "entries": entries(&list), "total_length": total }));
    }
    let values = objects(input, "data_objects")?;
    let value = |tag: Tag| {
        let found = values.iter().find(|(other, _)| *other == tag);
        found.map(|(_, value)| value.as_slice())
    };
    Ok(json!({ "result": "ok", "data": hex(&list.fill(value)) }))
}

fn entries(list: &Dol) -> Vec<Value> {
    let entries = list.entries().iter();
    entries
        .map(|(tag, length)| json!([tag.to_string(), length]))
        .collect()
}

fn locator(bytes: &[u8]) -> Value {
    let entries = match afl::parse(bytes) {
        Ok(entries) => entries,
        Err(error) => {
            return json!({ "result": "error", "reason": locator_reason(error) });
        }
    };
    let commands = entries.iter().flat_map(|entry| {
        let records = entry.records();
        records.map(|(record, _)| hex(&apdu::read_record(entry.sfi, record)))
    });
    let commands: Vec<String> = commands.collect();
    let rows = entries.iter().map(|entry| {
        json!({ "sfi": entry.sfi, "first": entry.first, "last": entry.last,
                "oda_records": entry.authenticated })
    });
    let rows: Vec<Value> = rows.collect();
    json!({ "result": "ok", "entries": rows, "read_record_commands": commands })
}

fn locator_reason(error: afl::Error) -> String {
    let words = match error {
        afl::Error::Empty => "empty",
        afl::Error::Length => "length not a multiple of 4",
        afl::Error::LowBits => "low three bits of the SFI byte not zero",
        afl::Error::FileIdentifier(sfi) => return format!("SFI {sfi}"),
        afl::Error::FirstRecord => "first record 0",
        afl::Error::LastRecord => "last record before first",
        afl::Error::Authenticated => "more ODA records than records",
    };
    words.to_owned()
}

fn cvm_list(bytes: &[u8]) -> Value {
    let refused = |reason: &str| json!({ "result": "error", "reason": reason });
    let Some(list) = CvmList::parse(bytes) else {
        return refused(if bytes.len() < 8 {
            "too short"
        } else {
            "odd length"
        });
    };
    // A list without a rule is an absent one to the kernel, an error to the vectors.
    if list.rules.is_empty() {
        return refused("no rule");
    }
    let rules = list.rules.iter().map(|rule| {
        json!({ "code": hex(&[rule.code]), "condition": hex(&[rule.condition]),
                "method": hex(&[rule.code & 0x3F]),
                "apply_next_if_unsuccessful": rule.continues() })
    });
    let rules: Vec<Value> = rules.collect();
    let (x, y) = (list.amount_x, list.amount_y);
    json!({ "result": "ok", "amount_x": x, "amount_y": y, "rules": rules })
}
