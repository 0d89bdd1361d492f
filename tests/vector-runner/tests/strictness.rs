//! Each expected value is changed in turn, and its case must fail.
//!
//! The text of a value is changed at a place that depends on its path alone, so that a failure can
//! be seen again.

#![cfg(test)]

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use vector_runner::run_text;

/// Members of a case that say what is expected.
const EXPECTATIONS: [&str; 5] = [
    "expect",
    "expected",
    "expected_error",
    "re_encodes_identical",
    "trailing_bytes",
];

#[test]
fn a_changed_expectation_fails() {
    let mut changed = 0;
    let mut unseen = Vec::new();
    for file in files() {
        for case in file["cases"].as_array().unwrap() {
            for path in expected_paths(case) {
                let mut wrong = case.clone();
                let value = wrong.pointer_mut(&path).unwrap();
                *value = another(value, &path);
                changed += 1;
                if !fails(&file, &wrong) {
                    unseen.push(format!("{} {path}", case["id"]));
                }
            }
        }
    }
    assert!(changed > 1500, "only {changed} values were changed");
    assert!(
        unseen.is_empty(),
        "{} of {changed}: {unseen:#?}",
        unseen.len()
    );
}

#[test]
fn an_expectation_that_nobody_knows_fails() {
    for file in files() {
        for case in file["cases"].as_array().unwrap() {
            let mut wrong = case.clone();
            let (object, name) = if wrong["expect"].is_object() {
                (wrong["expect"].as_object_mut(), "another")
            } else {
                (wrong.as_object_mut(), "expected_also")
            };
            object.unwrap().insert(name.to_owned(), json!("00"));
            assert!(fails(&file, &wrong), "{}", case["id"]);
        }
    }
}

#[test]
fn a_case_without_one_of_its_members_fails_or_does_not_need_it() {
    // What may be absent by the rules of its kind, or says something to people only.
    let told = [
        "title",
        "source",
        "note",
        "notes",
        "data_origin",
        "license",
        "commit",
    ];
    for file in files() {
        for case in file["cases"].as_array().unwrap() {
            for name in [
                "id",
                "input",
                "apdus",
                "operation",
                "dialect",
                "raw_hex",
                "expect",
            ] {
                let mut wrong = case.clone();
                if wrong.as_object_mut().unwrap().remove(name).is_some() {
                    assert!(fails(&file, &wrong), "{} without {name}", case["id"]);
                }
            }
            let mut same = case.clone();
            for name in told {
                same.as_object_mut().unwrap().remove(name);
            }
            assert!(!fails(&file, &same), "{}", case["id"]);
        }
    }
}

#[test]
fn no_input_makes_the_runner_panic() {
    let long = "F".repeat(2_000);
    let odd = [
        json!(null),
        json!(""),
        json!("0"),
        json!("00"),
        json!("FFFFFFFFFFFFFFFF"),
        json!("\u{e9}\u{20ac}"),
        json!(long),
        json!(u64::MAX),
        json!(-1.5),
        json!(true),
        json!([[], {}]),
        json!({ "FFFFFFFF": "00" }),
    ];
    let mut turn = 0;
    for file in files() {
        let mut alone = file.clone();
        for case in file["cases"].as_array().unwrap() {
            let mut paths = Vec::new();
            leaves(case, "", &mut paths);
            for path in paths {
                let mut wrong = case.clone();
                *wrong.pointer_mut(&path).unwrap() = odd[turn % odd.len()].clone();
                turn += 1;
                alone["cases"] = json!([wrong]);
                let report = run_text(&alone.to_string());
                let lines = report.failures.concat();
                assert!(!lines.contains("panicked"), "{} {path}", case["id"]);
            }
        }
        let mut paths = Vec::new();
        leaves(&file["dialects"], "/dialects", &mut paths);
        for path in paths.iter().filter(|_| file["dialects"].is_object()) {
            let mut file = file.clone();
            *file.pointer_mut(path).unwrap() = odd[turn % odd.len()].clone();
            turn += 1;
            let lines = run_text(&file.to_string()).failures.concat();
            assert!(!lines.contains("panicked"), "{path}");
        }
    }
    assert!(turn > 3_000, "only {turn} inputs were tried");
}

fn files() -> Vec<Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap());
        }
    }
    files
}

/// Whether a case fails, alone in its file.
fn fails(file: &Value, case: &Value) -> bool {
    let mut file = file.clone();
    file["count"] = json!(1);
    file["cases"] = json!([case]);
    run_text(&file.to_string()).summary.failed > 0
}

/// The path of every value that a case expects.
fn expected_paths(case: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    for name in EXPECTATIONS {
        if !case[name].is_null() {
            leaves(&case[name], &format!("/{name}"), &mut paths);
        }
    }
    paths
}

fn leaves(value: &Value, path: &str, paths: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                // RFC 6901, 3.
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(value, &format!("{path}/{name}"), paths);
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            for (position, value) in elements.iter().enumerate() {
                leaves(value, &format!("{path}/{position}"), paths);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            paths.push(path.to_owned());
        }
    }
}

/// Something else of the same type.
fn another(value: &Value, path: &str) -> Value {
    match value {
        Value::Null => json!("00"),
        Value::Bool(truth) => json!(!truth),
        Value::Number(number) => json!(number.as_u64().unwrap() ^ 1),
        Value::Array(_) => json!(["00"]),
        Value::Object(_) => json!({ "00": "00" }),
        Value::String(text) if text.is_empty() => json!("00"),
        Value::String(text) => {
            let mut characters: Vec<char> = text.chars().collect();
            let seed = path.bytes().fold(7_usize, |seed, byte| {
                seed.wrapping_mul(31).wrapping_add(byte.into())
            });
            let position = seed.checked_rem(characters.len()).unwrap();
            characters[position] = match characters[position] {
                '0' => '1',
                _ => '0',
            };
            json!(characters.into_iter().collect::<String>())
        }
    }
}
