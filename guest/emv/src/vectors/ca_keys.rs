//! Certification authorities' keys.

use serde_json::{Value, json};

use super::Outcome;
use super::fields::{array, bytes, hex, number, optional};
use crate::ca_keys::{check, checksum};
use crate::parameters::CaPublicKey;

/// Each key as a set of its own. One whose list gave no checksum gets the one computed.
pub(super) fn run(case: &Value) -> Outcome {
    let key = key(&case["input"])?;
    let expected = checksum(&key);
    let given = optional(bytes, &case["input"], "checksum")?;
    Ok(json!({
        "sha1_rid_index_modulus_exponent": hex(&expected),
        "checksum_ok": given.map(|given| given == expected),
        "loadable": check(&[key]).is_ok(),
    }))
}

pub(super) fn key(input: &Value) -> Result<CaPublicKey, String> {
    let [index] = array(input, "index")?;
    let modulus = bytes(input, "modulus")?;
    if u64::try_from(modulus.len().saturating_mul(8)) != Ok(number(input, "modulus_bits")?) {
        return Err("modulus_bits is another number".to_owned());
    }
    let mut key = CaPublicKey {
        rid: array(input, "rid")?,
        index,
        modulus,
        exponent: bytes(input, "exponent")?,
        checksum: [0; 20],
        expires: None,
    };
    key.checksum = optional(array, input, "checksum")?.unwrap_or_else(|| checksum(&key));
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_key_and_no_key_is_loaded() {
        let file = include_str!("../../../../tests/vectors/capk.json");
        let file: Value = serde_json::from_str(file).expect("JSON");
        let cases = file["cases"].as_array().expect("cases").clone();
        let (mut loadable, wrong): (Vec<Value>, Vec<Value>) = cases
            .into_iter()
            .partition(|case| case["expect"]["loadable"] == true);
        // Live and test keys overlap in the lists; a terminal has one of them.
        let name = |case: &Value| {
            let input = &case["input"];
            (input["rid"].to_string(), input["index"].to_string())
        };
        loadable.sort_by_key(name);
        loadable.dedup_by_key(|case| name(case));
        let of_case = |case: &Value| key(&case["input"]).expect("a key");
        let keys: Vec<CaPublicKey> = loadable.iter().map(of_case).collect();
        assert_eq!(check(&keys), Ok(()));
        assert_eq!(wrong.len(), 7);
        for case in wrong {
            let mut keys = keys.clone();
            keys.insert(3, of_case(&case));
            let refused = check(&keys).expect_err("a wrong key");
            assert_eq!(refused.position, 3, "{}", case["id"]);
        }
    }
}
