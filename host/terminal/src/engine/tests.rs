use std::sync::Mutex;

use cap_std::{ambient_authority, fs::Dir};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::{Engine, EngineRefused};
use crate::{config::EngineFile, empty_vault::empty_vault};

/// The binary component that is only its header: it imports and exports nothing.
const EMPTY: [u8; 8] = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

fn signed(component: &[u8]) -> EngineFile {
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
    EngineFile {
        component: component.to_vec(),
        signature: key.sign(component).as_ref().to_vec(),
        trusted_key: key.public_key().as_ref().try_into().expect("32 bytes"),
    }
}

/// An import section with one function `name` of type `func()`.
fn importing(name: &str) -> Vec<u8> {
    let mut component = EMPTY.to_vec();
    // Type section: an instance type without members.
    component.extend_from_slice(&[7, 3, 1, 0x42, 0]);
    let length = u8::try_from(name.len()).expect("a short name");
    let mut section = vec![1, 0x00, length];
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(&[5, 0]);
    component.extend_from_slice(&[10, u8::try_from(section.len()).expect("short")]);
    component.extend_from_slice(&section);
    component
}

fn load(file: &EngineFile) -> Result<Engine, EngineRefused> {
    let folder = tempfile::tempdir().expect("a folder");
    let files = Dir::open_ambient_dir(folder.path(), ambient_authority()).expect("a folder");
    let vault = Mutex::new(empty_vault(1));
    Engine::load(file, &files, &vault)
}

#[test]
fn refuses_what_the_trusted_key_did_not_sign() {
    let mut flipped = signed(&EMPTY);
    flipped.component[7] ^= 1;
    let mut unsigned = signed(&EMPTY);
    unsigned.signature.clear();
    let mut other_key = signed(&EMPTY);
    other_key.trusted_key[0] ^= 1;
    for file in [flipped, unsigned, other_key] {
        assert_eq!(load(&file).err(), Some(EngineRefused::Signature));
    }
}

#[test]
fn refuses_an_import_that_the_world_does_not_list() {
    for name in [
        "wasi:filesystem/types@0.2.0",
        "terminal:journal/journal@0.1.1",
        "terminal:journal/journal",
    ] {
        let refusal = load(&signed(&importing(name))).err();
        assert_eq!(refusal, Some(EngineRefused::Import(name.into())));
    }
    // A listed name passes that check; this component then lacks the exports.
    let listed = load(&signed(&importing("terminal:journal/journal@0.1.0"))).err();
    assert_eq!(listed, Some(EngineRefused::Component));
}

#[test]
fn refuses_what_is_no_engine() {
    for bytes in [&EMPTY[..], b"(component)", b"\0asm\x01\0\0\0", b""] {
        assert_eq!(load(&signed(bytes)).err(), Some(EngineRefused::Component));
    }
}
