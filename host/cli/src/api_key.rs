//! The key that points of sale must show, when nobody chose one: it stays with the data folder.
//!
//! An Idempotency-Key is the caller's own. With another API key after a restart, a repeated request
//! would be another caller's and charge again.

use anyhow::{Context, Result};
use cap_std::fs::Dir;
use ring::rand::{SecureRandom, SystemRandom};

use crate::own_file::{read, replace};

const FILE: &str = "api.key";

/// The key of this data folder, made when there is none yet.
pub(crate) fn of(folder: &Dir) -> Result<String> {
    if let Some(content) = read(folder, FILE)? {
        let key = String::from_utf8(content).ok();
        let key = key.map(|key| key.trim().to_owned());
        return key
            .filter(|key| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic()))
            .context("api.key holds no key");
    }
    let key = new()?;
    replace(folder, FILE, key.as_bytes()).context("api.key cannot be written")?;
    Ok(key)
}

/// A new key of 128 bits.
pub(crate) fn new() -> Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .ok()
        .context("the system gives no random numbers")?;
    Ok(bytes
        .iter()
        .fold("sk_test_".into(), |key, byte| key + &format!("{byte:02x}")))
}

#[cfg(test)]
mod tests {
    use cap_std::ambient_authority;

    use super::*;

    #[test]
    fn new_keys_differ_and_have_128_bits() {
        let (one, other) = (new().expect("a key"), new().expect("a key"));
        assert_eq!(one.len(), "sk_test_".len() + 32);
        assert_ne!(one, other);
    }

    #[test]
    fn a_folder_keeps_its_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).expect("a folder");
        let key = of(&dir).expect("a key");
        assert_eq!(of(&dir).expect("a key"), key);
        dir.write(FILE, "chosen by hand\n").expect("written");
        assert!(of(&dir).is_err(), "a blank is in no header");
        dir.write(FILE, "chosen\n").expect("written");
        assert_eq!(of(&dir).expect("a key"), "chosen");
    }
}
