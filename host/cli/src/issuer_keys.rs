//! The key set of an issuer of tokens: read at the start, and again whenever its file changes.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use api::Tokens;

/// The largest key set, in bytes.
const BYTES_MAX: u64 = 256 * 1024;

/// How often the file is looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// A key set in a file, and the tokens that it opens for.
pub(crate) struct IssuerKeys {
    path: PathBuf,
    text: Vec<u8>,
    tokens: Tokens,
}

impl IssuerKeys {
    /// Reads the file. Tokens must be for `terminal_id`.
    pub(crate) fn open(path: PathBuf, terminal_id: &str) -> Result<Self> {
        let text = read(&path)?;
        let tokens = Tokens::new(&text, terminal_id).with_context(|| reading(&path))?;
        Ok(Self { path, text, tokens })
    }

    /// The tokens, for the API. Their keys change when the file does.
    pub(crate) fn tokens(&self) -> Tokens {
        self.tokens.clone()
    }

    fn renew(&mut self) -> Result<()> {
        let text = read(&self.path)?;
        if text == self.text {
            return Ok(());
        }
        self.tokens
            .replace_keys(&text)
            .with_context(|| reading(&self.path))?;
        tracing::info!("the issuer's keys were read again");
        self.text = text;
        Ok(())
    }
}

/// Takes changes of the file over, if there is one, without end. A file that cannot be used changes
/// nothing.
pub(crate) async fn watch(keys: Option<IssuerKeys>) {
    let Some(mut keys) = keys else {
        return std::future::pending().await;
    };
    let mut said: Option<String> = None;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let fault = keys.renew().err().map(|error| format!("{error:#}"));
        if let Some(fault) = fault.as_ref().filter(|fault| said.as_ref() != Some(fault)) {
            tracing::error!("the issuer's keys stay as they were: {fault}");
        }
        said = fault;
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let size = fs::metadata(path).with_context(|| reading(path))?.len();
    ensure!(size <= BYTES_MAX, "{}: too large", path.display());
    fs::read(path).with_context(|| reading(path))
}

fn reading(path: &Path) -> String {
    format!("reading {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8037, A.2.
    const ONE: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    #[test]
    fn a_changed_file_is_read_and_a_broken_one_changes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys.json");
        assert!(IssuerKeys::open(path.clone(), "T1").is_err(), "no file");
        fs::write(&path, ONE).expect("written");
        let mut keys = IssuerKeys::open(path.clone(), "T1").expect("keys");
        assert!(keys.renew().is_ok());
        let two = ONE.replace("\"one\"", "\"two\"");
        fs::write(&path, &two).expect("written");
        assert!(keys.renew().is_ok());
        assert_eq!(keys.text, two.as_bytes());
        fs::write(&path, "{").expect("written");
        assert!(keys.renew().is_err());
        fs::remove_file(&path).expect("removed");
        assert!(keys.renew().is_err());
        assert_eq!(keys.text, two.as_bytes());
    }
}
