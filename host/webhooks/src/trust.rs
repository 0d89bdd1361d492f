//! Whose certificates a receiver may show.

use std::sync::{Arc, LazyLock};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Why a receiver cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The file holds no certificate, or something that is none.
    #[error("there is no valid certificate in it: {0}")]
    Certificates(String),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// The authorities that vouch for a receiver: an operator's own in place of the system's.
#[derive(Clone)]
pub(crate) struct Trust(Arc<ClientConfig>);

impl Trust {
    /// Only these authorities, as PEM. A receiver's own certificate may stand for one when it signed
    /// itself.
    pub(crate) fn only(pem: &str) -> Result<Self, TrustError> {
        let failed = |what: String| TrustError::Certificates(what);
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| failed(error.to_string()))?;
            roots
                .add(certificate)
                .map_err(|error| failed(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(failed("the file has none".into()));
        }
        Self::in_roots(roots)
    }

    /// The system's authorities, read once. Where the system has none, no receiver is believed.
    pub(crate) fn of_system() -> Result<Self, TrustError> {
        static SYSTEM: LazyLock<Result<Trust, TrustError>> = LazyLock::new(|| {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::warn!(%error, "the system's certificates could not all be read");
            }
            let mut roots = RootCertStore::empty();
            let (added, _) = roots.add_parsable_certificates(found.certs);
            if added == 0 {
                tracing::warn!("the system has no certificate authorities; pin one with --ca");
            }
            Trust::in_roots(roots)
        });
        SYSTEM.clone()
    }

    fn in_roots(roots: RootCertStore) -> Result<Self, TrustError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TrustError::Tls(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }
}
