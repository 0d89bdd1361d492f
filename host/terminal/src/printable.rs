//! Text of a card, a guest or a point of sale, reduced to what a display or a printer may be given.
//!
//! Control characters would drive the device: an escape code can switch a printer's mode or move
//! a cursor over a prompt. Invisible and direction-changing characters are left out with them,
//! since they make a line read as another one.

/// Bytes of a card (ISO 8859, common character set) as printable ASCII, at most `length_max`
/// characters.
pub(crate) fn printable_bytes(bytes: &[u8], length_max: usize) -> String {
    bytes
        .iter()
        .filter(|byte| matches!(byte, b' '..=b'~'))
        .take(length_max)
        .copied()
        .map(char::from)
        .collect()
}

/// A text without characters that drive a device, at most `length_max` characters.
pub(crate) fn printable_text(text: &str, length_max: usize) -> String {
    text.chars()
        .filter(|character| is_printable(*character))
        .take(length_max)
        .collect()
}

/// Whether a character may be given to a display or a printer: it drives no device, can be seen, and
/// changes no direction.
pub fn is_printable(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::{printable_bytes, printable_text};

    #[test]
    fn leaves_no_character_that_drives_a_device() {
        assert_eq!(
            printable_bytes(b"VISA\x1b[2J\x00\xff\n CREDIT", 16),
            "VISA[2J CREDIT"
        );
        assert_eq!(printable_bytes(&[b'A'; 40], 16).len(), 16);
        assert_eq!(
            printable_text("Caf\u{e9} \u{1b}@\u{202e}x\u{9b}", 40),
            "Caf\u{e9} @x"
        );
        assert_eq!(printable_text("\u{e9}\u{e9}\u{e9}", 2), "\u{e9}\u{e9}");
    }
}
