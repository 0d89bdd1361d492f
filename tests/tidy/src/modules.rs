//! Every source file is part of its crate, and every crate says where `unsafe` may stand.

use crate::tree::{files, root};

/// Crates that may hold `unsafe`, with the reason.
const UNSAFE: [(&str, &str); 2] = [
    ("guest/component", "wit-bindgen generates it"),
    (
        "host/terminal",
        "wasmtime's Component::deserialize, in one module",
    ),
];

#[test]
fn every_source_file_is_reachable() {
    let sources = files(&["rs"]);
    let mut lost = Vec::new();
    for (path, _) in &sources {
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let folder = path.parent().expect("a source file lies in a folder");
        let in_src = path.iter().any(|part| part == "src");
        if !in_src || matches!(name, "lib" | "main") {
            continue;
        }
        let (module, parents) = if name == "mod" {
            (
                folder
                    .file_name()
                    .and_then(|name| name.to_str())
                    .unwrap_or_default(),
                folder.parent(),
            )
        } else {
            (name, Some(folder))
        };
        let parents = parents.expect("a module has a parent");
        let declaration = format!("mod {module};");
        let declared = sources.iter().any(|(other, content)| {
            let beside = other.parent() == Some(parents);
            let above = other.with_extension("") == *parents;
            (beside || above)
                && content
                    .lines()
                    .any(|line| line.trim_end().ends_with(&declaration))
        });
        if !declared {
            lost.push(path.display().to_string());
        }
    }
    assert!(lost.is_empty(), "no `mod` names these files: {lost:#?}");
}

#[test]
fn every_crate_forbids_unsafe_or_says_why_not() {
    for (path, content) in files(&["rs"]) {
        let is_root = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
        if !is_root {
            continue;
        }
        let folder = path
            .parent()
            .and_then(|src| src.parent())
            .expect("a crate has a folder");
        let excused = UNSAFE
            .iter()
            .any(|(excused, _)| folder == std::path::Path::new(excused));
        assert_eq!(
            content.contains("#![forbid(unsafe_code)]"),
            !excused,
            "{}: forbid(unsafe_code) and the list of exceptions disagree",
            path.display(),
        );
    }
    for (folder, _) in UNSAFE {
        assert!(
            root().join(folder).is_dir(),
            "{folder} is excused and does not exist"
        );
    }
}
