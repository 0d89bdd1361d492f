//! Bearer tokens: JWTs that an issuer signed for this terminal (RFC 7519).
//!
//! Which algorithm a signature has follows from the key that checks it and never from the token.
//! The keys come from a file, so that a terminal without a network still knows its callers.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey, DecodingKeyKind, Validation,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;

use super::{Caller, Permissions, keys::KeyDigest, ring_verifier};

/// The most keys of an issuer.
pub const TOKEN_KEYS_MAX: usize = 32;

/// The longest token, in bytes.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// How far the issuer's clock and ours may be apart, in seconds.
pub const TOKEN_LEEWAY_S: i64 = 30;

/// Who issues tokens for this terminal. Clones share the keys.
#[derive(Debug, Clone)]
pub struct Tokens {
    keys: Arc<RwLock<Arc<[TokenKey]>>>,
    terminal_id: String,
    issuer: Option<String>,
    audience: Option<String>,
}

/// Why a set of keys is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenKeysError {
    /// The text is not a JSON Web Key Set.
    #[error("the file is not a JSON Web Key Set: {0}")]
    Syntax(String),
    /// No key at all, or too many.
    #[error("a key set has 1 to {TOKEN_KEYS_MAX} keys")]
    Count,
    /// Only RSA of 2048 bits or more for RS256, P-256 for ES256 and Ed25519 for `EdDSA` are taken.
    #[error("key {0:?} is none for RS256, ES256 or EdDSA")]
    Unfit(String),
    /// Two keys share an id, or one of several has none.
    #[error("key {0:?} cannot be told from another")]
    Ambiguous(String),
}

/// Why a token does not open. The text is for the caller, and tells nothing that a token with a
/// wrong signature could ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenFault {
    #[error("The bearer token is not signed by a key that this terminal knows")]
    Signature,
    #[error("The bearer token lacks a claim, or a claim has a wrong type")]
    Claims,
    #[error("The bearer token has expired")]
    Expired,
    #[error("The bearer token is not valid yet")]
    Early,
    #[error("The bearer token is for another terminal")]
    Terminal,
    #[error("The bearer token is of another issuer or for another audience")]
    Issuer,
}

#[derive(Debug, Clone)]
struct TokenKey {
    id: Option<String>,
    /// Of what the key is, so that it is told from another one under the same id.
    digest: KeyDigest,
    algorithm: Algorithm,
    key: DecodingKey,
}

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
    terminal_id: String,
    nbf: Option<i64>,
    scope: Option<String>,
    iss: Option<String>,
    aud: Option<Audience>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Tokens {
    /// Takes the keys of a JSON Web Key Set (RFC 7517). Tokens must be for `terminal_id`.
    pub fn new(key_set: &[u8], terminal_id: &str) -> Result<Self, TokenKeysError> {
        ring_verifier::install();
        Ok(Self {
            keys: Arc::new(RwLock::new(keys_of(key_set)?)),
            terminal_id: terminal_id.into(),
            issuer: None,
            audience: None,
        })
    }

    /// Takes the keys of another set in place of these, in every clone. A token that was signed by a
    /// key which is gone opens nothing any more. An error changes nothing.
    pub fn replace_keys(&self, key_set: &[u8]) -> Result<(), TokenKeysError> {
        let keys = keys_of(key_set)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Whether a key is still the issuer's.
    pub(super) fn has_key(&self, key: KeyDigest) -> bool {
        self.current().iter().any(|known| known.digest == key)
    }

    fn current(&self) -> Arc<[TokenKey]> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks for this issuer (`iss`).
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Asks for this audience (`aud`).
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Whose token this is.
    pub(super) fn check(&self, token: &str, now: Timestamp) -> Result<Caller, TokenFault> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenFault::Signature);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenFault::Signature)?;
        // An extension that must be understood is not (RFC 7515, 4.1.11).
        if header.crit.is_some() {
            return Err(TokenFault::Signature);
        }
        let keys = self.current();
        let key = key_of(&keys, header.kid.as_deref()).ok_or(TokenFault::Signature)?;
        let claims = key.open(token)?;
        self.check_claims(&claims, now.as_second())?;
        let issuer = claims.iss.as_deref().unwrap_or_default();
        // A subject is its issuer's: the same name of another issuer is somebody else.
        let caller = KeyDigest::of(&format!("token {issuer}\n{}", claims.sub));
        let permissions = Permissions::of_scope(claims.scope.as_deref().unwrap_or_default());
        let end = Timestamp::from_second(claims.exp).map_err(|_| TokenFault::Claims)?;
        Ok(Caller::of_token(caller, permissions, end, key.digest))
    }

    fn check_claims(&self, claims: &Claims, now: i64) -> Result<(), TokenFault> {
        if now >= claims.exp.saturating_add(TOKEN_LEEWAY_S) {
            return Err(TokenFault::Expired);
        }
        if claims
            .nbf
            .is_some_and(|from| now < from.saturating_sub(TOKEN_LEEWAY_S))
        {
            return Err(TokenFault::Early);
        }
        if claims.terminal_id != self.terminal_id {
            return Err(TokenFault::Terminal);
        }
        let issued = self.issuer.is_none() || claims.iss == self.issuer;
        let meant = self
            .audience
            .as_ref()
            .is_none_or(|wanted| match &claims.aud {
                None => false,
                Some(Audience::One(given)) => given == wanted,
                Some(Audience::Several(given)) => given.contains(wanted),
            });
        if issued && meant {
            Ok(())
        } else {
            Err(TokenFault::Issuer)
        }
    }
}

/// The keys of a JSON Web Key Set.
fn keys_of(key_set: &[u8]) -> Result<Arc<[TokenKey]>, TokenKeysError> {
    let set: JwkSet = serde_json::from_slice(key_set)
        .map_err(|error| TokenKeysError::Syntax(error.to_string()))?;
    if set.keys.is_empty() || set.keys.len() > TOKEN_KEYS_MAX {
        return Err(TokenKeysError::Count);
    }
    let keys = set
        .keys
        .iter()
        .map(TokenKey::of)
        .collect::<Result<Arc<[_]>, _>>()?;
    for (at, key) in keys.iter().enumerate() {
        let mut others = keys.iter().skip(at.saturating_add(1));
        let alone = keys.len() == 1;
        if !alone && (key.id.is_none() || others.any(|other| other.id == key.id)) {
            let id = key.id.clone().unwrap_or_default();
            return Err(TokenKeysError::Ambiguous(id));
        }
    }
    Ok(keys)
}

/// The key that a token names.
fn key_of<'keys>(keys: &'keys [TokenKey], id: Option<&str>) -> Option<&'keys TokenKey> {
    match (id, keys) {
        // One key without a name, or a token that names none: there is no choice.
        (None, [only]) => Some(only),
        (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
        (None, _) => None,
    }
}

impl TokenKey {
    fn of(jwk: &Jwk) -> Result<Self, TokenKeysError> {
        let id = jwk.common.key_id.clone();
        let unfit = || TokenKeysError::Unfit(id.clone().unwrap_or_default());
        let key = DecodingKey::from_jwk(jwk).map_err(|_| unfit())?;
        let (algorithm, named, whole) = match (&jwk.algorithm, key.kind()) {
            (AlgorithmParameters::RSA(_), DecodingKeyKind::RsaModulusExponent { n, .. }) => {
                let whole = (256..=1024).contains(&n.len());
                (Algorithm::RS256, KeyAlgorithm::RS256, whole)
            }
            (AlgorithmParameters::EllipticCurve(curve), DecodingKeyKind::SecretOrDer(point)) => {
                let whole = curve.curve == EllipticCurve::P256 && point.len() == 65;
                (Algorithm::ES256, KeyAlgorithm::ES256, whole)
            }
            (AlgorithmParameters::OctetKeyPair(curve), DecodingKeyKind::SecretOrDer(point)) => {
                let whole = curve.curve == EllipticCurve::Ed25519 && point.len() == 32;
                (Algorithm::EdDSA, KeyAlgorithm::EdDSA, whole)
            }
            _ => return Err(unfit()),
        };
        let other_use = |usage: &PublicKeyUse| *usage != PublicKeyUse::Signature;
        let other_algorithm = |given: KeyAlgorithm| given != named;
        if !whole
            || jwk.common.public_key_use.as_ref().is_some_and(other_use)
            || jwk.common.key_algorithm.is_some_and(other_algorithm)
        {
            return Err(unfit());
        }
        let material = serde_json::to_string(&jwk.algorithm).map_err(|_| unfit())?;
        Ok(Self {
            digest: KeyDigest::of(&material),
            id,
            algorithm,
            key,
        })
    }

    /// Checks the signature, and nothing of the claims but their form.
    fn open(&self, token: &str) -> Result<Claims, TokenFault> {
        use jsonwebtoken::errors::ErrorKind;
        // The algorithm is the key's. The claims are checked here, against a clock that is given.
        let mut validation = Validation::new(self.algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        match jsonwebtoken::decode::<Claims>(token, &self.key, &validation) {
            Ok(token) => Ok(token.claims),
            Err(error) if matches!(error.kind(), ErrorKind::Json(_)) => Err(TokenFault::Claims),
            Err(_) => Err(TokenFault::Signature),
        }
    }
}

#[cfg(test)]
#[path = "tokens/tests.rs"]
mod tests;
