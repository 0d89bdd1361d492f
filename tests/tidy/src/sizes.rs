//! Files stay small.

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
        let listed = LONGER
            .iter()
            .any(|(longer, _)| path == std::path::Path::new(longer));
        if path.iter().any(|part| part == "tests") && !path.starts_with("tests/virtual-card/src") {
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
