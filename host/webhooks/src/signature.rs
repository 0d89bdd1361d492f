//! Secrets, and what is signed with them.

use std::fmt;

use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use zeroize::Zeroizing;

/// What every secret begins with, for people and for tools that look for leaked ones.
const PREFIX: &str = "whsec_";

/// Random bytes of a secret, which has two hexadecimal digits for each.
const RANDOM_BYTES: usize = 32;

/// `whsec_` and 64 hexadecimal digits. The key of the code is this text itself, prefix included: a
/// receiver needs no decoder.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A new secret of 256 random bits. `None` when the system gives no random numbers.
    pub fn new() -> Option<Self> {
        let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
        SystemRandom::new().fill(&mut *bytes).ok()?;
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len().saturating_add(64)));
        text.push_str(PREFIX);
        text.extend(bytes.iter().copied().flat_map(hexadecimal));
        Some(Self(text))
    }

    /// Takes a secret that was made before. `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let whole = digits.len() == RANDOM_BYTES.saturating_mul(2);
        let valid = whole && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        valid.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The secret itself: to be kept, and to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// `t=<unix>,v1=<hex>`, with a further `v1` for each further secret: HMAC-SHA-256 over the time, a
/// full stop and the body's bytes.
pub fn signature<'secrets>(
    secrets: impl IntoIterator<Item = &'secrets Secret>,
    unix_s: i64,
    body: &[u8],
) -> String {
    let mut value = format!("t={unix_s}");
    for secret in secrets {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
        let mut code = hmac::Context::with_key(&key);
        code.update(unix_s.to_string().as_bytes());
        code.update(b".");
        code.update(body);
        value.push_str(",v1=");
        value.extend(code.sign().as_ref().iter().copied().flat_map(hexadecimal));
    }
    value
}

/// Two digits, in lower case.
fn hexadecimal(byte: u8) -> impl Iterator<Item = char> {
    let digits = [byte >> 4, byte & 15];
    digits
        .into_iter()
        .filter_map(|digit| char::from_digit(digit.into(), 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const BODY: &str = r#"{"id":"evt_01JQXYZA7B8C9D0E1F2G3H4J5K","type":"webhook.test","data":{}}"#;

    /// Computed with `printf '%s' "1774689262.$BODY" | openssl dgst -sha256 -hmac "$SECRET"`. The same
    /// numbers stand in docs/webhooks.md.
    const CODE: &str = "4bf7571d2024dfe400b139fd743c95e7e12b5e94580d5965e4617346b7eb2f6d";

    #[test]
    fn signs_as_openssl_does() {
        let secret = Secret::parse(SECRET).expect("a secret");
        assert_eq!(
            signature([&secret], 1_774_689_262, BODY.as_bytes()),
            format!("t=1774689262,v1={CODE}")
        );
    }

    #[test]
    fn each_secret_has_a_code_and_all_of_time_body_and_secret_count() {
        let (first, second) = (Secret::new().expect("one"), Secret::new().expect("one"));
        let both = signature([&first, &second], 7, b"body");
        let codes: Vec<_> = both.split(",v1=").skip(1).collect();
        assert_eq!(codes.len(), 2);
        assert_eq!(
            signature([&second], 7, b"body"),
            format!("t=7,v1={}", codes[1])
        );
        for other in [
            signature([&first], 8, b"body"),
            signature([&first], 7, b"bodY"),
            signature([&second], 7, b"body"),
        ] {
            assert!(!other.ends_with(codes[0]), "{other}");
        }
    }

    #[test]
    fn a_secret_is_random_long_and_never_printed() {
        let secret = Secret::new().expect("random numbers");
        assert_ne!(secret, Secret::new().expect("random numbers"));
        assert_eq!(secret.reveal().len(), PREFIX.len() + 64);
        assert_eq!(Secret::parse(secret.reveal()), Some(secret.clone()));
        assert!(!format!("{secret:?}").contains(&secret.reveal()[6..]));
        for other in [
            "",
            "whsec_",
            &SECRET[..69],
            &SECRET[1..],
            &SECRET.replace('0', "g"),
        ] {
            assert_eq!(Secret::parse(other), None, "{other}");
        }
    }
}
