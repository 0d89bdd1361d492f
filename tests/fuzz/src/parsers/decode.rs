//! The explanations for people, of any text.

use decode::{Decoded, HexError, Secrets};

use super::holds;
use crate::input::{Input, hexadecimal, pick};

/// The longest explanation of one byte, in bytes of text or JSON.
const EXPLANATION_MAX: usize = 4096;

/// A card number that is in front of every text, as tag 5A.
const NUMBER: &str = "4761739001010010";

/// Any text, by each of the ways to explain it.
pub fn decode(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte();
    let (as_text, kind) = (kind & 0x80 != 0, kind & 0x7F);
    let text = if as_text {
        String::from_utf8_lossy(input.remainder()).into_owned()
    } else {
        hexadecimal(input.remainder())
    };
    let hidden = Secrets::Hidden;
    let decoded = match kind % 8 {
        0 => ::decode::tlv(&text, hidden),
        1 => ::decode::dol(&text, None, hidden),
        2 => ::decode::command(&text, hidden),
        3 => ::decode::response(&text, Some(kind >> 3), hidden),
        4 => ::decode::atr(&text),
        5 => ::decode::iso8583(&text, hidden),
        6 => ::decode::exchange("00B2010C00", &text, hidden),
        _ => element(kind >> 3, &text),
    };
    if let Ok(decoded) = &decoded {
        assert_bounded(decoded, &text);
    }
    if kind % 8 == 0 && !as_text && !holds(text.as_bytes(), NUMBER.as_bytes()) {
        assert_veiled(&text);
    }
}

/// The value of one element, by each name there is.
fn element(kind: u8, text: &str) -> Result<Decoded, HexError> {
    use ::decode::Kind;
    let kinds = [
        Kind::Tvr,
        Kind::Tsi,
        Kind::Aip,
        Kind::Auc,
        Kind::Cvm,
        Kind::Cid,
        Kind::Capabilities,
    ];
    ::decode::element(pick(&kinds, kind, Kind::Tvr), text)
}

fn assert_bounded(decoded: &Decoded, text: &str) {
    let bound = text.len().saturating_add(8).saturating_mul(EXPLANATION_MAX);
    let json = decoded.to_json();
    assert!(
        json.len() <= bound,
        "{} bytes of {}",
        json.len(),
        text.len()
    );
    assert_eq!(json.chars().next(), Some('{'));
}

/// A card number in front of anything is masked.
fn assert_veiled(text: &str) {
    let text = format!("5A08{NUMBER}{text}");
    if let Ok(decoded) = ::decode::tlv(&text, Secrets::Hidden) {
        let shown = decoded.to_json();
        assert!(!holds(shown.as_bytes(), NUMBER.as_bytes()), "{shown}");
    }
}
