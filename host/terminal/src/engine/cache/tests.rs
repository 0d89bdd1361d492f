use std::sync::Mutex;

use cap_std::{ambient_authority, fs::Dir};
use tempfile::TempDir;
use vault::Vault;
use wasmtime::{Config, Engine, ModuleVersionStrategy};

use super::{FILE, FILE_NEW, Origin, TAG_LENGTH, key, load_or_compile};
use crate::empty_vault::empty_vault;

/// A component; another one differs in the name of what it exports.
const COMPONENT: &str = r#"(component (core module $m (func (export "a") (result i32) (i32.const 1)))
    (core instance $i (instantiate $m)) (func (export "a") (result u32) (canon lift (core func $i "a"))))"#;

/// A folder of a host.
struct Folder {
    _kept: TempDir,
    files: Dir,
    engine: Engine,
    wasm: Vec<u8>,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Dir::open_ambient_dir(folder.path(), ambient_authority()).expect("a folder");
        let engine = Engine::default();
        Self {
            _kept: folder,
            files,
            engine,
            wasm: component(COMPONENT),
        }
    }

    /// Starts a device with this key and this component.
    fn start_as(&self, device_key: u8, wasm: &[u8]) -> Origin {
        let vault = vault(device_key);
        let (loaded, origin) = load_or_compile(&self.engine, wasm, &self.files, &vault)
            .unwrap_or_else(|refused| panic!("the component was refused: {refused}"));
        // Whatever the file holds, the code that runs is this component's.
        let exported = if wasm == self.wasm { "a" } else { "b" };
        let exports = loaded.component_type();
        assert_eq!(
            exports
                .exports(&self.engine)
                .map(|(name, _)| name.to_owned())
                .collect::<Vec<_>>(),
            [exported]
        );
        origin
    }

    fn start(&self) -> Origin {
        self.start_as(1, &self.wasm)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut content = self.files.read(FILE).expect("the cache was written");
        change(&mut content);
        self.files
            .write(FILE, content)
            .expect("the cache is replaced");
    }
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the component is WebAssembly text")
}

fn vault(device_key: u8) -> Mutex<Vault> {
    Mutex::new(empty_vault(device_key))
}

#[test]
fn the_first_start_compiles_and_the_second_loads() {
    let folder = Folder::new();
    assert_eq!(folder.start(), Origin::Compiled);
    assert_eq!(folder.start(), Origin::Cache);
    assert!(!folder.files.exists(FILE_NEW), "nothing is left over");
}

#[test]
fn a_file_that_was_changed_is_compiled_again_and_replaced() {
    type Change = (&'static str, fn(&mut Vec<u8>));
    let changes: [Change; 9] = [
        ("first byte of the tag", |content| content[0] ^= 1),
        ("last byte of the tag", |content| {
            content[TAG_LENGTH - 1] ^= 0x80;
        }),
        ("first byte of the code", |content| content[TAG_LENGTH] ^= 1),
        ("a byte amid the code", |content| {
            let middle = content.len() / 2;
            content[middle] ^= 1;
        }),
        ("last byte of the code", |content| {
            *content.last_mut().expect("code") ^= 1;
        }),
        ("truncated by a byte", |content| {
            content.truncate(content.len() - 1);
        }),
        ("truncated in the tag", |content| {
            content.truncate(TAG_LENGTH - 1);
        }),
        ("a byte more", |content| content.push(0)),
        ("empty", Vec::clear),
    ];
    for (name, change) in changes {
        let folder = Folder::new();
        assert_eq!(folder.start(), Origin::Compiled, "{name}");
        folder.change(change);
        assert_eq!(folder.start(), Origin::Compiled, "{name}");
        assert_eq!(
            folder.start(),
            Origin::Cache,
            "{name}: a good file took its place"
        );
    }
}

#[test]
fn another_component_or_another_device_compiles() {
    let folder = Folder::new();
    let other = component(&COMPONENT.replace(
        "(func (export \"a\") (result u32)",
        "(func (export \"b\") (result u32)",
    ));
    assert_eq!(folder.start(), Origin::Compiled);
    assert_eq!(folder.start_as(1, &other), Origin::Compiled);
    // The file is now the other component's.
    assert_eq!(folder.start(), Origin::Compiled);
    assert_eq!(folder.start_as(2, &folder.wasm), Origin::Compiled);
    assert_eq!(folder.start(), Origin::Compiled);
    assert_eq!(folder.start(), Origin::Cache);
}

#[test]
fn a_folder_that_cannot_be_written_costs_time_only() {
    let folder = Folder::new();
    // A folder of the file's name: neither read nor replaced.
    folder.files.create_dir(FILE_NEW).expect("a folder");
    assert_eq!(folder.start(), Origin::Compiled);
    assert_eq!(folder.start(), Origin::Compiled);
}

#[test]
fn the_key_holds_the_component_the_settings_and_the_exact_version() {
    let lock = include_str!("../../../../../Cargo.lock");
    let version = lock
        .split_once("name = \"wasmtime\"\nversion = \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(version, _)| version)
        .expect("the lock file names wasmtime");
    assert!(version.split('.').count() == 3, "{version}");
    let of = |version: &str, wasm: &[u8]| {
        let mut config = Config::new();
        config
            .module_version(ModuleVersionStrategy::Custom(version.into()))
            .expect("short");
        key(&Engine::new(&config).expect("an engine"), wasm)
    };
    let ours = key(&Engine::default(), b"component");
    assert_eq!(
        ours,
        of(version, b"component"),
        "the default is the whole version"
    );
    let major = version.split('.').next().expect("a number");
    assert_ne!(ours, of(major, b"component"));
    assert_ne!(ours, of(&format!("{version}1"), b"component"));
    assert_ne!(ours, of(version, b"another"));
    let mut config = Config::new();
    config.epoch_interruption(true);
    assert_ne!(
        ours,
        key(&Engine::new(&config).expect("an engine"), b"component")
    );
}
