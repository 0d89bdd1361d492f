//! The one unsafe call of the host: taking native code back from the cache.
#![expect(
    unsafe_code,
    reason = "wasmtime cannot check native code; the cache's tag does"
)]

use wasmtime::{Engine, Result, component::Component};

/// Native code whose tag was verified, in memory that nothing else can change.
pub(super) struct VerifiedCode(Vec<u8>);

impl VerifiedCode {
    /// Takes code out of a cache file, when `tag_matches` says that this host wrote it.
    pub(super) fn verify(code: Vec<u8>, tag_matches: impl FnOnce(&[u8]) -> bool) -> Option<Self> {
        tag_matches(&code).then_some(Self(code))
    }

    /// The component. Fails when the code is another wasmtime's.
    pub(super) fn load(&self, engine: &Engine) -> Result<Component> {
        // SAFETY: the bytes are what `Component::serialize` gave this host: their tag, under a key
        // that only this device's vault holds, was verified over these very bytes in memory.
        unsafe { Component::deserialize(engine, &self.0) }
    }
}
