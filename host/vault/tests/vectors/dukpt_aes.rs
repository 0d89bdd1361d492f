//! AES DUKPT: derivation, working keys by usage and algorithm, use of each key, counter rules.

use serde_json::Value;
use vault::dukpt::aes::{self, KeySerialNumber, KeyUsage, TransactionKeys};
use vault::{AesKey, AesLength, Pan, Pin, TdesKey, TdesLength, mac, pin_block};
use zeroize::Zeroizing;

use crate::dukpt_tdes::digits;
use crate::{array, bytes, expect_bytes, expect_true, expected_names, text};

pub(crate) fn run(case: &Value) -> Result<(), String> {
    let input = &case["input"];
    if input.get("transaction_counter").is_some() {
        return run_counter(case);
    }
    let initial_key_id = array(input, "initial_key_id")?;
    if input.get("bdk").is_none() {
        let initial_key = key(input, "initial_key")?;
        let keys = aes::derive_for_update(&initial_key, initial_key_id);
        let keys = keys.map_err(|error| error.to_string())?;
        return check(case, &initial_key, &keys);
    }
    let initial_key = aes::initial_key(&key(input, "bdk")?, initial_key_id);
    let initial_key = initial_key.map_err(|error| error.to_string())?;
    let ksn = KeySerialNumber::parse(&bytes(input, "ksn")?).ok_or("the KSN is none")?;
    expect_true("initial_key_id", ksn.initial_key_id() == initial_key_id)?;
    let keys = aes::derive(&initial_key, ksn).map_err(|error| error.to_string())?;
    check(case, &initial_key, &keys)
}

fn check(case: &Value, initial_key: &AesKey, keys: &TransactionKeys) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    for name in expected_names(case)? {
        match name {
            "initial_key" => expect_true(name, initial_key.matches(&key(expect, name)?))?,
            "transaction_key" | "derivation_key_at_counter" => {
                expect_true(name, keys.transaction_key().matches(&key(expect, name)?))?;
            }
            "transaction_counter" => expect_bytes(expect, name, &u32::MAX.to_be_bytes())?,
            "pin_block_encrypted" => pin(case, keys)?,
            "cmac_request" | "cmac_response" | "data_request_encrypted" => {
                let made = message(name, &bytes(input, "data_hex")?, keys)?;
                expect_bytes(expect, name, &made)?;
            }
            _ => working_key(expect, name, keys)?,
        }
    }
    Ok(())
}

/// The keys that encipher and authenticate have the derivation key's own length.
fn message(name: &str, data: &[u8], keys: &TransactionKeys) -> Result<Vec<u8>, String> {
    let key = |usage| own_length(keys, usage);
    match name {
        "cmac_request" => Ok(mac::cmac_aes(&key(KeyUsage::MacGeneration)?, data).to_vec()),
        "cmac_response" => Ok(mac::cmac_aes(&key(KeyUsage::MacVerification)?, data).to_vec()),
        _ => {
            let key = key(KeyUsage::DataEncryption)?;
            let enciphered = aes::encrypt_data(&key, data);
            let clear = aes::decrypt_data(&key, &enciphered).map_err(|error| error.to_string())?;
            expect_true("deciphered", clear.starts_with(data)).map(|()| enciphered)
        }
    }
}

fn pin(case: &Value, keys: &TransactionKeys) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let digits = |name| Ok::<_, String>(Zeroizing::new(digits(text(input, name)?)));
    let pin = Pin::from_digits(digits("pin")?).ok_or("the PIN is none")?;
    let pan = Pan::from_digits(digits("pan")?).map_err(|error| error.to_string())?;
    let key = own_length(keys, KeyUsage::PinEncryption)?;
    let field: [u8; 16] = array(input, "pin_field_format4")?;
    let random = field[8..]
        .try_into()
        .map_err(|_| "the random half is short")?;
    expect_bytes(
        input,
        "pan_field_format4",
        &pin_block::encode_iso4_pan_field(&pan),
    )?;
    let block = pin_block::encipher_iso4(&key, &pin, &pan, &random);
    expect_bytes(expect, "pin_block_encrypted", &block)?;
    let clear = pin_block::decipher_iso4(&key, &block, &pan).map_err(|error| error.to_string())?;
    expect_true("deciphered PIN", clear.matches(&pin))
}

/// A key named by usage and algorithm, as `mac_generation_key_aes128`.
fn working_key(expect: &Value, name: &str, keys: &TransactionKeys) -> Result<(), String> {
    let unknown = || format!("no module checks {name}");
    let (usage, algorithm) = name.rsplit_once('_').ok_or_else(unknown)?;
    let usage = match usage {
        "key_encryption" | "update_key" => KeyUsage::KeyEncryption,
        "pin_key" | "pin_encryption" => KeyUsage::PinEncryption,
        "mac_generation_key" | "mac_generation" => KeyUsage::MacGeneration,
        "mac_verification_key" | "mac_verification" => KeyUsage::MacVerification,
        "mac_both" => KeyUsage::MacBothWays,
        "data_encrypt_key" | "data_encrypt" => KeyUsage::DataEncryption,
        "data_decrypt_key" | "data_decrypt" => KeyUsage::DataDecryption,
        "data_both" => KeyUsage::DataBothWays,
        _ => return Err(unknown()),
    };
    let aes = |length| {
        let derived = keys.aes(usage, length).map_err(|error| error.to_string())?;
        expect_true(name, derived.matches(&key(expect, name)?))
    };
    let tdes = |length| {
        let derived = keys
            .tdes(usage, length)
            .map_err(|error| error.to_string())?;
        let expected = TdesKey::parse(&bytes(expect, name)?).ok_or("no TDES key")?;
        expect_true(name, derived.matches(&expected))
    };
    match algorithm {
        "aes128" => aes(AesLength::Aes128),
        "aes192" => aes(AesLength::Aes192),
        "aes256" => aes(AesLength::Aes256),
        "2tdea" => tdes(TdesLength::Double),
        "3tdea" => tdes(TdesLength::Triple),
        _ => Err(unknown()),
    }
}

fn run_counter(case: &Value) -> Result<(), String> {
    let counter = u32::from_be_bytes(array(&case["input"], "transaction_counter")?);
    let next = KeySerialNumber::new([0; 8], counter).next();
    for name in expected_names(case)? {
        let expected = &case["expect"][name];
        match name {
            "next" if expected.is_null() => expect_true(name, next.is_none())?,
            "next" => {
                let next = next.ok_or("no counter is next")?.counter();
                expect_bytes(&case["expect"], name, &next.to_be_bytes())?;
            }
            _ => return Err(format!("no module checks {name}")),
        }
    }
    Ok(())
}

fn own_length(keys: &TransactionKeys, usage: KeyUsage) -> Result<AesKey, String> {
    keys.aes(usage, keys.transaction_key().length())
        .map_err(|error| error.to_string())
}

fn key(object: &Value, name: &str) -> Result<AesKey, String> {
    AesKey::parse(&bytes(object, name)?).ok_or_else(|| format!("{name} is no key"))
}
