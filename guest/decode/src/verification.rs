//! The CVM List and the CVM Results.

use emv::words;

use crate::Decoded;
use crate::veil::{Secrets, Veiled};

/// The rules of tag 8E, with its two amounts (EMV 4.4 Book 3, Annex C3).
pub(crate) fn list(bytes: &[u8], offset: usize) -> (Vec<Decoded>, Option<String>) {
    let mut children = Vec::new();
    let mut at = offset;
    let mut rest = bytes;
    for name in ["Amount X", "Amount Y"] {
        let Some((amount, after)) = rest.split_first_chunk::<4>() else {
            return (children, Some("it ends before its amounts do".to_owned()));
        };
        let words = format!("{} minor units", u32::from_be_bytes(*amount));
        let veiled = Veiled::scanned(amount, Secrets::Hidden);
        children.push(Decoded::new(at, "", name).raw(&veiled).value(words));
        at = at.saturating_add(4);
        rest = after;
    }
    let (rules, odd) = rest.as_chunks::<2>();
    for (number, rule) in rules.iter().enumerate() {
        let [code, condition] = *rule;
        let then = if code & 0x40 == 0 {
            "if it fails, verification fails"
        } else {
            "if it fails, the next rule"
        };
        let label = format!("rule {}", number.saturating_add(1));
        let words = format!("{}; {then}", words::condition(condition));
        let veiled = Veiled::scanned(rule, Secrets::Hidden);
        children.push(
            Decoded::new(at, label, capital(words::method(code)))
                .raw(&veiled)
                .value(words),
        );
        at = at.saturating_add(2);
    }
    let fault = (!odd.is_empty()).then(|| format!("byte {at}: the list ends within a rule"));
    (children, fault)
}

/// Tag 9F34 (EMV 4.4 Book 4, Annex A4).
pub(crate) fn results(bytes: [u8; 3], offset: usize) -> Vec<Decoded> {
    let [code, condition, result] = bytes;
    let then = if code & 0x40 == 0 {
        ""
    } else {
        "; the next rule would have applied"
    };
    [
        ("CVM performed", code, words::method(code).to_owned() + then),
        (
            "Condition",
            condition,
            words::condition(condition).to_owned(),
        ),
        (
            "Result",
            result,
            words::verification_result(result).to_owned(),
        ),
    ]
    .into_iter()
    .enumerate()
    .map(|(place, (name, byte, words))| {
        let veiled = [byte];
        let veiled = Veiled::scanned(&veiled, Secrets::Hidden);
        let label = format!("byte {}", place.saturating_add(1));
        Decoded::new(offset.saturating_add(place), label, name)
            .raw(&veiled)
            .value(words)
    })
    .collect()
}

/// The text with its first letter in upper case.
pub(crate) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + characters.as_str())
        .unwrap_or_default()
}
