//! The WebAssembly target's standard library: found, fetched, or built from source.
//!
//! Three ways, tried in order. The toolchain has the target; rustup can add it; or the standard
//! library is built once from Debian's `rust-src` package of the compiler's own version and laid
//! into a system root under `target/`, leaving the toolchain alone.

mod from_source;

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

/// The engine's target: std without WASI, so that a component imports nothing but its world.
pub(crate) const TRIPLE: &str = "wasm32-unknown-unknown";

/// Where the standard library for [`TRIPLE`] is.
#[derive(Debug)]
pub(crate) enum WasmTarget {
    /// In the toolchain, as it was.
    Installed,
    /// In the toolchain: rustup added it just now.
    Added,
    /// In a system root of our own.
    SystemRoot(PathBuf),
}

impl fmt::Display for WasmTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed => write!(f, "{TRIPLE}, installed in the toolchain"),
            Self::Added => write!(f, "{TRIPLE}, added by rustup"),
            Self::SystemRoot(root) => {
                write!(f, "{TRIPLE}, built from source in {}", root.display())
            }
        }
    }
}

impl WasmTarget {
    /// Tells cargo where the target is. `folder` is the target folder cargo will use; it is emptied
    /// when the system root has changed, since cargo does not notice.
    pub(crate) fn prepare(&self, cargo: &mut Command, folder: &Path) -> Result<()> {
        let root = match self {
            Self::Installed | Self::Added => String::new(),
            Self::SystemRoot(root) => root.display().to_string(),
        };
        let stamp = folder.join("system-root");
        if std::fs::read_to_string(&stamp).ok().as_deref() != Some(root.as_str()) {
            if folder.exists() {
                std::fs::remove_dir_all(folder).context("emptying the guest's target folder")?;
            }
            std::fs::create_dir_all(folder).context("creating the guest's target folder")?;
            std::fs::write(&stamp, &root).context("remembering the system root")?;
        }
        if !root.is_empty() {
            cargo.env(
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
                format!("--sysroot={root}"),
            );
        }
        Ok(())
    }
}

/// Makes sure that the target is there.
pub(crate) fn ensure() -> Result<WasmTarget> {
    // For testing the third way on a machine where the first two work.
    let forced = std::env::var_os("TENON_WASM_FROM_SOURCE").is_some();
    if !forced {
        if installed()? {
            return Ok(WasmTarget::Installed);
        }
        if added_by_rustup() && installed()? {
            return Ok(WasmTarget::Added);
        }
    }
    from_source::system_root()
        .map(WasmTarget::SystemRoot)
        .with_context(|| {
            format!(
                "the target {TRIPLE} is missing, rustup could not add it, and its standard library \
             could not be built from Debian's rust-src; install the target by hand"
            )
        })
}

/// Whether the toolchain has a standard library for the target.
fn installed() -> Result<bool> {
    let library = sysroot()?.join("lib/rustlib").join(TRIPLE).join("lib");
    Ok(library.is_dir())
}

/// The toolchain's own system root.
fn sysroot() -> Result<PathBuf> {
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .context("starting rustc")?;
    let path = String::from_utf8(output.stdout).context("reading the path of the system root")?;
    Ok(PathBuf::from(path.trim()))
}

fn added_by_rustup() -> bool {
    Command::new("rustup")
        .args(["target", "add", TRIPLE])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
