//! TDES DUKPT: derivation, use of each key, counter rules.

use serde_json::Value;
use vault::dukpt::tdes::{self, KeySerialNumber, TransactionKeys};
use vault::mac::{self, Padding};
use vault::{Pan, Pin, TdesKey, pin_block};
use zeroize::Zeroizing;

use crate::{array, bytes, expect_bytes, expect_true, expected_names, text};

pub(crate) fn run(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let ksn = KeySerialNumber::parse(&bytes(input, "ksn")?).ok_or("the KSN is none")?;
    if input.get("bdk").is_none() {
        return run_counter(case, ksn);
    }
    let bdk = TdesKey::parse(&bytes(input, "bdk")?).ok_or("the BDK is no key")?;
    let initial_ksn =
        KeySerialNumber::parse(&bytes(input, "initial_ksn")?).ok_or("the initial KSN is none")?;
    let initial_key = tdes::initial_key(&bdk, initial_ksn).map_err(|error| error.to_string())?;
    let keys = tdes::derive(&initial_key, ksn).map_err(|error| error.to_string())?;
    for name in expected_names(case)? {
        match name {
            "initial_key" => {
                expect_true(name, initial_key.matches(&key(expect, name)?))?;
                // The counter does not matter to the initial key.
                let again = tdes::initial_key(&bdk, ksn).map_err(|error| error.to_string())?;
                expect_true(name, initial_key.matches(&again))?;
            }
            "transaction_key" => {
                expect_true(name, keys.transaction_key().matches(&key(expect, name)?))?;
            }
            "pin_key" => expect_true(name, keys.pin_encryption().matches(&key(expect, name)?))?,
            "pin_block_clear" | "pin_block_encrypted" => pin(case, name, &keys)?,
            _ => expect_bytes(
                expect,
                name,
                &message(name, &bytes(input, "data_hex")?, &keys)?,
            )?,
        }
    }
    Ok(())
}

/// What the keys make of the message.
fn message(name: &str, data: &[u8], keys: &TransactionKeys) -> Result<Vec<u8>, String> {
    let retail = |key: &TdesKey, length| {
        mac::retail(key, Padding::Method1, data)
            .map(|code| code[..length].to_vec())
            .map_err(|error| error.to_string())
    };
    let enciphered = |key: &TdesKey| {
        let enciphered = tdes::encrypt_data(key, data);
        let clear = tdes::decrypt_data(key, &enciphered).map_err(|error| error.to_string())?;
        expect_true("deciphered", clear.starts_with(data)).map(|()| enciphered)
    };
    match name {
        "mac_request_4" => retail(&keys.mac_request(), 4),
        "mac_request_8" => retail(&keys.mac_request(), 8),
        "mac_response_4" => retail(&keys.mac_response(), 4),
        "mac_response_8" => retail(&keys.mac_response(), 8),
        "cmac_request" => Ok(mac::cmac_tdes(&keys.mac_request(), data).to_vec()),
        "cmac_response" => Ok(mac::cmac_tdes(&keys.mac_response(), data).to_vec()),
        "data_request_encrypted" => enciphered(&keys.data_request()),
        "data_response_encrypted" => enciphered(&keys.data_response()),
        _ => Err(format!("no module checks {name}")),
    }
}

fn pin(case: &Value, name: &str, keys: &TransactionKeys) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let digits = |name| Ok::<_, String>(Zeroizing::new(digits(text(input, name)?)));
    let pin = Pin::from_digits(digits("pin")?).ok_or("the PIN is none")?;
    let pan = Pan::from_digits(digits("pan")?).map_err(|error| error.to_string())?;
    let clear = pin_block::encode_iso0(&pin, &pan).map_err(|error| error.to_string())?;
    if name == "pin_block_clear" {
        return expect_bytes(expect, name, clear.as_bytes());
    }
    expect_bytes(
        expect,
        name,
        &pin_block::encipher(&keys.pin_encryption(), &clear),
    )?;
    let received = array::<8>(expect, name)?;
    let clear = pin_block::decipher(&keys.pin_encryption(), &received)
        .and_then(|clear| pin_block::decode_iso0(&clear, &pan))
        .map_err(|error| error.to_string())?;
    expect_true(name, clear.matches(&pin))
}

fn run_counter(case: &Value, ksn: KeySerialNumber) -> Result<(), String> {
    let expect = &case["expect"];
    for name in expected_names(case)? {
        match name {
            // Counter zero is of no transaction and still a counter.
            "counter_valid" => {
                let valid = ksn.counter() == 0 || ksn.is_of_a_transaction();
                expect_true(name, expect[name] == valid)?;
            }
            "exhausted" => expect_true(name, expect[name] == ksn.next().is_none())?,
            "next_ksn" if expect[name].is_null() => expect_true(name, ksn.next().is_none())?,
            "next_ksn" => {
                let next = ksn.next().ok_or("no KSN is next")?;
                expect_bytes(expect, name, next.as_bytes())?;
            }
            _ => return Err(format!("no module checks {name}")),
        }
    }
    Ok(())
}

fn key(expect: &Value, name: &str) -> Result<TdesKey, String> {
    TdesKey::parse(&bytes(expect, name)?).ok_or_else(|| format!("{name} is no key"))
}

/// Digits one a byte; a character that is no digit becomes 255.
pub(crate) fn digits(text: &str) -> Vec<u8> {
    let digit = |character: char| {
        character
            .to_digit(10)
            .and_then(|digit| digit.try_into().ok())
    };
    text.chars()
        .map(|character| digit(character).unwrap_or(255))
        .collect()
}
