//! Who may depend on whom.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand};

use crate::tree::root;

/// Every edge between two crates of the workspace, tests apart. A crate without a row may depend on
/// none of the others.
const ARROWS: [(&str, &[&str]); 12] = [
    ("component", &["emv", "engine"]),
    ("engine", &["emv"]),
    ("decode", &["emv", "engine"]),
    ("terminal-host", &["vault"]),
    ("api", &["terminal-host", "webhooks"]),
    ("emulator", &["terminal-host", "vault", "virtual-card"]),
    (
        "tenon",
        &[
            "api",
            "decode",
            "emulator",
            "terminal-host",
            "virtual-card",
            "webhooks",
        ],
    ),
    ("conformance", &["emv", "virtual-card"]),
    // Each target calls the parser it is about; transactions run with the suite's terminal.
    (
        "fuzz",
        &["conformance", "decode", "emv", "engine", "virtual-card"],
    ),
    // The engine without a sandbox: on both sides of the boundary.
    ("native", &["emv", "engine", "terminal-host"]),
    (
        "bench",
        &["emulator", "emv", "native", "terminal-host", "virtual-card"],
    ),
    // Each kind of vector is run by the crate it is about.
    ("vector-runner", &["emv", "engine", "vault", "virtual-card"]),
];

/// The one edge between host and guest, with the decision that allows it: the developer's command
/// line explains data on the kernel's tables.
const JOINED: (&str, &str, &str) = ("tenon", "decode", "0024");

/// Features that only some crates may ask another crate for, with the reason.
const FEATURES: [(&str, &str, &[&str], &str); 2] = [
    (
        "emv",
        "parsers",
        &["fuzz"],
        "the engine holds no code for tests",
    ),
    (
        "emv",
        "vectors",
        &["differential", "vector-runner"],
        "the engine holds no code for tests",
    ),
];

/// The crates that may have another EMV kernel, of the same name as ours, to compare ours with.
const COMPARING: [&str; 2] = ["bench", "differential"];

/// Crates that a member may not have anywhere below it, with the reason.
const FORBIDDEN: [(&str, &[&str], &str); 7] = [
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
        &["tokio", "wasmtime", "tracing", "decode", "emv", "engine"],
        "the vault runs no foreign code and logs nothing",
    ),
    (
        "terminal-host",
        &["emulator", "virtual-card", "decode", "emv", "engine"],
        "a production host holds no fake device, and meets the engine as a file",
    ),
    (
        "api",
        &["decode", "emv", "engine"],
        "what runs transactions meets the engine as a file",
    ),
    (
        "emulator",
        &["decode", "emv", "engine"],
        "the acquirer and its devices are written from the standards, not from the engine",
    ),
    (
        "decode",
        &["tokio", "wasmtime", "wit-bindgen"],
        "explaining data needs no sandbox and no devices",
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
            .filter(|edge| edge.kind == DependencyKind::Normal && is_ours(edge))
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

/// Whether an edge leads to a crate of this tree: a registry may have one of the same name.
fn is_ours(edge: &Dependency) -> bool {
    edge.path.is_some()
}

#[test]
fn the_other_kernel_is_compared_with_and_nothing_else() {
    let mut comparing = BTreeSet::new();
    for package in metadata().workspace_packages() {
        for edge in &package.dependencies {
            if edge.name == "emv" && !is_ours(edge) {
                comparing.insert(package.name.to_string());
            }
        }
    }
    assert_eq!(comparing, BTreeSet::from(COMPARING.map(str::to_owned)));
}

#[test]
fn features_for_tests_are_asked_for_by_tests() {
    for package in metadata().workspace_packages() {
        for edge in &package.dependencies {
            for (name, feature, allowed, reason) in FEATURES {
                let asks = edge.name == name && edge.features.iter().any(|asked| asked == feature);
                assert!(
                    !asks || allowed.contains(&package.name.as_str()),
                    "{} asks {name} for {feature}: {reason}",
                    package.name,
                );
                assert!(
                    package.name.as_str() != name || !package.features.contains_key("default"),
                    "{name} has features by default: {reason}",
                );
            }
        }
    }
}

#[test]
fn one_edge_joins_host_and_guest() {
    let metadata = metadata();
    let mut joins = BTreeSet::new();
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
                if joined == ["host", "guest"] || joined == ["guest", "host"] {
                    joins.insert((package.name.to_string(), edge.name.clone()));
                }
            }
        }
    }
    let (from, to, decision) = JOINED;
    assert_eq!(
        joins,
        BTreeSet::from([(from.to_owned(), to.to_owned())]),
        "see docs/decisions/0008 and {decision}",
    );
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
