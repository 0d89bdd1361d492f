//! What the runner prints, and how it ends, with good folders and with broken ones.

#![cfg(test)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

/// Runs the program as `make vectors` does, at the root of the project.
fn vectors(folder: Option<&Path>) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(env!("CARGO_BIN_EXE_vectors"));
    command.current_dir(root).args(folder).output().unwrap()
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A folder with one file, and what the program says to it.
fn with_file(name: &str, content: impl AsRef<[u8]>) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), content).unwrap();
    let output = vectors(Some(folder.path()));
    assert_eq!(output.stderr, b"", "{}", printed(&output));
    (output.status.success(), printed(&output))
}

fn mac_case(mac: &str) -> serde_json::Value {
    json!({
        "id": "one",
        "input": { "algorithm": "CMAC-AES", "key": "2B7E151628AED2A6ABF7158809CF4F3C", "data": "" },
        "expect": { "mac": mac },
    })
}

const MAC: &str = "BB1D6929E95937287FA37D129B756746";

#[test]
fn the_projects_own_vectors_pass() {
    let output = vectors(None);
    let printed = printed(&output);
    assert!(output.status.success(), "{printed}");
    assert!(
        printed.contains("\ncvm.json: 31 passed, 0 failed\n"),
        "{printed}"
    );
    assert!(printed.ends_with(" passed, 0 failed\n"), "{printed}");
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")).unwrap();
    let files = files.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().ends_with(".json")
    });
    assert_eq!(printed.lines().count(), files.count() + 1, "{printed}");
}

#[test]
fn a_failing_case_is_shown_with_both_values() {
    let file = |mac: &str| json!({ "kind": "mac", "count": 1, "cases": [mac_case(mac)] });
    let (good, printed) = with_file("mac.json", file(MAC).to_string());
    assert!(good);
    assert_eq!(
        printed,
        "mac.json: 1 passed, 0 failed\n1 passed, 0 failed\n"
    );
    let (good, printed) = with_file("mac.json", file("00").to_string());
    assert!(!good);
    let expected = format!(
        "mac.json: 0 passed, 1 failed\n  one: mac: expected \"00\", actual \"{MAC}\"\n0 passed, 1 failed\n"
    );
    assert_eq!(printed, expected);
}

#[test]
fn what_cannot_be_run_has_failed() {
    let one = |kind: &str, count: u64| {
        json!({ "kind": kind, "count": count, "cases": [mac_case(MAC)] }).to_string()
    };
    let odd =
        |case: serde_json::Value| json!({ "kind": "mac", "count": 1, "cases": [case] }).to_string();
    let deep = format!("{{\"kind\":\"mac\",\"cases\":{}", "[".repeat(10_000));
    for (content, message) in [
        (
            one("unheard-of", 1),
            ": 0 passed, 1 failed\n  unknown kind unheard-of\n",
        ),
        (
            // Not even a list of cases is looked for.
            json!({ "kind": "xyz\n", "cases": [{}, {}] }).to_string(),
            "  unknown kind xyz\\n\n",
        ),
        (one("tr31", 1), "not covered yet"),
        (one("mac", 2), "count: expected 2, actual 1"),
        (one("cvm", 1), "attempts is missing"),
        (
            json!({ "kind": "mac", "count": 0, "cases": [] }).to_string(),
            "no cases",
        ),
        (
            json!({ "kind": "x", "count": 0, "cases": [] }).to_string(),
            "unknown kind x\n",
        ),
        (
            json!({ "kind": "mac", "cases": [mac_case(MAC)] }).to_string(),
            "count: expected null",
        ),
        (json!({ "cases": [] }).to_string(), "the file has no kind"),
        (
            json!({ "kind": "mac" }).to_string(),
            "the file has no list of cases",
        ),
        (json!([1, 2]).to_string(), "the file has no kind"),
        (odd(json!(7)), "case 1: the case has no id"),
        (odd(json!({ "id": "" })), "the case has no id"),
        (odd(json!({ "id": "one" })), "one: the case has no expect"),
        (
            odd(json!({ "id": "one", "expect": {} })),
            "one: the case expects nothing",
        ),
        (
            odd(json!({ "id": "one", "expect": { "mac": "" } })),
            "data is missing",
        ),
        (String::new(), "the file is not JSON"),
        ("{".to_owned(), "the file is not JSON"),
        (deep, "the file is not JSON"),
    ] {
        let (good, printed) = with_file("some.json", &content);
        assert!(!good, "{printed}");
        assert!(printed.starts_with("some.json: "), "{printed}");
        assert!(printed.contains(message), "{message}: {printed}");
        assert!(!printed.ends_with(" 0 failed\n"), "{printed}");
    }
    let (good, printed) = with_file("some.json", [0xFF, 0xFE]);
    assert!(
        !good && printed.contains("the file cannot be read"),
        "{printed}"
    );
}

#[test]
fn a_folder_without_vectors_has_failed() {
    let empty = tempfile::tempdir().unwrap();
    let file = empty.path().join("notes.txt");
    fs::write(&file, "x").unwrap();
    let gone = empty.path().join("gone");
    for (folder, message) in [
        (empty.path(), "no *.json in this folder"),
        (&gone, "No such file"),
        (&file, "Not a directory"),
    ] {
        let output = vectors(Some(folder));
        assert_eq!(output.status.code(), Some(1));
        let printed = printed(&output);
        assert!(printed.contains(message), "{printed}");
        assert!(printed.ends_with("\n0 passed, 1 failed\n"), "{printed}");
    }
    fs::create_dir(empty.path().join("folder.json")).unwrap();
    let printed = printed(&vectors(Some(empty.path())));
    assert!(
        printed.contains("folder.json: 0 passed, 1 failed"),
        "{printed}"
    );
}
