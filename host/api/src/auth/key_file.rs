//! The file of a terminal's keys: digests, permissions and ends, and never a key.

use jiff::{SignedDuration, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use super::{
    Permissions,
    keys::{ApiKey, KeyDigest, Secret},
};
use crate::operations::Permission;

/// The most keys of a terminal.
pub const KEYS_MAX: usize = 100;

/// The longest name of a key, in characters.
pub const KEY_NAME_CHARS_MAX: usize = 64;

/// How long the old key opens after a rotation.
pub const ROTATION_OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// Whether a key is for business or for trying. The prefix says so to people and to tools that
/// look for leaked keys; a terminal knows only the keys that were made for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyMode {
    /// `sk_live_`
    Live,
    /// `sk_test_`
    Test,
}

impl KeyMode {
    /// What keys of this mode begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Live => "sk_live_",
            Self::Test => "sk_test_",
        }
    }
}

/// Why a key file is not taken, or a change of it not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// The text is not a key file.
    #[error("the key file is not valid: {0}")]
    Syntax(String),
    /// A permission that does not exist.
    #[error("there is no permission {0:?}")]
    Permission(String),
    /// A digest that is none.
    #[error("the digest of {0} is not 64 hexadecimal digits")]
    Digest(String),
    /// Two keys share a name inside the file, or two digests are one.
    #[error("{0} is twice in the key file")]
    Twice(String),
    /// No further key fits.
    #[error("a terminal has at most {KEYS_MAX} keys")]
    Full,
    /// The name is empty, too long or not printable.
    #[error("a name has 1 to {KEY_NAME_CHARS_MAX} printable characters")]
    Name,
    /// No key of this id.
    #[error("there is no key {0}")]
    Unknown(String),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// The keys of a terminal, as the file holds them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    keys: Vec<KeyEntry>,
}

/// One key of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyEntry {
    /// Not secret; it stays when the key is rotated.
    pub id: String,
    /// For people.
    pub name: String,
    /// For business or for trying.
    pub mode: KeyMode,
    /// What it may do.
    pub permissions: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// The digests that open it, the newest last.
    pub digests: Vec<DigestEntry>,
}

/// One digest of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DigestEntry {
    /// SHA-256 of the key, hexadecimal.
    pub sha256: String,
    /// When it stops opening; `null` when it does not.
    pub not_after: Option<Timestamp>,
}

impl KeyFile {
    /// Reads and checks a key file.
    pub fn parse(text: &[u8]) -> Result<Self, KeyFileError> {
        let file: Self = serde_json::from_slice(text)
            .map_err(|error| KeyFileError::Syntax(error.to_string()))?;
        file.api_keys()?;
        Ok(file)
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists: nothing that JSON could not hold.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The keys, in the order in which they were made.
    pub fn entries(&self) -> &[KeyEntry] {
        &self.keys
    }

    /// The keys as the API wants them.
    pub fn api_keys(&self) -> Result<Vec<ApiKey>, KeyFileError> {
        if self.keys.len() > KEYS_MAX {
            return Err(KeyFileError::Full);
        }
        let keys = self
            .keys
            .iter()
            .map(KeyEntry::api_key)
            .collect::<Result<Vec<_>, _>>()?;
        let mut seen = std::collections::BTreeSet::new();
        for (entry, key) in self.keys.iter().zip(&keys) {
            let digests = key.secrets.iter().map(|secret| secret.digest);
            for digest in digests.chain([key.caller]) {
                if !seen.insert(digest) {
                    return Err(KeyFileError::Twice(entry.id.clone()));
                }
            }
        }
        Ok(keys)
    }

    /// Makes a key, and returns its id and the key itself, which is kept nowhere.
    pub fn make(
        &mut self,
        name: &str,
        mode: KeyMode,
        permissions: Permissions,
        now: Timestamp,
    ) -> Result<(String, String), KeyFileError> {
        if self.keys.len() >= KEYS_MAX {
            return Err(KeyFileError::Full);
        }
        let printable = name.chars().all(|character| !character.is_control());
        if name.trim().is_empty() || name.chars().count() > KEY_NAME_CHARS_MAX || !printable {
            return Err(KeyFileError::Name);
        }
        let key = new_key(mode)?;
        let id = format!("key_{}", ulid::Ulid::new());
        self.keys.push(KeyEntry {
            id: id.clone(),
            name: name.into(),
            mode,
            permissions: permissions
                .iter()
                .map(|permission| permission.as_str().into())
                .collect(),
            created: now,
            digests: vec![DigestEntry::of(&key)],
        });
        Ok((id, key))
    }

    /// Makes a new key in place of an old one, which opens for [`ROTATION_OVERLAP`] more. One that
    /// was rotated out before ends no later than it was to.
    pub fn rotate(&mut self, id: &str, now: Timestamp) -> Result<String, KeyFileError> {
        let end = now.checked_add(ROTATION_OVERLAP).unwrap_or(Timestamp::MAX);
        let entry = self.entry(id)?;
        let key = new_key(entry.mode)?;
        entry
            .digests
            .retain(|digest| digest.not_after.is_none_or(|end| now < end));
        for digest in &mut entry.digests {
            digest.not_after = Some(digest.not_after.map_or(end, |earlier| earlier.min(end)));
        }
        entry.digests.push(DigestEntry::of(&key));
        Ok(key)
    }

    /// Takes a key away, with all that it was rotated from. It opens nothing any more.
    pub fn revoke(&mut self, id: &str) -> Result<(), KeyFileError> {
        self.entry(id)?;
        self.keys.retain(|entry| entry.id != id);
        Ok(())
    }

    fn entry(&mut self, id: &str) -> Result<&mut KeyEntry, KeyFileError> {
        self.keys
            .iter_mut()
            .find(|entry| entry.id == id)
            .ok_or_else(|| KeyFileError::Unknown(id.into()))
    }
}

impl KeyEntry {
    fn api_key(&self) -> Result<ApiKey, KeyFileError> {
        let permissions = self
            .permissions
            .iter()
            .map(|name| {
                Permission::parse(name).ok_or_else(|| KeyFileError::Permission(name.clone()))
            })
            .collect::<Result<Permissions, _>>()?;
        let secrets = self
            .digests
            .iter()
            .map(|entry| {
                let digest = KeyDigest::from_hex(&entry.sha256)
                    .ok_or_else(|| KeyFileError::Digest(self.id.clone()))?;
                Ok(Secret {
                    digest,
                    not_after: entry.not_after,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(ApiKey {
            caller: KeyDigest::of(&format!("key {}", self.id)),
            permissions,
            secrets,
        })
    }
}

impl DigestEntry {
    fn of(key: &str) -> Self {
        Self {
            sha256: KeyDigest::of(key).to_hex(),
            not_after: None,
        }
    }
}

/// A new key of 128 bits.
pub fn new_key(mode: KeyMode) -> Result<String, KeyFileError> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| KeyFileError::Random)?;
    Ok(bytes.iter().fold(mode.prefix().into(), |key, byte| {
        key + &format!("{byte:02x}")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::ApiKeys;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a moment")
    }

    fn opens(file: &KeyFile, key: &str, now: Timestamp) -> bool {
        let keys = ApiKeys::new(file.api_keys().expect("a valid file"));
        keys.find(key, now).is_some()
    }

    #[test]
    fn the_file_holds_digests_and_no_key() {
        let mut file = KeyFile::default();
        let permissions = Permissions::NONE.with(Permission::TerminalRead);
        let (id, key) = file
            .make("till 1", KeyMode::Live, permissions, at(0))
            .expect("made");
        assert!(key.starts_with("sk_live_") && key.len() == "sk_live_".len() + 32);
        let text = file.to_json();
        assert!(!text.contains(&key["sk_live_".len()..]), "{text}");
        let read = KeyFile::parse(text.as_bytes()).expect("valid");
        assert_eq!(read, file);
        assert_eq!(read.entries()[0].id, id);
        assert!(opens(&read, &key, at(1)));
    }

    #[test]
    fn the_old_key_opens_for_a_day_after_a_rotation() {
        const DAY: i64 = 24 * 60 * 60;
        let mut file = KeyFile::default();
        let (id, first) = file
            .make("till", KeyMode::Test, Permissions::ALL, at(0))
            .expect("made");
        let second = file.rotate(&id, at(100)).expect("rotated");
        for (moment, first_opens) in [(100, true), (100 + DAY - 1, true), (100 + DAY, false)] {
            assert_eq!(opens(&file, &first, at(moment)), first_opens, "{moment}");
            assert!(opens(&file, &second, at(moment)));
        }
        // Rotating again lengthens nobody's life.
        let third = file.rotate(&id, at(200)).expect("rotated");
        assert!(!opens(&file, &first, at(100 + DAY)));
        assert!(opens(&file, &second, at(100 + DAY)));
        assert!(!opens(&file, &second, at(200 + DAY)));
        assert!(opens(&file, &third, at(200 + DAY)));
        // What is over is forgotten.
        file.rotate(&id, at(200 + DAY)).expect("rotated");
        assert_eq!(file.entries()[0].digests.len(), 2);
        file.revoke(&id).expect("revoked");
        assert!(!opens(&file, &third, at(200)));
        assert_eq!(file.revoke(&id), Err(KeyFileError::Unknown(id)));
    }

    #[test]
    fn a_wrong_file_is_refused_whole() {
        let mut file = KeyFile::default();
        file.make("till", KeyMode::Test, Permissions::ALL, at(0))
            .expect("made");
        let entry = file.keys[0].clone();
        let with = |change: fn(&mut KeyEntry)| {
            let mut entry = entry.clone();
            change(&mut entry);
            KeyFile::parse(KeyFile { keys: vec![entry] }.to_json().as_bytes())
        };
        let id = entry.id.clone();
        assert_eq!(
            with(|entry| entry.permissions.push("all".into())),
            Err(KeyFileError::Permission("all".into()))
        );
        assert_eq!(
            with(|entry| entry.digests[0].sha256.truncate(63)),
            Err(KeyFileError::Digest(id.clone()))
        );
        assert_eq!(
            with(|entry| entry.digests.push(entry.digests[0].clone())),
            Err(KeyFileError::Twice(id))
        );
        assert!(matches!(
            KeyFile::parse(b"{}"),
            Err(KeyFileError::Syntax(_))
        ));
        assert!(matches!(
            KeyFile::parse(br#"{"keys":[],"more":1}"#),
            Err(KeyFileError::Syntax(_))
        ));
    }

    #[test]
    fn names_and_numbers_are_bounded() {
        let mut file = KeyFile::default();
        for name in ["", "  ", "a\nb", &"x".repeat(KEY_NAME_CHARS_MAX + 1)] {
            assert_eq!(
                file.make(name, KeyMode::Test, Permissions::ALL, at(0)),
                Err(KeyFileError::Name)
            );
        }
        for _ in 0..KEYS_MAX {
            file.make("till", KeyMode::Test, Permissions::ALL, at(0))
                .expect("made");
        }
        assert_eq!(
            file.make("till", KeyMode::Test, Permissions::ALL, at(0)),
            Err(KeyFileError::Full)
        );
    }
}
