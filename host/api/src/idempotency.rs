//! The Idempotency-Key: one key, one transaction.

use axum::{extract::Request, http::HeaderMap};
use ring::digest;
use serde_json::Value;
use terminal_host::service::Claim;

use crate::{
    auth::KeyDigest, body, error::ApiError, fields::invalid, guard::Admitted, json,
    openapi::schema::Schema,
};

/// The header that carries the key.
pub const IDEMPOTENCY_KEY_HEADER: &str = "Idempotency-Key";

/// The longest key, in characters.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

/// Reads a request: the claim that it makes, and its JSON.
pub(crate) async fn read(
    request: Request,
    admitted: Admitted,
) -> Result<(Option<Claim>, Value), ApiError> {
    let Admitted { caller, operation } = admitted;
    let headers = request.headers().clone();
    let body = body::read_json(request).await?;
    let claim = claim(&headers, operation.path, caller.id, &body)?;
    Ok((claim, body))
}

/// The claim a request makes; `None` when it makes none.
///
/// The scope is the path and the caller, so that two points of sale that count from one do not
/// meet. The fingerprint is over the canonical form of the body, so that a client may write the
/// same body in another order.
pub(crate) fn claim(
    headers: &HeaderMap,
    path: &str,
    caller: KeyDigest,
    body: &Value,
) -> Result<Option<Claim>, ApiError> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY_HEADER).iter();
    let (Some(key), more) = (given.next(), given.next()) else {
        return Ok(None);
    };
    if more.is_some() {
        return Err(invalid(
            IDEMPOTENCY_KEY_HEADER,
            "maxItems",
            "There are two Idempotency-Keys",
        ));
    }
    claim_by(key.as_bytes(), path, caller, body).map(Some)
}

/// The claim that a key makes, wherever the request has it.
pub(crate) fn claim_by(
    key: &[u8],
    path: &str,
    caller: KeyDigest,
    body: &Value,
) -> Result<Claim, ApiError> {
    let key = parse_key(key)?;
    let mut fingerprint = [0; digest::SHA256_OUTPUT_LEN];
    let digest = digest::digest(&digest::SHA256, json::canonical(body).as_bytes());
    fingerprint.copy_from_slice(digest.as_ref());
    Ok(Claim {
        key: format!("{path} {} {key}", caller.to_hex()),
        fingerprint,
    })
}

/// A key, as the documents show it.
pub(crate) fn schema() -> Schema {
    Schema::text(
        "One key, one request, for 24 hours: when it is repeated, nothing is done again, and it is given \
         the answer of the first. A UUID will do.",
    )
    .with("minLength", 1)
    .with("maxLength", IDEMPOTENCY_KEY_CHARS_MAX)
    .with("pattern", "^[!-~]+$")
}

fn parse_key(bytes: &[u8]) -> Result<&str, ApiError> {
    if bytes.is_empty() {
        return Err(invalid(
            IDEMPOTENCY_KEY_HEADER,
            "minLength",
            "The Idempotency-Key is empty",
        ));
    }
    if bytes.len() > IDEMPOTENCY_KEY_CHARS_MAX {
        return Err(invalid(
            IDEMPOTENCY_KEY_HEADER,
            "maxLength",
            "The Idempotency-Key has over 255 characters",
        ));
    }
    match std::str::from_utf8(bytes) {
        Ok(key) if bytes.iter().all(u8::is_ascii_graphic) => Ok(key),
        Ok(_) | Err(_) => Err(invalid(
            IDEMPOTENCY_KEY_HEADER,
            "pattern",
            "The Idempotency-Key must be visible ASCII characters without spaces",
        )),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn caller(key: &str) -> KeyDigest {
        KeyDigest::of(key)
    }

    fn headers(keys: &[&[u8]]) -> HeaderMap {
        keys.iter()
            .map(|key| {
                let name = "idempotency-key".parse().expect("a name");
                (name, HeaderValue::from_bytes(key).expect("a value"))
            })
            .fold(
                HeaderMap::new(),
                |mut headers, (name, value): (axum::http::HeaderName, _)| {
                    headers.append(name, value);
                    headers
                },
            )
    }

    fn claimed(key: &str, path: &str, by: &str, body: &Value) -> Claim {
        claim(&headers(&[key.as_bytes()]), path, caller(by), body)
            .expect("valid")
            .expect("a claim")
    }

    #[test]
    fn a_claim_is_one_key_of_one_caller_on_one_path() {
        let body = json!({"a": 1});
        let first = claimed("k", "/p", "one", &body);
        assert_eq!(first, claimed("k", "/p", "one", &body));
        for other in [
            claimed("l", "/p", "one", &body),
            claimed("k", "/q", "one", &body),
            claimed("k", "/p", "two", &body),
        ] {
            assert_ne!(first.key, other.key);
            assert_eq!(first.fingerprint, other.fingerprint);
        }
        assert_ne!(
            first.fingerprint,
            claimed("k", "/p", "one", &json!({"a": 2})).fingerprint
        );
    }

    #[test]
    fn without_a_key_there_is_no_claim() {
        assert_eq!(
            claim(&headers(&[]), "/p", caller("one"), &json!({})),
            Ok(None)
        );
    }

    #[test]
    fn a_key_out_of_shape_is_refused() {
        let long = "k".repeat(IDEMPOTENCY_KEY_CHARS_MAX + 1);
        let cases: [(&[&[u8]], &str); 5] = [
            (&[b""], "minLength"),
            (&[long.as_bytes()], "maxLength"),
            (&[b"a b"], "pattern"),
            (&["é".as_bytes()], "pattern"),
            (&[b"a", b"a"], "maxItems"),
        ];
        for (keys, constraint) in cases {
            let error =
                claim(&headers(keys), "/p", caller("one"), &json!({})).expect_err("refused");
            assert_eq!(error.details.constraint, Some(constraint));
            assert_eq!(error.details.field.as_deref(), Some("Idempotency-Key"));
        }
        assert!(
            claimed(&long[1..], "/p", "one", &json!({}))
                .key
                .ends_with(&long[1..])
        );
    }
}
