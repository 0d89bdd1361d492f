//! Who may depend on whom.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::tree::root;

/// Every edge between two crates of the workspace, tests apart. A crate without a row may depend on
/// none of the others.
const ARROWS: [(&str, &[&str]); 8] = [
    ("component", &["emv", "engine"]),
    ("engine", &["emv"]),
    ("terminal-host", &["vault"]),
    ("api", &["terminal-host"]),
    ("emulator", &["terminal-host", "vault", "virtual-card"]),
    (
        "tenon",
        &["api", "emulator", "terminal-host", "virtual-card"],
    ),
    ("conformance", &["emv", "virtual-card"]),
    // The benchmark runs the same engine on both sides of the boundary.
    (
        "bench",
        &["emulator", "emv", "engine", "terminal-host", "virtual-card"],
    ),
];

/// Crates that a member may not have anywhere below it, with the reason.
const FORBIDDEN: [(&str, &[&str], &str); 4] = [
    (
        "emv",
        &["tokio", "wasmtime", "wit-bindgen"],
        "the kernel is pure",
    ),
    (
        "engine",
        &["tokio", "wasmtime", "wit-bindgen"],
        "the engine reaches out through ports only",
    ),
    (
        "vault",
        &["tokio", "wasmtime", "tracing"],
        "the vault runs no foreign code and logs nothing",
    ),
    (
        "terminal-host",
        &["emulator", "virtual-card"],
        "a production host holds no fake device",
    ),
];

#[test]
fn crates_depend_on_each_other_along_the_arrows_only() {
    let metadata = metadata();
    let members: BTreeSet<_> = metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let allowed: BTreeMap<_, _> = ARROWS.into_iter().collect();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        for edge in package
            .dependencies
            .iter()
            .filter(|edge| edge.kind == DependencyKind::Normal)
        {
            assert!(
                !members.contains(&edge.name)
                    || allowed
                        .get(name)
                        .is_some_and(|to| to.contains(&edge.name.as_str())),
                "{name} depends on {}",
                edge.name,
            );
        }
    }
}

#[test]
fn no_edge_joins_host_and_guest() {
    let metadata = metadata();
    let folder = |name: &str| {
        metadata
            .workspace_packages()
            .into_iter()
            .find(|package| package.name.as_str() == name)
            .and_then(|package| {
                package
                    .manifest_path
                    .strip_prefix(&metadata.workspace_root)
                    .ok()
            })
            .and_then(|path| path.iter().next())
            .map(str::to_owned)
    };
    for package in metadata.workspace_packages() {
        for edge in &package.dependencies {
            let pair = (folder(&package.name), folder(&edge.name));
            if let (Some(from), Some(to)) = pair {
                let joined = [from.as_str(), to.as_str()];
                assert!(
                    joined != ["host", "guest"] && joined != ["guest", "host"],
                    "{} depends on {}",
                    package.name,
                    edge.name,
                );
            }
        }
    }
}

#[test]
fn no_crate_has_what_its_purpose_forbids() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().expect("a resolved graph");
    for (member, forbidden, reason) in FORBIDDEN {
        let start = metadata
            .workspace_packages()
            .into_iter()
            .find(|package| package.name.as_str() == member)
            .expect("a member of the workspace");
        let mut seen = BTreeSet::new();
        let mut open = vec![start.id.clone()];
        while let Some(id) = open.pop() {
            if seen.insert(id.clone()) {
                let node = resolve
                    .nodes
                    .iter()
                    .find(|node| node.id == id)
                    .expect("a node");
                open.extend(
                    node.deps
                        .iter()
                        .filter(|edge| {
                            edge.dep_kinds
                                .iter()
                                .any(|kind| kind.kind == DependencyKind::Normal)
                        })
                        .map(|edge| edge.pkg.clone()),
                );
            }
        }
        for id in seen {
            let name = metadata[&id].name.as_str();
            assert!(
                !forbidden.contains(&name),
                "{member} has {name} below it: {reason}"
            );
        }
    }
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--locked".to_owned()])
        .exec()
        .expect("cargo metadata")
}
