//! The rules a dialect keeps.

use std::collections::BTreeSet;

use super::{digits, length, line, rule};
use crate::parameters::{
    Content, Dialect, Encoding, FieldFormat, FieldLength, MacFormat, Padding, ParametersError,
};

const PATH: &str = "acquirer.dialect.custom";

/// Amount, trace number, response code and terminal: without them no answer can be told from that to
/// another request, and no reversal says what it reverses.
const NEEDED: [u8; 4] = [4, 11, 39, 41];

/// Checks a dialect; fails with the first value that breaks a rule. The engine checks again what it
/// runs on, and shares no code with this: what only it refused would fail every sale.
pub(super) fn check(dialect: &Dialect) -> Result<(), ParametersError> {
    line(&format!("{PATH}.name"), &dialect.name)?;
    length(&format!("{PATH}.header"), &dialect.header, 0, 16)?;
    rule(
        !dialect.header_is_tpdu || dialect.header.len() == 5,
        format!("{PATH}.header_is_tpdu"),
        "a TPDU has five bytes",
    )?;
    rule(
        matches!(
            dialect.message_type_encoding,
            Encoding::Ascii | Encoding::Bcd | Encoding::Ebcdic
        ),
        format!("{PATH}.message_type_encoding"),
        "expected ascii, bcd or ebcdic",
    )?;
    rule(
        matches!(
            dialect.bitmap_encoding,
            Encoding::Binary | Encoding::HexAscii
        ),
        format!("{PATH}.bitmap_encoding"),
        "expected binary or hex_ascii",
    )?;
    fields(&dialect.fields)?;
    rule(
        dialect.batch_number_field.is_none_or(|number| {
            let has = |field: &FieldFormat| field.number == number;
            dialect.fields.iter().any(has)
        }),
        format!("{PATH}.batch_number_field"),
        "the dialect has no such field",
    )?;
    if let Some(mac) = &dialect.mac {
        check_mac(*mac)?;
        key_serial_number_field("mac", mac.key_serial_number_field, &dialect.fields)?;
    }
    if let Some(pin) = &dialect.pin {
        rule(
            matches!(pin.block_format, 0 | 1 | 3 | 4),
            format!("{PATH}.pin.block_format"),
            "expected 0, 1, 3 or 4",
        )?;
        key_serial_number_field("pin", pin.key_serial_number_field, &dialect.fields)?;
    }
    codes(dialect)
}

fn fields(fields: &[FieldFormat]) -> Result<(), ParametersError> {
    let mut numbers = BTreeSet::new();
    for (index, field) in fields.iter().enumerate() {
        let path = format!("{PATH}.fields[{index}]");
        // Field 65 is the bit that announces a third bitmap, which ISO 8583:1987 does not use.
        rule(
            matches!(field.number, 2..=64 | 66..=128),
            format!("{path}.number"),
            "expected 2 to 128 and not 65",
        )?;
        rule(
            numbers.insert(field.number),
            format!("{path}.number"),
            "the field is listed twice",
        )?;
        rule(
            encoding_fits(field.content, field.encoding),
            format!("{path}.encoding"),
            "the content cannot be written so",
        )?;
        field_length(&format!("{path}.length"), field)?;
    }
    for number in NEEDED {
        rule(
            numbers.contains(&number),
            format!("{PATH}.fields"),
            &format!("field {number} is missing"),
        )?;
    }
    Ok(())
}

/// Whether a kind of content can be written in an encoding.
fn encoding_fits(content: Content, encoding: Encoding) -> bool {
    match content {
        Content::Numeric | Content::Track => {
            matches!(encoding, Encoding::Ascii | Encoding::Bcd | Encoding::Ebcdic)
        }
        // A sign is no digit.
        Content::Characters | Content::SignedNumeric => {
            matches!(encoding, Encoding::Ascii | Encoding::Ebcdic)
        }
        Content::Binary => matches!(encoding, Encoding::Binary | Encoding::HexAscii),
    }
}

fn field_length(path: &str, field: &FieldFormat) -> Result<(), ParametersError> {
    match field.length {
        FieldLength::Fixed(length) => rule(
            (1..=999).contains(&length),
            path,
            "expected a length of 1 to 999",
        ),
        FieldLength::Prefixed(prefix) => {
            let longest = match prefix.digits {
                1 => 9,
                2 => 99,
                3 => 999,
                _ => {
                    return Err(ParametersError::new(
                        path,
                        "expected a prefix of 1 to 3 digits",
                    ));
                }
            };
            rule(
                matches!(
                    prefix.encoding,
                    Encoding::Ascii | Encoding::Bcd | Encoding::Binary | Encoding::Ebcdic
                ),
                path,
                "a prefix is written in ascii, bcd, binary or ebcdic",
            )?;
            rule(
                (1..=longest).contains(&prefix.length_max),
                path,
                "the prefix cannot count the longest content",
            )?;
            let ends = field.encoding != Encoding::Bcd || field.padding == Padding::FRight;
            rule(
                ends || !prefix.counts_bytes,
                path,
                "a prefix that counts the bytes of digits needs f_right, which shows where they end",
            )
        }
    }
}

fn check_mac(mac: MacFormat) -> Result<(), ParametersError> {
    rule(
        (4..=8).contains(&mac.length),
        format!("{PATH}.mac.length"),
        "expected 4 to 8 bytes",
    )?;
    rule(
        matches!(mac.encoding, Encoding::Binary | Encoding::HexAscii),
        format!("{PATH}.mac.encoding"),
        "expected binary or hex_ascii",
    )
}

fn key_serial_number_field(
    user: &str,
    field: Option<u8>,
    fields: &[FieldFormat],
) -> Result<(), ParametersError> {
    let is_it =
        |format: &FieldFormat, number| format.number == number && format.content == Content::Binary;
    rule(
        field.is_none_or(|number| fields.iter().any(|format| is_it(format, number))),
        format!("{PATH}.{user}.key_serial_number_field"),
        "the dialect has no such field of bytes",
    )
}

fn codes(dialect: &Dialect) -> Result<(), ParametersError> {
    let codes = &dialect.processing_codes;
    for (name, code) in [
        ("sale", &codes.sale),
        ("sale_with_cashback", &codes.sale_with_cashback),
        ("refund", &codes.refund),
        ("balance_inquiry", &codes.balance_inquiry),
        ("pre_auth", &codes.pre_auth),
        ("pre_auth_complete", &codes.pre_auth_complete),
        ("void", &codes.void),
    ] {
        digits(&format!("{PATH}.processing_codes.{name}"), code, 6, 6)?;
    }
    let modes = &dialect.entry_modes;
    for (name, mode) in [
        ("manual", &modes.manual),
        ("magstripe", &modes.magstripe),
        ("magstripe_fallback", &modes.magstripe_fallback),
        ("contact", &modes.contact),
        ("contactless", &modes.contactless),
    ] {
        digits(&format!("{PATH}.entry_modes.{name}"), mode, 2, 2)?;
    }
    rule(
        dialect.chip_data_tags.len() <= 64,
        format!("{PATH}.chip_data_tags"),
        "expected 64 tags or fewer",
    )?;
    rule(
        (1..=16).contains(&dialect.approved_codes.len()),
        format!("{PATH}.approved_codes"),
        "expected 1 to 16 codes",
    )?;
    for (index, code) in dialect.approved_codes.iter().enumerate() {
        rule(
            code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            format!("{PATH}.approved_codes[{index}]"),
            "expected two letters or digits",
        )?;
    }
    Ok(())
}
