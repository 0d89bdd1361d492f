//! Who may call: API keys, of which only digests are kept.
//!
//! A key is random and at least 128 bits long, so a plain SHA-256 is enough: there is nothing to
//! guess that a slow hash would slow down.

use std::{fmt, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Uri},
    middleware::Next,
    response::{IntoResponse, Response},
};
use ring::digest;
use subtle::ConstantTimeEq;

use crate::{
    error::{ApiError, ErrorCode},
    operations::Operation,
    router::{Api, SESSION_PATH},
};

/// The header that carries the key.
pub const API_KEY_HEADER: &str = "X-Api-Key";

/// The query parameter that carries the key, for WebSocket clients that cannot set a header.
const API_KEY_PARAMETER: &str = "apiKey";

/// The keys that open this terminal.
#[derive(Debug, Clone, Default)]
pub struct ApiKeys(Arc<[KeyDigest]>);

impl ApiKeys {
    /// Keeps the digests of `keys`. The keys themselves are not kept.
    pub fn from_keys<'key>(keys: impl IntoIterator<Item = &'key str>) -> Self {
        Self(keys.into_iter().map(KeyDigest::of).collect())
    }

    /// Finds the digest of `key`. Every digest is compared whole, whatever the outcome.
    pub(crate) fn find(&self, key: &str) -> Option<KeyDigest> {
        let given = KeyDigest::of(key);
        let known = self
            .0
            .iter()
            .fold(subtle::Choice::from(0), |known, digest| {
                known | digest.0.ct_eq(&given.0)
            });
        bool::from(known).then_some(given)
    }
}

/// The SHA-256 of a key, and the caller's name inside the API.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyDigest([u8; digest::SHA256_OUTPUT_LEN]);

impl KeyDigest {
    fn of(key: &str) -> Self {
        let mut bytes = [0; digest::SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, key.as_bytes()).as_ref());
        Self(bytes)
    }

    /// Hexadecimal, for the scope of an idempotency claim.
    pub(crate) fn to_hex(self) -> String {
        self.0
            .iter()
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyDigest(…)")
    }
}

/// What stands before one operation.
#[derive(Clone)]
pub(crate) struct Guard {
    api: Api,
    operation: &'static Operation,
}

impl Guard {
    /// The guard of `operation`.
    pub(crate) fn new(api: Api, operation: &'static Operation) -> Self {
        Self { api, operation }
    }
}

/// Lets a request through that carries a known key, and tells the handler whose it is and which
/// operation it asks for.
pub(crate) async fn admit(
    State(guard): State<Guard>,
    mut request: Request,
    next: Next,
) -> Response {
    match caller(&guard.api.keys, request.headers(), request.uri()) {
        Some(caller) => {
            request.extensions_mut().insert(caller);
            request.extensions_mut().insert(guard.operation);
            next.run(request).await
        }
        // Missing and wrong are answered alike: the answer tells nothing about the keys.
        None => ApiError::new(
            ErrorCode::Unauthorized,
            "The X-Api-Key header is missing or wrong",
        )
        .field(API_KEY_HEADER, "required")
        .into_response(),
    }
}

fn caller(keys: &ApiKeys, headers: &HeaderMap, uri: &Uri) -> Option<KeyDigest> {
    let mut given = headers.get_all(API_KEY_HEADER).iter();
    match (given.next(), given.next()) {
        (Some(key), None) => keys.find(key.to_str().ok()?),
        (None, _) if uri.path() == SESSION_PATH => keys.find(key_in_query(uri.query()?)?),
        (Some(_), Some(_)) | (None, _) => None,
    }
}

/// The `apiKey` of a query, as it is written: keys have no character that would be escaped.
fn key_in_query(query: &str) -> Option<&str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(name, value)| (name == API_KEY_PARAMETER).then_some(value))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_whole_known_key_opens() {
        let keys = ApiKeys::from_keys(["sk_test_one", "sk_test_two"]);
        let cases = [
            (Some("sk_test_one"), "/v1/device/health", true),
            (Some("sk_test_two"), "/v1/device/health", true),
            (Some("sk_test_on"), "/v1/device/health", false),
            (Some("sk_test_onee"), "/v1/device/health", false),
            (Some(""), "/v1/device/health", false),
            (None, "/v1/device/health", false),
            (None, "/v1/device/health?apiKey=sk_test_one", false),
            (None, "/v1/session?apiKey=sk_test_one", true),
            (None, "/v1/session?x=1&apiKey=sk_test_two", true),
            (None, "/v1/session?apiKey=", false),
            (None, "/v1/session?apikey=sk_test_one", false),
            (None, "/v1/session", false),
            (Some("wrong"), "/v1/session?apiKey=sk_test_one", false),
        ];
        for (header, uri, opens) in cases {
            let mut headers = HeaderMap::new();
            if let Some(key) = header {
                headers.insert(API_KEY_HEADER, HeaderValue::from_static(key));
            }
            let found = caller(&keys, &headers, &uri.parse().expect("a URI"));
            assert_eq!(found.is_some(), opens, "{header:?} {uri}");
        }
    }

    #[test]
    fn two_keys_in_one_request_are_none() {
        let keys = ApiKeys::from_keys(["one"]);
        let mut headers = HeaderMap::new();
        headers.append(API_KEY_HEADER, HeaderValue::from_static("one"));
        headers.append(API_KEY_HEADER, HeaderValue::from_static("one"));
        assert_eq!(caller(&keys, &headers, &Uri::from_static("/")), None);
    }

    #[test]
    fn no_keys_let_nobody_in() {
        assert_eq!(ApiKeys::default().find(""), None);
    }

    #[test]
    fn a_digest_does_not_show_itself() {
        assert_eq!(
            format!("{:?}", ApiKeys::from_keys(["one"])),
            "ApiKeys([KeyDigest(…)])"
        );
    }
}
