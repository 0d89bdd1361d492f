//! Code page 037, as far as messages use it: letters, digits, space and punctuation.

/// ASCII runs and where code page 037 puts them.
const RUNS: &[(&[u8], u8)] = &[
    (b"abcdefghi", 0x81),
    (b"jklmnopqr", 0x91),
    (b"stuvwxyz", 0xA2),
    (b"ABCDEFGHI", 0xC1),
    (b"JKLMNOPQR", 0xD1),
    (b"STUVWXYZ", 0xE2),
    (b"0123456789", 0xF0),
    (b" ", 0x40),
    (b".<(+|&", 0x4B),
    (b"!$*);", 0x5A),
    (b"-/", 0x60),
    (b",%_>?", 0x6B),
    (b"`:#@'=\"", 0x79),
];

/// `None` when a byte is none of the characters above.
pub(super) fn to_ascii(bytes: &[u8]) -> Option<Vec<u8>> {
    bytes
        .iter()
        .map(|byte| {
            pairs()
                .find(|(_, ebcdic)| ebcdic == byte)
                .map(|(ascii, _)| ascii)
        })
        .collect()
}

/// `None` when a character is none of those above.
pub(super) fn from_ascii(characters: &[u8]) -> Option<Vec<u8>> {
    characters
        .iter()
        .map(|character| {
            pairs()
                .find(|(ascii, _)| ascii == character)
                .map(|(_, ebcdic)| ebcdic)
        })
        .collect()
}

fn pairs() -> impl Iterator<Item = (u8, u8)> {
    RUNS.iter()
        .flat_map(|(characters, first)| characters.iter().copied().zip(*first..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_come_back() {
        let text = b"Az09 R-7=?";
        let encoded = from_ascii(text).expect("known characters");
        assert_eq!(encoded[..4], [0xC1, 0xA9, 0xF0, 0xF9]);
        assert_eq!(to_ascii(&encoded).as_deref(), Some(&text[..]));
        assert_eq!(to_ascii(&[0x00]), None);
        assert_eq!(from_ascii(b"\n"), None);
    }

    #[test]
    fn no_two_characters_share_a_byte() {
        let mut bytes: Vec<u8> = pairs().map(|(_, ebcdic)| ebcdic).collect();
        let count = bytes.len();
        bytes.sort_unstable();
        bytes.dedup();
        assert_eq!(bytes.len(), count);
    }
}
