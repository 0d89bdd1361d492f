//! What may be shown of a value.
//!
//! A value is veiled before it enters the tree, so nothing that prints a tree can forget it.

use core::ops::Range;

/// Whether what identifies the cardholder is shown. A PIN block never is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Secrets {
    /// Card numbers to their last four digits; the rest not at all.
    #[default]
    Hidden,
    /// As it came.
    Revealed,
}

/// How many digits of a card number may be seen.
const SHOWN: usize = 4;

/// How many digits a card number has, as far as it is looked for in other values.
const PAN_LENGTHS: core::ops::RangeInclusive<usize> = 13..=19;

/// How many digits the number on a track has (ISO 7812-1), and at least those of the expiry and the
/// service code after it.
const NUMBER_MIN: usize = 12;
const NUMBER_MAX: usize = 19;
const OWN_MIN: usize = 7;

/// The longest track 2, and the longest track 1 (ISO 7811-6).
const TRACK_MAX: usize = 40;
const FIRST_TRACK_MAX: usize = 79;

/// Bytes with the half bytes that must not be seen.
pub(crate) struct Veiled<'a> {
    bytes: &'a [u8],
    /// For each half byte whether it is hidden.
    hidden: Vec<bool>,
}

impl<'a> Veiled<'a> {
    /// A value that is not known to be secret: hidden is what looks like a card number or a track in
    /// it, in half bytes or in characters, and what looks like a PIN block.
    pub(crate) fn scanned(bytes: &'a [u8], secrets: Secrets) -> Self {
        let mut veiled = Self {
            bytes,
            hidden: vec![false; bytes.len().saturating_mul(2)],
        };
        if secrets == Secrets::Hidden {
            veiled.hide_digits();
            veiled.hide_characters();
            veiled.hide_tracks();
        }
        veiled.hide_pin_blocks();
        veiled
    }

    /// A card number or a part of one, as digits in half bytes: all but the last four.
    pub(crate) fn number(bytes: &'a [u8], secrets: Secrets) -> Self {
        let half_bytes = half_bytes(bytes);
        let digits = half_bytes.iter().take_while(|half| **half < 10).count();
        // What comes after the filling is none of the number, and is not trusted to be harmless.
        let filling = half_bytes.iter().skip(digits).all(|half| *half == 0x0F);
        let shown = digits.saturating_sub(SHOWN)..digits;
        let hidden = |place: usize| !shown.contains(&place) && (place < digits || !filling);
        Self::hiding(bytes, secrets, hidden)
    }

    /// Track 2: of the number before the separator all but the last four, and all after it.
    pub(crate) fn track(bytes: &'a [u8], secrets: Secrets) -> Self {
        let half_bytes = half_bytes(bytes);
        let digits = half_bytes.iter().take_while(|half| **half < 10).count();
        let separated = half_bytes.get(digits) == Some(&0x0D);
        let shown = digits.saturating_sub(SHOWN)..digits;
        let hidden = |place: usize| !(separated && (shown.contains(&place) || place == digits));
        Self::hiding(bytes, secrets, hidden)
    }

    /// Characters that are a card number, or a track that starts with one.
    pub(crate) fn characters(bytes: &'a [u8], secrets: Secrets) -> Self {
        let digits = bytes
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let ends = matches!(bytes.get(digits), None | Some(b'=' | b'D'));
        let shown = digits.saturating_sub(SHOWN)..digits.saturating_add(1);
        let hidden = |place: usize| !(ends && shown.contains(&(place / 2)));
        Self::hiding(bytes, secrets, hidden)
    }

    /// A value of which nothing is shown unless secrets are revealed.
    pub(crate) fn secret(bytes: &'a [u8], secrets: Secrets) -> Self {
        Self::hiding(bytes, secrets, |_| true)
    }

    /// A value of which nothing is ever shown.
    pub(crate) fn never(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            hidden: vec![true; bytes.len().saturating_mul(2)],
        }
    }

    fn hiding(bytes: &'a [u8], secrets: Secrets, hidden: impl Fn(usize) -> bool) -> Self {
        let mut veiled = Self::scanned(bytes, Secrets::Revealed);
        if secrets == Secrets::Hidden {
            for (place, half) in veiled.hidden.iter_mut().enumerate() {
                *half |= hidden(place);
            }
        }
        veiled
    }

    /// Upper case, two digits a byte, `*` for what is hidden.
    pub(crate) fn hexadecimal(&self) -> String {
        let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('*');
        half_bytes(self.bytes)
            .into_iter()
            .zip(&self.hidden)
            .map(|(half, hidden)| if *hidden { '*' } else { digit(half) })
            .map(|character| character.to_ascii_uppercase())
            .collect()
    }

    /// The characters, when all of them can be printed; `*` for what is hidden.
    pub(crate) fn text(&self) -> Option<String> {
        let printable = self.bytes.iter().all(|byte| (0x20..0x7F).contains(byte));
        (printable && !self.bytes.is_empty()).then(|| {
            self.bytes
                .iter()
                .zip(self.hidden.chunks(2))
                .map(|(byte, hidden)| {
                    if hidden.contains(&true) {
                        '*'
                    } else {
                        char::from(*byte)
                    }
                })
                .collect()
        })
    }

    /// Whether something is hidden.
    pub(crate) fn hides(&self) -> bool {
        self.hidden.contains(&true)
    }

    fn hide_digits(&mut self) {
        let half_bytes = half_bytes(self.bytes);
        let mut start = 0;
        for run in half_bytes.split(|half| *half > 9) {
            for range in card_numbers(run) {
                let range = shifted(&range, start);
                if !self.is_text(range.start / 2..range.end.div_ceil(2)) {
                    self.hide(range);
                }
            }
            start = start.saturating_add(run.len()).saturating_add(1);
        }
    }

    /// Whether bytes are digits and spaces in ASCII, or `=`: 30 to 39 and 20 are digits in both
    /// halves, so that every such text would look like a longer number.
    fn is_text(&self, range: Range<usize>) -> bool {
        let bytes = self.bytes.get(range);
        let text = |byte: &u8| matches!(byte, b'0'..=b'9' | b'=' | b' ');
        bytes.is_some_and(|bytes| bytes.iter().all(text))
    }

    /// Card numbers in ASCII, with or without spaces and hyphens in them.
    fn hide_characters(&mut self) {
        let mut digits = Vec::new();
        let mut places = Vec::new();
        let ends = core::iter::once((self.bytes.len(), &0));
        for (place, byte) in self.bytes.iter().enumerate().chain(ends) {
            match byte {
                b'0'..=b'9' => {
                    digits.push(byte & 0x0F);
                    places.push(place);
                }
                b' ' | b'-' => {}
                _ => {
                    for range in card_numbers(&digits) {
                        for place in places.get(range).unwrap_or_default() {
                            let half = place.saturating_mul(2);
                            self.hidden
                                .iter_mut()
                                .skip(half)
                                .take(2)
                                .for_each(|hidden| *hidden = true);
                        }
                    }
                    digits.clear();
                    places.clear();
                }
            }
        }
    }

    /// What follows a card number on a track proves more than the number (PCI DSS 4.0, 3.3.1), whether
    /// or not the number has a check digit.
    fn hide_tracks(&mut self) {
        let mut found = Vec::new();
        for Found { whole, hidden } in tracks(&half_bytes(self.bytes), |half| half < 10, &[0x0D]) {
            // The half bytes of digits and `=` in ASCII look like a track with other places.
            // Half of a character may be taken for a digit at either end.
            if !self.is_text(whole.start.div_ceil(2)..whole.end / 2) {
                found.extend(hidden);
            }
        }
        let characters = tracks(self.bytes, |byte| byte.is_ascii_digit(), b"=D");
        let all = characters.into_iter().flat_map(|track| track.hidden);
        for range in all.chain(first_tracks(self.bytes)) {
            found.push(range.start.saturating_mul(2)..range.end.saturating_mul(2));
        }
        for range in found {
            self.hide(range);
        }
    }

    /// A PIN block of format 2, and a clear one of format 0 or 3 before its PAN was added: control,
    /// length, digits, filling (ISO 9564-1:2011, 9.3).
    fn hide_pin_blocks(&mut self) {
        let mut starts = Vec::new();
        for (start, block) in self.bytes.windows(8).enumerate() {
            let half_bytes = half_bytes(block);
            let (Some(control), Some(length)) = (half_bytes.first(), half_bytes.get(1)) else {
                continue;
            };
            let length = usize::from(*length);
            let digits = half_bytes
                .iter()
                .skip(2)
                .take(length)
                .all(|half| *half < 10);
            let filling = half_bytes
                .iter()
                .skip(2)
                .skip(length)
                .all(|half| *half == 0x0F);
            if matches!(control, 0 | 2) && (4..=12).contains(&length) && digits && filling {
                starts.push(start.saturating_mul(2));
            }
        }
        for start in starts {
            self.hide(start..start.saturating_add(16));
        }
    }

    fn hide(&mut self, range: Range<usize>) {
        if let Some(hidden) = self.hidden.get_mut(range) {
            hidden.fill(true);
        }
    }
}

/// The parts of a run of digits to hide: each run of 13 to 19 within it that could be a card
/// number, without its last four. Overlapping ones hide each other's end.
fn card_numbers(digits: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for start in 0..digits.len() {
        for length in PAN_LENGTHS {
            let end = start.saturating_add(length);
            let Some(number) = digits.get(start..end) else {
                break;
            };
            // No card number starts with 0; so many zeros would otherwise be one.
            if number.first() != Some(&0) && has_check_digit(number) {
                found.push(start..end.saturating_sub(SHOWN));
            }
        }
    }
    found
}

/// A track within a longer value.
struct Found {
    whole: Range<usize>,
    hidden: [Range<usize>; 2],
}

/// Each track 2 within some digits and characters: a number, a separator, and at least an expiry and a
/// service code (ISO 7813). Hidden are the number less its last four, and all that follows.
fn tracks(symbols: &[u8], digit: impl Fn(u8) -> bool, separators: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    for (place, symbol) in symbols.iter().enumerate() {
        if !separators.contains(symbol) {
            continue;
        }
        let (before, after) = symbols.split_at(place);
        let is_digit = |symbol: &&u8| digit(**symbol);
        let number = before.iter().rev().take(NUMBER_MAX).take_while(is_digit);
        let own = after.iter().skip(1).take(TRACK_MAX).take_while(is_digit);
        let (number, own) = (number.count(), own.count());
        if number >= NUMBER_MIN && own >= OWN_MIN {
            let start = place.saturating_sub(number);
            let next = place.saturating_add(1);
            let end = next.saturating_add(own);
            found.push(Found {
                whole: start..end,
                hidden: [start..place.saturating_sub(SHOWN), next..end],
            });
        }
    }
    found
}

/// Each track 1 within characters: a number, `^`, and the cardholder's name up to the end sentinel
/// (ISO 7813). Hidden is the same.
fn first_tracks(characters: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (place, _) in characters.iter().enumerate().filter(|(_, it)| **it == b'^') {
        let (before, after) = characters.split_at(place);
        let digits = before.iter().rev().take(NUMBER_MAX);
        let number = digits.take_while(|byte| byte.is_ascii_digit()).count();
        if number >= NUMBER_MIN {
            let next = place.saturating_add(1);
            let rest = after.iter().skip(1).take(FIRST_TRACK_MAX);
            let rest = rest.take_while(|byte| **byte != b'?').count();
            found.push(place.saturating_sub(number)..place.saturating_sub(SHOWN));
            found.push(next..next.saturating_add(rest));
        }
    }
    found
}

/// Whether the last digit is the check digit of those before it (ISO 7812-1:2017, Annex B).
fn has_check_digit(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit) {
            (0, digit) => u32::from(*digit),
            (_, 0..=4) => u32::from(digit.saturating_mul(2)),
            (_, digit) => u32::from(digit.saturating_mul(2).saturating_sub(9)),
        })
        .fold(0, u32::saturating_add);
    sum.is_multiple_of(10)
}

fn half_bytes(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0x0F])
        .collect()
}

fn shifted(range: &Range<usize>, by: usize) -> Range<usize> {
    range.start.saturating_add(by)..range.end.saturating_add(by)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    fn shown(text: &str, veil: impl Fn(&[u8]) -> String) -> String {
        veil(&hex::parse(text).expect("hexadecimal"))
    }

    #[test]
    fn a_card_number_is_found_wherever_it_stands() {
        let veil = |bytes: &[u8]| Veiled::scanned(bytes, Secrets::Hidden).hexadecimal();
        for (text, seen) in [
            ("4761739001010010", "************0010"),
            ("A14761739001010010DF", "A1************0010DF"),
            // Half a byte off.
            ("F4761739001010010F", "F************0010F"),
            // In ASCII, whole or with spaces.
            (
                "34373631373339303031303130303130",
                "************************30303130",
            ),
            (
                "34373631203733393020303130312030303130",
                "********20********20********2030303130",
            ),
            ("000000000000000000", "000000000000000000"),
            // A merchant's number, in characters.
            ("303030303132333435363738", "303030303132333435363738"),
            ("1000000000000001", "1000000000000001"),
        ] {
            assert_eq!(shown(text, veil), seen);
        }
    }

    #[test]
    fn a_track_is_found_wherever_it_stands() {
        let veil = |bytes: &[u8]| Veiled::scanned(bytes, Secrets::Hidden).hexadecimal();
        for (text, seen) in [
            (
                "DFA1114761739001010010D2212201114300F0",
                "DFA***************0010D*************F0",
            ),
            // Without a check digit.
            ("4761739001010011D2212201F0", "************0011D*******F0"),
            // Too short for an expiry and a service code; a number, but no card's.
            ("1000000000000002D221220F", "1000000000000002D221220F"),
            ("1234567D22122010", "1234567D22122010"),
            (
                "313233343536373D32323132323031",
                "313233343536373D32323132323031",
            ),
        ] {
            assert_eq!(shown(text, veil), seen, "{text}");
        }
        let characters = |bytes: &[u8]| Veiled::scanned(bytes, Secrets::Hidden).text();
        for (text, seen) in [
            (
                ";4761739001010011=22122011143?",
                ";************0011=***********?",
            ),
            (
                "A=1234567/4761739001010010=22",
                "A=1234567/************0010=22",
            ),
            (
                "J4761739001010011^DOE/JOHN^2212201114300?TAIL",
                "J************0011^**********************?TAIL",
            ),
            ("2^16", "2^16"),
        ] {
            assert_eq!(characters(text.as_bytes()).as_deref(), Some(seen));
        }
    }

    #[test]
    fn numbers_and_tracks_keep_four_digits() {
        let number = |bytes: &[u8]| Veiled::number(bytes, Secrets::Hidden).hexadecimal();
        let track = |bytes: &[u8]| Veiled::track(bytes, Secrets::Hidden).hexadecimal();
        assert_eq!(shown("374245001741007F", number), "***********1007F");
        assert_eq!(shown("0010", number), "0010");
        // Neither the end nor the start of a broken number can be told from a whole one.
        assert_eq!(shown("1234A5678901", number), "1234********");
        assert_eq!(
            shown("4761739001010010D2212201114300F0", track),
            "************0010D***************"
        );
        assert_eq!(shown("47617390", track), "********");
        let characters = |bytes: &[u8]| Veiled::characters(bytes, Secrets::Hidden).text();
        for (text, seen) in [
            ("4761739001010010", "************0010"),
            ("4761739001010010=2212", "************0010=****"),
            ("B4761739001010010^NAME", "**********************"),
        ] {
            assert_eq!(characters(text.as_bytes()).as_deref(), Some(seen));
        }
    }

    #[test]
    fn a_pin_block_is_never_shown() {
        for secrets in [Secrets::Hidden, Secrets::Revealed] {
            let veil = |bytes: &[u8]| Veiled::scanned(bytes, secrets).hexadecimal();
            assert_eq!(shown("08241234FFFFFFFFFF90", veil), "08****************90");
            assert_eq!(shown("2C123456789012FF", veil), "****************");
            assert_eq!(shown("23123FFFFFFFFFFF", veil), "23123FFFFFFFFFFF");
        }
    }
}
