//! Tokens with real signatures: what opens, and every way in which one must not.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RsaKeyPair, RsaPublicKeyComponents,
    },
};
use serde_json::{Value, json};

use super::*;
use crate::operations::Permission;

const TERMINAL: &str = "TENON001";
const NOW: i64 = 1_775_000_000;

/// A key of RSA with 2048 bits, made for these tests and used nowhere else. PKCS #8.
const RSA_KEY: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCxqPjglww8+V08pyzekyPwvBf/m5him5mGbbW7\
     XLVdLqWMssW4woYJeQyz2sMJwLIhMYjYV4f4qvhQ0gCGfhwdNw/VoPtudtxxmLeZJllPcKnYV0JU4TtbUt2zjdlo\
     FHZ0cWiQtzV/GfHGKmIJaWPU5T+GviVuLBq1eRj48HH1+1x4EyTOntUrschOwgDLkn+yK6qYfRpFu39Ah+LSmFZX\
     bC4I69ZJ3Y83s3BrnL+I4v9QMhhz6vFvaaGW0I4YiWXfaH8EYUoFDw4WnHTbjX/q5yRo0arvsbwcqjMaEGRlsn1w\
     k2CLcJpoiZ3Q1V8ZGFCFsH/M7BHnSZgbbbto4tRZAgMBAAECggEADTJSuFC9VeXPqpggEbFm0knlKMq3P/M0bSNG\
     7vGvlB9z/cvwEBhnn0UDWp8Vl+rHyzDpgWkbvm7UDqF8F1a/Ql6gbxCBP17rYtxtSN5BHzuXFizseQRuUGCK+3x+\
     KXMZqxkbI2LEgcTc1sjiVYt4oQFdXbt6lCDeZAaogkyj/m7g1T5ahRSIAn5dcWpYYy7kvrLQVFGHfXB3BnPORPaJ\
     3l/R5hZ5tMCCYJzlyrvADoLOiIhdXwzeZX4uNZRcsDE5N/Rqp3uAljjMTOIu+eEY+K4MQ1DkQka4+VM3i4dsqGpE\
     75DN8poyirIsNOzu2joajn+fTLZIyvoXw6Qb6FFmrQKBgQDZtnI0xQB5SOA80sfsf1p/B4YfNQCscqUYZrsHZUN1\
     Oqe976rOIKhG2ngN9NcOZ6HerJVDwuoeWHtcU7ZmLF7UZ2Q9sziu//MjEkHejpggKvZ6IApjyJPydFIPgRwdQmjd\
     WdhWDMsXaSltCAJoRt/ufbUPXMZ6bp3Etam2FjIhBQKBgQDQ51UyqRrVQamEGTl0AEANYQ+D9UQOfDYH1GNiwWX2\
     KkJdtOgDH14KNmqwCWNebCRGzdq9c8ZCFAeuevNeDdXsuHW08LAAW3fSebU7uoZg6fyzsiIzud8PRsabFKnSYDok\
     TWHz6u34OHYVz4slUUzR9UllxYOEV5Pqnr8Y0JuWRQKBgEwt/wBf/q5xxaUCzFoAphXU+CVrUnUFGKfVKpSH5nba\
     s19OwaGm47sHLwMTLT0pHgbgtMolJe7AX0oLMMPHutbv5q+AStFRVi5rcQkDNE/tOJm7JGeOA9bOxPgP4VqLpk3t\
     5jkV+OqULZ6tMspyImE9M2HQwNKOaj4uotfIJHpRAoGBAJV788s8lqbjRZnxMtt/ElaAjcmvR/PVjhQsNrIEEiIE\
     O1kyipMxbul/5vfwv9phJ9RCmbPXlJbUHmsML/mtjNbHZ/MCB+85hJRn4vfKkT3oMZukbDT3XFZiHtv5/Us88F3p\
     wZ35DjAAtv8EdF1Pv9i93LemjmW1BXNuBPCM1cjBAoGAYWoQyrL5eF5//iOett2j3bialtxBXkrDSeFFYro6Amlt\
     aGsObtcW1MScwSBM1ntPBhCG03ffvXkQeqOjINGv066WA6Qz1AdJ5sHKRk/BvLbL+l9LNVk0jAZjyjlyyzE5Pg/t\
     qV0/3T23FjyqxsXrYDxWyzbzD1SOwLGRnoZD15c=";

/// A key pair of an issuer's.
enum Signer {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Signer {
    fn rsa() -> Self {
        let der = STANDARD.decode(RSA_KEY).expect("base64");
        Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(&der).expect("a key")))
    }

    fn ec() -> Self {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let der = der.expect("a key");
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random);
        Self::Ec(pair.expect("a key"))
    }

    fn ed() -> Self {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        Self::Ed(Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("a key"))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    fn jwk(&self, id: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(pair) => {
                let RsaPublicKeyComponents::<Vec<u8>> { n, e } = pair.public().into();
                json!({"kty": "RSA", "kid": id, "use": "sig", "n": text(&n), "e": text(&e)})
            }
            Self::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                let (x, y) = (text(x), text(y));
                json!({"kty": "EC", "crv": "P-256", "kid": id, "alg": "ES256", "x": x, "y": y})
            }
            Self::Ed(pair) => {
                let x = text(pair.public_key().as_ref());
                json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": x})
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .expect("signed");
                signature
            }
            Self::Ec(pair) => pair
                .sign(&random, message)
                .expect("signed")
                .as_ref()
                .to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    fn header(&self, id: &str) -> Value {
        json!({"alg": self.algorithm(), "typ": "JWT", "kid": id})
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://auth.example", "sub": "cli_1", "aud": "terminal", "exp": NOW + 3600,
        "terminal_id": TERMINAL, "scope": "terminal:read transactions:write",
    })
}

fn changed(field: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[field] = value;
    claims
}

fn without(field: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().expect("an object").remove(field);
    claims
}

fn tokens(signers: &[(&str, &Signer)]) -> Tokens {
    let keys: Vec<_> = signers.iter().map(|(id, signer)| signer.jwk(id)).collect();
    Tokens::new(json!({ "keys": keys }).to_string().as_bytes(), TERMINAL).expect("valid keys")
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).expect("a moment")
}

#[test]
fn each_algorithm_opens_with_its_own_key() {
    let signers = [Signer::rsa(), Signer::ec(), Signer::ed()];
    let named: Vec<_> = ["a", "b", "c"].into_iter().zip(&signers).collect();
    let tokens = tokens(&named);
    for (id, signer) in &named {
        let token = signer.token(&signer.header(id), &claims());
        let caller = tokens.check(&token, now()).expect("it opens");
        let permissions: Vec<_> = caller.permissions.iter().collect();
        assert_eq!(
            permissions,
            [Permission::TerminalRead, Permission::TransactionsWrite]
        );
        for (other, _) in named.iter().filter(|(other, _)| other != id) {
            let token = signer.token(&signer.header(other), &claims());
            assert_eq!(tokens.check(&token, now()), Err(TokenFault::Signature));
        }
    }
}

#[test]
fn a_token_chooses_no_algorithm() {
    let signer = Signer::rsa();
    let tokens = tokens(&[("a", &signer)]);
    let good = signer.token(&signer.header("a"), &claims());
    let (message, signature) = good.rsplit_once('.').expect("three parts");
    let claims_part = message.split_once('.').expect("two parts").1;
    for algorithm in [
        "none", "None", "", "HS256", "RS384", "PS256", "ES256", "EdDSA",
    ] {
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": algorithm, "kid": "a"}).to_string());
        for signature in [signature, ""] {
            let token = format!("{header}.{claims_part}.{signature}");
            assert_eq!(
                tokens.check(&token, now()),
                Err(TokenFault::Signature),
                "{algorithm}"
            );
        }
    }
    // The public key as the secret of an HMAC: the classic confusion.
    let header = json!({"alg": "HS256", "kid": "a"}).to_string();
    let message = format!("{}.{claims_part}", URL_SAFE_NO_PAD.encode(header));
    let secret = signer.jwk("a").to_string();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let mac = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, message.as_bytes()).as_ref());
    assert_eq!(
        tokens.check(&format!("{message}.{mac}"), now()),
        Err(TokenFault::Signature)
    );
}

#[test]
fn a_changed_token_does_not_open() {
    let signer = Signer::ed();
    let tokens = tokens(&[("a", &signer)]);
    let token = signer.token(&signer.header("a"), &claims());
    assert!(tokens.check(&token, now()).is_ok());
    for at in (0..token.len()).step_by(7) {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("ASCII");
        assert_eq!(
            tokens.check(&changed, now()),
            Err(TokenFault::Signature),
            "{at}"
        );
    }
    for other in ["", ".", "..", "a.b.c", &token[1..], &format!("{token}.")] {
        assert_eq!(
            tokens.check(other, now()),
            Err(TokenFault::Signature),
            "{other}"
        );
    }
    let long = signer.token(
        &signer.header("a"),
        &changed("sub", "x".repeat(8192).into()),
    );
    assert_eq!(tokens.check(&long, now()), Err(TokenFault::Signature));
    let critical = json!({"alg": "EdDSA", "kid": "a", "crit": ["b64"], "b64": false});
    let token = signer.token(&critical, &claims());
    assert_eq!(tokens.check(&token, now()), Err(TokenFault::Signature));
}

#[test]
fn claims_are_checked_one_by_one() {
    let signer = Signer::ed();
    let tokens = tokens(&[("a", &signer)])
        .with_issuer("https://auth.example")
        .with_audience("terminal");
    let leeway = TOKEN_LEEWAY_S;
    let cases = [
        (claims(), Ok(())),
        (changed("exp", (NOW - leeway + 1).into()), Ok(())),
        (
            changed("exp", (NOW - leeway).into()),
            Err(TokenFault::Expired),
        ),
        (changed("exp", i64::MIN.into()), Err(TokenFault::Expired)),
        (changed("exp", i64::MAX.into()), Err(TokenFault::Claims)),
        (changed("exp", "9999999999".into()), Err(TokenFault::Claims)),
        (
            changed("exp", json!(9_999_999_999.5)),
            Err(TokenFault::Claims),
        ),
        (without("exp"), Err(TokenFault::Claims)),
        (changed("nbf", (NOW + leeway).into()), Ok(())),
        (
            changed("nbf", (NOW + leeway + 1).into()),
            Err(TokenFault::Early),
        ),
        (changed("nbf", "soon".into()), Err(TokenFault::Claims)),
        (
            changed("terminal_id", "TENON002".into()),
            Err(TokenFault::Terminal),
        ),
        (without("terminal_id"), Err(TokenFault::Claims)),
        (without("sub"), Err(TokenFault::Claims)),
        (
            changed("iss", "https://auth.example/".into()),
            Err(TokenFault::Issuer),
        ),
        (without("iss"), Err(TokenFault::Issuer)),
        (changed("aud", json!(["other", "terminal"])), Ok(())),
        (changed("aud", json!(["other"])), Err(TokenFault::Issuer)),
        (without("aud"), Err(TokenFault::Issuer)),
    ];
    for (claims, expected) in cases {
        let token = signer.token(&signer.header("a"), &claims);
        let checked = tokens.check(&token, now()).map(|_| ());
        assert_eq!(checked, expected, "{claims}");
    }
}

#[test]
fn a_token_without_scopes_permits_nothing() {
    let signer = Signer::ed();
    let tokens = tokens(&[("a", &signer)]);
    let token = signer.token(&signer.header("a"), &without("scope"));
    let caller = tokens.check(&token, now()).expect("it opens");
    assert_eq!(caller.permissions, Permissions::NONE);
}

#[test]
fn the_same_subject_of_another_issuer_is_another_caller() {
    let signer = Signer::ed();
    let tokens = tokens(&[("a", &signer)]);
    let caller = |claims: &Value| {
        let token = signer.token(&signer.header("a"), claims);
        tokens.check(&token, now()).expect("it opens").id
    };
    assert_eq!(caller(&claims()), caller(&changed("exp", (NOW + 9).into())));
    assert_ne!(caller(&claims()), caller(&changed("iss", "other".into())));
    assert_ne!(caller(&claims()), caller(&changed("sub", "other".into())));
}

#[test]
fn a_token_without_a_key_id_opens_where_there_is_one_key() {
    let (one, other) = (Signer::ed(), Signer::ec());
    let nameless = json!({"alg": "EdDSA"});
    let token = one.token(&nameless, &claims());
    assert!(tokens(&[("a", &one)]).check(&token, now()).is_ok());
    let both = tokens(&[("a", &one), ("b", &other)]);
    assert_eq!(both.check(&token, now()), Err(TokenFault::Signature));
}

#[test]
fn a_wrong_key_set_is_refused() {
    let check = |keys: Value, expected: &TokenKeysError| {
        let set = json!({ "keys": keys }).to_string();
        let refused = Tokens::new(set.as_bytes(), TERMINAL).expect_err("refused");
        assert_eq!(&refused, expected, "{set}");
    };
    let jwk = Signer::ed().jwk("a");
    let changed = |field: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[field] = value;
        jwk
    };
    check(json!([]), &TokenKeysError::Count);
    check(
        json!(vec![&jwk; TOKEN_KEYS_MAX + 1]),
        &TokenKeysError::Count,
    );
    check(json!([jwk, jwk]), &TokenKeysError::Ambiguous("a".into()));
    let unfit = TokenKeysError::Unfit("a".into());
    check(json!([{"kty": "oct", "kid": "a", "k": "AAAA"}]), &unfit);
    check(json!([changed("use", "enc".into())]), &unfit);
    check(json!([changed("alg", "HS256".into())]), &unfit);
    check(json!([changed("x", "AAAA".into())]), &unfit);
    let mut small = Signer::rsa().jwk("a");
    small["n"] = URL_SAFE_NO_PAD.encode([0xff; 128]).into();
    check(json!([small]), &unfit);
    let curve = |name: &str| {
        let mut jwk = Signer::ec().jwk("a");
        jwk["crv"] = name.into();
        json!([jwk])
    };
    check(curve("P-384"), &unfit);
    assert!(matches!(
        Tokens::new(b"{", TERMINAL),
        Err(TokenKeysError::Syntax(_))
    ));
}
