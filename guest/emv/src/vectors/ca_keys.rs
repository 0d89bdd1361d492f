//! Certification authorities' keys that were published, and some that were changed.

use serde_json::Value;
use sha1::{Digest, Sha1};

use super::{array_of, bytes_of, cases, expect_equal, run, text_of};
use crate::ca_keys::{Fault, check};
use crate::parameters::CaPublicKey;
use crate::scripted::hex;

const CAPK: &str = include_str!("../../../../tests/vectors/capk.json");

/// The key of a case. One without a checksum gets the one expected, which the first test compares.
fn key(case: &Value) -> CaPublicKey {
    let (input, expected) = (&case["input"], &case["expect"]);
    let [index] = array_of(input, "index").expect("an index");
    CaPublicKey {
        rid: array_of(input, "rid").expect("a RID"),
        index,
        modulus: bytes_of(input, "modulus"),
        exponent: bytes_of(input, "exponent"),
        checksum: array_of(input, "checksum")
            .or_else(|| array_of(expected, "sha1_rid_index_modulus_exponent"))
            .expect("a checksum"),
        expires: None,
    }
}

#[test]
fn capk() {
    run(CAPK, |case| {
        let (key, expected) = (key(case), &case["expect"]);
        let data = [&key.rid[..], &[key.index], &key.modulus, &key.exponent].concat();
        let bits = key.modulus.len().saturating_mul(8);
        expect_equal(
            Some(bits),
            case["input"]["modulus_bits"]
                .as_u64()
                .and_then(|bits| bits.try_into().ok()),
        )?;
        if expected["sha1_rid_index_modulus_exponent"].is_string() {
            let checksum = hex(&Sha1::digest(data));
            let wanted = text_of(expected, "sha1_rid_index_modulus_exponent");
            expect_equal(checksum.as_str(), wanted)?;
        }
        let checked = check(&[key]);
        if expected["checksum_ok"] == false {
            expect_equal(
                checked.err().map(|refused| refused.fault),
                Some(Fault::Checksum),
            )?;
        }
        expect_equal(checked.is_ok(), expected["loadable"] == true)
    });
}

#[test]
fn one_wrong_key_and_no_key_is_loaded() {
    let (mut loadable, wrong): (Vec<Value>, Vec<Value>) = cases(CAPK)
        .into_iter()
        .partition(|case| case["expect"]["loadable"] == true);
    // Live and test keys overlap in the lists; a terminal has one of them.
    let name = |case: &Value| {
        let input = &case["input"];
        (
            text_of(input, "rid").to_owned(),
            text_of(input, "index").to_owned(),
        )
    };
    loadable.sort_by_key(name);
    loadable.dedup_by_key(|case| name(case));
    let keys: Vec<CaPublicKey> = loadable.iter().map(key).collect();
    assert_eq!(check(&keys), Ok(()));
    assert_eq!(wrong.len(), 7);
    for case in wrong {
        let mut keys = keys.clone();
        keys.insert(3, key(&case));
        let refused = check(&keys).expect_err("a wrong key");
        assert_eq!(refused.position, 3, "{}", text_of(&case, "id"));
    }
}
