//! Where the terminal is, what opens it, and how its answer is printed: options of every command.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr};

use anyhow::{Result, bail, ensure};

use super::{
    terminal::Terminal,
    trust::{self, Fingerprint},
};

/// A key that opens a terminal.
#[derive(Clone)]
struct ApiKey(String);

impl FromStr for ApiKey {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(masked)")
    }
}

/// What every command needs to reach a terminal.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Terminal")]
pub(crate) struct TerminalOptions {
    /// Where the terminal is; https for one with TLS
    #[arg(long, env = "TENON_URL", default_value = "http://127.0.0.1:8443")]
    url: String,

    /// The terminal's key
    #[arg(
        long,
        env = "TENON_API_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    api_key: ApiKey,

    /// Take this certificate and no other, as `tenon keys fingerprint` at the
    /// terminal prints it
    #[arg(
        long,
        value_name = "SHA256",
        env = "TENON_FINGERPRINT",
        conflicts_with = "ca_certificate",
        verbatim_doc_comment
    )]
    fingerprint: Option<Fingerprint>,

    /// Believe only the authorities of this PEM file [default: the system's]
    #[arg(long, value_name = "FILE", env = "TENON_CA_CERTIFICATE")]
    ca_certificate: Option<PathBuf>,

    /// Print the terminal's answer as JSON instead
    #[arg(long)]
    pub(super) json: bool,
}

impl TerminalOptions {
    /// The terminal. Nothing is sent yet.
    pub(super) fn terminal(&self) -> Result<Terminal> {
        let url = self.url.trim_end_matches('/');
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        let tls = match scheme.map(str::to_ascii_lowercase).as_deref() {
            Some("https") => Some(match (self.fingerprint, &self.ca_certificate) {
                (Some(fingerprint), _) => trust::pinned(fingerprint)?,
                (None, Some(file)) => trust::authorities(file)?,
                (None, None) => trust::system()?,
            }),
            Some("http") => {
                // Somebody who pins a certificate does not want the key to go in clear.
                ensure!(
                    self.fingerprint.is_none() && self.ca_certificate.is_none(),
                    "{url} is plain HTTP, which shows no certificate: the URL of a terminal with TLS \
                     begins with https"
                );
                None
            }
            _ => bail!("{url} is no terminal's URL: it begins with http:// or https://"),
        };
        Ok(Terminal::new(url, &self.api_key.0, tls))
    }
}
