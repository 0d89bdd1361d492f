//! Runs every case of the vector files that are about keys and PINs.
//!
//! A file of `tests/vectors/` has a kind, and each kind a module here with one `run`. A case that
//! cannot be run fails. Every value that a case expects is compared, and a value no module knows
//! fails its case, so that a new case cannot pass unseen.

#![cfg(test)]

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

mod dukpt_aes;
mod dukpt_tdes;
mod mac;
mod pinblock;

/// Runs one case; the error says what differs.
type Run = fn(&Value) -> Result<(), String>;

#[test]
fn dukpt_tdes_cases_pass() {
    run_file("dukpt_tdes", 29, dukpt_tdes::run);
}

#[test]
fn dukpt_aes_cases_pass() {
    run_file("dukpt_aes", 28, dukpt_aes::run);
}

#[test]
fn pinblock_cases_pass() {
    run_file("pinblock", 45, pinblock::run);
}

#[test]
fn mac_cases_pass() {
    run_file("mac", 28, mac::run);
}

fn run_file(kind: &str, count_min: usize, run: Run) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let text = fs::read_to_string(folder.join(format!("{kind}.json"))).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(file["kind"], kind);
    let cases = file["cases"].as_array().unwrap();
    assert!(
        cases.len() >= count_min,
        "{kind}: only {} cases",
        cases.len()
    );
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            run(case)
                .err()
                .map(|error| format!("{}: {error}", case["id"]))
        })
        .collect();
    assert!(
        failed.is_empty(),
        "{kind}: {} failed\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// The text of a member.
fn text<'a>(object: &'a Value, name: &str) -> Result<&'a str, String> {
    object[name]
        .as_str()
        .ok_or_else(|| format!("{name} is missing"))
}

/// The bytes of a member in hexadecimal digits.
fn bytes(object: &Value, name: &str) -> Result<Vec<u8>, String> {
    parse_hex(text(object, name)?).ok_or_else(|| format!("{name} is no hexadecimal number"))
}

/// The bytes of a member, as many as the type says.
fn array<const N: usize>(object: &Value, name: &str) -> Result<[u8; N], String> {
    bytes(object, name)?
        .try_into()
        .map_err(|_| format!("{name} has another length"))
}

fn parse_hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// Compares what came out with the member that says what should.
fn expect_bytes(expect: &Value, name: &str, actual: &[u8]) -> Result<(), String> {
    let expected = bytes(expect, name)?;
    if expected == actual {
        return Ok(());
    }
    Err(format!(
        "{name}: expected {expected:02X?}, got {actual:02X?}"
    ))
}

/// Fails with the name when something is not as it should be.
fn expect_true(name: &str, holds: bool) -> Result<(), String> {
    holds.then_some(()).ok_or_else(|| format!("{name} differs"))
}

/// The names of what a case expects.
fn expected_names(case: &Value) -> Result<Vec<&str>, String> {
    let object = case["expect"].as_object().ok_or("expect is missing")?;
    Ok(object.keys().map(String::as_str).collect())
}
