//! TDES DUKPT: derivation, use of each key, counter rules.

use emv::vectors::fields::{array, bytes, hex};
use serde_json::{Map, Value, json};
use vault::dukpt::tdes::{self, KeySerialNumber, TransactionKeys};
use vault::mac::{self, Padding};
use vault::{TdesKey, pin_block};

use crate::kinds::Outcome;
use crate::secrets::{
    compared_tdes_key, deciphers_back, only_way, pan, pin, tdes_key, unknown, zeros,
};

pub(crate) fn run(case: &Value) -> Outcome {
    let (input, expect) = (&case["input"], &case["expect"]);
    let ksn = serial_number(input, "ksn")?;
    if input["bdk"].is_null() {
        return Ok(counter(ksn));
    }
    let bdk = tdes_key(input, "bdk")?;
    let initial = |ksn| tdes::initial_key(&bdk, ksn).map_err(|error| error.to_string());
    let initial_key = initial(serial_number(input, "initial_ksn")?)?;
    // The counter does not matter to the initial key.
    if !initial_key.matches(&initial(ksn)?) {
        return Err("the counter changes the initial key".to_owned());
    }
    let keys = tdes::derive(&initial_key, ksn).map_err(|error| error.to_string())?;
    let mut actual = Map::new();
    for name in expect.as_object().into_iter().flat_map(Map::keys) {
        let value = match name.as_str() {
            "initial_key" => compared_tdes_key(expect, name, &initial_key),
            "transaction_key" => compared_tdes_key(expect, name, keys.transaction_key()),
            "pin_key" => compared_tdes_key(expect, name, &keys.pin_encryption()),
            "pin_block_clear" | "pin_block_encrypted" => pin_value(input, name, &keys)?,
            _ => json!(hex(&message(input, name, &keys)?)),
        };
        actual.insert(name.clone(), value);
    }
    Ok(Value::Object(actual))
}

/// What the keys make of the message.
fn message(input: &Value, name: &str, keys: &TransactionKeys) -> Result<Vec<u8>, String> {
    let data = &bytes(input, "data_hex")?;
    let retail = |key: &TdesKey, length| {
        only_way(input, "mac_padding", "zeros to 8 bytes")?;
        let code = mac::retail(key, Padding::Method1, data).map_err(|error| error.to_string())?;
        let code: &[u8] = &code;
        Ok(code.get(..length).unwrap_or(code).to_vec())
    };
    let enciphered = |key: &TdesKey| {
        zeros(input, "iv")?;
        let enciphered = tdes::encrypt_data(key, data);
        let clear = tdes::decrypt_data(key, &enciphered).map_err(|error| error.to_string())?;
        deciphers_back(&clear, data).map(|()| enciphered)
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
        _ => unknown(name).map(|_| Vec::new()),
    }
}

fn pin_value(input: &Value, name: &str, keys: &TransactionKeys) -> Outcome {
    let (pin, pan) = (pin(input, "pin")?, pan(input, "pan")?);
    let clear = pin_block::encode_iso0(&pin, &pan).map_err(|error| error.to_string())?;
    if name == "pin_block_clear" {
        return Ok(json!(hex(clear.as_bytes())));
    }
    let enciphered = pin_block::encipher(&keys.pin_encryption(), &clear);
    let back = pin_block::decipher(&keys.pin_encryption(), &enciphered)
        .and_then(|clear| pin_block::decode_iso0(&clear, &pan))
        .map_err(|error| error.to_string())?;
    if !back.matches(&pin) {
        return Err("the PIN is deciphered to another".to_owned());
    }
    Ok(json!(hex(&enciphered)))
}

fn counter(ksn: KeySerialNumber) -> Value {
    let next = ksn.next();
    json!({
        // Counter zero is of no transaction and still a counter.
        "counter_valid": ksn.counter() == 0 || ksn.is_of_a_transaction(),
        "next_ksn": next.map(|next| hex(next.as_bytes())),
        "exhausted": next.is_none(),
    })
}

fn serial_number(input: &Value, name: &str) -> Result<KeySerialNumber, String> {
    let bytes: [u8; 10] = array(input, name)?;
    KeySerialNumber::parse(&bytes).ok_or_else(|| format!("{name} is no key serial number"))
}
