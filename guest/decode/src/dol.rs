//! Data object lists, with or without the values they ask for.

use emv::{Tag, tlv};

use crate::node::counted;
use crate::veil::{Secrets, Veiled};
use crate::{Decoded, HexError, Reading, element, hex};

/// Decodes a list of tags and lengths. With `values` each entry has the value that a command would
/// carry for it.
///
/// Fails when a text is not hexadecimal.
pub fn dol(list: &str, values: Option<&str>, secrets: Secrets) -> Result<Decoded, HexError> {
    let bytes = hex::parse(list)?;
    let values = values.map(hex::parse).transpose()?;
    let (asked, fault) = split(&bytes, 0);
    let total: usize = asked.iter().map(|entry| usize::from(entry.length)).sum();
    let mut node = Decoded::new(0, "", "Data object list");
    node = node.value(format!(
        "{}, {} in all",
        counted(asked.len(), "element"),
        counted(total, "byte")
    ));
    let mut rest = values.as_ref().map(|values| values.as_slice());
    for entry in &asked {
        let mut child = entry.node();
        if let Some(present) = rest {
            let (value, after) = present
                .split_at_checked(usize::from(entry.length))
                .unwrap_or((present, &[]));
            let whole = value.len() == usize::from(entry.length);
            let at = values
                .as_ref()
                .map_or(0, |values| values.len().saturating_sub(present.len()));
            child = filled(*entry, value, at, whole, secrets);
            rest = Some(after);
        }
        node.children.push(child);
    }
    if let Some(fault) = fault {
        node = node.fault(fault);
    }
    if total > emv::dol::LENGTH_MAX {
        node = node.fault(format!("{total} bytes are more than one command carries"));
    }
    if let Some(values) = &values
        && values.len() > total
    {
        let extra = values.get(total..).unwrap_or_default();
        let veiled = Veiled::scanned(extra, secrets);
        let fault = format!(
            "byte {total}: {} more than the list asks for",
            counted(extra.len(), "byte")
        );
        node.children.push(
            Decoded::new(total, "", "Not asked for")
                .raw(&veiled)
                .fault(fault),
        );
    }
    Ok(node)
}

/// The entries of a list that is the value of an element at `offset`, and what is wrong with it.
pub(crate) fn entries(bytes: &[u8], offset: usize) -> (Vec<Decoded>, Option<String>) {
    let (asked, fault) = split(bytes, offset);
    (asked.iter().map(Asked::node).collect(), fault)
}

/// A list of tags without lengths.
pub(crate) fn tags(bytes: &[u8], offset: usize) -> (Vec<Decoded>, Option<String>) {
    let mut nodes = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let at = offset.saturating_add(bytes.len().saturating_sub(rest.len()));
        let Ok((tag, after)) = tlv::parse_tag(rest) else {
            return (
                nodes,
                Some(format!("byte {at}: the list ends within a tag")),
            );
        };
        nodes.push(Decoded::new(at, tag.to_string(), name(tag)));
        rest = after;
    }
    (nodes, None)
}

/// One entry of a list.
#[derive(Clone, Copy)]
struct Asked {
    offset: usize,
    tag: Tag,
    length: u8,
}

impl Asked {
    fn node(&self) -> Decoded {
        let words = counted(self.length.into(), "byte");
        Decoded::new(self.offset, self.tag.to_string(), name(self.tag)).value(words)
    }
}

fn split(bytes: &[u8], offset: usize) -> (Vec<Asked>, Option<String>) {
    let mut asked = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let at = offset.saturating_add(bytes.len().saturating_sub(rest.len()));
        let Ok((tag, after)) = tlv::parse_tag(rest) else {
            return (
                asked,
                Some(format!("byte {at}: the list ends within a tag")),
            );
        };
        let Some((length, after)) = after.split_first() else {
            return (asked, Some(format!("byte {at}: tag {tag} has no length")));
        };
        asked.push(Asked {
            offset: at,
            tag,
            length: *length,
        });
        rest = after;
    }
    (asked, None)
}

/// An entry with its value. A length the element does not have is the list's business: the value
/// is then cut or filled (EMV 4.4 Book 3, 5.4), and shown as it is.
fn filled(entry: Asked, value: &[u8], at: usize, whole: bool, secrets: Secrets) -> Decoded {
    let row = entry.tag.element();
    let fits = row.is_none_or(|row| row.allows(value.len()));
    let node = if fits && !entry.tag.is_constructed() {
        element::object(entry.tag, None, value, at, Reading::new(secrets))
    } else {
        let veiled = element::veiled(entry.tag, row, value, secrets);
        Decoded::new(at, entry.tag.to_string(), name(entry.tag)).raw(&veiled)
    };
    if whole {
        node
    } else {
        node.fault(format!(
            "byte {at}: the list asks for {}, and has {}",
            counted(entry.length.into(), "byte"),
            value.len()
        ))
    }
}

fn name(tag: Tag) -> &'static str {
    tag.element().map_or("Unknown", |element| element.name)
}
