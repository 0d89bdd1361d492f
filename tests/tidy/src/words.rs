//! Words that may not stand in the sources.

use crate::tree::files;

/// Words, and why not. Written in two halves so that this file does not hold them.
const WORDS: [(&str, &str, &str); 8] = [
    ("TO", "DO", "finish it, or write an issue"),
    ("FIX", "ME", "finish it, or write an issue"),
    ("todo", "!(", "finish it"),
    ("unimpl", "emented!(", "finish it"),
    (
        "verbose",
        "_tracing",
        "it prints card data that crosses the boundary",
    ),
    ("#[ign", "ore", "a test that does not run shows nothing"),
    ("/wo", "rk/", "a path of one machine"),
    ("../sha", "red", "the project stands alone"),
];

#[test]
fn no_banned_word_stands_in_the_sources() {
    let mut found = Vec::new();
    for (path, content) in files(&["rs", "wit", "md", "toml", "json", "card"]) {
        for (number, line) in content.lines().enumerate() {
            for (first, second, reason) in WORDS {
                if line.contains(&format!("{first}{second}")) {
                    found.push(format!("{}:{}: {reason}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
