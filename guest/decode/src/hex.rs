//! Hexadecimal text to bytes: spaces, line breaks, `0x` and lower case are tolerated.

use core::fmt;

use zeroize::Zeroizing;

/// The longest input, in bytes: more than any APDU, record or message.
const LENGTH_MAX: usize = 16_384;

/// Why a text is not hexadecimal. Lines and columns are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HexError {
    /// There is no digit in it.
    Empty,
    /// A character that is no hexadecimal digit.
    Digit {
        /// The character.
        character: char,
        /// Its line.
        line: usize,
        /// Its column.
        column: usize,
    },
    /// The last byte has one digit only.
    Odd {
        /// How many digits there are.
        digits: usize,
        /// The line of the last one.
        line: usize,
        /// The column of the last one.
        column: usize,
    },
    /// More than 16384 bytes.
    TooLong,
}

impl core::error::Error for HexError {}

impl fmt::Display for HexError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("there is nothing to decode"),
            Self::Digit {
                character,
                line,
                column,
            } => write!(
                formatter,
                "line {line}, column {column}: {character:?} is no hexadecimal digit"
            ),
            Self::Odd {
                digits,
                line,
                column,
            } => write!(
                formatter,
                "line {line}, column {column}: the last byte has one digit; there are {digits}"
            ),
            Self::TooLong => write!(formatter, "more than {LENGTH_MAX} bytes"),
        }
    }
}

/// Reads a text. The bytes are wiped when dropped: they may be a card's.
pub(crate) fn parse(text: &str) -> Result<Zeroizing<Vec<u8>>, HexError> {
    let mut bytes = Zeroizing::new(Vec::new());
    let mut high: Option<u8> = None;
    let mut last = (1, 1);
    let (mut line, mut column) = (1_usize, 0_usize);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        column = column.saturating_add(1);
        if character == '\n' {
            line = line.saturating_add(1);
            column = 0;
        }
        if character.is_whitespace() {
            continue;
        }
        if character == '0' && high.is_none() && matches!(characters.peek(), Some('x' | 'X')) {
            characters.next();
            column = column.saturating_add(1);
            continue;
        }
        let digit = character
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
            .ok_or(HexError::Digit {
                character,
                line,
                column,
            })?;
        last = (line, column);
        match high.take() {
            None => high = Some(digit),
            Some(_) if bytes.len() >= LENGTH_MAX => return Err(HexError::TooLong),
            Some(high) => bytes.push((high << 4) | digit),
        }
    }
    if high.is_some() {
        return Err(HexError::Odd {
            digits: bytes.len().saturating_mul(2).saturating_add(1),
            line: last.0,
            column: last.1,
        });
    }
    if bytes.is_empty() {
        return Err(HexError::Empty);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_paste_is_read() {
        for (text, bytes) in [
            ("9F02", &[0x9F, 0x02][..]),
            (" 9f 02\r\n06\t", &[0x9F, 0x02, 0x06]),
            ("0x9F 0x02", &[0x9F, 0x02]),
            ("0X9F0x02", &[0x9F, 0x02]),
            ("00 0x00", &[0x00, 0x00]),
        ] {
            assert_eq!(
                parse(text).expect("hexadecimal").as_slice(),
                bytes,
                "{text}"
            );
        }
    }

    #[test]
    fn an_error_says_where() {
        for (text, error) in [
            ("", "there is nothing to decode"),
            (" \n 0x", "there is nothing to decode"),
            ("9F\n02 G", "line 2, column 4: 'G' is no hexadecimal digit"),
            ("9x", "line 1, column 2: 'x' is no hexadecimal digit"),
            (
                "9F 02\n06 1",
                "line 2, column 4: the last byte has one digit; there are 7",
            ),
        ] {
            assert_eq!(
                parse(text).expect_err("refused").to_string(),
                error,
                "{text}"
            );
        }
        let long = "00".repeat(LENGTH_MAX + 1);
        assert_eq!(parse(&long), Err(HexError::TooLong));
        assert!(parse(&long[2..]).is_ok());
    }
}
