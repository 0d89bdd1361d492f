//! PIN blocks: encode, decode, refuse.

use serde_json::Value;
use vault::pin_block::{self, ClearBlock, Error};
use vault::{AesKey, Pan, Pin};
use zeroize::Zeroizing;

use crate::dukpt_tdes::digits;
use crate::{array, bytes, expect_bytes, expect_true, text};

/// Why a case was refused, in the words of the file.
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

impl Refusal {
    fn reason(&self) -> &str {
        match self {
            Self::Block(Error::Pan) | Self::Pan => "pan",
            Self::Block(Error::ControlField) => "control_field",
            Self::Block(Error::PinLength) => "pin_length",
            Self::Block(Error::PinDigits) => "pin_digits",
            Self::Block(Error::Filler) => "filler",
            Self::Block(Error::Length) => "length",
            Self::Pin => "pin_length_or_digits",
            Self::Case(reason) => reason,
        }
    }
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

pub(crate) fn run(case: &Value) -> Result<(), String> {
    let expect = &case["expect"];
    let outcome = match text(case, "operation")? {
        "encode" => encode(case).map(|block| expect_bytes(expect, "block", block.as_bytes())),
        "encode_and_encipher" => encipher(case),
        "pan_field" => pan(&case["input"]).map(|pan| {
            let field = pin_block::encode_iso4_pan_field(&pan);
            expect_bytes(expect, "pan_field", &field)
        }),
        "decode" => decode(case).map(|pin| expect_pin(expect, &pin)),
        "decipher_and_decode" => decipher(case).map(|pin| expect_pin(expect, &pin)),
        "decode_pin_field" => array(&case["input"], "pin_field")
            .map_err(Refusal::from)
            .and_then(|field| {
                Ok(pin_block::decode_iso4_pin_field(&ClearBlock::from_bytes(
                    &field,
                ))?)
            })
            .map(|pin| expect_pin(expect, &pin)),
        operation => return Err(format!("no module runs {operation}")),
    };
    match (text(expect, "result")?, outcome) {
        ("ok", Ok(compared)) => compared,
        ("error", Err(refusal)) if refusal.reason() == text(expect, "reason")? => Ok(()),
        (expected, Ok(_)) => Err(format!("expected {expected}, was accepted")),
        (expected, Err(refusal)) => {
            let reason = &expect["reason"];
            Err(format!(
                "expected {expected} {reason}, was refused for {}",
                refusal.reason()
            ))
        }
    }
}

fn encode(case: &Value) -> Result<ClearBlock<8>, Refusal> {
    let input = &case["input"];
    let pin = pin(input)?;
    Ok(match &case["format"].as_u64() {
        Some(0) => pin_block::encode_iso0(&pin, &pan(input)?)?,
        Some(1) => pin_block::encode_iso1(&pin, &fill(input)?),
        Some(2) => pin_block::encode_iso2(&pin),
        Some(3) => pin_block::encode_iso3(&pin, &pan(input)?, &fill(input)?)?,
        format => {
            return Err(Refusal::Case(format!(
                "no module encodes format {format:?}"
            )));
        }
    })
}

fn decode(case: &Value) -> Result<Pin, Refusal> {
    let input = &case["input"];
    let block = ClearBlock::from_bytes(&array(input, "block")?);
    Ok(match &case["format"].as_u64() {
        Some(0) => pin_block::decode_iso0(&block, &pan(input)?)?,
        Some(1) => pin_block::decode_iso1(&block)?,
        Some(2) => pin_block::decode_iso2(&block)?,
        Some(3) => pin_block::decode_iso3(&block, &pan(input)?)?,
        format => {
            return Err(Refusal::Case(format!(
                "no module decodes format {format:?}"
            )));
        }
    })
}

fn encipher(case: &Value) -> Result<Result<(), String>, Refusal> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let (pin, pan) = (pin(input)?, pan(input)?);
    let random = array(input, "random")?;
    let field = pin_block::encode_iso4_pin_field(&pin, &random);
    let block = pin_block::encipher_iso4(&key(input)?, &pin, &pan, &random);
    Ok(expect_bytes(expect, "pin_field", field.as_bytes())
        .and(expect_bytes(
            expect,
            "pan_field",
            &pin_block::encode_iso4_pan_field(&pan),
        ))
        .and(expect_bytes(expect, "block", &block)))
}

fn decipher(case: &Value) -> Result<Pin, Refusal> {
    let input = &case["input"];
    Ok(pin_block::decipher_iso4(
        &key(input)?,
        &bytes(input, "block")?,
        &pan(input)?,
    )?)
}

fn pin(object: &Value) -> Result<Pin, Refusal> {
    Pin::from_digits(Zeroizing::new(digits(text(object, "pin")?))).ok_or(Refusal::Pin)
}

fn pan(object: &Value) -> Result<Pan, Refusal> {
    let digits = Zeroizing::new(digits(text(object, "pan")?));
    Pan::from_digits(digits).map_err(|_| Refusal::Pan)
}

fn key(object: &Value) -> Result<AesKey, Refusal> {
    AesKey::parse(&bytes(object, "key")?).ok_or_else(|| Refusal::Case("no AES key".to_owned()))
}

/// The filling, which a case gives without the places in front of it that the PIN takes. Those are
/// not used; format 3 wants letters there too.
fn fill(object: &Value) -> Result<[u8; 8], Refusal> {
    let whole = serde_json::json!({ "fill": format!("{:A>16}", text(object, "fill")?) });
    Ok(array(&whole, "fill")?)
}

fn expect_pin(expect: &Value, actual: &Pin) -> Result<(), String> {
    let expected = pin(expect).map_err(|refusal| refusal.reason().to_owned())?;
    expect_true("the PIN", actual.matches(&expected))
}
