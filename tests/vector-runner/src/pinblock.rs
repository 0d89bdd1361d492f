//! PIN blocks: encode, decode, refuse.

use emv::vectors::fields::{array, bytes, hex, number, text, unhex};
use serde_json::{Value, json};
use vault::pin_block::{self, ClearBlock, Error};
use vault::{AesKey, Pan, Pin};

use crate::kinds::Outcome;
use crate::secrets::{aes_key, compared_pin, digits};

/// Why a case was refused.
enum Refusal {
    /// By the block's own rules.
    Block(Error),
    /// The PIN was none to begin with.
    Pin,
    /// The PAN was none to begin with.
    Pan,
    /// The case itself cannot be read.
    Case(String),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Block(error)
    }
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self::Case(reason)
    }
}

pub(crate) fn run(case: &Value) -> Outcome {
    let reason = match values(case) {
        Ok(values) => return Ok(values),
        Err(Refusal::Case(reason)) => return Err(reason),
        Err(Refusal::Block(Error::Pan) | Refusal::Pan) => "pan",
        Err(Refusal::Block(Error::ControlField)) => "control_field",
        Err(Refusal::Block(Error::PinLength)) => "pin_length",
        Err(Refusal::Block(Error::PinDigits)) => "pin_digits",
        Err(Refusal::Block(Error::Filler)) => "filler",
        Err(Refusal::Block(Error::Length)) => "length",
        Err(Refusal::Pin) => "pin_length_or_digits",
    };
    Ok(json!({ "result": "error", "reason": reason }))
}

fn values(case: &Value) -> Result<Value, Refusal> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let decoded = |pin: &Pin| json!({ "result": "ok", "pin": compared_pin(expect, "pin", pin) });
    match (text(case, "operation")?, number(case, "format")?) {
        ("encode", format) => encode(input, format)
            .map(|block| json!({ "result": "ok", "block": hex(block.as_bytes()) })),
        ("decode", format) => decode(input, format).map(|pin| decoded(&pin)),
        ("encode_and_encipher", 4) => encipher(input),
        ("pan_field", 4) => {
            let field = pin_block::encode_iso4_pan_field(&pan(input)?);
            Ok(json!({ "result": "ok", "pan_field": hex(&field) }))
        }
        ("decipher_and_decode", 4) => {
            let block = bytes(input, "block")?;
            let pin = pin_block::decipher_iso4(&key(input)?, &block, &pan(input)?)?;
            Ok(decoded(&pin))
        }
        ("decode_pin_field", 4) => {
            let field = ClearBlock::from_bytes(&array(input, "pin_field")?);
            Ok(decoded(&pin_block::decode_iso4_pin_field(&field)?))
        }
        (operation, format) => Err(no_such(operation, format)),
    }
}

fn no_such(operation: &str, format: u64) -> Refusal {
    Refusal::Case(format!("the vault has no {operation} of format {format}"))
}

fn encode(input: &Value, format: u64) -> Result<ClearBlock<8>, Refusal> {
    let pin = pin(input)?;
    Ok(match format {
        0 => pin_block::encode_iso0(&pin, &pan(input)?)?,
        1 => pin_block::encode_iso1(&pin, &fill(input)?),
        2 => pin_block::encode_iso2(&pin),
        3 => pin_block::encode_iso3(&pin, &pan(input)?, &fill(input)?)?,
        format => return Err(no_such("encode", format)),
    })
}

fn decode(input: &Value, format: u64) -> Result<Pin, Refusal> {
    let block = ClearBlock::from_bytes(&array(input, "block")?);
    Ok(match format {
        0 => pin_block::decode_iso0(&block, &pan(input)?)?,
        1 => pin_block::decode_iso1(&block)?,
        2 => pin_block::decode_iso2(&block)?,
        3 => pin_block::decode_iso3(&block, &pan(input)?)?,
        format => return Err(no_such("decode", format)),
    })
}

fn encipher(input: &Value) -> Result<Value, Refusal> {
    let (pin, pan) = (pin(input)?, pan(input)?);
    let random = array(input, "random")?;
    let fields = (
        pin_block::encode_iso4_pin_field(&pin, &random),
        pin_block::encode_iso4_pan_field(&pan),
    );
    let block = pin_block::encipher_iso4(&key(input)?, &pin, &pan, &random);
    Ok(json!({
        "result": "ok",
        "block": hex(&block),
        "pin_field": hex(fields.0.as_bytes()),
        "pan_field": hex(&fields.1),
    }))
}

fn pin(input: &Value) -> Result<Pin, Refusal> {
    Pin::from_digits(digits(input, "pin")?).ok_or(Refusal::Pin)
}

fn pan(input: &Value) -> Result<Pan, Refusal> {
    Pan::from_digits(digits(input, "pan")?).map_err(|_| Refusal::Pan)
}

fn key(input: &Value) -> Result<AesKey, Refusal> {
    Ok(aes_key(input, "key")?)
}

/// The filling, which a case gives without the places in front of it that the PIN takes. Those are
/// not used; format 3 wants letters there too.
fn fill(input: &Value) -> Result<[u8; 8], Refusal> {
    let whole = format!("{:A>16}", text(input, "fill")?);
    let bytes = unhex(&whole).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Refusal::Case("fill is no filling".to_owned()))
}
