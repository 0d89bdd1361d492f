//! Small files of the terminal's own in its data folder: the owner's to read, and replaced whole.

use std::io::{self, Read, Write};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};

/// The largest file that is read, in bytes. Keys are small.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The whole content; `None` when there is no such file.
pub(crate) fn read(folder: &Dir, name: &str) -> io::Result<Option<Vec<u8>>> {
    // Something else than a file, such as a pipe, could be waited for without end.
    let file = match folder.metadata(name) {
        Ok(metadata) if metadata.is_file() => folder.open(name)?,
        Ok(_) => return Err(io::Error::other(format!("{name} is no file"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut content = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut content)?;
    Ok(Some(content))
}

/// Durable and atomic: the new bytes are on the disk before the name points to them, and the name
/// is on the disk before this returns.
pub(crate) fn replace(folder: &Dir, name: &str, content: &[u8]) -> io::Result<()> {
    let draft = format!("{name}.new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = folder.open_with(&draft, &options)?;
    file.write_all(content)?;
    file.sync_all()?;
    folder.rename(&draft, folder, name)?;
    // The handle of a `Dir` only names the folder; one that is open for reading can be synced.
    folder.open(".")?.sync_all()
}
