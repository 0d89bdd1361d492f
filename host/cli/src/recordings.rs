//! The recordings of a terminal, as its data folder holds them.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cap_std::fs::Dir;
use terminal_host::{
    recording::{self, Recording},
    transaction::TransactionId,
    vault::Vault,
};

use crate::{data_folder::DataFolder, vault_file};

/// The longest recording that is read, in bytes: the terminal writes none of half of it.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Which recording is meant.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// A transaction's name, or a recording's file [default: the latest]
    #[arg(value_name = "TRANSACTION|FILE")]
    recording: Option<String>,

    #[command(flatten)]
    data: DataFolder,
}

/// A recording, and the folder and keys of the terminal that made it.
pub(crate) struct Found {
    pub(crate) recording: Recording,
    pub(crate) files: Dir,
    pub(crate) vault: Vault,
}

impl Which {
    /// Finds and opens it.
    pub(crate) fn find(&self) -> Result<Found> {
        let data = self.data.path().display();
        let files = self
            .data
            .open_existing()
            .context("--data names the terminal's folder")?;
        let vault = vault_file::open_existing(&files).with_context(|| format!("in {data}"))?;
        let path = self.path()?;
        let sealed = read(&path).with_context(|| format!("reading {}", path.display()))?;
        let recording = Recording::open(&sealed, &vault)
            .with_context(|| format!("opening {}", path.display()))?;
        // One that was put in another's place is right in all else.
        let name = path.file_name().and_then(|name| name.to_str());
        let named = name.and_then(TransactionId::parse);
        if named.is_some_and(|named| named.as_str() != recording.transaction()) {
            bail!(
                "{} is the recording of {}",
                path.display(),
                recording.transaction()
            );
        }
        Ok(Found {
            recording,
            files,
            vault,
        })
    }

    fn path(&self) -> Result<PathBuf> {
        let folder = self.data.path().join(recording::FOLDER);
        match &self.recording {
            None => latest(&folder),
            Some(given) if TransactionId::parse(given).is_some() => {
                let path = folder.join(given);
                if !path.is_file() {
                    bail!(
                        "{given} is not recorded in {}: a terminal keeps the latest transactions only, \
                         and none in which it was stopped",
                        folder.display()
                    );
                }
                Ok(path)
            }
            Some(file) => Ok(PathBuf::from(file)),
        }
    }
}

/// The whole file. Fails where it is none, such as a pipe that could be waited for without end, or is
/// too long.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut content = Vec::new();
    let limit = FILE_BYTES_MAX.saturating_add(1);
    let count = File::open(path)?.take(limit).read_to_end(&mut content)?;
    if u64::try_from(count).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(io::Error::other("it is longer than any recording"));
    }
    Ok(content)
}

/// The last name: a transaction's name begins with its time.
fn latest(folder: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("no transaction is recorded in {}", folder.display()))?;
    let mut last = None;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if TransactionId::parse(&name.to_string_lossy()).is_some() {
            last = last.max(Some(entry.path()));
        }
    }
    last.with_context(|| format!("no transaction is recorded in {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_is_the_last_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(latest(folder.path()).is_err());
        let name = |last: char| format!("txn_01M8C9ZVR5V2Y9TG5HZD47E0J{last}");
        for name in [
            name('B'),
            name('C'),
            name('A'),
            "txn_Z".into(),
            "policy".into(),
        ] {
            fs::write(folder.path().join(name), b"").expect("a file");
        }
        let found = latest(folder.path()).expect("a recording");
        assert_eq!(
            found.file_name().expect("a name").to_str(),
            Some(name('C').as_str())
        );
    }

    #[test]
    fn what_cannot_be_a_recording_is_not_read_to_its_end() {
        assert!(read(Path::new("/dev/zero")).is_err());
        let folder = tempfile::tempdir().expect("a folder");
        assert!(read(folder.path()).is_err());
        let path = folder.path().join("long");
        let long = File::create(&path).expect("a file");
        for (length, right) in [(FILE_BYTES_MAX, true), (FILE_BYTES_MAX + 1, false)] {
            long.set_len(length).expect("a length");
            assert_eq!(read(&path).is_ok(), right, "{length}");
        }
    }

    #[test]
    fn a_folder_without_a_terminal_is_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let which = Which {
            recording: None,
            data: DataFolder::at(folder.path()),
        };
        assert!(which.find().is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}
