//! Signatures on elliptic curves.

use serde_json::{Value, json};

use super::Outcome;
use super::fields::{array, bytes, text};
use crate::elliptic::EllipticKey;
use crate::parameters::AlgorithmSuite;

pub(super) fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    let curve = text(input, "curve")?;
    let [indicator] = array(input, "algorithm_suite")?;
    let (message, signature) = (bytes(input, "message")?, bytes(input, "signature")?);
    let x = bytes(input, "public_key_x")?;
    // A suite that is not known here has no valid signatures.
    let Some(suite) = AlgorithmSuite::from_indicator(indicator) else {
        return Ok(json!({ "valid": false }));
    };
    let curve_of_suite = match suite {
        AlgorithmSuite::EcSdsaSha256P256 => "P-256",
        AlgorithmSuite::EcSdsaSha512P521 => "P-521",
    };
    if curve != curve_of_suite {
        return Err(format!("curve: the suite is on {curve_of_suite}"));
    }
    let key = EllipticKey { suite, x };
    Ok(json!({ "valid": key.verifies(&message, &signature) }))
}
