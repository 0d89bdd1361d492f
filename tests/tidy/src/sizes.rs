//! Files stay small.

use std::path::Path;

use crate::tree::files;

/// The longest a file may be, its tests apart.
const LINES_MAX: usize = 400;

/// Files that are longer, with the reason. The list only shrinks.
const LONGER: [(&str, &str); 0] = [];

#[test]
fn files_stay_small() {
    let mut wrong = Vec::new();
    for (path, content) in files(&["rs"]) {
        let lines = content
            .lines()
            .take_while(|line| !line.starts_with("#[cfg(test)]") || path.ends_with("lib.rs"))
            .count();
        let listed = LONGER.iter().any(|(longer, _)| path == Path::new(longer));
        if is_test(&path) {
            continue;
        }
        if lines > LINES_MAX && !listed {
            wrong.push(format!(
                "{}: {lines} lines; split it along its seams",
                path.display()
            ));
        }
        if lines <= LINES_MAX && listed {
            wrong.push(format!("{}: take it off the list", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A file that holds nothing but tests: `tests.rs`, or one in a folder of tests or of vectors.
fn is_test(path: &Path) -> bool {
    let in_tests = path.iter().any(|part| part == "tests" || part == "vectors");
    (in_tests && !path.starts_with("tests/virtual-card/src")) || path.ends_with("tests.rs")
}

#[test]
fn an_embedding_fits_in_a_hundred_lines() {
    let (_, example) = files(&["rs"])
        .into_iter()
        .find(|(path, _)| path.ends_with("host/terminal/examples/embed.rs"))
        .expect("the example");
    assert!(
        example.lines().count() < 100,
        "{} lines",
        example.lines().count()
    );
}
