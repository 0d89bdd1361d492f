//! The answer to reset (ISO 7816-3:2006, 8; EMV 4.4 Book 1, 8).

use crate::element::quoted;
use crate::node::counted;
use crate::veil::{Secrets, Veiled};
use crate::{Decoded, HexError, hex};

/// How many groups of interface bytes are read: more than 32 bytes hold.
const GROUPS_MAX: usize = 8;

/// Clock rate conversion integers (ISO 7816-3:2006, 8.3, table 7); 0 is reserved.
const CLOCK_RATES: [u16; 16] = [
    372, 372, 558, 744, 1116, 1488, 1860, 0, 0, 512, 768, 1024, 1536, 2048, 0, 0,
];

/// Baud rate adjustment integers (ISO 7816-3:2006, 8.3, table 8); 0 is reserved.
const BAUD_RATES: [u16; 16] = [0, 1, 2, 4, 8, 16, 32, 64, 12, 20, 0, 0, 0, 0, 0, 0];

/// Decodes an answer to reset.
///
/// Fails when `text` is not hexadecimal.
pub fn atr(text: &str) -> Result<Decoded, HexError> {
    let bytes = hex::parse(text)?;
    let mut reader = Reader {
        bytes: &bytes,
        at: 0,
        node: Decoded::new(0, "", "Answer to reset").section("ISO 7816-3:2006, 8"),
    };
    let complete = reader.read().is_some();
    let Reader { at, mut node, .. } = reader;
    if !complete {
        node = node.fault(format!("byte {at}: it ends here, and more was announced"));
    } else if at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let veiled = Veiled::scanned(rest, Secrets::Hidden);
        let more = Decoded::new(at, "", "Not decoded").raw(&veiled);
        node.children.push(more.fault(format!(
            "byte {at}: {} too many",
            counted(rest.len(), "byte")
        )));
    }
    if bytes.len() > 33 {
        node = node.fault("it has more than TS and 32 bytes");
    }
    Ok(node)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    node: Decoded,
}

impl Reader<'_> {
    /// `None` when the bytes end too early.
    fn read(&mut self) -> Option<()> {
        let initial = self.take("TS", "Initial character", initial_words)?;
        if !matches!(initial, 0x3B | 0x3F) {
            self.blame("TS is 3B or 3F");
        }
        let format = self.take("T0", "Format character", |byte| {
            Some(counted((byte & 0x0F).into(), "historical byte"))
        })?;
        let mut present = format >> 4;
        let mut protocol = 0;
        let mut first_protocol = None;
        let mut check_byte = false;
        for group in 1..=GROUPS_MAX {
            for (bit, letter) in [(1, 'A'), (2, 'B'), (4, 'C')] {
                if present & bit != 0 {
                    let label = format!("T{letter}{group}");
                    let (name, words) = interface(letter, group, protocol);
                    self.take(&label, name, words)?;
                }
            }
            if present & 8 == 0 {
                break;
            }
            let next = self.take(&format!("TD{group}"), "Protocol and what follows", |byte| {
                Some(protocol_words(byte & 0x0F))
            })?;
            protocol = next & 0x0F;
            first_protocol = first_protocol.or(Some(protocol));
            check_byte |= protocol != 0;
            present = next >> 4;
        }
        let count = usize::from(format & 0x0F);
        let end = self.at.checked_add(count)?;
        let historical = self.bytes.get(self.at..end)?;
        if count > 0 {
            let veiled = Veiled::scanned(historical, Secrets::Hidden);
            let node = Decoded::new(self.at, "T1..TK", "Historical bytes").raw(&veiled);
            self.node
                .children
                .push(node.maybe(veiled.text().map(quoted)));
        }
        self.at = end;
        let protocol = first_protocol.unwrap_or_default();
        self.node.value = Some(protocol_words(protocol));
        if check_byte {
            self.check()?;
        }
        Some(())
    }

    /// TCK: the exclusive or of everything from T0 on is 0.
    fn check(&mut self) -> Option<()> {
        let covered = self.bytes.get(1..self.at)?;
        let expected = covered.iter().fold(0, |sum, byte| sum ^ byte);
        let given = self.take("TCK", "Check byte", |byte| {
            (byte == expected).then(|| "correct".to_owned())
        })?;
        if given != expected {
            self.blame(&format!("the check byte would be {expected:02X}"));
        }
        Some(())
    }

    fn take(
        &mut self,
        label: &str,
        name: &str,
        words: impl FnOnce(u8) -> Option<String>,
    ) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        let bytes = [byte];
        let veiled = Veiled::scanned(&bytes, Secrets::Hidden);
        let node = Decoded::new(self.at, label, name).raw(&veiled);
        self.node.children.push(node.maybe(words(byte)));
        self.at = self.at.saturating_add(1);
        Some(byte)
    }

    /// Puts a fault on the last byte.
    fn blame(&mut self, fault: &str) {
        let at = self.at.saturating_sub(1);
        if let Some(last) = self.node.children.last_mut() {
            last.faults.push(format!("byte {at}: {fault}"));
        }
    }
}

type Words = fn(u8) -> Option<String>;

/// The name of an interface byte and its words. `protocol` is the one the TD byte before announced.
fn interface(letter: char, group: usize, protocol: u8) -> (&'static str, Words) {
    match (letter, group, protocol) {
        ('A', 1, _) => ("Clock and baud rate", rates),
        ('B', 1, _) => ("Programming voltage", |byte| {
            Some(if byte == 0 { "not used" } else { "deprecated" }.to_owned())
        }),
        ('C', 1, _) => ("Extra guard time", |byte| {
            Some(match byte {
                0xFF => "the shortest".to_owned(),
                units => format!("{units} elementary time units"),
            })
        }),
        ('A', 2, _) => ("Specific mode", |byte| {
            Some(format!("{}, fixed", protocol_words(byte & 0x0F)))
        }),
        ('B', 2, _) => ("Programming voltage 2", |_| None),
        ('C', 2, _) => ("Waiting time integer of T=0", |byte| Some(byte.to_string())),
        ('A', _, 1) => ("Information field size of the card", |byte| {
            Some(counted(byte.into(), "byte"))
        }),
        ('B', _, 1) => ("Waiting times", |byte| {
            let (block, character) = (byte >> 4, byte & 0x0F);
            Some(format!(
                "block waiting time integer {block}, character {character}"
            ))
        }),
        ('C', _, 1) => ("Error detection", |byte| {
            Some(if byte & 1 == 0 { "LRC" } else { "CRC" }.to_owned())
        }),
        ('A', _, 15) => ("Clock stop and voltage classes", classes),
        _ => ("Interface byte", |_| None),
    }
}

fn initial_words(byte: u8) -> Option<String> {
    match byte {
        0x3B => Some("direct convention".to_owned()),
        0x3F => Some("inverse convention".to_owned()),
        _ => None,
    }
}

fn protocol_words(protocol: u8) -> String {
    match protocol {
        0 => "T=0, characters".to_owned(),
        1 => "T=1, blocks".to_owned(),
        15 => "T=15, global interface bytes".to_owned(),
        other => format!("T={other}"),
    }
}

fn rates(byte: u8) -> Option<String> {
    let clock = CLOCK_RATES.get(usize::from(byte >> 4)).copied()?;
    let baud = BAUD_RATES.get(usize::from(byte & 0x0F)).copied()?;
    Some(if clock == 0 || baud == 0 {
        "reserved".to_owned()
    } else {
        format!("Fi {clock}, Di {baud}")
    })
}

fn classes(byte: u8) -> Option<String> {
    let classes: Vec<_> = [(1, "A (5 V)"), (2, "B (3 V)"), (4, "C (1.8 V)")]
        .into_iter()
        .filter(|(bit, _)| byte & bit != 0)
        .map(|(_, class)| class)
        .collect();
    (!classes.is_empty()).then(|| classes.join(", "))
}
