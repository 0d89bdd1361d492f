//! AES DUKPT: derivation, working keys by usage and algorithm, use of each key, counter rules.

use emv::vectors::fields::{array, bytes, hex};
use serde_json::{Map, Value, json};
use vault::dukpt::aes::{self, KeySerialNumber, KeyUsage, TransactionKeys};
use vault::{AesKey, AesLength, TdesLength, mac, pin_block};

use crate::kinds::Outcome;
use crate::secrets::{
    aes_key, compared_aes_key, compared_tdes_key, deciphers_back, only_way, pan, pin, unknown,
    zeros,
};

pub(crate) fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    if !input["transaction_counter"].is_null() {
        let counter = u32::from_be_bytes(array(input, "transaction_counter")?);
        let next = KeySerialNumber::new([0; 8], counter).next();
        return Ok(json!({ "next": next.map(|next| hex(&next.counter().to_be_bytes())) }));
    }
    let initial_key_id = array(input, "initial_key_id")?;
    if input["bdk"].is_null() {
        let initial_key = aes_key(input, "initial_key")?;
        let keys = aes::derive_for_update(&initial_key, initial_key_id);
        let keys = keys.map_err(|error| error.to_string())?;
        return values(case, &initial_key, &keys);
    }
    let initial_key = aes::initial_key(&aes_key(input, "bdk")?, initial_key_id);
    let initial_key = initial_key.map_err(|error| error.to_string())?;
    let ksn = KeySerialNumber::parse(&bytes(input, "ksn")?).ok_or("ksn is none")?;
    if ksn.initial_key_id() != initial_key_id {
        return Err("ksn is of another initial key".to_owned());
    }
    let keys = aes::derive(&initial_key, ksn).map_err(|error| error.to_string())?;
    values(case, &initial_key, &keys)
}

fn values(case: &Value, initial_key: &AesKey, keys: &TransactionKeys) -> Outcome {
    let (input, expect) = (&case["input"], &case["expect"]);
    let mut actual = Map::new();
    for name in expect.as_object().into_iter().flat_map(Map::keys) {
        let value = match name.as_str() {
            "initial_key" => compared_aes_key(expect, name, initial_key),
            "transaction_key" | "derivation_key_at_counter" => {
                compared_aes_key(expect, name, keys.transaction_key())
            }
            // The counter that no transaction has stands for the update of a key.
            "transaction_counter" => json!(hex(&u32::MAX.to_be_bytes())),
            "pin_block_encrypted" => json!(hex(&pin_value(input, keys)?)),
            "cmac_request" | "cmac_response" | "data_request_encrypted" => {
                json!(hex(&message(input, name, keys)?))
            }
            _ => working_key(expect, name, keys)?,
        };
        actual.insert(name.clone(), value);
    }
    Ok(Value::Object(actual))
}

/// The keys that encipher and authenticate have the derivation key's own length.
fn message(input: &Value, name: &str, keys: &TransactionKeys) -> Result<Vec<u8>, String> {
    let data = bytes(input, "data_hex")?;
    let key = |usage| own_length(keys, usage);
    match name {
        "cmac_request" => Ok(mac::cmac_aes(&key(KeyUsage::MacGeneration)?, &data).to_vec()),
        "cmac_response" => Ok(mac::cmac_aes(&key(KeyUsage::MacVerification)?, &data).to_vec()),
        _ => {
            zeros(input, "iv")?;
            only_way(input, "data_padding", "zeros to 16 bytes")?;
            let key = key(KeyUsage::DataEncryption)?;
            let enciphered = aes::encrypt_data(&key, &data);
            let clear = aes::decrypt_data(&key, &enciphered).map_err(|error| error.to_string())?;
            deciphers_back(&clear, &data).map(|()| enciphered)
        }
    }
}

fn pin_value(input: &Value, keys: &TransactionKeys) -> Result<Vec<u8>, String> {
    let (pin, pan) = (pin(input, "pin")?, pan(input, "pan")?);
    let key = own_length(keys, KeyUsage::PinEncryption)?;
    let field: [u8; 16] = array(input, "pin_field_format4")?;
    let random = field.last_chunk::<8>().ok_or("the PIN field is short")?;
    let fields = [
        pin_block::encode_iso4_pin_field(&pin, random)
            .as_bytes()
            .to_vec(),
        pin_block::encode_iso4_pan_field(&pan).to_vec(),
    ];
    let given = [field.to_vec(), bytes(input, "pan_field_format4")?];
    if fields != given {
        return Err("the fields of the PIN block are others than the case gives".to_owned());
    }
    let block = pin_block::encipher_iso4(&key, &pin, &pan, random);
    let back = pin_block::decipher_iso4(&key, &block, &pan).map_err(|error| error.to_string())?;
    back.matches(&pin)
        .then(|| block.to_vec())
        .ok_or_else(|| "the PIN is deciphered to another".to_owned())
}

/// A key named by usage and algorithm, as `mac_generation_key_aes128`.
fn working_key(expect: &Value, name: &str, keys: &TransactionKeys) -> Outcome {
    let Some((usage, algorithm)) = name.rsplit_once('_') else {
        return unknown(name);
    };
    let usage = match usage {
        "key_encryption" | "update_key" => KeyUsage::KeyEncryption,
        "pin_key" | "pin_encryption" => KeyUsage::PinEncryption,
        "mac_generation_key" | "mac_generation" => KeyUsage::MacGeneration,
        "mac_verification_key" | "mac_verification" => KeyUsage::MacVerification,
        "mac_both" => KeyUsage::MacBothWays,
        "data_encrypt_key" | "data_encrypt" => KeyUsage::DataEncryption,
        "data_decrypt_key" | "data_decrypt" => KeyUsage::DataDecryption,
        "data_both" => KeyUsage::DataBothWays,
        _ => return unknown(name),
    };
    let aes = |length| {
        let derived = keys.aes(usage, length).map_err(|error| error.to_string())?;
        Ok(compared_aes_key(expect, name, &derived))
    };
    let tdes = |length| {
        let derived = keys.tdes(usage, length);
        let derived = derived.map_err(|error| error.to_string())?;
        Ok(compared_tdes_key(expect, name, &derived))
    };
    match algorithm {
        "aes128" => aes(AesLength::Aes128),
        "aes192" => aes(AesLength::Aes192),
        "aes256" => aes(AesLength::Aes256),
        "2tdea" => tdes(TdesLength::Double),
        "3tdea" => tdes(TdesLength::Triple),
        _ => unknown(name),
    }
}

fn own_length(keys: &TransactionKeys, usage: KeyUsage) -> Result<AesKey, String> {
    keys.aes(usage, keys.transaction_key().length())
        .map_err(|error| error.to_string())
}
