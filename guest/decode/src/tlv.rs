//! BER-TLV, as far as it goes.

use emv::Tag;
use emv::tlv::{self, Error};

use crate::node::counted;
use crate::veil::Veiled;
use crate::{Decoded, HexError, Reading, Secrets, element, hex};

/// Decodes a string of data objects, templates opened.
///
/// Fails when `text` is not hexadecimal.
pub fn tlv(text: &str, secrets: Secrets) -> Result<Decoded, HexError> {
    let bytes = hex::parse(text)?;
    let children = objects(&bytes, None, 0, Reading::new(secrets));
    Ok(Decoded::new(0, "", "Data objects").children(children))
}

/// The objects of one level, within `template`. The last node is what cannot be read, if anything.
pub(crate) fn objects(
    bytes: &[u8],
    template: Option<Tag>,
    offset: usize,
    reading: Reading,
) -> Vec<Decoded> {
    let mut nodes = Vec::new();
    let mut rest = bytes;
    loop {
        // Zeros between objects are padding (EMV 4.4 Book 3, Annex B1).
        while let Some((0, after)) = rest.split_first() {
            rest = after;
        }
        if rest.is_empty() {
            return nodes;
        }
        let at = offset.saturating_add(bytes.len().saturating_sub(rest.len()));
        match tlv::object(rest) {
            Ok((object, after)) => {
                let head = rest
                    .len()
                    .saturating_sub(after.len())
                    .saturating_sub(object.value.len());
                let value_at = at.saturating_add(head);
                let node = element::object(object.tag, template, object.value, value_at, reading);
                nodes.push(Decoded { offset: at, ..node });
                rest = after;
            }
            Err(error) => {
                nodes.push(broken(rest, error, template, at, reading));
                return nodes;
            }
        }
    }
}

/// The node of what cannot be read. A value that is cut off is decoded as far as it is there.
fn broken(
    rest: &[u8],
    error: Error,
    template: Option<Tag>,
    at: usize,
    reading: Reading,
) -> Decoded {
    let cut = || {
        let (tag, after) = tlv::parse_tag(rest).ok()?;
        let (length, value) = tlv::parse_length(after).ok()?;
        Some((tag, length, value))
    };
    let veiled = Veiled::scanned(rest, reading.secrets);
    // A card number may have been taken for tag and length.
    let number = |tag: Tag| tag.element().is_none() && veiled.hides();
    if let (Error::ValueTruncated, Some((tag, length, value))) = (error, cut())
        && !number(tag)
    {
        let value_at = at.saturating_add(rest.len().saturating_sub(value.len()));
        let mut node = element::object(tag, template, value, value_at, reading);
        node.offset = at;
        // That the rest of it has a wrong length follows from the first fault.
        node.faults.clear();
        return node.fault(format!(
            "byte {at}: tag {tag} announces {}, and has {}",
            counted(length, "byte"),
            value.len()
        ));
    }
    Decoded::new(at, "", "Not decoded")
        .raw(&veiled)
        .fault(format!("byte {at}: {}", in_words(error)))
}

const fn in_words(error: Error) -> &'static str {
    match error {
        Error::TagTruncated => "it ends within a tag",
        Error::TagTooLong => "a tag of more than four bytes",
        Error::LengthMissing => "it ends after a tag, where a length should be",
        Error::LengthTruncated => "it ends within a length",
        Error::IndefiniteLength => "the indefinite length, which EMV does not use",
        Error::LengthTooLong => "a length of more than four bytes",
        Error::ValueTruncated => "it ends within a value",
        Error::TooDeep => "templates within templates beyond the limit",
        Error::TooMany => "more objects than the limit",
    }
}
