//! Message authentication codes and padding.

use serde_json::Value;
use vault::mac::{self, Padding};
use vault::{AesKey, TdesKey};

use crate::{bytes, expect_bytes, expect_true, expected_names, text};

pub(crate) fn run(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let data = bytes(input, "data")?;
    for name in expected_names(case)? {
        match name {
            "mac" => expect_bytes(expect, name, &code(input, &data)?)?,
            "published_part" => {
                expect_true(name, code(input, &data)?.starts_with(&bytes(expect, name)?))?;
            }
            "padded" => {
                expect_true("block_length", input["block_length"] == 8)?;
                expect_bytes(expect, name, &mac::pad(padding(input)?, &data))?;
            }
            _ => return Err(format!("no module checks {name}")),
        }
    }
    Ok(())
}

fn code(input: &Value, data: &[u8]) -> Result<Vec<u8>, String> {
    let key = bytes(input, "key")?;
    let tdes = || TdesKey::parse(&key).ok_or("no TDES key");
    match text(input, "algorithm")? {
        "CMAC-AES" => {
            let key = AesKey::parse(&key).ok_or("no AES key")?;
            Ok(mac::cmac_aes(&key, data).to_vec())
        }
        "CMAC-TDES" => Ok(mac::cmac_tdes(&tdes()?, data).to_vec()),
        "CBC-MAC-TDES" => Ok(mac::cbc_tdes(&tdes()?, padding(input)?, data).to_vec()),
        "RETAIL" => mac::retail(&tdes()?, padding(input)?, data)
            .map(Vec::from)
            .map_err(|error| error.to_string()),
        algorithm => Err(format!("no module makes {algorithm}")),
    }
}

fn padding(input: &Value) -> Result<Padding, String> {
    match input["padding_method"].as_u64() {
        Some(1) => Ok(Padding::Method1),
        Some(2) => Ok(Padding::Method2),
        Some(3) => Ok(Padding::Method3),
        method => Err(format!("no module pads by method {method:?}")),
    }
}
