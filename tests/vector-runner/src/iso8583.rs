//! ISO 8583 messages, each in the dialect of its case.

use emv::vectors::fields::{bytes, hex, optional, small, text};
use engine::iso8583::dialect::{
    Content, Dialect, Encoding, FieldFormat, FieldLength, LengthPrefix, Padding,
};
use engine::iso8583::{Codec, Error, Fault, Message, fields};
use serde_json::{Map, Value, json};

use crate::kinds::{Case, Outcome, no_other_expectation};

/// The members of a case that say what is expected.
const EXPECTED: [&str; 5] = [
    "kind",
    "expected",
    "expected_error",
    "trailing_bytes",
    "re_encodes_identical",
];

/// What a case expects: fields, or an error.
pub(crate) fn expected(case: &Value) -> Outcome {
    let known = ["expected", "expected_error", "expected_values_from"];
    no_other_expectation(case, &known)?;
    let present = EXPECTED.iter().filter(|name| !case[**name].is_null());
    let members = present.map(|name| ((*name).to_owned(), case[*name].clone()));
    let members: Map<String, Value> = members.collect();
    match (case["expected"].is_object(), &case["expected_error"]) {
        (true, Value::Null) | (false, Value::String(_)) => Ok(Value::Object(members)),
        _ => Err("the case has neither fields nor an error that it expects".to_owned()),
    }
}

pub(crate) fn run(case: Case<'_>) -> Outcome {
    let Case { file, case } = case;
    let tables = &file["dialects"];
    let table = &tables[text(case, "dialect")?];
    let raw = bytes(case, "raw_hex")?;
    let header = match optional(bytes, case, "header_hex")? {
        Some(header) => header,
        None => vec![0; usize::from(small::<u8>(table, "header_bytes")?)],
    };
    let dialect = dialect(table, header)?;
    let binary = |number: u8| {
        let row = dialect.fields.iter().find(|field| field.number == number);
        row.is_some_and(|field| field.content == Content::Binary)
    };
    let codec = Codec::new(dialect.clone()).map_err(|error| format!("no dialect: {error:?}"))?;
    let message = match codec.decode(&raw) {
        Ok(decoded) => decoded.message,
        Err(error) => {
            let error = words(error, raw.len());
            return Ok(json!({ "kind": "negative", "expected_error": error }));
        }
    };
    let again = codec.encode(&message);
    Ok(json!({
        "kind": "positive",
        "expected": shown(&message, case, binary)?,
        // A message with anything after it is not decoded.
        "trailing_bytes": 0,
        "re_encodes_identical": again.is_ok_and(|again| *again == raw),
    }))
}

/// The fields by number. Fails for one that the case does not name.
fn shown(message: &Message, case: &Value, binary: impl Fn(u8) -> bool) -> Outcome {
    let expected = &case["expected"];
    let mut fields = Map::new();
    fields.insert("0".to_owned(), json!(message.message_type.to_digits()));
    for (number, value) in message.fields() {
        let name = number.to_string();
        if expected[&name].is_null() && !expected.is_null() {
            return Err(format!("field {number} is in the message too"));
        }
        let text = if binary(number) {
            hex(value)
        } else {
            String::from_utf8_lossy(value).into_owned()
        };
        fields.insert(name, json!(text));
    }
    Ok(Value::Object(fields))
}

/// An error in the vectors' words. All that is left is too short, so its length gives the place.
fn words(error: Error, length: usize) -> String {
    match error.fault {
        Fault::Short { needed, present } => {
            let place = length.saturating_sub(present);
            format!("short at {place} need {needed} have {present}")
        }
        Fault::Length | Fault::Prefix | Fault::Content => {
            format!("{:?} of {:?}", error.fault, error.place)
        }
    }
}

fn dialect(table: &Value, header: Vec<u8>) -> Result<Dialect, String> {
    let rows = table["fields"]
        .as_object()
        .ok_or("the file has no such dialect")?;
    let rows = rows.iter().map(|(number, row)| field(number, row));
    Ok(Dialect {
        header,
        message_type_encoding: encoding(text(table, "mti")?)?,
        bitmap_encoding: encoding(text(table, "bitmap")?)?,
        fields: rows.collect::<Result<_, _>>()?,
        mac: None,
        pin: None,
        ..fields::built_in()
    })
}

fn field(number: &str, row: &Value) -> Result<FieldFormat, String> {
    let name = text(row, "enc")?;
    let max = small(row, "max")?;
    let length = match optional(text, row, "len_enc")? {
        None => FieldLength::Fixed(max),
        Some(prefix) => FieldLength::Prefixed(LengthPrefix {
            digits: small(row, "len_digits")?,
            encoding: encoding(prefix)?,
            length_max: max,
            counts_bytes: prefix == "binbytes",
        }),
    };
    let encoding = encoding(name)?;
    Ok(FieldFormat {
        number: number
            .parse()
            .map_err(|_| format!("{number} is no field"))?,
        content: match (encoding, number) {
            (Encoding::Binary | Encoding::HexAscii, _) => Content::Binary,
            (Encoding::Bcd, "35") => Content::Track,
            (Encoding::Bcd, _) => Content::Numeric,
            (Encoding::Ascii | Encoding::Ebcdic, _) => Content::Characters,
        },
        encoding,
        length,
        padding: match name {
            "bcd0l" => Padding::ZerosLeft,
            "bcdFr" => Padding::FRight,
            "bcd0r" => Padding::ZerosRight,
            _ => Padding::SpacesRight,
        },
    })
}

fn encoding(name: &str) -> Result<Encoding, String> {
    match name {
        "ascii" => Ok(Encoding::Ascii),
        "hexascii" => Ok(Encoding::HexAscii),
        "ebcdic" => Ok(Encoding::Ebcdic),
        "bin" | "binbytes" | "bindigits" => Ok(Encoding::Binary),
        "bcd" | "bcd0l" | "bcd0r" | "bcdFr" => Ok(Encoding::Bcd),
        other => Err(format!("no dialect is written in {other}")),
    }
}
