//! Compiled engines, kept so that the next start is quick.
//!
//! A cache file is a tag of 32 bytes and native code. The tag is the vault's, over the code and
//! everything that decides whether it may be loaded; a file that fails any check is discarded and
//! the verified component is compiled again.

use std::{
    hash::{Hash as _, Hasher},
    io::{Read as _, Write as _},
    sync::Mutex,
};

use cap_std::fs::Dir;
use ring::digest;
use vault::Vault;
use wasmtime::{Engine, component::Component};

use super::{EngineRefused, precompiled::VerifiedCode, refused};

const FILE: &str = "engine.native";
const FILE_NEW: &str = "engine.native.new";
const FILE_LENGTH_MAX: u64 = 64 * 1024 * 1024;
const TAG_LENGTH: usize = 32;

/// Where native code came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Another start of this host compiled it.
    Cache,
    /// It was compiled now.
    Compiled,
}

/// The component's native code: from the cache when it can be trusted, else compiled and kept.
pub(super) fn load_or_compile(
    engine: &Engine,
    wasm: &[u8],
    files: &Dir,
    vault: &Mutex<Vault>,
) -> Result<(Component, Origin), EngineRefused> {
    let key = key(engine, wasm);
    if let Some(component) = load(engine, &key, files, vault) {
        return Ok((component, Origin::Cache));
    }
    // Text would be compiled too where that feature is on; only the binary format is an engine.
    let component = Component::from_binary(engine, wasm).map_err(refused)?;
    if let Err(error) = keep(&component, &key, files, vault) {
        tracing::warn!(%error, "the compiled engine was not kept");
    }
    Ok((component, Origin::Compiled))
}

/// What a cached file must have been made from: the component, and everything of wasmtime that
/// decides what native code it becomes, which is its exact version, the target with its processor
/// features, and the settings.
fn key(engine: &Engine, wasm: &[u8]) -> Vec<u8> {
    let mut key = digest::digest(&digest::SHA256, wasm).as_ref().to_vec();
    let mut compiler = Sha256(digest::Context::new(&digest::SHA256));
    engine.precompile_compatibility_hash().hash(&mut compiler);
    key.extend_from_slice(compiler.0.finish().as_ref());
    key
}

/// Takes what is hashed into a digest: 64 bits would be few for a key.
struct Sha256(digest::Context);

impl Hasher for Sha256 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finish();
        digest
            .as_ref()
            .first_chunk()
            .map_or(0, |first| u64::from_be_bytes(*first))
    }
}

fn load(engine: &Engine, key: &[u8], files: &Dir, vault: &Mutex<Vault>) -> Option<Component> {
    // Something else than a file, such as a pipe, could be waited for without end.
    files
        .metadata(FILE)
        .ok()
        .filter(cap_std::fs::Metadata::is_file)?;
    let mut content = Vec::new();
    files
        .open(FILE)
        .ok()?
        .take(FILE_LENGTH_MAX)
        .read_to_end(&mut content)
        .ok()?;
    let (tag, code) = content.split_first_chunk::<TAG_LENGTH>()?;
    let verified = VerifiedCode::verify(code.to_vec(), |code| {
        vault.lock().is_ok_and(|vault| {
            let expected = vault.tag("engine-cache", &[key, code]);
            // Compared as digests, so that the time taken says nothing of the tag.
            digest::digest(&digest::SHA256, &expected).as_ref()
                == digest::digest(&digest::SHA256, tag).as_ref()
        })
    });
    let component = verified.and_then(|verified| verified.load(engine).ok());
    if component.is_none() {
        tracing::warn!("the cached engine was not this host's and is compiled again");
    }
    component
}

fn keep(
    component: &Component,
    key: &[u8],
    files: &Dir,
    vault: &Mutex<Vault>,
) -> std::io::Result<()> {
    let code = component
        .serialize()
        .map_err(|_| std::io::Error::other("no native code"))?;
    let tag = vault
        .lock()
        .map_err(|_| std::io::Error::other("the vault is in doubt"))?
        .tag("engine-cache", &[key, &code]);
    let mut file = files.create(FILE_NEW)?;
    file.write_all(&tag)?;
    file.write_all(&code)?;
    file.sync_all()?;
    files.rename(FILE_NEW, files, FILE)
}

#[cfg(test)]
mod tests;
