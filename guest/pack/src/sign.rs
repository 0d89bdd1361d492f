//! The development signature.
//!
//! The key is published on purpose: only the emulator trusts it, so that a developer can change
//! the engine and run it at once. A production host is given another key and refuses what this one
//! signed.

use std::{
    ffi::OsString,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Result, anyhow};
use ring::{
    digest::{SHA256, digest as sha256},
    signature::Ed25519KeyPair,
};

/// Seed of the published development key.
const DEVELOPMENT_SEED: &[u8; 32] = b"tenon development signing key 01";

/// Signs with the development key (Ed25519, RFC 8032).
pub(crate) fn sign(component: &[u8]) -> Result<Vec<u8>> {
    Ok(development_key()?.sign(component).as_ref().to_vec())
}

/// Where the signature of a file lies: beside it.
pub(crate) fn signature_path(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".sig");
    PathBuf::from(name)
}

/// SHA-256, hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hexadecimal(sha256(&SHA256, bytes).as_ref())
}

fn development_key() -> Result<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(DEVELOPMENT_SEED)
        .map_err(|refused| anyhow!("the development key was refused: {refused}"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, KeyPair as _, UnparsedPublicKey};

    use super::*;

    #[test]
    fn the_public_key_is_the_one_the_emulator_trusts() {
        let key = development_key().unwrap();
        assert_eq!(
            hexadecimal(key.public_key().as_ref()),
            include_str!("../development-key.pub").trim(),
        );
    }

    #[test]
    fn a_signature_holds_for_its_bytes_only() {
        let signature = sign(b"engine").unwrap();
        let public = development_key().unwrap();
        let check = |bytes: &[u8]| {
            UnparsedPublicKey::new(&ED25519, public.public_key().as_ref()).verify(bytes, &signature)
        };
        assert!(check(b"engine").is_ok());
        assert!(check(b"enginf").is_err());
    }
}
