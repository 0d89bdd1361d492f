//! The files of the project.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The project's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("tests/tidy lies two folders below the root")
        .to_path_buf()
}

/// Every file below the root with one of the endings, as path and content. What git ignores and
/// what was generated is left out.
pub(crate) fn files(endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    visit(&root(), &mut |path| {
        let ending = path
            .extension()
            .and_then(|ending| ending.to_str())
            .unwrap_or_default();
        if endings.contains(&ending) {
            let content = fs::read_to_string(path).expect("a source file is UTF-8");
            let relative = path
                .strip_prefix(root())
                .expect("below the root")
                .to_path_buf();
            found.push((relative, content));
        }
    });
    assert!(!found.is_empty(), "no file ends with any of {endings:?}");
    found.sort();
    found
}

fn visit(folder: &Path, see: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).expect("a folder of the project can be read") {
        let path = entry.expect("an entry can be read").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if path.is_dir() {
            if !matches!(name, "target" | ".git" | "node_modules") {
                visit(&path, see);
            }
        } else {
            see(&path);
        }
    }
}
