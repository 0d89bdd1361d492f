//! Message authentication codes and padding.

use emv::vectors::fields::{bytes, hex, number, text};
use serde_json::{Map, Value, json};
use vault::mac::{self, Padding};

use crate::kinds::Outcome;
use crate::secrets::{aes_key, tdes_key, unknown};

pub(crate) fn run(case: &Value) -> Outcome {
    let (input, expect) = (&case["input"], &case["expect"]);
    let data = bytes(input, "data")?;
    let mut actual = Map::new();
    for name in expect.as_object().into_iter().flat_map(Map::keys) {
        let value = match name.as_str() {
            "mac" => json!(hex(&code(input, &data)?)),
            // The source printed only the beginning.
            "published_part" => {
                let length = bytes(expect, name)?.len();
                json!(code(input, &data)?.get(..length).map(hex))
            }
            "padded" => {
                if number(input, "block_length")? != 8 {
                    return Err("no block is that long".to_owned());
                }
                json!(hex(&mac::pad(padding(input)?, &data)))
            }
            _ => return unknown(name),
        };
        actual.insert(name.clone(), value);
    }
    Ok(Value::Object(actual))
}

fn code(input: &Value, data: &[u8]) -> Result<Vec<u8>, String> {
    let tdes = || tdes_key(input, "key");
    match text(input, "algorithm")? {
        "CMAC-AES" => Ok(mac::cmac_aes(&aes_key(input, "key")?, data).to_vec()),
        "CMAC-TDES" => Ok(mac::cmac_tdes(&tdes()?, data).to_vec()),
        "CBC-MAC-TDES" => Ok(mac::cbc_tdes(&tdes()?, padding(input)?, data).to_vec()),
        "RETAIL" => mac::retail(&tdes()?, padding(input)?, data)
            .map(Vec::from)
            .map_err(|error| error.to_string()),
        algorithm => Err(format!("the vault has no {algorithm}")),
    }
}

fn padding(input: &Value) -> Result<Padding, String> {
    match number(input, "padding_method")? {
        1 => Ok(Padding::Method1),
        2 => Ok(Padding::Method2),
        3 => Ok(Padding::Method3),
        method => Err(format!("the vault has no padding method {method}")),
    }
}
