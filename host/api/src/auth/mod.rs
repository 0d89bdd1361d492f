//! Who may call, and what they may do: API keys and bearer tokens, one of the two in a request.

mod key_file;
mod keys;
mod permissions;
mod ring_verifier;
mod tokens;

use axum::http::{HeaderMap, HeaderName, Uri, header};
use jiff::Timestamp;

pub use self::{
    key_file::{
        DigestEntry, KEY_NAME_CHARS_MAX, KEYS_MAX, KeyEntry, KeyFile, KeyFileError, KeyMode,
        ROTATION_OVERLAP, new_key,
    },
    keys::{API_KEY_HEADER, ApiKey, ApiKeys},
    permissions::Permissions,
    tokens::{TOKEN_BYTES_MAX, TOKEN_KEYS_MAX, TOKEN_LEEWAY_S, TokenKeysError, Tokens},
};
pub(crate) use self::{keys::KeyDigest, tokens::TokenFault};
use crate::{
    error::{ApiError, ErrorCode},
    operations::{Operation, Permission},
    router::SESSION_PATH,
};

/// The header of [`API_KEY_HEADER`], as it is looked up.
const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// The query parameter that carries the key, for WebSocket clients that cannot set a header.
const API_KEY_PARAMETER: &str = "apiKey";

/// Somebody who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The same for every request of a key, whatever it was rotated to, or of a token's subject.
    pub(crate) id: KeyDigest,
    permissions: Permissions,
    proof: Proof,
}

/// With what a caller came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Key,
    Token { end: Timestamp, signer: KeyDigest },
}

impl Caller {
    fn of_key(id: KeyDigest, permissions: Permissions) -> Self {
        Self {
            id,
            permissions,
            proof: Proof::Key,
        }
    }

    fn of_token(
        id: KeyDigest,
        permissions: Permissions,
        end: Timestamp,
        signer: KeyDigest,
    ) -> Self {
        Self {
            id,
            permissions,
            proof: Proof::Token { end, signer },
        }
    }

    /// Refuses an operation that the caller is not permitted.
    pub(crate) fn check_permission(&self, operation: &Operation) -> Result<(), ApiError> {
        if self.permissions.has(operation.permission) {
            return Ok(());
        }
        Err(forbidden(operation.permission))
    }

    /// Whether the caller is shown what an acquirer needs to decide, a PIN block among it: who may
    /// decide needs it, who may only read does not.
    pub(crate) fn may_decide(&self) -> bool {
        self.permissions.has(Permission::TransactionsWrite)
    }
}

fn forbidden(permission: Permission) -> ApiError {
    ApiError::new(
        ErrorCode::Forbidden,
        format!("The caller lacks the permission {}", permission.as_str()),
    )
    .field("scope", permission.as_str())
}

/// Who opens this terminal.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) keys: ApiKeys,
    pub(crate) tokens: Option<Tokens>,
}

impl Credentials {
    /// Whose request this is. Missing and wrong keys are answered alike: the answer tells nothing
    /// about the keys.
    pub(crate) fn caller(
        &self,
        headers: &HeaderMap,
        uri: &Uri,
        now: Timestamp,
    ) -> Result<Caller, ApiError> {
        let key = given_key(headers, uri);
        let mut bearer = headers.get_all(header::AUTHORIZATION).iter();
        match (key, bearer.next(), bearer.next()) {
            (GivenKey::None, Some(given), None) => {
                self.bearer(given.to_str().unwrap_or_default(), now)
            }
            (GivenKey::None, _, _) | (GivenKey::Several, None, _) => Err(unauthorised()),
            (GivenKey::One(key), None, _) => self.keys.find(key, now).ok_or_else(unauthorised),
            (GivenKey::One(_) | GivenKey::Several, Some(_), _) => Err(ApiError::new(
                ErrorCode::InvalidRequest,
                "A request has an API key or a bearer token, and not both",
            )
            .field("Authorization", "oneOf")),
        }
    }

    /// The same caller, as it is now: `None` when the key was revoked, or the token has ended or its
    /// issuer's key is gone.
    pub(crate) fn renewed(&self, caller: Caller, now: Timestamp) -> Option<Caller> {
        match caller.proof {
            Proof::Key => self
                .keys
                .permissions(caller.id, now)
                .map(|permissions| Caller::of_key(caller.id, permissions)),
            Proof::Token { end, signer } => {
                let over = end.as_second().saturating_add(TOKEN_LEEWAY_S);
                let signed = self
                    .tokens
                    .as_ref()
                    .is_some_and(|tokens| tokens.has_key(signer));
                (signed && now.as_second() < over).then_some(caller)
            }
        }
    }

    fn bearer(&self, given: &str, now: Timestamp) -> Result<Caller, ApiError> {
        let refused = |message: String| {
            ApiError::new(ErrorCode::Unauthorized, message).field("Authorization", "bearer")
        };
        let token = given
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim_matches(' '))
            .ok_or_else(|| refused("The Authorization header is no bearer token".into()))?;
        let Some(tokens) = &self.tokens else {
            return Err(refused("This terminal takes no bearer tokens".into()));
        };
        tokens
            .check(token, now)
            .map_err(|fault: TokenFault| refused(fault.to_string()))
    }
}

fn unauthorised() -> ApiError {
    ApiError::new(
        ErrorCode::Unauthorized,
        "The X-Api-Key header is missing or wrong",
    )
    .field(API_KEY_HEADER, "required")
}

/// The API key of a request, as it is written.
enum GivenKey<'request> {
    None,
    One(&'request str),
    Several,
}

fn given_key<'request>(headers: &'request HeaderMap, uri: &'request Uri) -> GivenKey<'request> {
    let mut given = headers.get_all(KEY_HEADER).iter();
    match (given.next(), given.next()) {
        (Some(key), None) => GivenKey::One(key.to_str().unwrap_or_default()),
        (Some(_), Some(_)) => GivenKey::Several,
        (None, _) if uri.path() == SESSION_PATH => {
            let mut keys = uri.query().into_iter().flat_map(keys_in_query);
            match (keys.next(), keys.next()) {
                (Some(key), None) => GivenKey::One(key),
                (Some(_), Some(_)) => GivenKey::Several,
                (None, _) => GivenKey::None,
            }
        }
        (None, _) => GivenKey::None,
    }
}

/// Every `apiKey` of a query, as it is written: keys have no character that would be escaped.
fn keys_in_query(query: &str) -> impl Iterator<Item = &str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter_map(|(name, value)| (name == API_KEY_PARAMETER).then_some(value))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn credentials() -> Credentials {
        Credentials {
            keys: ApiKeys::from_keys(["sk_test_one", "sk_test_two"]),
            tokens: None,
        }
    }

    fn ask(headers: &[(&'static str, &str)], uri: &str) -> Result<Caller, ErrorCode> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).expect("a header"));
        }
        credentials()
            .caller(&map, &uri.parse().expect("a URI"), Timestamp::UNIX_EPOCH)
            .map_err(|error| error.code)
    }

    #[test]
    fn a_key_is_in_the_header_and_for_a_session_in_the_query() {
        let cases = [
            (Some("sk_test_one"), "/v1/device/health", true),
            (None, "/v1/device/health", false),
            (None, "/v1/device/health?apiKey=sk_test_one", false),
            (None, "/v1/session?apiKey=sk_test_one", true),
            (None, "/v1/session?x=1&apiKey=sk_test_two", true),
            (
                None,
                "/v1/session?apiKey=sk_test_one&apiKey=sk_test_one",
                false,
            ),
            (None, "/v1/session?apiKey=", false),
            (None, "/v1/session?apikey=sk_test_one", false),
            (None, "/v1/session", false),
            (Some("wrong"), "/v1/session?apiKey=sk_test_one", false),
        ];
        for (header, uri, opens) in cases {
            let headers: Vec<_> = header
                .map(|key| (API_KEY_HEADER, key))
                .into_iter()
                .collect();
            let found = ask(&headers, uri);
            assert_eq!(found.is_ok(), opens, "{header:?} {uri}");
        }
    }

    #[test]
    fn two_keys_in_one_request_are_none() {
        let one = (API_KEY_HEADER, "sk_test_one");
        assert_eq!(KEY_HEADER, API_KEY_HEADER);
        assert_eq!(ask(&[one, one], "/"), Err(ErrorCode::Unauthorized));
    }

    #[test]
    fn a_request_has_one_scheme() {
        let key = (API_KEY_HEADER, "sk_test_one");
        let token = ("Authorization", "Bearer x");
        assert_eq!(ask(&[key, token], "/"), Err(ErrorCode::InvalidRequest));
        assert_eq!(
            ask(&[token], "/v1/session?apiKey=sk_test_one"),
            Err(ErrorCode::InvalidRequest)
        );
        for other in ["Basic x", "Bearer", "Bearer x", ""] {
            let header = ("Authorization", other);
            assert_eq!(ask(&[header], "/"), Err(ErrorCode::Unauthorized), "{other}");
        }
        assert_eq!(ask(&[token, token], "/"), Err(ErrorCode::Unauthorized));
    }

    #[test]
    fn a_caller_is_renewed_while_its_key_lasts() {
        let credentials = credentials();
        let now = Timestamp::UNIX_EPOCH;
        let known = credentials.keys.find("sk_test_one", now).expect("known");
        assert_eq!(credentials.renewed(known, now), Some(known));
        let less = Permissions::NONE.with(Permission::TerminalRead);
        let mut key = ApiKey::unlimited("sk_test_one");
        key.permissions = less;
        credentials.keys.replace([key]);
        let renewed = credentials.renewed(known, now).expect("known");
        assert_eq!(renewed.permissions, less, "what was taken away is gone");
        credentials.keys.replace([]);
        assert_eq!(credentials.renewed(known, now), None);
    }
}
