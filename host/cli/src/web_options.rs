//! How a terminal is reached: tokens, names, origins, TLS, limits.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context, Result};
use api::{Api, Identity, Limits, Tokens, WebRules};
use cap_std::fs::Dir;
use terminal_host::parameters::Terminal;

use crate::{
    issuer_keys::IssuerKeys,
    own_file::{read, replace},
};

/// The certificate of the data folder, and its key.
pub(crate) const CERTIFICATE_FILE: &str = "tls-certificate.pem";
const KEY_FILE: &str = "tls-key.pem";

#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct WebOptions {
    /// Let bearer tokens in that a key of this JSON Web Key Set signed
    #[arg(long, value_name = "FILE", env = "TENON_JWKS")]
    jwks: Option<PathBuf>,

    /// The issuer (`iss`) that a token must have
    #[arg(long, value_name = "TEXT", requires = "jwks")]
    token_issuer: Option<String>,

    /// The audience (`aud`) that a token must have
    #[arg(long, value_name = "TEXT", requires = "jwks")]
    token_audience: Option<String>,

    /// A further name of this terminal; may be repeated
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,

    /// Let web pages of this origin call; may be repeated
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<String>,

    /// Serve TLS; without this, only where others can listen
    #[arg(long, conflicts_with = "plain_http")]
    tls: bool,

    /// Serve plain HTTP even where others can listen
    #[arg(long)]
    plain_http: bool,

    /// Answer however often is asked: for benchmarks and tests
    #[arg(long)]
    no_rate_limits: bool,
}

impl WebOptions {
    /// How a terminal that listens on `address` is reached.
    pub(crate) fn door(
        &self,
        address: SocketAddr,
        terminal: &Terminal,
        folder: &Dir,
    ) -> Result<Door> {
        let serial_number = &terminal.interface_device_serial_number;
        let issuer = self.jwks.clone();
        let issuer = issuer.map(|path| IssuerKeys::open(path, &terminal.terminal_id));
        Ok(Door {
            rules: self.rules(address, serial_number)?,
            identity: self.identity(address, serial_number, folder)?,
            issuer: issuer.transpose()?,
        })
    }

    /// An API with these options.
    pub(crate) fn apply(&self, api: Api, door: &Door) -> Api {
        let mut api = api.with_web_rules(door.rules.clone());
        if self.no_rate_limits {
            api = api.with_limits(Limits::off());
        }
        match &door.issuer {
            Some(keys) => api.with_tokens(self.tokens(keys)),
            None => api,
        }
    }

    /// The tokens that these keys open for, from the issuer and for the audience asked for.
    fn tokens(&self, keys: &IssuerKeys) -> Tokens {
        let mut tokens = keys.tokens();
        if let Some(issuer) = &self.token_issuer {
            tokens = tokens.with_issuer(issuer);
        }
        if let Some(audience) = &self.token_audience {
            tokens = tokens.with_audience(audience);
        }
        tokens
    }

    /// The names and addresses under which the terminal answers, and the pages it answers to.
    fn rules(&self, address: SocketAddr, serial_number: &str) -> Result<WebRules> {
        let own = local_name(serial_number);
        let names = self.hosts.iter().map(String::as_str).chain(own.as_deref());
        let origins = self.origins.iter().map(String::as_str);
        Ok(WebRules::new(address.ip(), names)?.with_origins(origins)?)
    }

    /// The terminal's certificate when it is to serve TLS: where others can listen, unless plain
    /// HTTP is asked for.
    fn identity(
        &self,
        address: SocketAddr,
        serial_number: &str,
        folder: &Dir,
    ) -> Result<Option<Identity>> {
        let others_can_listen = !address.ip().is_loopback();
        if !self.tls && (self.plain_http || !others_can_listen) {
            return Ok(None);
        }
        let mut names = vec!["localhost".to_owned(), "terminal".to_owned()];
        names.extend(self.hosts.iter().map(|name| name.to_ascii_lowercase()));
        names.extend(local_name(serial_number));
        names.extend(["127.0.0.1".to_owned(), "::1".to_owned()]);
        if others_can_listen && !address.ip().is_unspecified() {
            names.push(address.ip().to_string());
        }
        identity_of(folder, names).map(Some)
    }
}

/// How one terminal is reached.
pub(crate) struct Door {
    /// Under which names, and from which pages.
    pub(crate) rules: WebRules,
    /// With which certificate, when over TLS.
    pub(crate) identity: Option<Identity>,
    /// Whose tokens open it.
    pub(crate) issuer: Option<IssuerKeys>,
}

impl Door {
    /// Where the terminal serves, such as `http://127.0.0.1:8443`.
    pub(crate) fn url(&self, address: SocketAddr) -> String {
        let scheme = if self.identity.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{address}")
    }

    /// The fingerprint of the terminal's certificate, when it serves TLS.
    pub(crate) fn fingerprint(&self) -> Option<String> {
        let identity = self.identity.as_ref()?;
        Some(identity.fingerprint().to_owned())
    }
}

/// The name under which mDNS would announce the terminal. A serial number that is no name has none.
fn local_name(serial_number: &str) -> Option<String> {
    let serial = serial_number.trim().to_ascii_lowercase();
    let is_name = !serial.is_empty()
        && serial
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_name.then(|| format!("{serial}.local"))
}

/// The certificate of a data folder, made when there is none yet. It stays, whatever the names
/// become: points of sale have pinned it.
fn identity_of(folder: &Dir, names: Vec<String>) -> Result<Identity> {
    if let Some(certificate) = read(folder, CERTIFICATE_FILE)? {
        let key = read(folder, KEY_FILE)?.with_context(|| {
            format!("{KEY_FILE} is gone; without it {CERTIFICATE_FILE} is none")
        })?;
        return Identity::from_pem(&certificate, &key).context("the terminal's certificate");
    }
    let (certificate, key) = Identity::generate(names)?;
    // The key first: a certificate without a key would be refused at the next start.
    replace(folder, KEY_FILE, key.as_bytes())?;
    replace(folder, CERTIFICATE_FILE, certificate.as_bytes())?;
    Ok(Identity::from_pem(certificate.as_bytes(), key.as_bytes())?)
}

/// The fingerprint of the certificate in a data folder, if there is one.
pub(crate) fn fingerprint_of(folder: &Dir) -> Result<Option<String>> {
    let (Some(certificate), Some(key)) = (read(folder, CERTIFICATE_FILE)?, read(folder, KEY_FILE)?)
    else {
        return Ok(None);
    };
    let identity = Identity::from_pem(&certificate, &key)?;
    Ok(Some(identity.fingerprint().to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use cap_std::ambient_authority;

    use super::*;

    fn folder() -> (tempfile::TempDir, Dir) {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).expect("a folder");
        (folder, dir)
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn plain_http_is_for_loopback_or_by_name() {
        let (_folder, dir) = folder();
        let tls = WebOptions {
            tls: true,
            ..WebOptions::default()
        };
        let plain = WebOptions {
            plain_http: true,
            ..WebOptions::default()
        };
        let neither = WebOptions::default();
        let cases = [
            (&neither, "127.0.0.1:1", false),
            (&neither, "[::1]:1", false),
            (&neither, "0.0.0.0:1", true),
            (&neither, "192.168.1.5:1", true),
            (&tls, "127.0.0.1:1", true),
            (&plain, "0.0.0.0:1", false),
        ];
        for (options, listen, serves_tls) in cases {
            let identity = options
                .identity(address(listen), "SN000001", &dir)
                .expect("an identity");
            assert_eq!(identity.is_some(), serves_tls, "{options:?} {listen}");
        }
    }

    #[test]
    fn a_folder_keeps_its_certificate_and_its_key_is_the_owners() {
        let (path, dir) = folder();
        assert_eq!(fingerprint_of(&dir).expect("readable"), None);
        let first = identity_of(&dir, vec!["localhost".into()]).expect("made");
        let again = identity_of(&dir, vec!["other".into()]).expect("read");
        assert_eq!(first.fingerprint(), again.fingerprint());
        assert_eq!(
            fingerprint_of(&dir).expect("readable").as_deref(),
            Some(first.fingerprint())
        );
        let metadata = path.path().join(KEY_FILE).metadata().expect("a file");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        dir.remove_file(KEY_FILE).expect("removed");
        assert!(identity_of(&dir, Vec::new()).is_err());
    }

    #[test]
    fn a_serial_number_is_a_name_when_it_can_be() {
        assert_eq!(local_name("SN-000001 ").as_deref(), Some("sn-000001.local"));
        for other in ["", "  ", "SN 1", "ä"] {
            assert_eq!(local_name(other), None, "{other}");
        }
    }
}
