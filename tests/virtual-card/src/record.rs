//! Records of a card's files, as its text lays them out.

use crate::personalization::hex;

/// One record and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordLayout {
    /// Short file identifier, 1 to 30.
    pub(crate) sfi: u8,
    pub(crate) number: u8,
    /// Whether offline data authentication covers it.
    pub(crate) signed: bool,
    pub(crate) content: Content,
}

/// What is in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// These objects in template 70; a tag of zero is a byte of padding.
    Objects(Vec<u32>),
    /// These bytes.
    Raw(Vec<u8>),
}

/// Reads `SFI.NUMBER [signed] TAG...`, where `00` is a byte of padding, or
/// `SFI.NUMBER [signed] = BYTES` for a record that is these bytes.
pub(crate) fn parse(text: &str) -> Option<RecordLayout> {
    let mut words = text.split_whitespace().peekable();
    let (sfi, number) = location(words.next()?)?;
    let signed = words.next_if_eq(&"signed").is_some();
    let content = if words.next_if_eq(&"=").is_some() {
        Content::Raw(hex(&words.collect::<String>())?)
    } else {
        // A file outside EMV has a form of its own.
        let tags = words.map(|tag| u32::from_str_radix(tag, 16).ok());
        Content::Objects(tags.collect::<Option<_>>().filter(|_| sfi <= 10)?)
    };
    Some(RecordLayout {
        sfi,
        number,
        signed,
        content,
    })
}

/// Reads `SFI.NUMBER`.
pub(crate) fn location(text: &str) -> Option<(u8, u8)> {
    let (sfi, number) = text.split_once('.')?;
    let sfi = sfi.parse().ok().filter(|sfi| (1..=30).contains(sfi))?;
    let number = number.parse().ok().filter(|number| *number > 0)?;
    Some((sfi, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_record_line() {
        let expected = RecordLayout {
            sfi: 2,
            number: 1,
            signed: true,
            content: Content::Objects(vec![0x5A, 0x9F07]),
        };
        assert_eq!(parse("2.1 signed 5A 9F07"), Some(expected));
    }
}
