//! Keys that come and go while a terminal runs, names and pages, limits, TLS: by the command line.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::emulator_process::Emulator;

/// What `tenon keys` prints.
fn keys(data: &Path, arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_tenon"))
        .args(["keys", "--json", "--data"])
        .arg(data)
        .args(arguments)
        .output()
        .expect("tenon runs");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn keys_come_and_go_while_the_terminal_runs() {
    let data = tempfile::tempdir().expect("a folder");
    let terminal = Emulator::start(data.path(), &["--no-rate-limits"]);
    assert_eq!(terminal.health(terminal.text("apiKey")), 200);
    let made = keys(
        data.path(),
        &["make", "till 1", "--permit", "terminal:read"],
    );
    let key = made["key"].as_str().expect("a key");
    let id = made["id"].as_str().expect("an id");
    terminal.wait_for(key, 200);
    let rotated = keys(data.path(), &["rotate", id]);
    let new = rotated["key"].as_str().expect("a key");
    terminal.wait_for(new, 200);
    assert_eq!(terminal.health(key), 200, "both open for a day");
    let listed = keys(data.path(), &["list"]);
    assert_eq!(listed[0]["permissions"], json!(["terminal:read"]));
    assert!(!listed.to_string().contains(new), "{listed}");
    keys(data.path(), &["revoke", id]);
    terminal.wait_for(new, 401);
    assert_eq!(terminal.health(key), 401);
    assert_eq!(terminal.health(terminal.text("apiKey")), 200);
}

#[test]
fn the_emulators_own_paths_are_closed_to_foreign_names_and_pages() {
    let data = tempfile::tempdir().expect("a folder");
    let arguments = ["--host", "till.example", "--origin", "https://pos.example"];
    let terminal = Emulator::start(data.path(), &arguments);
    let key = ("X-Api-Key", terminal.text("apiKey"));
    for path in ["/v1/device/health", "/emulator/cards"] {
        for (header, status) in [
            (("Host", "till.example:8443"), 200),
            (("Host", "evil.example"), 403),
            (("Origin", "https://pos.example"), 200),
            (("Origin", "https://evil.example"), 403),
        ] {
            let (answered, body) = terminal.ask(path, &[key, header]);
            assert_eq!(answered, status, "{path} {header:?} {body}");
            if status == 403 {
                assert_eq!(body["error"], "FORBIDDEN");
                assert_eq!(body["details"]["field"], header.0);
            }
        }
    }
}

#[test]
fn requests_are_limited_unless_the_operator_says_otherwise() {
    let data = tempfile::tempdir().expect("a folder");
    let terminal = Emulator::start(data.path(), &[]);
    let key = ("X-Api-Key", terminal.text("apiKey"));
    let limited = (0..400).any(|_| terminal.ask("/v1/device/health", &[key]).0 == 429);
    assert!(limited);
}

#[test]
fn the_fingerprint_is_the_same_wherever_it_is_shown() {
    let data = tempfile::tempdir().expect("a folder");
    let first = Emulator::start(data.path(), &["--tls"]);
    assert!(first.text("url").starts_with("https://"), "{}", first.ready);
    let fingerprint = first.text("fingerprint").to_owned();
    assert_eq!(fingerprint.len(), 32 * 3 - 1);
    assert_eq!(
        keys(data.path(), &["fingerprint"])["fingerprint"],
        fingerprint
    );
    drop(first);
    let second = Emulator::start(data.path(), &["--tls"]);
    assert_eq!(second.text("fingerprint"), fingerprint);
}
