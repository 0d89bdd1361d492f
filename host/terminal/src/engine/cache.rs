//! Compiled engines, kept so that the next start is quick.
//!
//! A cache file is a tag of 32 bytes and native code. The tag is the vault's, over the code and
//! everything that decides whether it may be loaded; a file that fails any check is discarded and
//! the verified component is compiled again.

use std::{
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
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

/// The wasmtime this host is built with; its code is no other's.
const WASMTIME: &str = "48";

/// The component's native code: from the cache when it can be trusted, else compiled and kept.
pub(super) fn load_or_compile(
    engine: &Engine,
    wasm: &[u8],
    files: &Dir,
    vault: &Mutex<Vault>,
) -> Result<Component, EngineRefused> {
    let key = key(engine, wasm);
    if let Some(component) = load(engine, &key, files, vault) {
        return Ok(component);
    }
    // Text would be compiled too where that feature is on; only the binary format is an engine.
    let component = Component::from_binary(engine, wasm).map_err(refused)?;
    if let Err(error) = keep(&component, &key, files, vault) {
        tracing::warn!(%error, "the compiled engine was not kept");
    }
    Ok(component)
}

/// What a cached file must have been made from.
fn key(engine: &Engine, wasm: &[u8]) -> Vec<u8> {
    let mut key = digest::digest(&digest::SHA256, wasm).as_ref().to_vec();
    key.extend_from_slice(WASMTIME.as_bytes());
    let compatibility = BuildHasherDefault::<DefaultHasher>::default()
        .hash_one(engine.precompile_compatibility_hash());
    key.extend_from_slice(&compatibility.to_be_bytes());
    key
}

fn load(engine: &Engine, key: &[u8], files: &Dir, vault: &Mutex<Vault>) -> Option<Component> {
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
