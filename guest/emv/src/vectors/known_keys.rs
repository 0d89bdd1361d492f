//! The certification authorities' keys that the vectors publish.
//!
//! A dialogue does not hold the key under which its card was issued. The keys are taken from the
//! vectors that do: the lists of keys, and the cases of authentication with a key of their own.

use std::sync::OnceLock;

use serde_json::Value;

use super::ca_keys;
use super::fields::{array, bytes, list, text};
use crate::parameters::CaPublicKey;

/// A key, and where it was published.
pub(super) struct Known {
    pub(super) key: CaPublicKey,
    /// The case of `oda_rsa` that has it, for a key that stands in no list.
    pub(super) case: Option<Published>,
}

/// A case of `oda_rsa`, and what its card signed.
pub(super) struct Published {
    pub(super) id: String,
    pub(super) challenge: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// Every key of the lists that may be loaded, then those of cases.
pub(super) fn all() -> Result<&'static [Known], String> {
    static KNOWN: OnceLock<Result<Vec<Known>, String>> = OnceLock::new();
    let known = KNOWN.get_or_init(read).as_ref();
    known.map(Vec::as_slice).map_err(Clone::clone)
}

fn read() -> Result<Vec<Known>, String> {
    let mut known = Vec::new();
    for case in &cases(include_str!("../../../../tests/vectors/capk.json"))? {
        if case.pointer("/expect/loadable") == Some(&Value::Bool(true)) {
            known.push(Known {
                key: ca_keys::key(&case["input"])?,
                case: None,
            });
        }
    }
    for case in &cases(include_str!("../../../../tests/vectors/oda_rsa.json"))? {
        let input = &case["input"];
        if input["internal_authenticate_data"].is_null() || input["sdad_9F4B"].is_null() {
            continue;
        }
        let key = of_case(&input["capk"])?;
        let listed = |one: &Known| one.key.rid == key.rid && one.key.index == key.index;
        if !known.iter().any(listed) {
            known.push(Known {
                key,
                case: Some(Published {
                    id: text(case, "id")?.to_owned(),
                    challenge: bytes(input, "internal_authenticate_data")?,
                    signature: bytes(input, "sdad_9F4B")?,
                }),
            });
        }
    }
    Ok(known)
}

/// The key of a case, which has no check value there.
fn of_case(capk: &Value) -> Result<CaPublicKey, String> {
    let [index] = array(capk, "index")?;
    let mut key = CaPublicKey {
        rid: array(capk, "rid")?,
        index,
        modulus: bytes(capk, "modulus")?,
        exponent: bytes(capk, "exponent")?,
        checksum: [0; 20],
        expires: None,
    };
    key.checksum = crate::ca_keys::checksum(&key);
    Ok(key)
}

fn cases(file: &str) -> Result<Vec<Value>, String> {
    let file: Value = serde_json::from_str(file).map_err(|error| error.to_string())?;
    Ok(list(&file, "cases")?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_key_is_taken_from_its_list() {
        let known = all().expect("keys");
        let key = |rid: [u8; 5], index: u8| {
            let mut found = known
                .iter()
                .filter(|one| one.key.rid == rid && one.key.index == index);
            let first = found.next().map(|one| one.case.is_none());
            (first, found.next().is_some())
        };
        assert_eq!(key([0xA0, 0, 0, 3, 0x33], 0x09), (Some(true), false));
        assert_eq!(
            key([0xAF, 0xFF, 0xFF, 0xFF, 0xFF], 0x92),
            (Some(false), false)
        );
        assert_eq!(key([0xA0, 0, 0, 3, 0x33], 0x7F), (None, false));
    }
}
