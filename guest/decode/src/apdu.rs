//! Commands to a card, and commands with their responses.

use emv::words::{self, Instruction};
use emv::{Tag, tag};

use crate::element::quoted;
use crate::node::counted;
use crate::veil::Veiled;
use crate::verification::capital;
use crate::{Decoded, HexError, Reading, Secrets, answer, element, hex, tlv};

/// The INS bytes whose data is a PIN or holds one, in whatever form.
const PIN_INSTRUCTIONS: [u8; 4] = [0x20, 0x21, 0x24, 0x2C];

/// Decodes a command APDU.
///
/// Fails when `text` is not hexadecimal.
pub fn command(text: &str, secrets: Secrets) -> Result<Decoded, HexError> {
    let bytes = hex::parse(text)?;
    Ok(command_node(&bytes, 0, Reading::new(secrets)))
}

/// Decodes a response APDU. The response to GET PROCESSING OPTIONS or GENERATE AC in format 1 is
/// decoded when `instruction`, the INS byte it answers, is told.
///
/// Fails when `text` is not hexadecimal.
pub fn response(
    text: &str,
    instruction: Option<u8>,
    secrets: Secrets,
) -> Result<Decoded, HexError> {
    let bytes = hex::parse(text)?;
    Ok(answer::node(&bytes, instruction, Reading::new(secrets)))
}

/// Decodes a command and the response to it.
///
/// Fails when a text is not hexadecimal.
pub fn exchange(command: &str, response: &str, secrets: Secrets) -> Result<Decoded, HexError> {
    let (command, response) = (hex::parse(command)?, hex::parse(response)?);
    let reading = Reading::new(secrets);
    let instruction = command.get(1).copied();
    Ok(Decoded::new(0, "", "Command and response").children(vec![
        command_node(&command, 0, reading),
        answer::node(&response, instruction, reading),
    ]))
}

/// The node of a command that starts at `offset`.
pub(crate) fn command_node(bytes: &[u8], offset: usize, reading: Reading) -> Decoded {
    let Some((header, body)) = bytes.split_first_chunk::<4>() else {
        let veiled = Veiled::scanned(bytes, reading.secrets);
        return Decoded::new(offset, "", "Command")
            .raw(&veiled)
            .fault(format!("byte {offset}: a command has at least four bytes"));
    };
    let [class, ins, p1, p2] = *header;
    let instruction = words::command(ins);
    let mut node = Decoded::new(
        offset,
        "",
        instruction.map_or("Unknown command", |row| row.name),
    );
    node.section = instruction.map(|row| row.section.into());
    let byte = |place: usize, label: &str, byte: u8, name: &str| {
        let bytes = [byte];
        let veiled = Veiled::scanned(&bytes, reading.secrets);
        Decoded::new(offset.saturating_add(place), label, name).raw(&veiled)
    };
    let (p1_words, p2_words) = parameters(ins, p1, p2);
    node.children = vec![
        byte(0, "CLA", class, "Class").value(class_words(class)),
        byte(1, "INS", ins, "Instruction").maybe(instruction.map(|row| row.name.to_owned())),
        byte(2, "P1", p1, "Parameter 1").maybe(p1_words),
        byte(3, "P2", p2, "Parameter 2").maybe(p2_words),
    ];
    let body_at = offset.saturating_add(4);
    match body {
        [] => {}
        [length] => {
            let words = match *length {
                0 => "as many bytes as there are".to_owned(),
                count => counted(count.into(), "byte"),
            };
            let expected = byte(4, "Le", *length, "Response expected");
            node.children.push(expected.value(words));
        }
        [length, rest @ ..] => {
            let wanted = usize::from(*length);
            let (data, after) = rest.split_at_checked(wanted).unwrap_or((rest, &[]));
            let announced = byte(4, "Lc", *length, "Length of the data");
            node.children.push(announced.value(counted(wanted, "byte")));
            let data_at = body_at.saturating_add(1);
            let mut whole = data_node(class, ins, data, data_at, reading);
            if data.len() < wanted {
                whole = whole.fault(format!(
                    "byte {data_at}: Lc announces {}, and has {}",
                    counted(wanted, "byte"),
                    data.len()
                ));
            }
            node.children.push(whole);
            let end = data_at.saturating_add(data.len());
            node = tail(node, ins, after, end, reading);
        }
    }
    node
}

/// What comes after the data of a command: Le, or what does not belong there.
fn tail(mut node: Decoded, ins: u8, after: &[u8], at: usize, reading: Reading) -> Decoded {
    let veiled = if PIN_INSTRUCTIONS.contains(&ins) && after.len() > 1 {
        Veiled::never(after)
    } else {
        Veiled::scanned(after, reading.secrets)
    };
    match after {
        [] => {}
        [_] => node
            .children
            .push(Decoded::new(at, "Le", "Response expected").raw(&veiled)),
        more => {
            node.children.push(
                Decoded::new(at, "", "Not decoded")
                    .raw(&veiled)
                    .fault(format!(
                        "byte {at}: {} after the data",
                        counted(more.len(), "byte")
                    )),
            );
        }
    }
    node
}

/// The data of a command.
fn data_node(class: u8, ins: u8, data: &[u8], at: usize, reading: Reading) -> Decoded {
    let node = Decoded::new(at, "", "Data");
    if PIN_INSTRUCTIONS.contains(&ins) {
        return node
            .raw(&Veiled::never(data))
            .value("holds a PIN and is never shown");
    }
    let veiled = Veiled::scanned(data, reading.secrets);
    let secured = class & 0x0C == 0x0C || class & 0x0F == 0x04;
    match ins {
        0xA8 | 0xA4 if data.first() == Some(&0x83) => {
            node.children(tlv::objects(data, None, at, reading))
        }
        0xA4 => Decoded::new(at, "", "Name")
            .raw(&veiled)
            .maybe(veiled.text().map(quoted)),
        0x82 if (8..=16).contains(&data.len()) && !secured => {
            element::object(tag::ISSUER_AUTHENTICATION_DATA, None, data, at, reading)
        }
        0xAE | 0x88 => node
            .raw(&veiled)
            .value("the values of a data object list; see tenon decode dol"),
        _ => node.raw(&veiled),
    }
}

fn class_words(class: u8) -> String {
    let kind = match class >> 4 {
        0x0 => "ISO 7816",
        0x8 => "EMV",
        0x9..=0xF => "proprietary",
        _ => "reserved",
    };
    let messaging = match class & 0x0F {
        0x4 => ", secure messaging",
        0xC => ", secure messaging with the header in it",
        _ => "",
    };
    format!("{kind}{messaging}")
}

/// What P1 and P2 say.
fn parameters(ins: u8, p1: u8, p2: u8) -> (Option<String>, Option<String>) {
    let some = |words: &str| Some(words.to_owned());
    match ins {
        0xA4 => (
            (p1 == 0x04).then(|| "by name".to_owned()),
            match p2 {
                0x00 => some("first or only occurrence"),
                0x02 => some("next occurrence"),
                _ => None,
            },
        ),
        0xB2 | 0xDC => (
            Some(format!("record {p1}")),
            (p2 & 0x07 == 0x04).then(|| format!("SFI {}", p2 >> 3)),
        ),
        0xAE => (Some(reference_control(p1)), None),
        0x20 => (
            None,
            match p2 {
                0x80 => some("plaintext PIN"),
                0x88 => some("enciphered PIN"),
                _ => None,
            },
        ),
        0x24 => (
            None,
            match p2 {
                0x00 => some("PIN unblocked"),
                0x01 | 0x02 => some("PIN changed"),
                _ => None,
            },
        ),
        0xCA | 0xDA => {
            let number = u32::from(u16::from_be_bytes([p1, p2]));
            let tag = Tag::new(number);
            let name = tag.element().map_or("unknown", |element| element.name);
            (None, Some(format!("tag {tag}: {name}")))
        }
        _ => (None, None),
    }
}

/// P1 of GENERATE AC (EMV 4.4 Book 3, 6.5.5.2, table 11).
fn reference_control(p1: u8) -> String {
    let signature = match p1 & 0x18 {
        0x10 => ", with a CDA signature",
        0x08 => ", with an XDA signature",
        0x18 => ", with a reserved signature",
        _ => "",
    };
    capital(words::cryptogram_type(p1)) + signature
}

/// The command with this INS byte or this name, such as `GPO`, `GENERATE AC` or `AE`.
pub fn instruction(text: &str) -> Option<&'static Instruction> {
    let plain = |text: &str| {
        text.chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|character| character.to_ascii_uppercase())
            .collect::<String>()
    };
    let wanted = plain(text);
    if wanted == "GPO" {
        return words::command(0xA8);
    }
    words::INSTRUCTIONS
        .iter()
        .find(|row| plain(row.name) == wanted || format!("{:02X}", row.code) == wanted)
}
