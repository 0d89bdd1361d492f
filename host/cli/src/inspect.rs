//! `tenon inspect`: what an engine is, without running or compiling it.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use ring::{
    digest,
    signature::{ED25519, UnparsedPublicKey},
};
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldId, WorldItem, WorldKey};

use crate::engine_file;

/// The published development key, which only the emulator trusts.
const DEVELOPMENT_KEY: &str = include_str!("../../../guest/pack/development-key.pub");

/// Show an engine's imports, exports, digest and signature
///
/// The engine is read, never run.
///
///     tenon inspect target/guest/engine.wasm
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The engine, a WebAssembly component
    #[arg(value_name = "ENGINE.wasm")]
    engine: PathBuf,
}

/// Prints the description.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let path = &arguments.engine;
    let component = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let signature = engine_file::read_signature(path)?;
    let decoded = wit_component::decode(&component)
        .with_context(|| format!("{} is no WebAssembly component", path.display()))?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        bail!("{} is a WIT package, not a component", path.display());
    };
    let mut out = io::stdout().lock();
    writeln!(out, "size       {} bytes", component.len())?;
    writeln!(
        out,
        "sha256     {}",
        hex(digest::digest(&digest::SHA256, &component).as_ref())
    )?;
    writeln!(
        out,
        "signature  {}",
        describe_signature(&component, signature.as_deref())
    )?;
    let interfaces = Interfaces::of(&resolve, world);
    for (title, names) in [
        ("imports", interfaces.imports),
        ("exports", interfaces.exports),
    ] {
        writeln!(out, "{title}")?;
        for line in names {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What a component asks for and what it gives, a line each.
#[derive(Debug, PartialEq, Eq)]
struct Interfaces {
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Interfaces {
    fn of(resolve: &Resolve, world: WorldId) -> Self {
        let Some(world) = resolve.worlds.get(world) else {
            return Self {
                imports: Vec::new(),
                exports: Vec::new(),
            };
        };
        let lines = |items: &mut dyn Iterator<Item = (&WorldKey, &WorldItem)>| {
            items.map(|(key, item)| line(resolve, key, item)).collect()
        };
        Self {
            imports: lines(&mut world.imports.iter()),
            exports: lines(&mut world.exports.iter()),
        }
    }
}

fn line(resolve: &Resolve, key: &WorldKey, item: &WorldItem) -> String {
    let name = resolve.name_world_key(key);
    let WorldItem::Interface { id, .. } = item else {
        return name;
    };
    let Some(interface) = resolve.interfaces.get(*id) else {
        return name;
    };
    let functions: Vec<_> = interface.functions.keys().map(String::as_str).collect();
    if functions.is_empty() {
        name
    } else {
        format!("{name}\n      {}", functions.join("\n      "))
    }
}

fn describe_signature(component: &[u8], signature: Option<&[u8]>) -> &'static str {
    let Some(signature) = signature else {
        return "none";
    };
    match public_key(DEVELOPMENT_KEY) {
        Some(key)
            if UnparsedPublicKey::new(&ED25519, &key)
                .verify(component, signature)
                .is_ok() =>
        {
            "good, by the development key (only the emulator trusts it)"
        }
        Some(_) | None => "not by the development key",
    }
}

fn public_key(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at.checked_add(2)?)?, 16).ok())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use ring::signature::Ed25519KeyPair;

    use super::*;

    #[test]
    fn the_worlds_imports_and_exports_are_listed_with_their_functions() {
        let mut resolve = Resolve::default();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");
        let (package, _) = resolve.push_dir(folder).expect("the project's WIT");
        let world = resolve
            .select_world(&[package], Some("payment-engine"))
            .expect("the world");
        let interfaces = Interfaces::of(&resolve, world);
        let starts = |lines: &[String]| -> Vec<String> {
            lines
                .iter()
                .map(|line| line.lines().next().unwrap_or_default().to_owned())
                .collect()
        };
        assert!(
            starts(&interfaces.imports).contains(&"terminal:journal/journal@0.1.0".to_owned()),
            "{interfaces:#?}"
        );
        assert_eq!(
            starts(&interfaces.exports),
            ["terminal:engine/transactions@0.1.0"]
        );
        let functions: Vec<_> = interfaces.exports[0]
            .lines()
            .skip(1)
            .map(str::trim)
            .collect();
        assert!(
            functions.contains(&"run") && functions.contains(&"recover"),
            "{functions:?}"
        );
    }

    #[test]
    fn a_signature_is_told_from_its_absence_and_from_anothers() {
        let other = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
        let signature = other.sign(b"engine");
        assert_eq!(describe_signature(b"engine", None), "none");
        assert_eq!(
            describe_signature(b"engine", Some(signature.as_ref())),
            "not by the development key"
        );
        let published = Ed25519KeyPair::from_seed_unchecked(b"tenon development signing key 01")
            .expect("a key");
        let signature = published.sign(b"engine");
        assert!(describe_signature(b"engine", Some(signature.as_ref())).starts_with("good"));
        assert_eq!(
            describe_signature(b"enginf", Some(signature.as_ref())),
            "not by the development key"
        );
    }

    #[test]
    fn a_key_is_hexadecimal() {
        assert_eq!(public_key(" 00ff\n"), Some(vec![0, 255]));
        for wrong in ["0", "0g", "é"] {
            assert_eq!(public_key(wrong), None, "{wrong}");
        }
        assert_eq!(hex(&[0, 255]), "00ff");
    }
}
