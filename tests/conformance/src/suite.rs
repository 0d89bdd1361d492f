//! The files of cases.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::case::Case;
use crate::fault::Fault;

/// Why the suite cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder or file cannot be read.
    #[error("{0}: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// A file holds something that is no case.
    #[error("{0}: {1}")]
    Fault(PathBuf, Fault),
    /// A file is not in the folder of its area, or not named like a rule.
    #[error("{0}: a file of cases is named AREA/AREA-RULE.txt")]
    Misplaced(PathBuf),
}

/// The folder of this crate.
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All cases, in the order of their names.
pub fn load() -> Result<Vec<Case>, Error> {
    let mut cases = Vec::new();
    for area in entries(&folder().join("cases"))? {
        for file in entries(&area)? {
            let text = fs::read_to_string(&file)
                .map_err(|error| Error::Unreadable(file.clone(), error))?;
            let rule = rule_of(&area, &file).ok_or_else(|| Error::Misplaced(file.clone()))?;
            let read = Case::parse_file(&rule, &text);
            cases.extend(read.map_err(|fault| Error::Fault(file, fault))?);
        }
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(cases)
}

/// The rule a file is about: `CV-05` for `CV/CV-05.txt`.
fn rule_of(area: &Path, file: &Path) -> Option<String> {
    let rule = file.file_name()?.to_str()?.strip_suffix(".txt")?;
    let (named, number) = rule.split_once('-')?;
    let valid = area.file_name()?.to_str()? == named && number.len() == 2;
    valid.then(|| rule.to_owned())
}

fn entries(folder: &Path) -> Result<BTreeSet<PathBuf>, Error> {
    let unreadable = |error| Error::Unreadable(folder.to_owned(), error);
    fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()).map_err(unreadable))
        .collect()
}
