//! `tenon explain` and `tenon replay`, beside a terminal that runs.

use std::{
    path::Path,
    process::{Command, Output},
};

use crate::world::World;

#[test]
fn every_sale_can_be_explained_in_one_line_and_replayed() {
    let mut world = World::new(Some("visa-credit"));
    for (amount, why) in [
        (2500, "APPROVED: The issuer approved (8A = 00: approved;"),
        (
            2551,
            "DECLINED by the issuer: The issuer declined (8A = 51: not sufficient funds;",
        ),
        (
            9003,
            "FAILED, the acquirer's answer was lost, reversed: No whole answer came;",
        ),
    ] {
        let (_, body) = world.sale(amount);
        let line = told(&tenon(world.data(), &["explain", "--brief"]));
        assert!(line.starts_with(why), "{amount}: {line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        let replayed = tenon(world.data(), &["replay"]);
        assert!(told(&replayed).starts_with("SAME  txn_"), "{body}");
    }
}

#[test]
fn a_card_that_declines_is_told_apart_from_a_terminal_that_does() {
    let mut world = World::new(Some("visa-offline-decline"));
    world.sale(2500);
    let text = told(&tenon(world.data(), &["explain"]));
    for part in [
        "DECLINED by the card: the card's own decision",
        "TRM-04  The card has never been online.",
        "CAA-01  The transaction was declined offline.",
        "************2220",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("42222222"), "{text}");
}

#[test]
fn what_cannot_be_explained_or_replayed_says_why() {
    let world = World::new(None);
    let elsewhere = tempfile::tempdir().expect("a folder");
    for (folder, arguments, why) in [
        (
            world.data(),
            &["explain"][..],
            "no transaction is recorded in",
        ),
        (
            world.data(),
            &["explain", "txn_01M8C9ZVR5V2Y9TG5HZD47E0JN"],
            "is not recorded in",
        ),
        (
            world.data(),
            &["replay", "Cargo.toml"],
            "was not sealed by this device",
        ),
        (elsewhere.path(), &["replay"], "no terminal has run here"),
    ] {
        let output = tenon(folder, arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(why), "{arguments:?}: {error}");
    }
}

#[test]
fn a_recording_in_the_place_of_another_is_not_taken_for_it() {
    let mut world = World::new(Some("visa-credit"));
    world.sale(2500);
    let folder = world.data().join("recordings");
    let entries = std::fs::read_dir(&folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let name = names
        .filter_map(|name| name.into_string().ok())
        .find(|name| name.starts_with("txn_"))
        .expect("a recording");
    let other = "txn_01M8C9ZVR5V2Y9TG5HZD47E0JN";
    std::fs::copy(folder.join(&name), folder.join(other)).expect("a copy");
    for command in ["explain", "replay"] {
        let output = tenon(world.data(), &[command, other]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(
            error.contains(&format!("is the recording of {name}")),
            "{error}"
        );
        assert!(tenon(world.data(), &[command, &name]).status.success());
    }
}

fn tenon(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tenon"))
        .args(arguments)
        .arg("--data")
        .arg(data)
        .env_remove("TENON_LOG")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("it runs")
}

fn told(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
