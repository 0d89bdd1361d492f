//! Standards are cited in one spelling, with their edition.

use crate::tree::files;

/// A standard's name, and the editions that may stand right after it. What is neither an edition nor
/// a letter, a digit or a hyphen ends the name.
const SPELLINGS: [(&str, &[&str]); 2] = [
    (
        "EMV 4",
        &[
            ".4 Book 1, ",
            ".4 Book 2, ",
            ".4 Book 3, ",
            ".4 Book 4, ",
            ".4 Books",
            ".4",
        ],
    ),
    ("ISO 8583", &[":1987", ":1993"]),
];

#[test]
fn citations_have_one_spelling() {
    let mut wrong = Vec::new();
    for (path, content) in files(&["rs", "wit"]) {
        if path.ends_with("citations.rs") {
            continue;
        }
        for (number, line) in content.lines().enumerate() {
            for (name, endings) in SPELLINGS {
                for (at, _) in line.match_indices(name) {
                    let rest = line.get(at + name.len()..).unwrap_or_default();
                    if goes_on(rest) && !endings.iter().any(|ending| rest.starts_with(ending)) {
                        wrong.push(format!("{}:{}: {line}", path.display(), number + 1));
                    }
                }
            }
            if line.contains("EMV Book") || line.contains("EMV v4") || line.contains("EMV4") {
                wrong.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "cite as `EMV 4.4 Book 3, 10.2`: {wrong:#?}"
    );
}

/// Whether the name is not over yet: `ISO 8583-1`, `EMV 4.3`, `ISO 8583:2003`.
fn goes_on(rest: &str) -> bool {
    let mut characters = rest.chars();
    match characters.next() {
        Some('.' | ':') => characters.next().is_some_and(|next| next.is_ascii_digit()),
        Some(next) => next.is_ascii_alphanumeric() || next == '-',
        None => false,
    }
}
