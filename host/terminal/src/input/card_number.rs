//! Texts that hold what reads like a card number.

/// The digits of a card number that a scheme here has (ISO/IEC 7812-1 allows fewer; those are no
/// payment cards).
const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// The zeros of the digits that people type: ASCII, Arabic-Indic, its extended form, Devanagari, full
/// width.
const ZEROS: [char; 5] = ['0', '\u{660}', '\u{6f0}', '\u{966}', '\u{ff10}'];

/// What people write between the groups of a card number.
const SEPARATORS: [char; 7] = [' ', '-', '.', '/', '_', ',', '\u{a0}'];

/// Whether digits in a text, groups of them taken together, have the length and the check digit of a
/// card number (ISO/IEC 7812-1, annex B).
///
/// Of groups that stand beside each other every sequence counts, so that a date after the number hides
/// nothing. In a single group that is longer than any card number, every part of it counts.
pub(super) fn is_in(text: &str) -> bool {
    runs(text).iter().any(|groups| {
        let long = groups.iter().any(|group| {
            group.len() > *DIGITS.end() && DIGITS.into_iter().any(|length| has(group, length))
        });
        long || (0..groups.len()).any(|start| {
            let mut digits = Vec::new();
            groups.iter().skip(start).any(|group| {
                digits.extend_from_slice(group);
                DIGITS.contains(&digits.len()) && checks(&digits)
            })
        })
    })
}

fn has(digits: &[u8], length: usize) -> bool {
    digits.windows(length).any(checks)
}

/// The runs of a text: groups of digits with nothing but separators between them.
fn runs(text: &str) -> Vec<Vec<Vec<u8>>> {
    let mut runs = vec![vec![Vec::new()]];
    for character in text.chars() {
        let Some(groups) = runs.last_mut() else {
            continue;
        };
        match digit(character) {
            Some(digit) => match groups.last_mut() {
                Some(group) => group.push(digit),
                None => groups.push(vec![digit]),
            },
            None if SEPARATORS.contains(&character) => groups.push(Vec::new()),
            None => runs.push(vec![Vec::new()]),
        }
    }
    runs
}

fn digit(character: char) -> Option<u8> {
    ZEROS.iter().find_map(|zero| {
        let above = u32::from(character).checked_sub(u32::from(*zero))?;
        u8::try_from(above).ok().filter(|digit| *digit <= 9)
    })
}

/// The check digit of ISO/IEC 7812-1, annex B.
fn checks(digits: &[u8]) -> bool {
    let sum = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let weighed = u32::from(*digit).saturating_mul(if place % 2 == 0 { 1 } else { 2 });
            // The digits of what is doubled are added up.
            if weighed > 9 {
                weighed.saturating_sub(9)
            } else {
                weighed
            }
        })
        .fold(0_u32, u32::saturating_add);
    // Zeros alone have a check digit too, and are no number.
    sum > 0 && sum % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::is_in;

    #[test]
    fn card_numbers_are_found_however_they_are_written() {
        for text in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "it is 4111.1111.1111.1111, thanks",
            "4111 1111 1111 1111 12/27",
            "41111111111111111227",
            "12/27 378282246310005",
            "4222222222222",
            "6304000000000000000",
            "４１１１１１１１１１１１１１１１",
            "\u{664}\u{661}\u{661}\u{661} \u{661}\u{661}\u{661}\u{661} \u{661}\u{661}\u{661}\u{661} \u{661}\u{661}\u{661}\u{661}",
        ] {
            assert!(is_in(text), "{text}");
        }
    }

    #[test]
    fn other_digits_are_let_through() {
        for text in [
            "",
            "Jane",
            "4111111111111112",
            "411111111111",
            "+64 21 123 4567",
            "2026-03-28 22:14",
            "0000000000000000",
            "room 12, floor 3",
            "4111 1111 or 1111 1111",
        ] {
            assert!(!is_in(text), "{text}");
        }
    }
}
