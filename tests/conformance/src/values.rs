//! Values as the files write them.

/// Bytes in hexadecimal; spaces between them are for the eye.
pub(crate) fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = text.chars().filter(|letter| *letter != ' ').collect();
    let (pairs, odd) = digits.as_chunks::<2>();
    let byte = |pair: &[char; 2]| {
        let [high, low] = pair.map(|digit| digit.to_digit(16));
        u8::try_from((high? << 4) | low?).ok()
    };
    match pairs.iter().map(byte).collect::<Option<Vec<u8>>>() {
        Some(bytes) if odd.is_empty() => Ok(bytes),
        _ => Err(format!("{text:?} is not hexadecimal")),
    }
}

/// Exactly `N` bytes in hexadecimal.
pub(crate) fn bytes<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let bytes = hex(text)?;
    <[u8; N]>::try_from(bytes).map_err(|_| format!("{text:?} has not {N} bytes"))
}

/// A number in decimal.
pub(crate) fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

/// Bytes as the files write them.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('?');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0F)])
        .map(|digit| digit.to_ascii_uppercase())
        .collect()
}

/// Whether `text` begins as `pattern` says, where `*` stands for anything.
pub(crate) fn begins_like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => {
                rest = rest
                    .get(at.saturating_add(part.len())..)
                    .unwrap_or_default();
            }
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_whole_bytes() {
        assert_eq!(hex("9F 27"), Ok(vec![0x9F, 0x27]));
        assert!(hex("9F2").is_err() && hex("XY").is_err());
        assert_eq!(bytes::<2>("00FF"), Ok([0, 0xFF]));
        assert!(bytes::<2>("00").is_err());
    }

    #[test]
    fn a_pattern_is_a_beginning_with_gaps() {
        for (pattern, fits) in [("", true), ("80 00", true), ("80*54", true), ("*56", false)] {
            assert_eq!(begins_like("80 000554", pattern), fits, "{pattern}");
        }
    }
}
