//! Where the engine lies.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use terminal_host::EngineFile;

/// Reads the engine and its signature, which lies beside it with `.sig` at the end of its name.
///
/// Without a `given` path it is looked for next to the executable, then in `../guest` as seen from
/// there, which is where the build puts it.
pub(crate) fn read(given: Option<&Path>, trusted_key: [u8; 32]) -> Result<EngineFile> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => find(&std::env::current_exe().context("the executable cannot be found")?)?,
    };
    let component = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let signature_path = signature_path(&path);
    let signature = fs::read(&signature_path)
        .with_context(|| format!("reading the signature {}", signature_path.display()))?;
    Ok(EngineFile {
        component,
        signature,
        trusted_key,
    })
}

/// The signature of `engine`, when there is one.
pub(crate) fn read_signature(engine: &Path) -> Result<Option<Vec<u8>>> {
    let path = signature_path(engine);
    match fs::read(&path) {
        Ok(signature) => Ok(Some(signature)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

fn signature_path(engine: &Path) -> PathBuf {
    let mut name = OsString::from(engine);
    name.push(".sig");
    name.into()
}

fn find(executable: &Path) -> Result<PathBuf> {
    let folder = executable.parent().unwrap_or(Path::new("."));
    let places = [
        folder.join("engine.wasm"),
        folder.join("../guest/engine.wasm"),
    ];
    match places.iter().find(|place| place.is_file()) {
        Some(place) => Ok(place.clone()),
        None => bail!(
            "no engine.wasm next to the executable nor in ../guest; build it with `make guest`, \
             or name it with --engine or TENON_ENGINE"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_beside_the_executable_comes_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let executable = folder.path().join("debug/tenon");
        fs::create_dir_all(folder.path().join("debug")).expect("a folder");
        fs::create_dir_all(folder.path().join("guest")).expect("a folder");
        assert!(find(&executable).is_err());
        let built = folder.path().join("guest/engine.wasm");
        fs::write(&built, b"built").expect("a file");
        let found = find(&executable).expect("an engine");
        assert_eq!(fs::read(found).expect("a file"), b"built");
        fs::write(folder.path().join("debug/engine.wasm"), b"beside").expect("a file");
        let found = find(&executable).expect("an engine");
        assert_eq!(fs::read(found).expect("a file"), b"beside");
    }

    #[test]
    fn an_engine_without_a_signature_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = folder.path().join("engine.wasm");
        fs::write(&engine, b"engine").expect("a file");
        assert!(read(Some(&engine), [0; 32]).is_err());
        assert_eq!(read_signature(&engine).expect("no fault"), None);
        fs::write(folder.path().join("engine.wasm.sig"), b"signature").expect("a file");
        let read = read(Some(&engine), [7; 32]).expect("an engine");
        assert_eq!(
            (read.component, read.signature),
            (b"engine".to_vec(), b"signature".to_vec())
        );
        assert_eq!(read.trusted_key, [7; 32]);
    }
}
