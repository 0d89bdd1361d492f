//! The data folder of a terminal, as an option of the commands that work on it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cap_std::{ambient_authority, fs::Dir};

/// Which data folder.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DataFolder {
    /// Where the terminal's journal, keys and cache lie
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "TENON_DATA",
        default_value = "tenon-data"
    )]
    data: PathBuf,
}

impl DataFolder {
    #[cfg(test)]
    pub(crate) fn at(path: &Path) -> Self {
        Self {
            data: path.to_owned(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.data
    }

    /// The folder, made when there is none.
    pub(crate) fn open(&self) -> Result<Dir> {
        std::fs::create_dir_all(&self.data)
            .with_context(|| format!("creating {}", self.data.display()))?;
        self.open_existing()
    }

    /// The folder, which must be there.
    pub(crate) fn open_existing(&self) -> Result<Dir> {
        Dir::open_ambient_dir(&self.data, ambient_authority())
            .with_context(|| format!("opening {}", self.data.display()))
    }
}
