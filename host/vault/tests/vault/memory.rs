//! A storage in memory that fails where a test wants it to.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use vault::{DeviceKey, Storage};
use zeroize::Zeroizing;

/// What the next `replace` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replace {
    /// Succeeds.
    Works,
    /// Fails and leaves the old file.
    FailsBefore,
    /// Fails after the new file is there.
    FailsAfter,
}

pub(crate) struct State {
    pub(crate) file: Option<Vec<u8>>,
    pub(crate) replace: Replace,
    pub(crate) readable: bool,
    pub(crate) replaced: u32,
}

/// The file outlives the vault, as on a device.
#[derive(Clone)]
pub(crate) struct Memory(Arc<Mutex<State>>);

impl Memory {
    pub(crate) fn new() -> Self {
        let state = State {
            file: None,
            replace: Replace::Works,
            readable: true,
            replaced: 0,
        };
        Self(Arc::new(Mutex::new(state)))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn open(&self) -> Result<vault::Vault, vault::Error> {
        vault::Vault::open(Box::new(self.clone()), device_key())
    }
}

impl Storage for Memory {
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        let state = self.state();
        if state.readable {
            Ok(state.file.clone())
        } else {
            Err(io::Error::other("unreadable"))
        }
    }

    fn replace(&self, content: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        if state.replace != Replace::FailsBefore {
            state.file = Some(content.to_vec());
            state.replaced = state.replaced.saturating_add(1);
        }
        if state.replace == Replace::Works {
            Ok(())
        } else {
            Err(io::Error::other("unwritable"))
        }
    }
}

pub(crate) fn device_key() -> DeviceKey {
    DeviceKey(Zeroizing::new([0xD7; 32]))
}
