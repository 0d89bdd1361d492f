//! Keys and PINs, which the vault compares and never shows.

use serde_json::{Value, json};
use vault::{AesKey, Pan, Pin, TdesKey};
use zeroize::Zeroizing;

use emv::vectors::fields::{bytes, hex, text, unhex};

use crate::kinds::Outcome;

pub(crate) fn tdes_key(object: &Value, name: &str) -> Result<TdesKey, String> {
    TdesKey::parse(&bytes(object, name)?).ok_or_else(|| format!("{name} is no TDES key"))
}

pub(crate) fn aes_key(object: &Value, name: &str) -> Result<AesKey, String> {
    AesKey::parse(&bytes(object, name)?).ok_or_else(|| format!("{name} is no AES key"))
}

/// The digits of a text, one a byte. What is no digit becomes a value that no PIN or PAN has.
pub(crate) fn digits(object: &Value, name: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let digits = text(object, name)?.chars().map(|character| {
        let digit = character.to_digit(10);
        digit.and_then(|digit| u8::try_from(digit).ok())
    });
    Ok(Zeroizing::new(
        digits.map(|digit| digit.unwrap_or(u8::MAX)).collect(),
    ))
}

pub(crate) fn pin(object: &Value, name: &str) -> Result<Pin, String> {
    Pin::from_digits(digits(object, name)?).ok_or_else(|| format!("{name} is no PIN"))
}

pub(crate) fn pan(object: &Value, name: &str) -> Result<Pan, String> {
    Pan::from_digits(digits(object, name)?).map_err(|error| error.to_string())
}

/// The value of a key that came out: the expected one when it is that key, else what it is not.
pub(crate) fn compared_tdes_key(expect: &Value, name: &str, key: &TdesKey) -> Value {
    let same = |bytes: &[u8]| TdesKey::parse(bytes).is_some_and(|other| other.matches(key));
    compared(&expect[name], same, "another TDES key")
}

/// As [`compared_tdes_key`].
pub(crate) fn compared_aes_key(expect: &Value, name: &str, key: &AesKey) -> Value {
    let same = |bytes: &[u8]| AesKey::parse(bytes).is_some_and(|other| other.matches(key));
    compared(&expect[name], same, "another AES key")
}

/// As [`compared_tdes_key`], for a PIN.
pub(crate) fn compared_pin(expect: &Value, name: &str, came_out: &Pin) -> Value {
    match pin(expect, name) {
        Ok(expected) if expected.matches(came_out) => expect[name].clone(),
        Ok(_) | Err(_) => json!("another PIN"),
    }
}

/// Fails unless all of an input is zeros, the only vector that the vault begins with.
pub(crate) fn zeros(input: &Value, name: &str) -> Result<(), String> {
    let all = bytes(input, name)?.iter().all(|byte| *byte == 0);
    all.then_some(())
        .ok_or_else(|| format!("{name} is not all zeros"))
}

/// Fails unless an input is the one way in which the vault does it.
pub(crate) fn only_way(input: &Value, name: &str, way: &str) -> Result<(), String> {
    let actual = text(input, name)?;
    (actual == way)
        .then_some(())
        .ok_or_else(|| format!("{name} is never {actual}"))
}

/// What deciphers to something else than went in has gone wrong.
pub(crate) fn deciphers_back(clear: &[u8], data: &[u8]) -> Result<(), String> {
    clear
        .starts_with(data)
        .then_some(())
        .ok_or_else(|| "it is deciphered to something else".to_owned())
}

/// Names the expectation of something that this kind of vector has not.
pub(crate) fn unknown(name: &str) -> Outcome {
    Err(format!("{name}: this expectation is not known"))
}

/// The expected value, when its digits are written as vectors write them and `same` says so.
fn compared(expected: &Value, same: impl Fn(&[u8]) -> bool, other: &str) -> Value {
    let bytes = expected.as_str().and_then(unhex).unwrap_or_default();
    let written = expected.as_str() == Some(&hex(&bytes));
    if written && same(&bytes) {
        expected.clone()
    } else {
        json!(format!("{other} (the vault shows none)"))
    }
}
