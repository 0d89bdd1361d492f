//! What `make` would do.

use std::process::Command;

use crate::tree::root;

/// The commands that `make` prints in place of running them, with cargo building in `folder`.
fn commands(arguments: &[&str], folder: Option<&str>) -> String {
    let mut make = Command::new("make");
    make.arg("-n").args(arguments).current_dir(root());
    // Those of a make that runs this test are not for this one.
    for inherited in ["MAKEFLAGS", "MAKELEVEL", "CARGO_TARGET_DIR"] {
        make.env_remove(inherited);
    }
    if let Some(folder) = folder {
        make.env("CARGO_TARGET_DIR", folder);
    }
    let output = make.output().expect("make runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn what_was_built_is_looked_for_where_cargo_builds() {
    for target in ["demo", "run", "fuzz", "schemathesis", "bench"] {
        let elsewhere = commands(&[target], Some("/elsewhere"));
        assert!(elsewhere.contains("/elsewhere/"), "{target}: {elsewhere}");
        assert!(!elsewhere.contains(" target/"), "{target}: {elsewhere}");
    }
    assert!(commands(&["demo"], None).contains("\ntarget/debug/tenon demo"));
}

#[test]
fn the_first_long_build_is_announced_before_it_begins() {
    for target in ["demo", "test", "check", "bench"] {
        let commands = commands(&[target], None);
        let announced = commands.find("some fifteen minutes");
        let long = ["clippy", "run --quiet --package pack"];
        let begun = long.iter().filter_map(|name| commands.find(name)).min();
        assert!(
            announced.is_some() && announced < begun,
            "{target}: {commands}"
        );
    }
}

#[test]
fn a_tool_that_is_missing_is_announced_before_it_is_installed() {
    for target in ["deny", "fuzz", "mutants"] {
        let commands = commands(&[target], None);
        let announced = commands.find("echo \"Installing cargo-");
        assert!(announced.is_some(), "{target}: {commands}");
        assert!(
            announced < commands.find("install --quiet"),
            "{target}: {commands}"
        );
    }
}

#[test]
fn how_long_and_with_how_many_is_passed_on() {
    let usual = commands(&["hostile"], None);
    assert!(usual.contains("SECONDS=60 CLIENTS=200"), "{usual}");
    let other = commands(&["hostile", "SECONDS=5", "CLIENTS=9", "SEED=3"], None);
    assert!(other.contains("SECONDS=5 CLIENTS=9 SEED=3"), "{other}");
    let usual = commands(&["schemathesis"], None);
    assert!(usual.contains("--seed 7 --cases 50"), "{usual}");
    assert!(usual.find("Installing schemathesis") < usual.find("pip install"));
}

#[test]
fn a_conformance_case_is_passed_on() {
    let one = commands(&["conformance", "CASE=PR-04"], None);
    assert!(one.contains("--package conformance -- \"PR-04\""), "{one}");
    let all = commands(&["conformance"], None);
    assert!(!all.contains("--package conformance --"), "{all}");
}
