//! Messages in the built-in dialect.

use engine::iso8583::anatomy::{Anatomy, Part};
use engine::iso8583::words::response_code;
use engine::iso8583::{Codec, Error, Fault, MessageType, Place, fields};

use crate::element::quoted;
use crate::node::counted;
use crate::veil::Veiled;
use crate::{Decoded, HexError, Reading, Secrets, hex, tlv};

/// Decodes a message of the engine's own dialect: from the message type on, without a prefix of
/// length.
///
/// Fails when `text` is not hexadecimal.
pub fn iso8583(text: &str, secrets: Secrets) -> Result<Decoded, HexError> {
    let bytes = hex::parse(text)?;
    let root = Decoded::new(0, "", "ISO 8583:1987 message");
    // The engine's own tests hold its table to be a dialect.
    let Ok(codec) = Codec::new(fields::built_in()) else {
        return Ok(root.fault("the built-in dialect is none"));
    };
    let anatomy = codec.take_apart(&bytes);
    let mut children: Vec<_> = anatomy
        .parts
        .iter()
        .map(|part| part_node(part, secrets))
        .collect();
    if let Some(error) = anatomy.error {
        let rest = bytes.get(anatomy.covered..).unwrap_or_default();
        children.push(rest_node(rest, &anatomy, error, secrets));
    }
    Ok(root.children(children))
}

fn part_node(part: &Part, secrets: Secrets) -> Decoded {
    match part.place {
        Place::MessageType => message_type(part),
        Place::Bitmap => bitmap(part),
        Place::Field(number) => field(number, part, secrets),
        Place::Header | Place::End => {
            Decoded::new(part.offset, "", "Header").raw(&Veiled::scanned(&part.value, secrets))
        }
    }
}

fn message_type(part: &Part) -> Decoded {
    let digits = String::from_utf8_lossy(&part.value).into_owned();
    let words = digits
        .parse()
        .ok()
        .and_then(MessageType::new)
        .map(MessageType::in_words);
    let node = Decoded::new(part.offset, "MTI", "Message type");
    node.value(match words {
        Some(words) => format!("{digits}, {words}"),
        None => digits,
    })
}

fn bitmap(part: &Part) -> Decoded {
    let numbers: Vec<String> = part
        .value
        .iter()
        .flat_map(|byte| (0..8_u32).rev().map(move |shift| (byte >> shift) & 1 == 1))
        .zip(1_u8..)
        .filter(|(set, number)| *set && *number > 1)
        .map(|(_, number)| number.to_string())
        .collect();
    Decoded::new(part.offset, "", "Bitmap")
        .raw(&Veiled::scanned(&part.value, Secrets::Hidden))
        .value(format!("fields {}", numbers.join(", ")))
}

fn field(number: u8, part: &Part, secrets: Secrets) -> Decoded {
    let value = part.value.as_slice();
    let name = fields::name(number).unwrap_or("Unknown");
    let node = Decoded::new(part.offset, number.to_string(), name);
    match number {
        2 | 35 => node.maybe(Veiled::characters(value, secrets).text()),
        45 => node.maybe(Veiled::secret(value, secrets).text()),
        52 => node
            .raw(&Veiled::never(value))
            .value("a PIN block, never shown"),
        // The prefix of three digits comes before the value.
        55 => {
            let at = part.offset.saturating_add(3);
            node.children(tlv::objects(value, None, at, Reading::new(secrets)))
        }
        62..=64 | 128 => node.raw(&Veiled::scanned(value, secrets)),
        90 => node.children(original(value, part.offset, secrets)),
        _ => {
            let veiled = Veiled::scanned(value, secrets);
            let text = veiled.text().unwrap_or_default();
            node.value(match words(number, value) {
                Some(words) => format!("{text}, {words}"),
                None if text.trim() == text => text,
                None => quoted(text),
            })
        }
    }
}

/// The codes that have words.
fn words(number: u8, value: &[u8]) -> Option<String> {
    let text = core::str::from_utf8(value).ok()?;
    match number {
        3 => {
            let kind = u8::from_str_radix(text.get(..2)?, 16).ok()?;
            emv::words::transaction_type(kind).map(str::to_owned)
        }
        4 => {
            let digits = text.trim_start_matches('0');
            let digits = if digits.is_empty() { "0" } else { digits };
            Some(format!("{digits} minor units"))
        }
        39 => response_code(value).map(str::to_owned),
        _ => None,
    }
}

/// Field 90: what it says of the original message (ISO 8583:1987, 4.3.13).
fn original(value: &[u8], offset: usize, secrets: Secrets) -> Vec<Decoded> {
    let mut rest = value;
    let mut at = offset;
    let mut children = Vec::new();
    for (length, name) in [
        (4, "Message type"),
        (6, "Systems trace audit number"),
        (10, "Transmission date and time"),
        (11, "Acquiring institution identification code"),
        (11, "Forwarding institution identification code"),
    ] {
        let (part, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        children.push(Decoded::new(at, "", name).maybe(Veiled::scanned(part, secrets).text()));
        at = at.saturating_add(part.len());
        rest = after;
    }
    children
}

/// What could not be read. Where a field starts in it is not known, so it is hidden when it holds
/// one that must not be seen.
fn rest_node(rest: &[u8], anatomy: &Anatomy, error: Error, secrets: Secrets) -> Decoded {
    let at = anatomy.covered;
    let holds = |numbers: &[u8]| anatomy.unread.iter().any(|unread| numbers.contains(unread));
    let veiled = if holds(&[52]) {
        Veiled::never(rest)
    } else if holds(&[2, 35, 45, 55]) {
        Veiled::secret(rest, secrets)
    } else {
        Veiled::scanned(rest, secrets)
    };
    let mut node = Decoded::new(at, "", "Not decoded");
    if !rest.is_empty() {
        node = node.raw(&veiled);
    }
    let place = match error.place {
        Place::Header => "the header".to_owned(),
        Place::MessageType => "the message type".to_owned(),
        Place::Bitmap => "the bitmap".to_owned(),
        Place::Field(number) => format!("field {number}"),
        Place::End => "the end".to_owned(),
    };
    let fault = match (error.place, error.fault) {
        (Place::End, _) => format!("{} after the last field", counted(rest.len(), "byte")),
        (Place::Field(number), _) if fields::name(number).is_none() => {
            format!("{place} is not in the dialect")
        }
        (_, Fault::Short { needed, present }) => {
            format!(
                "{place} needs {}, and has {present}",
                counted(needed, "byte")
            )
        }
        (_, Fault::Length) => format!("{place} is longer than it may be"),
        (_, Fault::Prefix) => format!("the length of {place} is no number"),
        (_, Fault::Content) => format!("{place} holds what it may not hold"),
    };
    node.fault(format!("byte {at}: {fault}"))
}
