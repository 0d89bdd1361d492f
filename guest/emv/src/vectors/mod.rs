//! Runs the test vectors of `tests/vectors`, each through the function it is about.
//!
//! A case that this kernel does not cover yet stands in [`OUT_OF_SCOPE`] with the reason; every
//! other case must pass, and a case that is listed but gone fails too.

mod authentication;
mod ca_keys;
mod coding;
mod decisions;
mod dialogues;
mod elliptic;

use serde_json::Value;

use crate::bits::{AdditionalTerminalCapabilities, TerminalCapabilities, Tvr};
use crate::parameters::{Aid, Application, CdaMode, RandomSelection, Terminal, TerminalType};
use crate::scripted::unhex;
use crate::transaction::{Transaction, TransactionType};

/// Cases that are not run, each with the reason.
const OUT_OF_SCOPE: &[(&str, &str)] = &[(
    "oda-fdda-visa-92",
    "fDDA belongs to contactless kernel C-3; the keys of the case are checked",
)];

/// The cases of one file, those out of scope apart.
fn cases(text: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).expect("a vector file");
    let cases = file["cases"].as_array().expect("cases").clone();
    assert_eq!(
        Some(cases.len()),
        file["count"]
            .as_u64()
            .and_then(|count| count.try_into().ok())
    );
    cases
}

/// Runs every case and reports all that fail.
fn run(text: &str, check: impl Fn(&Value) -> Result<(), String>) {
    let cases = cases(text);
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            check(case)
                .err()
                .map(|error| format!("{}: {error}", text_of(case, "id")))
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} failed\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

/// Whether a case is not to be run.
fn out_of_scope(case: &Value) -> bool {
    OUT_OF_SCOPE.iter().any(|(id, _)| case["id"] == *id)
}

#[expect(clippy::needless_pass_by_value, reason = "reads like assert_eq")]
fn expect_equal<T: PartialEq + core::fmt::Debug>(actual: T, expected: T) -> Result<(), String> {
    if actual == expected {
        Ok(())
    } else {
        Err(format!("expected {expected:?}, was {actual:?}"))
    }
}

fn text_of<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn bytes_of(value: &Value, field: &str) -> Vec<u8> {
    unhex(text_of(value, field))
}

fn array_of<const N: usize>(value: &Value, field: &str) -> Option<[u8; N]> {
    value[field]
        .as_str()
        .map(|digits| unhex(digits).try_into().expect("the length"))
}

/// A terminal like the one of the vectors, capabilities as given.
fn terminal(capabilities: [u8; 3], additional: [u8; 5], kind: u8, country: u16) -> Terminal {
    Terminal {
        terminal_id: *b"TERMID01",
        merchant_id: *b"MERCHANT       ",
        merchant_name_and_location: b"SHOP".to_vec(),
        merchant_category_code: 5999,
        country,
        kind: TerminalType::parse(kind).expect("a terminal type"),
        capabilities: TerminalCapabilities::from_bytes(capabilities),
        additional_capabilities: AdditionalTerminalCapabilities::from_bytes(additional),
        interface_device_serial_number: *b"12345678",
        languages: vec![*b"en"],
        cda_mode: CdaMode::Mode1,
    }
}

fn application(aid: &[u8], partial_selection: bool) -> Application {
    Application {
        aid: Aid::parse(aid).expect("an AID"),
        partial_selection,
        version: 0x0096,
        tac_default: Tvr::empty(),
        tac_denial: Tvr::empty(),
        tac_online: Tvr::empty(),
        floor_limit: 0,
        random_selection: RandomSelection::default(),
        default_ddol: vec![0x9F, 0x37, 0x04],
        default_tdol: Vec::new(),
    }
}

fn transaction() -> Transaction {
    Transaction {
        amount: 1000,
        amount_other: 0,
        currency: 554,
        currency_exponent: 2,
        kind: TransactionType::GoodsAndServices,
        date: [0x26, 0x01, 0x01],
        time: [0x12, 0x00, 0x00],
        sequence: 1,
        merchant_forced_online: false,
    }
}

#[test]
fn every_case_out_of_scope_exists() {
    let file: Value = serde_json::from_str(include_str!("../../../../tests/vectors/oda_rsa.json"))
        .expect("a file");
    for (id, reason) in OUT_OF_SCOPE {
        assert!(!reason.is_empty());
        assert!(
            file["cases"]
                .as_array()
                .expect("cases")
                .iter()
                .any(|case| case["id"] == *id),
            "{id}"
        );
    }
}
