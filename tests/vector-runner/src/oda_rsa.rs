//! Offline data authentication: the kernel's part, and the PIN that the vault enciphers for a card.

use emv::vectors::fields::{bytes, hex, unhex};
use serde_json::{Value, json};
use vault::{Error, verify_command};

use crate::kinds::Outcome;
use crate::secrets::pin;

/// Class, instruction, both parameters and the length, before the data of a command.
const HEADER_LENGTH: usize = 5;

pub(crate) fn run(case: &Value) -> Outcome {
    let mut actual = emv::vectors::run("oda_rsa", case)?;
    let input = &case["input"];
    if input["enciphered_pin"].is_null() {
        return Ok(actual);
    }
    let modulus = actual.pointer("/icc_key/modulus").and_then(Value::as_str);
    let modulus = modulus.and_then(unhex).ok_or("the card has no key")?;
    let enciphered = encipher(input, &modulus)?;
    if let Some(members) = actual.as_object_mut() {
        members.insert("enciphered_pin".to_owned(), enciphered);
    }
    Ok(actual)
}

/// EMV 4.4 Book 2, 7.2, with the padding of the case in place of a random one.
fn encipher(input: &Value, modulus: &[u8]) -> Outcome {
    let exponent = bytes(&input["tags"], "9F47")?;
    let input = &input["enciphered_pin"];
    let (pin, challenge) = (pin(input, "pin")?, bytes(input, "icc_challenge")?);
    let given = bytes(input, "random_padding")?;
    let padding = |padding: &mut [u8]| {
        if padding.len() != given.len() {
            return Err(Error::InvalidInput);
        }
        padding.copy_from_slice(&given);
        Ok(())
    };
    let failed = |error: Error| error.to_string();
    let plain = verify_command::data_to_encipher(&pin, modulus.len(), &challenge, padding);
    let command = verify_command::enciphered(&pin, modulus, &exponent, &challenge, padding);
    let (plain, command) = (plain.map_err(failed)?, command.map_err(failed)?);
    let data = command.get(HEADER_LENGTH..).unwrap_or_default();
    Ok(json!({ "plain_block": hex(&plain), "verify_command_data": hex(data) }))
}
