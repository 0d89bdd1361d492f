//! The codec against the vectors and against whatever bytes there are.

use proptest::prelude::*;
use serde_json::Value;

use super::dialect::{Content, FieldLength, LengthPrefix, Padding};
use super::*;

const VECTORS: &str = include_str!("../../../../tests/vectors/iso8583.json");

fn bytes(hex: &str) -> Vec<u8> {
    value::hexadecimal(hex.as_bytes()).expect("hexadecimal")
}

fn encoding(name: &str) -> Encoding {
    match name {
        "ascii" => Encoding::Ascii,
        "hexascii" => Encoding::HexAscii,
        "ebcdic" => Encoding::Ebcdic,
        "bin" | "binbytes" | "bindigits" => Encoding::Binary,
        "bcd" | "bcd0l" | "bcd0r" | "bcdFr" => Encoding::Bcd,
        other => panic!("unknown encoding {other}"),
    }
}

fn field(number: &str, row: &Value) -> FieldFormat {
    let name = row["enc"].as_str().expect("enc");
    let max = u16::try_from(row["max"].as_u64().expect("max")).expect("u16");
    let length = match row["len_enc"].as_str() {
        None => FieldLength::Fixed(max),
        Some(prefix) => FieldLength::Prefixed(LengthPrefix {
            digits: u8::try_from(row["len_digits"].as_u64().expect("digits")).expect("u8"),
            encoding: encoding(prefix),
            length_max: max,
            counts_bytes: prefix == "binbytes",
        }),
    };
    FieldFormat {
        number: number.parse().expect("number"),
        content: match (encoding(name), number) {
            (Encoding::Binary | Encoding::HexAscii, _) => Content::Binary,
            (Encoding::Bcd, "35") => Content::Track,
            (Encoding::Bcd, _) => Content::Numeric,
            (Encoding::Ascii | Encoding::Ebcdic, _) => Content::Characters,
        },
        encoding: encoding(name),
        length,
        padding: match name {
            "bcd0l" => Padding::ZerosLeft,
            "bcdFr" => Padding::FRight,
            "bcd0r" => Padding::ZerosRight,
            _ => Padding::SpacesRight,
        },
    }
}

fn codec(table: &Value, header: &str) -> Codec {
    let rows = table["fields"].as_object().expect("fields");
    let dialect = Dialect {
        header: bytes(header),
        message_type_encoding: encoding(table["mti"].as_str().expect("mti")),
        bitmap_encoding: encoding(table["bitmap"].as_str().expect("bitmap")),
        fields: rows
            .iter()
            .map(|(number, row)| field(number, row))
            .collect(),
        mac: None,
        pin: None,
        ..fields::built_in()
    };
    Codec::new(dialect).expect("a valid table")
}

#[test]
fn the_vectors_decode_and_encode_back() {
    let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
    let cases = vectors["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 17);
    for case in cases {
        let id = case["id"].as_str().expect("id");
        let table = &vectors["dialects"][case["dialect"].as_str().expect("dialect")];
        let codec = codec(table, case["header_hex"].as_str().unwrap_or(""));
        let raw = bytes(case["raw_hex"].as_str().expect("raw"));
        let decoded = codec.decode(&raw);
        if case["kind"] == "negative" {
            assert!(decoded.is_err(), "{id}");
            continue;
        }
        let message = decoded
            .unwrap_or_else(|error| panic!("{id}: {error:?}"))
            .message;
        let expected = case["expected"].as_object().expect("expected");
        assert_eq!(message.fields().count() + 1, expected.len(), "{id}");
        for (number, text) in expected {
            let text = text.as_str().expect("text");
            let number: u8 = number.parse().expect("number");
            if number == 0 {
                assert_eq!(message.message_type.to_digits(), text, "{id}");
                continue;
            }
            let found = message
                .field(number)
                .unwrap_or_else(|| panic!("{id}: field {number}"));
            let binary = codec.fields[&number].content == Content::Binary;
            let shown = if binary {
                to_hexadecimal(found)
            } else {
                found.to_vec()
            };
            assert_eq!(
                String::from_utf8_lossy(&shown),
                text,
                "{id}: field {number}"
            );
        }
        assert_eq!(*codec.encode(&message).expect("encodes"), raw, "{id}");
    }
}

#[test]
fn a_truncated_field_is_named() {
    let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
    let case = vectors["cases"]
        .as_array()
        .and_then(|cases| {
            cases
                .iter()
                .find(|case| case["id"] == "moov-field120-truncated")
        })
        .expect("the case");
    let codec = codec(&vectors["dialects"]["moovmixed"], "");
    let error = codec.decode(&bytes(case["raw_hex"].as_str().expect("raw")));
    assert_eq!(
        error,
        Err(Error {
            place: Place::Field(120),
            fault: Fault::Short {
                needed: 17,
                present: 16
            }
        })
    );
}

proptest! {
    #[test]
    fn whatever_decodes_encodes_to_what_decodes_the_same(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        bitmap in any::<[u8; 8]>(),
    ) {
        let codec = Codec::new(fields::built_in()).expect("the built-in table");
        for input in [noise.clone(), [b"0210", &bitmap[..], &noise].concat()] {
            if let Ok(decoded) = codec.decode(&input) {
                let again = codec.encode(&decoded.message).expect("encodes");
                prop_assert_eq!(codec.decode(&again), Ok(decoded));
            }
        }
    }
}
