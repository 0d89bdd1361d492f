//! tests/vectors/ac.json: all its cases but those in `LEFT_OUT`.

use std::fs;
use std::path::Path;

use serde_json::Value;
use virtual_card::cryptogram::{Block, MasterKeyOption, Padding, TdesKey, decimalised};

use crate::terminal::{hex, shown};

/// Cases that are not run here, and why.
const LEFT_OUT: [(&str, &str); 3] = [
    ("ac-input-cvn10", "no card makes cryptogram version 10"),
    (
        "ac-input-mchip",
        "no card makes M/Chip version 16; version 20 is of the same order",
    ),
    (
        "ac-input-cvn18",
        "run beside `authorization::application_cryptogram`, which is not public",
    ),
];

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} in {value}"))
}

fn bytes<const N: usize>(value: &Value, name: &str) -> [u8; N] {
    hex(text(value, name)).try_into().unwrap()
}

#[test]
fn every_case_gives_its_values() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/ac.json");
    let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut compared = 0;
    for case in file["cases"].as_array().unwrap() {
        let (id, input) = (text(case, "id"), &case["input"]);
        let actual = if input.get("pan").is_some() {
            cryptogram(input)
        } else if input.get("branch").is_some() {
            tree(input)
        } else if input.get("sha1").is_some() {
            vec![("y", shown(&decimalised(&bytes(input, "sha1"))))]
        } else if input.get("mac_data").is_some() {
            script(input)
        } else {
            assert!(
                LEFT_OUT.iter().any(|(left_out, _)| *left_out == id),
                "{id} is not run"
            );
            continue;
        };
        for (name, expected) in case["expect"].as_object().unwrap() {
            let found = actual.iter().find(|(key, _)| key == name);
            let (_, value) = found.unwrap_or_else(|| panic!("{id}: {name} is not computed"));
            assert_eq!(Some(value.as_str()), expected.as_str(), "{id}: {name}");
            compared += 1;
        }
    }
    assert!(compared >= 100, "{compared}");
}

type Values = Vec<(&'static str, String)>;

fn check_value(key: &TdesKey) -> String {
    shown(&key.encipher([0; 8])[..2])
}

fn padding(input: &Value) -> Padding {
    if text(input, "padding") == "zeros" {
        Padding::Method1
    } else {
        Padding::Method2
    }
}

fn cryptogram(input: &Value) -> Values {
    let option = if text(input, "master_key_option") == "A" {
        MasterKeyOption::A
    } else {
        MasterKeyOption::B
    };
    let master = TdesKey::new(bytes(input, "issuer_master_key")).icc_master_key(
        text(input, "pan"),
        text(input, "psn"),
        option,
    );
    let session = if text(input, "session_key_method") == "none" {
        master.clone()
    } else {
        master.session_key(bytes(input, "diversification_R"))
    };
    let cryptogram: Block = session.mac(&hex(text(input, "data")), padding(input));
    let arpc = &input["arpc"];
    let key = if text(arpc, "key") == "ICC master key" {
        &master
    } else {
        &session
    };
    let arpc = if arpc["method"] == 1 {
        shown(&key.arpc_method_1(cryptogram, bytes(arpc, "arc")))
    } else {
        let own = hex(text(arpc, "proprietary_authentication_data"));
        shown(&key.arpc_method_2(cryptogram, bytes(arpc, "csu"), &own))
    };
    vec![
        ("icc_master_key", shown(master.expose())),
        ("icc_master_key_kcv", check_value(&master)),
        ("session_key", shown(session.expose())),
        ("session_key_kcv", check_value(&session)),
        ("cryptogram", shown(&cryptogram)),
        ("arpc", arpc),
    ]
}

fn tree(input: &Value) -> Values {
    let number = |name: &str| u32::try_from(input[name].as_u64().unwrap()).unwrap();
    let key = TdesKey::new(bytes(input, "icc_master_key"));
    let counter = u16::from_be_bytes(bytes(input, "atc"));
    let session = key
        .tree_session_key(
            counter,
            number("height"),
            number("branch"),
            bytes(input, "iv"),
        )
        .unwrap();
    vec![("session_key", shown(session.expose()))]
}

fn script(input: &Value) -> Values {
    let master: [u8; 16] = bytes(input, "icc_master_key_smi");
    let session = if text(input, "session_key_method") == "Visa XOR with ATC" {
        TdesKey::new(master).exclusive_or_key(bytes(input, "atc"))
    } else {
        TdesKey::new(master).session_key(bytes(input, "arqc"))
    };
    let mac = session.mac(&hex(text(input, "mac_data")), Padding::Method2);
    vec![
        ("session_key", shown(session.expose())),
        ("mac", shown(&mac)),
    ]
}
