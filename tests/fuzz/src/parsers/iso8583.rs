//! Messages of the acquirer.

use engine::iso8583::dialect::{Content, Dialect, Encoding, FieldFormat, FieldLength, Padding};
use engine::iso8583::{Codec, fields};

use crate::input::{Input, pick};

/// A message, in the built-in dialect or in one written otherwise.
pub fn iso8583(data: &[u8]) {
    let mut input = Input::new(data);
    let [dialect, variant] = input.array();
    let data = input.remainder();
    let dialect = if dialect % 2 == 0 {
        fields::built_in()
    } else {
        varied(fields::built_in(), variant)
    };
    let Ok(codec) = Codec::new(dialect) else {
        return;
    };
    let Ok(decoded) = codec.decode(data) else {
        return;
    };
    let message = &decoded.message;
    let total: usize = message.fields().map(|(_, value)| value.len()).sum();
    assert!(total <= data.len().saturating_mul(2), "no value is made up");
    assert!(message.fields().all(|(number, _)| codec.knows(number)));
    let shown = format!("{decoded:?}");
    assert!(shown.len() <= 1024, "field numbers only: {shown}");
    if let Some(covered) = &decoded.authenticated {
        let body = data.get(codec.dialect().header.len()..).unwrap_or_default();
        assert!(body.starts_with(covered), "what a code covers comes first");
    }
    let Ok(written) = codec.encode(message) else {
        // A message longer than the link carries, and nothing else.
        assert!(data.len() > 8192);
        return;
    };
    let again = codec.decode(&written).map(|again| again.message);
    assert_eq!(again.as_ref(), Ok(message), "a message says the same again");
}

/// The dialect in other encodings: `variant` picks one for each kind of content.
fn varied(dialect: Dialect, variant: u8) -> Dialect {
    let numeric = [Encoding::Ascii, Encoding::Bcd, Encoding::Ebcdic];
    let binary = [Encoding::Binary, Encoding::HexAscii];
    let padding = [
        Padding::ZerosLeft,
        Padding::ZerosRight,
        Padding::FRight,
        Padding::SpacesRight,
    ];
    let digits = pick(&numeric, variant, Encoding::Ascii);
    let bytes = pick(&binary, variant >> 2, Encoding::Binary);
    let padding = pick(&padding, variant >> 3, Padding::ZerosLeft);
    let counts_bytes = variant & 0x20 != 0;
    let field = |format: FieldFormat| {
        let encoding = match format.content {
            Content::Numeric | Content::Track => digits,
            Content::Binary => bytes,
            Content::Characters if digits == Encoding::Ebcdic => Encoding::Ebcdic,
            Content::Characters | Content::SignedNumeric => Encoding::Ascii,
        };
        let padding = match format.content {
            Content::Numeric | Content::Track => padding,
            Content::Characters | Content::SignedNumeric | Content::Binary => format.padding,
        };
        let length = match format.length {
            FieldLength::Prefixed(mut prefix) => {
                prefix.encoding = digits;
                prefix.counts_bytes = counts_bytes;
                FieldLength::Prefixed(prefix)
            }
            fixed @ FieldLength::Fixed(_) => fixed,
        };
        FieldFormat {
            encoding,
            padding,
            length,
            ..format
        }
    };
    Dialect {
        header: Vec::new(),
        header_is_tpdu: false,
        message_type_encoding: digits,
        bitmap_encoding: bytes,
        fields: dialect.fields.into_iter().map(field).collect(),
        mac: None,
        ..dialect
    }
}
