//! The engine's imports are the world's, and an engine with one more is refused before it runs.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use ring::signature::Ed25519KeyPair;
use wit_parser::{Resolve, WorldItem, WorldKey};

/// The published development seed: what the emulator lets an engine be signed with.
const DEVELOPMENT_SEED: &[u8; 32] = b"tenon development signing key 01";

#[test]
fn the_built_engine_imports_what_the_world_lists_and_nothing_else() {
    let imported: BTreeSet<String> = imports_of(&built_engine()).into_iter().collect();
    let world = world();
    assert!(world.len() >= 10, "the world has {} imports", world.len());
    assert_eq!(imported, world);
}

#[test]
fn an_engine_with_one_more_import_is_refused_before_it_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let engine = folder.path().join("engine.wasm");
    // Its start function would run for ever: that the terminal answers shows that it was not run.
    let component = r#"(component
        (import "terminal:display/display@0.1.0" (instance))
        (import "wasi:cli/environment@0.2.0" (instance))
        (core module $m (func $spin (loop (br 0))) (start $spin))
        (core instance (instantiate $m)))"#;
    write_signed(&engine, &wat::parse_str(component).expect("a component"));
    let said = refused(&engine);
    assert!(said.contains("wasi:cli/environment@0.2.0"), "{said}");
}

#[test]
fn an_engine_that_was_not_signed_or_was_changed_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let engine = folder.path().join("engine.wasm");
    let built = fs::read(built_engine()).expect("the engine");
    fs::write(&engine, &built).expect("a copy");
    assert!(
        refused(&engine).contains("engine.wasm.sig"),
        "without a signature"
    );
    let mut changed = built.clone();
    *changed.last_mut().expect("bytes") ^= 1;
    write_signed(&engine, &built);
    fs::write(&engine, changed).expect("a changed copy");
    assert!(
        refused(&engine).contains("signature"),
        "changed after it was signed"
    );
}

/// The engine that `make guest` built.
fn built_engine() -> PathBuf {
    let engine = root().join("target/guest/engine.wasm");
    assert!(
        engine.exists(),
        "there is no {}; run `make guest`",
        engine.display()
    );
    engine
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the root")
        .to_path_buf()
}

/// The names a component imports, read from its bytes.
fn imports_of(component: &Path) -> Vec<String> {
    let bytes = fs::read(component).expect("the engine");
    let decoded = wit_component::decode(&bytes).expect("a component");
    let (resolve, world) = match decoded {
        wit_component::DecodedWasm::Component(resolve, world) => (resolve, world),
        wit_component::DecodedWasm::WitPackage(..) => panic!("the engine is no component"),
    };
    let world = resolve.worlds.get(world).expect("its world");
    world
        .imports
        .iter()
        .map(|(key, item)| name(&resolve, key, item))
        .collect()
}

/// The names that `wit/world.wit` lists.
fn world() -> BTreeSet<String> {
    let mut resolve = Resolve::default();
    resolve
        .push_dir(root().join("wit"))
        .expect("the boundary parses");
    let (_, world) = resolve
        .worlds
        .iter()
        .find(|(_, world)| world.name == "payment-engine")
        .expect("the world");
    world
        .imports
        .iter()
        .map(|(key, item)| name(&resolve, key, item))
        .collect()
}

fn name(resolve: &Resolve, key: &WorldKey, _: &WorldItem) -> String {
    resolve.name_world_key(key)
}

fn write_signed(engine: &Path, component: &[u8]) {
    let key = Ed25519KeyPair::from_seed_unchecked(DEVELOPMENT_SEED).expect("the development key");
    fs::write(engine, component).expect("the component");
    fs::write(
        engine.with_extension("wasm.sig"),
        key.sign(component).as_ref(),
    )
    .expect("its signature");
}

/// Starts a terminal with the engine, and returns why it did not start.
fn refused(engine: &Path) -> String {
    let data = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new(env!("CARGO_BIN_EXE_tenon"))
        .args(["emulator", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .arg("--engine")
        .arg(engine)
        .output()
        .expect("tenon starts");
    assert!(!output.status.success(), "the engine was taken");
    assert!(output.stdout.is_empty(), "it said that it was ready");
    String::from_utf8_lossy(&output.stderr).into_owned()
}
