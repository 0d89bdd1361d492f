//! EC-SDSA signatures (EMV 4.4 Book 2, Annex A2.2), on both curves of EMV.

use emv_rs::core::ec_sdsa::{
    constrain_long_term_private_key_p256, ec_sdsa_p256_sign, ec_sdsa_p256_verify,
    ec_sdsa_p521_verify, public_key_x_from_private,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::comparison::{Area, Difference, compare};

#[derive(Debug, Clone)]
struct Input {
    curve: Curve,
    x: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Curve {
    P256,
    P521,
}

impl Curve {
    /// Its name in the vectors, and its algorithm suite (EMV 4.4 Book 2, Annex B2.4).
    const fn names(self) -> (&'static str, u8) {
        match self {
            Self::P256 => ("P-256", 0x10),
            Self::P521 => ("P-521", 0x11),
        }
    }
}

/// Whether the signature is the key's, over the message.
const AREA: Area<Input, bool> = Area {
    ours,
    theirs,
    differences: &[Difference {
        name: "a valid signature on P-521",
        ours: "accepts it (EMV 4.4 Book 2, Annex A2.2.3).",
        theirs: "refuses it: the order of its group lacks four hexadecimal digits.",
        instead: |input, valid| (input.curve == Curve::P521 && *valid).then_some(false),
    }],
};

fn ours(input: &Input) -> bool {
    let hex = |bytes: &[u8]| emv::vectors::fields::hex(bytes);
    let (curve, suite) = input.curve.names();
    let case = json!({ "input": {
        "curve": curve,
        "algorithm_suite": hex(&[suite]),
        "message": hex(&input.message),
        "signature": hex(&input.signature),
        "public_key_x": hex(&input.x),
    }});
    let outcome = emv::vectors::run("oda_ecc", &case).expect("a case");
    outcome["valid"].as_bool().expect("an answer")
}

fn theirs(input: &Input) -> bool {
    let (_, suite) = input.curve.names();
    let Input {
        x,
        message,
        signature,
        ..
    } = input;
    let valid = match input.curve {
        Curve::P256 => <&[u8; 32]>::try_from(x.as_slice())
            .map(|x| ec_sdsa_p256_verify(suite, x, message, signature)),
        Curve::P521 => <&[u8; 66]>::try_from(x.as_slice())
            .map(|x| ec_sdsa_p521_verify(suite, x, message, signature)),
    };
    valid.is_ok_and(|valid| valid.is_ok_and(|valid| valid))
}

/// Signatures by fresh keys on P-256. Only their kernel can sign.
fn signed() -> impl Strategy<Value = Input> {
    let message = prop::collection::vec(any::<u8>(), 0..80);
    (any::<[u8; 32]>(), any::<[u8; 32]>(), message).prop_filter_map(
        "no number below the order of the curve",
        |(secret, once, message)| {
            let secret = constrain_long_term_private_key_p256(&secret).ok()?;
            Some(Input {
                curve: Curve::P256,
                x: public_key_x_from_private(&secret).ok()?.to_vec(),
                signature: ec_sdsa_p256_sign(0x10, &secret, &once, &message).ok()?,
                message,
            })
        },
    )
}

/// The signatures of the test vectors, on both curves.
fn published() -> Vec<Input> {
    let file = include_str!("../../vectors/oda_ecc.json");
    let file: Value = serde_json::from_str(file).expect("JSON");
    let cases = file["cases"].as_array().expect("cases").iter();
    cases
        .filter_map(|case| {
            let input = &case["input"];
            let bytes = |name| emv::vectors::fields::bytes(input, name).expect("bytes");
            let curve = match (input["curve"].as_str()?, bytes("algorithm_suite")[0]) {
                ("P-256", 0x10) => Curve::P256,
                ("P-521", 0x11) => Curve::P521,
                _ => return None,
            };
            Some(Input {
                curve,
                x: bytes("public_key_x"),
                message: bytes("message"),
                signature: bytes("signature"),
            })
        })
        .collect()
}

/// One byte of one part is another, or one is missing or too many; or nothing is.
fn inputs() -> impl Strategy<Value = Input> {
    let original = prop_oneof![signed(), select(published())];
    (original, 0..8_u8, any::<Index>(), any::<u8>()).prop_map(|(mut input, change, index, byte)| {
        let part = match change {
            0 => &mut input.x,
            1 => &mut input.message,
            2..=4 => &mut input.signature,
            _ => return input,
        };
        match change {
            3 => {
                part.pop();
            }
            4 => part.push(byte),
            _ if part.is_empty() => part.push(byte),
            _ => {
                // The ends are where a comparison may miss a byte.
                let place = match byte % 4 {
                    0 => 0,
                    1 => part.len() - 1,
                    _ => index.index(part.len()),
                };
                part[place] ^= byte | 1;
            }
        }
        input
    })
}

#[test]
fn both_kernels_accept_the_same_signatures() {
    compare(&AREA, &inputs(), 4);
}
