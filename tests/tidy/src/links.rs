//! Links between the project's documents lead somewhere.

use crate::tree::{files, root};

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    let mut seen = 0;
    for (path, content) in files(&["md"]) {
        for target in targets(&content) {
            if target.contains("://") || target.starts_with('#') || target.starts_with("mailto:") {
                continue;
            }
            seen += 1;
            let file = target.split('#').next().unwrap_or_default();
            let folder = path.parent().expect("a document lies in a folder");
            if !root().join(folder).join(file).exists() {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(
        seen > 20,
        "only {seen} links were seen: the search is broken"
    );
    assert!(broken.is_empty(), "links that lead nowhere: {broken:#?}");
}

/// The targets of Markdown's inline links.
fn targets(content: &str) -> impl Iterator<Item = &str> {
    content
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}
