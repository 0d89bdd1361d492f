//! API keys, of which only digests are kept.
//!
//! A key is random and at least 128 bits long, so a plain SHA-256 is enough: there is nothing to
//! guess that a slow hash would slow down.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use jiff::Timestamp;
use ring::digest;
use subtle::{Choice, ConstantTimeEq};

use super::{Caller, Permissions};

/// The header that carries the key.
pub const API_KEY_HEADER: &str = "X-Api-Key";

/// The keys that open this terminal. Clones share them, so that a key that is revoked is revoked
/// everywhere at once.
#[derive(Debug, Clone, Default)]
pub struct ApiKeys(Arc<RwLock<Arc<[ApiKey]>>>);

/// One key: who it is, what it may do, and the digests that open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The caller's name inside the API. It stays when the key is rotated, so that a request that
    /// is repeated under the new key meets the claim that it made under the old one.
    pub(super) caller: KeyDigest,
    pub(super) permissions: Permissions,
    pub(super) secrets: Vec<Secret>,
}

/// One digest, and until when it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Secret {
    pub(super) digest: KeyDigest,
    pub(super) not_after: Option<Timestamp>,
}

impl Secret {
    fn opens(&self, now: Timestamp) -> bool {
        self.not_after.is_none_or(|end| now < end)
    }
}

impl ApiKey {
    /// A key that is permitted everything and never ends. The key itself is not kept.
    pub fn unlimited(key: &str) -> Self {
        let digest = KeyDigest::of(key);
        Self {
            caller: digest,
            permissions: Permissions::ALL,
            secrets: vec![Secret {
                digest,
                not_after: None,
            }],
        }
    }
}

impl ApiKeys {
    /// Keeps these keys.
    pub fn new(keys: impl IntoIterator<Item = ApiKey>) -> Self {
        Self(Arc::new(RwLock::new(keys.into_iter().collect())))
    }

    /// Keys that are permitted everything. The keys themselves are not kept.
    pub fn from_keys<'key>(keys: impl IntoIterator<Item = &'key str>) -> Self {
        Self::new(keys.into_iter().map(ApiKey::unlimited))
    }

    /// Puts other keys in place of these, in every clone.
    pub fn replace(&self, keys: impl IntoIterator<Item = ApiKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys.into_iter().collect();
    }

    /// Whose key this is. Every digest is compared whole, whatever the outcome.
    pub(super) fn find(&self, key: &str, now: Timestamp) -> Option<Caller> {
        let given = KeyDigest::of(key);
        let keys = self.current();
        let mut found = None;
        for key in keys.iter() {
            let mut opens = Choice::from(0);
            for secret in &key.secrets {
                let equal = secret.digest.0.ct_eq(&given.0);
                opens |= equal & Choice::from(u8::from(secret.opens(now)));
            }
            if bool::from(opens) {
                found = Some(Caller::of_key(key.caller, key.permissions));
            }
        }
        found
    }

    /// What the key of this caller may do now. `None` when it is revoked or at its end.
    pub(super) fn permissions(&self, caller: KeyDigest, now: Timestamp) -> Option<Permissions> {
        self.current()
            .iter()
            .find(|key| key.caller == caller && key.secrets.iter().any(|secret| secret.opens(now)))
            .map(|key| key.permissions)
    }

    fn current(&self) -> Arc<[ApiKey]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A SHA-256: of a key, or of a caller's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyDigest(pub(super) [u8; digest::SHA256_OUTPUT_LEN]);

impl KeyDigest {
    /// The digest of a text.
    pub(crate) fn of(text: &str) -> Self {
        let mut bytes = [0; digest::SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        Self(bytes)
    }

    /// Hexadecimal, for the scope of an idempotency claim and for the key file.
    pub(crate) fn to_hex(self) -> String {
        self.0
            .iter()
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
    }

    /// The inverse of [`Self::to_hex`].
    pub(super) fn from_hex(hex: &str) -> Option<Self> {
        let mut bytes = [0; digest::SHA256_OUTPUT_LEN];
        let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let digit = |at: u8| char::from(at).to_digit(16);
            let [high, low] = *pair;
            *byte = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyDigest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn only_a_whole_known_key_opens() {
        let keys = ApiKeys::from_keys(["sk_test_one", "sk_test_two"]);
        let cases = [
            ("sk_test_one", true),
            ("sk_test_two", true),
            ("sk_test_on", false),
            ("sk_test_onee", false),
            ("SK_TEST_ONE", false),
            ("", false),
        ];
        for (key, opens) in cases {
            assert_eq!(keys.find(key, NOW).is_some(), opens, "{key}");
        }
        assert!(ApiKeys::default().find("", NOW).is_none());
    }

    #[test]
    fn a_secret_opens_until_its_end_and_not_at_it() {
        let end = Timestamp::from_second(100).expect("a moment");
        let mut key = ApiKey::unlimited("new");
        key.secrets.push(Secret {
            digest: KeyDigest::of("old"),
            not_after: Some(end),
        });
        let keys = ApiKeys::new([key.clone()]);
        let clone = keys.clone();
        let before = Timestamp::from_second(99).expect("a moment");
        let old = keys.find("old", before).expect("it opens");
        assert_eq!(Some(&old), keys.find("new", end).as_ref(), "one caller");
        assert!(keys.find("old", end).is_none());
        assert_eq!(keys.permissions(key.caller, end), Some(Permissions::ALL));

        keys.replace([]);
        assert!(clone.find("new", end).is_none());
        assert_eq!(keys.permissions(key.caller, end), None);
    }

    #[test]
    fn a_digest_does_not_show_itself_and_survives_hexadecimal() {
        let digest = KeyDigest::of("one");
        assert_eq!(format!("{digest:?}"), "KeyDigest(…)");
        let hex = digest.to_hex();
        assert_eq!(KeyDigest::from_hex(&hex), Some(digest));
        assert_eq!(KeyDigest::from_hex(&hex[1..]), None);
        assert_eq!(KeyDigest::from_hex(&format!("{hex}00")), None);
        assert_eq!(KeyDigest::from_hex(&hex.replace(&hex[..1], "g")), None);
    }
}
