//! The third way: the standard library built from Debian's `rust-src`.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::{TRIPLE, sysroot};

/// Where everything of this module lies.
const FOLDER: &str = "target/wasm-std";

/// Suites of Debian that may hold `rust-src` in the compiler's version, beside those that apt is
/// configured with.
const SUITES: [&str; 2] = ["trixie-backports", "sid"];

/// A system root with the target's standard library, built when it is not there yet.
pub(super) fn system_root() -> Result<PathBuf> {
    let version = compiler_version()?;
    let folder = std::env::current_dir()?.join(FOLDER).join(&version);
    let root = folder.join("system-root");
    let done = folder.join("done");
    if done.exists() {
        return Ok(root);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).context("removing an unfinished build")?;
    }
    fs::create_dir_all(&folder)?;
    let library = fetch_sources(&folder, &version)?;
    let wrapper = compiler_with_sources(&folder, &library)?;
    let built = build_std(&folder, &wrapper)?;
    lay_out(&built, &root)?;
    fs::write(done, "")?;
    Ok(root)
}

/// The compiler's version, such as `1.95.0`.
fn compiler_version() -> Result<String> {
    let output = Command::new("rustc")
        .arg("--version")
        .output()
        .context("starting rustc")?;
    String::from_utf8(output.stdout)?
        .split_whitespace()
        .nth(1)
        .map(str::to_owned)
        .ok_or_else(|| anyhow!("rustc does not say its version"))
}

/// Downloads and unpacks `rust-src`, and returns the path of its `library` folder.
fn fetch_sources(folder: &Path, version: &str) -> Result<PathBuf> {
    let mut tried = Vec::new();
    for suite in SUITES {
        match fetch_from(folder, suite, version) {
            Ok(library) => return Ok(library),
            Err(refused) => tried.push(format!("{suite}: {refused:#}")),
        }
    }
    bail!("no rust-src {version}: {}", tried.join("; "))
}

fn fetch_from(folder: &Path, suite: &str, version: &str) -> Result<PathBuf> {
    let apt = folder.join("apt").join(suite);
    fs::create_dir_all(apt.join("lists/partial"))?;
    fs::create_dir_all(apt.join("archives/partial"))?;
    let list = apt.join("sources.list");
    fs::write(&list, format!("deb {} {suite} main\n", debian_mirror()?))?;
    let options = [
        format!("Dir::Etc::SourceList={}", list.display()),
        "Dir::Etc::SourceParts=/dev/null".to_owned(),
        format!("Dir::State::Lists={}", apt.join("lists").display()),
        format!("Dir::Cache::Archives={}", apt.join("archives").display()),
        // The download runs as the user who builds; apt's own user cannot write here.
        "APT::Sandbox::User=root".to_owned(),
    ];
    run(apt_command("apt-get", &options).arg("update"))?;
    let policy = apt_command("apt-cache", &options)
        .args(["madison", "rust-src"])
        .output()?;
    let policy = String::from_utf8(policy.stdout)?;
    let package = policy
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .map(str::trim)
        .find(|package| package.starts_with(&format!("{version}+")))
        .ok_or_else(|| anyhow!("the suite has another version"))?;
    run(apt_command("apt-get", &options)
        .current_dir(&apt)
        .args(["download", &format!("rust-src={package}")]))?;
    let deb = fs::read_dir(&apt)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .ok_or_else(|| anyhow!("apt-get downloaded nothing"))?;
    let unpacked = folder.join("rust-src");
    run(Command::new("dpkg").arg("-x").arg(&deb).arg(&unpacked))?;
    find_library(&unpacked)
}

/// The address of a Debian mirror, read from apt's own configuration.
fn debian_mirror() -> Result<String> {
    let output = Command::new("apt-get")
        .args(["indextargets", "--format", "$(REPO_URI) $(ORIGIN)"])
        .output()
        .context("starting apt-get")?;
    let targets = String::from_utf8(output.stdout)?;
    targets
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(address, _)| address.trim_end_matches('/'))
        .find(|address| address.ends_with("/debian"))
        .map(str::to_owned)
        .ok_or_else(|| anyhow!("apt is not configured with a Debian mirror"))
}

fn apt_command(name: &str, options: &[String]) -> Command {
    let mut command = Command::new(name);
    for option in options {
        command.args(["-o", option]);
    }
    command
}

/// The `library` folder inside the unpacked package.
fn find_library(unpacked: &Path) -> Result<PathBuf> {
    let sources = unpacked.join("usr/src");
    for entry in fs::read_dir(&sources).context("reading the unpacked package")? {
        let library = entry?.path().join("library");
        if library.join("std").is_dir() {
            return Ok(library);
        }
    }
    bail!("rust-src holds no library folder")
}

/// A folder of links to the toolchain, with the sources where cargo looks for them, and a wrapper
/// that runs rustc with it.
fn compiler_with_sources(folder: &Path, library: &Path) -> Result<PathBuf> {
    let toolchain = sysroot()?;
    let mirror = folder.join("toolchain");
    link_all_but(&toolchain, &mirror, "lib")?;
    link_all_but(&toolchain.join("lib"), &mirror.join("lib"), "rustlib")?;
    link_all_but(
        &toolchain.join("lib/rustlib"),
        &mirror.join("lib/rustlib"),
        "src",
    )?;
    let sources = mirror.join("lib/rustlib/src/rust");
    fs::create_dir_all(&sources)?;
    symlink(library, sources.join("library"))?;
    let wrapper = folder.join("rustc");
    let rustc = toolchain.join("bin/rustc");
    fs::write(
        &wrapper,
        format!(
            "#!/bin/sh\nexec '{}' --sysroot '{}' \"$@\"\n",
            rustc.display(),
            mirror.display()
        ),
    )?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    Ok(wrapper)
}

fn link_all_but(from: &Path, to: &Path, left_out: &str) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_name() != left_out {
            symlink(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Builds std for the target and returns the folder with the libraries.
fn build_std(folder: &Path, wrapper: &Path) -> Result<PathBuf> {
    let empty = folder.join("empty");
    fs::create_dir_all(empty.join("src"))?;
    fs::write(
        empty.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nedition = \"2024\"\n\n[workspace]\n\n[profile.release]\npanic = \"abort\"\n",
    )?;
    fs::write(empty.join("src/lib.rs"), "")?;
    run(Command::new(env!("CARGO"))
        .current_dir(&empty)
        .args(["build", "--release", "-Zbuild-std=std,panic_abort", "--target", TRIPLE])
        .args(["--target-dir", "target"])
        .env("RUSTC", wrapper)
        .env("RUSTC_BOOTSTRAP", "1")
        // Without bitcode in the libraries, link-time optimisation fails later.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env_remove("CARGO_ENCODED_RUSTFLAGS"))?;
    Ok(empty.join("target").join(TRIPLE).join("release/deps"))
}

/// Lays the libraries out as rustc expects them in a system root.
fn lay_out(built: &Path, root: &Path) -> Result<()> {
    let library = root.join("lib/rustlib").join(TRIPLE).join("lib");
    fs::create_dir_all(&library)?;
    for entry in fs::read_dir(built)? {
        let path = entry?.path();
        let (Some(name), Some("rlib")) = (
            path.file_name(),
            path.extension().and_then(|extension| extension.to_str()),
        ) else {
            continue;
        };
        if !name.to_string_lossy().starts_with("libempty") {
            fs::copy(&path, library.join(name))?;
        }
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("starting {command:?}"))?;
    ensure!(
        output.status.success(),
        "{} failed: {}",
        command.get_program().display(),
        String::from_utf8_lossy(&output.stderr).trim(),
    );
    Ok(())
}
