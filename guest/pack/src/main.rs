//! Builds the engine and packs it for the host.
//!
//! One command does everything between the sources of `guest/` and a file that the host runs: it
//! makes sure that the WebAssembly target is there, builds the core module, turns it into a
//! component and signs that with the development key.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "a build step tells the developer what it did"
)]

mod component;
mod sign;
mod target;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::target::WasmTarget;

/// Build the engine, turn it into a component, sign it with the development key.
#[derive(Debug, Parser)]
struct Options {
    /// Where the component and its signature go.
    #[arg(long, default_value = "target/guest/engine.wasm")]
    output: PathBuf,

    /// Only make sure that the WebAssembly target is there.
    #[arg(long)]
    target_only: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let target = target::ensure()?;
    println!("wasm target: {target}");
    if options.target_only {
        return Ok(());
    }
    let module = build(&target)?;
    let module = std::fs::read(&module).with_context(|| format!("reading {}", module.display()))?;
    let component = component::encode(&module)?;
    let signature = sign::sign(&component)?;
    write(&options.output, &component)?;
    write(&sign::signature_path(&options.output), &signature)?;
    println!(
        "engine: {} ({} KiB, sha256 {})",
        options.output.display(),
        component.len().div_ceil(1024),
        sign::digest(&component),
    );
    Ok(())
}

/// Builds the core module and returns its path.
fn build(target: &WasmTarget) -> Result<PathBuf> {
    let folder = Path::new("target/guest-build");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        // The crate is a plain library to native builds, whose linkers cannot write the names of a
        // component's exports.
        .args(["rustc", "--quiet", "--package", "component", "--lib"])
        .args(["--crate-type", "cdylib", "--profile", "guest"])
        .args(["--target", target::TRIPLE])
        .arg("--target-dir")
        .arg(folder);
    target.prepare(&mut cargo, folder)?;
    let module = folder.join(target::TRIPLE).join("guest/component.wasm");
    let status = cargo.status().context("starting cargo")?;
    ensure!(status.success(), "the engine does not build");
    Ok(module)
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("creating {}", folder.display()))?;
    }
    std::fs::write(path, content).with_context(|| format!("writing {}", path.display()))
}
