//! A vault without keys that keeps nothing, for tests.

use vault::{DeviceKey, Storage, Vault};
use zeroize::Zeroizing;

struct NoStorage;

impl Storage for NoStorage {
    fn read(&self) -> std::io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn replace(&self, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }
}

/// The vault of a device whose key consists of this byte.
pub(crate) fn empty_vault(device_key: u8) -> Vault {
    let device_key = DeviceKey(Zeroizing::new([device_key; 32]));
    let vault = Vault::open(Box::new(NoStorage), device_key);
    vault.unwrap_or_else(|_| panic!("an empty vault opens"))
}
