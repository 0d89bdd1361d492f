//! The vault of an emulated terminal: two files in the data folder.
//!
//! `device.key` stands for the key that a real device holds in hardware, so these keys are as safe
//! as the folder is. They are published test keys.

use std::io;

use anyhow::{Context, Result, bail};
use cap_std::fs::Dir;
use ring::rand::{SecureRandom, SystemRandom};
use terminal_host::vault::{DeviceKey, Storage, Vault};

use crate::own_file::{read, replace};

const DEVICE_KEY_FILE: &str = "device.key";
const SEALED_FILE: &str = "vault.sealed";

/// Opens the vault in `folder`, with a new device key when there is none yet.
pub(crate) fn open(folder: &Dir) -> Result<Vault> {
    let device_key = device_key(folder).context("the device key cannot be read")?;
    let storage = SealedFile(folder.try_clone()?);
    Vault::open(Box::new(storage), device_key).context("the vault cannot be opened")
}

/// Opens the vault of a terminal that has run in `folder`; makes nothing.
pub(crate) fn open_existing(folder: &Dir) -> Result<Vault> {
    if read(folder, DEVICE_KEY_FILE)?.is_none() {
        bail!("no terminal has run here");
    }
    open(folder)
}

fn device_key(folder: &Dir) -> Result<DeviceKey> {
    let mut bytes = [0; 32];
    if let Some(content) = read(folder, DEVICE_KEY_FILE)? {
        bytes = content
            .try_into()
            .ok()
            .context("device.key has another length than 32 bytes")?;
    } else {
        SystemRandom::new()
            .fill(&mut bytes)
            .ok()
            .context("the system gives no random numbers")?;
        replace(folder, DEVICE_KEY_FILE, &bytes)?;
    }
    Ok(DeviceKey(bytes.into()))
}

/// The sealed key file.
struct SealedFile(Dir);

impl Storage for SealedFile {
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        read(&self.0, SEALED_FILE)
    }

    fn replace(&self, content: &[u8]) -> io::Result<()> {
        // The vault says no more than that it failed.
        replace(&self.0, SEALED_FILE, content)
            .inspect_err(|error| tracing::error!(%error, "{SEALED_FILE} cannot be written"))
    }
}

#[cfg(test)]
mod tests {
    use cap_std::ambient_authority;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_survives() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).expect("a folder");
        let storage = SealedFile(dir);
        assert_eq!(storage.read().expect("no fault"), None);
        for content in [b"longer than the next".as_slice(), b"short"] {
            storage.replace(content).expect("written");
            assert_eq!(storage.read().expect("no fault").as_deref(), Some(content));
        }
        let names: Vec<_> = folder
            .path()
            .read_dir()
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(names, [SEALED_FILE]);
    }

    #[test]
    fn the_device_key_stays_the_same_and_is_the_owners() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().expect("a folder");
        let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).expect("a folder");
        let first = device_key(&dir).expect("a key");
        assert_eq!(*first.0, *device_key(&dir).expect("a key").0);
        assert_ne!(*first.0, [0; 32]);
        let metadata = folder
            .path()
            .join(DEVICE_KEY_FILE)
            .metadata()
            .expect("a file");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        dir.write(DEVICE_KEY_FILE, b"short").expect("written");
        assert!(device_key(&dir).is_err());
    }
}
