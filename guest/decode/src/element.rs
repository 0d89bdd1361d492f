//! One data element: its value in words and its parts.

use emv::bits::BitString;
use emv::tag::{self, Element, Format, Sensitivity};
use emv::{Tag, words};
use engine::iso8583::words::response_code;

use crate::node::counted;
use crate::veil::Veiled;
use crate::{Decoded, HexError, Reading, Secrets, apdu, bits, codes, dol, hex, tlv, verification};

/// Elements that can be decoded by themselves, without tag and length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Terminal Verification Results, or an action code.
    Tvr,
    /// Transaction Status Information.
    Tsi,
    /// Application Interchange Profile.
    Aip,
    /// Application Usage Control.
    Auc,
    /// CVM Results when there are three bytes, else a CVM List.
    Cvm,
    /// Cryptogram Information Data.
    Cid,
    /// Additional Terminal Capabilities when there are five bytes, else Terminal Capabilities.
    Capabilities,
}

impl Kind {
    const fn tag(self, length: usize) -> Tag {
        match (self, length) {
            (Self::Tvr, _) => tag::TVR,
            (Self::Tsi, _) => tag::TSI,
            (Self::Aip, _) => tag::AIP,
            (Self::Auc, _) => tag::APPLICATION_USAGE_CONTROL,
            (Self::Cvm, 3) => tag::CVM_RESULTS,
            (Self::Cvm, _) => tag::CVM_LIST,
            (Self::Cid, _) => tag::CRYPTOGRAM_INFORMATION_DATA,
            (Self::Capabilities, 5) => tag::ADDITIONAL_TERMINAL_CAPABILITIES,
            (Self::Capabilities, _) => tag::TERMINAL_CAPABILITIES,
        }
    }
}

/// Decodes the value of one element; of a bit string every bit is listed, the set ones first.
///
/// Fails when `text` is not hexadecimal.
pub fn element(kind: Kind, text: &str) -> Result<Decoded, HexError> {
    let bytes = hex::parse(text)?;
    let reading = Reading {
        all_bits: true,
        ..Reading::new(Secrets::Hidden)
    };
    Ok(object(kind.tag(bytes.len()), None, &bytes, 0, reading))
}

/// The node of a data object with this value, which starts at `offset`.
pub(crate) fn object(
    tag: Tag,
    template: Option<Tag>,
    bytes: &[u8],
    offset: usize,
    reading: Reading,
) -> Decoded {
    let other = template.and_then(|template| tag.name_within(template));
    let row = tag.element().filter(|_| other.is_none());
    let name = other.or(row.map(|row| row.name)).unwrap_or("Unknown");
    let mut node = Decoded::new(offset, tag.to_string(), name);
    let opened = tag.is_constructed() || tag == tag::CARD_BIT_GROUP_TEMPLATE;
    if let (true, Some(reading)) = (opened, reading.deeper()) {
        return node.children(tlv::objects(bytes, Some(tag), offset, reading));
    }
    let veiled = veiled(tag, row, bytes, reading.secrets);
    node = node.raw(&veiled);
    if opened {
        return node.fault(format!(
            "byte {offset}: more templates within each other than are opened"
        ));
    }
    if let Some(fault) = row.and_then(|row| length_fault(row, bytes.len(), offset)) {
        node = node.fault(fault);
    } else if let Some(rows) = row.and_then(|_| BitString::of(tag)) {
        node = node.section(rows.section);
        node.children = bits::bits(rows, bytes, offset, reading);
    } else if let Some(row) = row {
        node = structure(node, row, bytes, reading);
        if node.children.is_empty() && node.value.is_none() {
            node = node.maybe(in_words(row, bytes, &veiled));
        }
    } else {
        node = node.maybe(veiled.text().map(quoted));
    }
    node
}

/// What may be seen of a value: what its row says, and what is never seen.
pub(crate) fn veiled<'a>(
    tag: Tag,
    row: Option<&Element>,
    bytes: &'a [u8],
    secrets: Secrets,
) -> Veiled<'a> {
    let sensitive = row.is_some_and(|row| row.sensitivity == Sensitivity::Sensitive);
    match (tag, row.map(|row| row.format)) {
        (tag::PIN_DATA, _) => Veiled::never(bytes),
        (tag::TRACK_2_EQUIVALENT_DATA | tag::TRACK_2_DATA, _) => Veiled::track(bytes, secrets),
        (_, Some(Format::Cn | Format::N))
            if sensitive && tag != tag::TRACK_2_DISCRETIONARY_DATA =>
        {
            Veiled::number(bytes, secrets)
        }
        _ if sensitive => Veiled::secret(bytes, secrets),
        _ => Veiled::scanned(bytes, secrets),
    }
}

fn length_fault(row: &Element, length: usize, offset: usize) -> Option<String> {
    let (least, most) = (row.length.start(), row.length.end());
    let wanted = match row.allows(length) {
        true => return None,
        false if least == most => format!("has {}", counted((*least).into(), "byte")),
        false => format!("has {least} to {most} bytes"),
    };
    Some(format!(
        "byte {offset}: {} {wanted}, not {length}",
        row.name
    ))
}

/// The parts of an element that has some.
fn structure(node: Decoded, row: &Element, bytes: &[u8], reading: Reading) -> Decoded {
    let offset = node.offset;
    let with = |(children, fault): (Vec<Decoded>, Option<String>)| {
        let node = node.clone().children(children);
        match fault {
            Some(fault) => node.fault(fault),
            None => node,
        }
    };
    match (row.tag, bytes) {
        (tag::CDOL1 | tag::CDOL2 | tag::PDOL | tag::DDOL | tag::TDOL | tag::LOG_FORMAT, _) => {
            with(dol::entries(bytes, offset))
        }
        (tag::SDA_TAG_LIST, _) => with(dol::tags(bytes, offset)),
        (tag::AFL, _) => with(codes::file_locator(bytes, offset)).section("EMV 4.4 Book 3, 10.2"),
        (tag::CVM_LIST, _) => {
            with(verification::list(bytes, offset)).section("EMV 4.4 Book 3, Annex C3")
        }
        (tag::CVM_RESULTS, [method, condition, result]) => node
            .children(verification::results(
                [*method, *condition, *result],
                offset,
            ))
            .section("EMV 4.4 Book 4, Annex A4"),
        (tag::CRYPTOGRAM_INFORMATION_DATA, [byte]) => node
            .children(codes::cryptogram_information(*byte, offset))
            .section("EMV 4.4 Book 3, 6.5.5.4, table 15"),
        (tag::ISSUER_SCRIPT_RESULTS, _) => {
            with(codes::script_results(bytes, offset)).section("EMV 4.4 Book 4, Annex A5")
        }
        (tag::ISSUER_SCRIPT_COMMAND, _) => match reading.deeper() {
            // The command shows its own bytes, less what no one may see.
            Some(reading) => Decoded { raw: None, ..node }
                .children(vec![apdu::command_node(bytes, offset, reading)]),
            None => Decoded { raw: None, ..node },
        },
        _ => node,
    }
}

/// The value of an element without parts.
fn in_words(row: &Element, bytes: &[u8], veiled: &Veiled<'_>) -> Option<String> {
    let number = || {
        bytes
            .iter()
            .try_fold(0_u64, |sum, byte| {
                sum.checked_mul(256)?.checked_add(u64::from(*byte))
            })
            .map(|number| number.to_string())
    };
    match (row.tag, bytes) {
        _ if veiled.hides() && row.format != Format::Cn => veiled.text().map(quoted),
        (
            tag::TRANSACTION_DATE
            | tag::APPLICATION_EXPIRATION_DATE
            | tag::APPLICATION_EFFECTIVE_DATE,
            _,
        ) => codes::date(bytes),
        (tag::TRANSACTION_TIME, _) => codes::time(bytes),
        (tag::TRANSACTION_TYPE, [code]) => words::transaction_type(*code).map(str::to_owned),
        (tag::TERMINAL_TYPE, [code]) => codes::terminal_type(*code),
        (tag::AUTHORISATION_RESPONSE_CODE, _) => response(bytes).or(veiled.text().map(quoted)),
        (tag::AMOUNT_AUTHORISED | tag::AMOUNT_OTHER, _) => {
            significant(&veiled.hexadecimal()).map(|digits| digits + " minor units")
        }
        (
            tag::AMOUNT_AUTHORISED_BINARY
            | tag::AMOUNT_OTHER_BINARY
            | tag::AMOUNT_REFERENCE_CURRENCY
            | tag::TERMINAL_FLOOR_LIMIT,
            _,
        ) => number().map(|digits| digits + " minor units"),
        (
            tag::ATC
            | tag::LAST_ONLINE_ATC
            | tag::PIN_TRY_COUNTER
            | tag::LOWER_CONSECUTIVE_OFFLINE_LIMIT
            | tag::UPPER_CONSECUTIVE_OFFLINE_LIMIT
            | tag::SFI,
            _,
        ) => number(),
        (tag::APPLICATION_PRIORITY_INDICATOR, [byte]) => Some(priority(*byte)),
        _ => match row.format {
            Format::A | Format::An | Format::Ans | Format::Var => veiled.text().map(quoted),
            Format::B => None,
            Format::Cn => {
                let whole = veiled.hexadecimal();
                let digits = whole.trim_end_matches('F');
                (digits != whole).then(|| digits.to_owned())
            }
            Format::N => significant(&veiled.hexadecimal()),
        },
    }
}

/// Tag 87 (EMV 4.4 Book 1, 12.2.3, table 13).
fn priority(byte: u8) -> String {
    let confirmed = if byte & 0x80 == 0 {
        ""
    } else {
        ", only with the cardholder's confirmation"
    };
    match byte & 0x0F {
        0 => format!("no priority{confirmed}"),
        priority => format!("priority {priority}{confirmed}"),
    }
}

/// Tag 8A: what the issuer, or the terminal in its place, answered (EMV 4.4 Book 4, Annex A6).
fn response(code: &[u8]) -> Option<String> {
    let own = match code {
        b"Y1" => "offline approved",
        b"Z1" => "offline declined",
        b"Y3" => "unable to go online, offline approved",
        b"Z3" => "unable to go online, offline declined",
        _ => response_code(code)?,
    };
    Some(format!("{}: {own}", String::from_utf8_lossy(code)))
}

/// Digits without their leading zeros; `None` when a character is none.
fn significant(digits: &str) -> Option<String> {
    let all = digits.bytes().all(|digit| digit.is_ascii_digit());
    let trimmed = digits.trim_start_matches('0');
    all.then(|| if trimmed.is_empty() { "0" } else { trimmed }.to_owned())
}

pub(crate) fn quoted(mut text: String) -> String {
    text.insert(0, '"');
    text.push('"');
    text
}
