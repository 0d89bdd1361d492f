//! The emulated terminal's parameters: `parameters.json`, and the virtual cards' CA public keys.

use terminal_host::parameters::{CaPublicKey, HexBytes, Parameters, ParametersError};

const JSON: &str = include_str!("parameters.json");

/// The parameters of a merchant in Wellington who takes NZD, AUD and USD.
///
/// Fails when the built-in file is broken, which a test of this crate would have said.
pub fn parameters() -> Result<Parameters, ParametersError> {
    let mut parameters = Parameters::from_json(JSON)?;
    parameters.ca_public_keys = virtual_card::ca_public_keys()
        .into_iter()
        .map(|key| CaPublicKey {
            rid: HexBytes(key.rid.to_vec()),
            index: key.index,
            modulus: HexBytes(key.modulus),
            exponent: HexBytes(key.exponent),
            checksum: HexBytes(key.checksum.to_vec()),
            expires: None,
        })
        .collect();
    parameters.check()?;
    Ok(parameters)
}

/// The same parameters with another time limit for the acquirer's answer.
pub fn with_answer_timeout(mut parameters: Parameters, answer_ms: u32) -> Parameters {
    parameters.timeouts.answer_ms = answer_ms;
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_parameters_are_whole() {
        let parameters = parameters().unwrap();
        assert_eq!(parameters.terminal.currencies[0].alphabetic, "NZD");
        assert!(!parameters.ca_public_keys.is_empty());
    }
}
