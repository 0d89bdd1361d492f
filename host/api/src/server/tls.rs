//! TLS: a certificate that the terminal makes itself, for points of sale that pin it.
//!
//! A terminal on a local network has no public name, so no public authority vouches for it. A point
//! of sale is paired instead: somebody compares the certificate's fingerprint with the one that
//! the terminal shows, once.

use std::{fmt, sync::Arc};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use ring::digest;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

/// The first byte of a TLS connection: a record of a handshake (RFC 8446, 5.1).
pub(super) const HANDSHAKE: u8 = 0x16;

/// A certificate with its private key.
#[derive(Clone)]
pub struct Identity {
    fingerprint: String,
    config: Arc<ServerConfig>,
}

/// Why a certificate is not taken or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The names cannot stand in a certificate.
    #[error("no certificate can be made: {0}")]
    Making(String),
    /// The files do not hold a certificate and its key.
    #[error("the certificate or its key is not valid: {0}")]
    Invalid(String),
}

impl Identity {
    /// Makes a certificate for these names and addresses, and returns it and its key as PEM. The
    /// key is for the caller to keep secret.
    ///
    /// Its dates are far apart and do not depend on the clock: it is trusted because somebody
    /// compared it, and a terminal whose clock stands wrong must not lose its points of sale.
    pub fn generate(
        names: impl IntoIterator<Item = String>,
    ) -> Result<(String, String), IdentityError> {
        let failed = |error: rcgen::Error| IdentityError::Making(error.to_string());
        let mut params =
            CertificateParams::new(names.into_iter().collect::<Vec<_>>()).map_err(failed)?;
        params.not_before = date_time_ymd(2025, 1, 1);
        params.not_after = date_time_ymd(2049, 12, 31);
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, "Payment terminal");
        params.distinguished_name = name;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    /// Takes a certificate, or a chain whose first is the terminal's, and its key, as PEM.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let failed = |what: String| IdentityError::Invalid(what);
        let chain = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| failed(error.to_string()))?;
        let first = chain
            .first()
            .ok_or_else(|| failed("there is no certificate".into()))?;
        let fingerprint = fingerprint(first);
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| failed(error.to_string()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| failed(error.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            fingerprint,
            config: Arc::new(config),
        })
    }

    /// The SHA-256 of the certificate, as pairs of hexadecimal digits with colons between them:
    /// what browsers and `openssl x509 -fingerprint -sha256` show.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = digest::digest(&digest::SHA256, certificate);
    let pairs: Vec<_> = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    pairs.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (String, String) {
        Identity::generate(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("made")
    }

    #[test]
    fn a_certificate_keeps_its_fingerprint() {
        let (certificate, key) = made();
        let read = || Identity::from_pem(certificate.as_bytes(), key.as_bytes()).expect("valid");
        let identity = read();
        assert_eq!(identity.fingerprint(), read().fingerprint());
        assert_eq!(identity.fingerprint().len(), 32 * 3 - 1);
        assert!(!format!("{identity:?}").contains("PRIVATE"));
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let ((certificate, key), (_, other)) = (made(), made());
        let pairs = [
            (certificate.as_str(), other.as_str()),
            (&certificate, &certificate),
            (&key, &key),
            ("", &key),
            (&certificate, ""),
        ];
        for (certificate, key) in pairs {
            assert!(matches!(
                Identity::from_pem(certificate.as_bytes(), key.as_bytes()),
                Err(IdentityError::Invalid(_))
            ));
        }
        assert!(matches!(
            Identity::generate(["ä".to_owned()]),
            Err(IdentityError::Making(_))
        ));
    }
}
