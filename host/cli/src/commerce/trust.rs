//! Which certificate a terminal may show: the one that is pinned, or one that an authority vouches for.

use std::{fmt, fs, path::Path, str::FromStr, sync::Arc};

use anyhow::{Context, Result, ensure};
use ring::digest;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

/// The largest file of authorities, in bytes.
const CA_BYTES_MAX: u64 = 1024 * 1024;

/// The SHA-256 of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        let mut bytes = [0; 32];
        let digest = digest::digest(&digest::SHA256, certificate);
        for (byte, of_digest) in bytes.iter_mut().zip(digest.as_ref()) {
            *byte = *of_digest;
        }
        Self(bytes)
    }
}

impl FromStr for Fingerprint {
    type Err = &'static str;

    /// Pairs of hexadecimal digits, with or without colons between them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a fingerprint is 32 pairs of hexadecimal digits, as \
                             `tenon keys fingerprint` prints them";
        let digits: String = text.chars().filter(|letter| *letter != ':').collect();
        let bytes = terminal_host::parameters::from_hex(&digits).ok_or(WRONG)?;
        bytes.try_into().map(Self).map_err(|_| WRONG)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<_> = self.0.iter().map(|byte| format!("{byte:02X}")).collect();
        formatter.write_str(&pairs.join(":"))
    }
}

/// The terminal showed another certificate than the pinned one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it shows another certificate than the pinned one, with the fingerprint\n  {shown}\nAnother \
     terminal answers here, or this one has a new certificate: compare the fingerprint with the one \
     that the terminal shows"
)]
pub(crate) struct OtherCertificate {
    shown: Fingerprint,
}

/// Takes one certificate, whatever its names and its dates, and no other.
#[derive(Debug)]
struct Pinned {
    fingerprint: Fingerprint,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = Fingerprint::of(end_entity);
        if shown == self.fingerprint {
            return Ok(ServerCertVerified::assertion());
        }
        let other = OtherError(Arc::new(OtherCertificate { shown }));
        Err(CertificateError::Other(other).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// TLS that takes this one certificate.
pub(super) fn pinned(fingerprint: Fingerprint) -> Result<Arc<ClientConfig>> {
    let provider = provider();
    let verifier = Pinned {
        fingerprint,
        algorithms: provider.signature_verification_algorithms,
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    Ok(finished(builder.with_no_client_auth()))
}

/// TLS that takes what these authorities vouch for, and the names in it. A terminal's own certificate
/// may stand for one, since it signed itself.
pub(super) fn authorities(file: &Path) -> Result<Arc<ClientConfig>> {
    let reading = || format!("reading {}", file.display());
    let size = fs::metadata(file).with_context(reading)?.len();
    ensure!(size <= CA_BYTES_MAX, "{}: too large", file.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&fs::read(file).with_context(reading)?) {
        roots.add(certificate.with_context(reading)?)?;
    }
    ensure!(
        !roots.is_empty(),
        "there is no certificate in {}",
        file.display()
    );
    in_roots(roots)
}

/// TLS that takes what the system's authorities vouch for.
pub(super) fn system() -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    in_roots(roots)
}

fn in_roots(roots: RootCertStore) -> Result<Arc<ClientConfig>> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    Ok(finished(builder.with_no_client_auth()))
}

fn finished(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_shown() {
        let shown = ["0F"; 32].join(":");
        let read: Fingerprint = shown.parse().expect("a fingerprint");
        assert_eq!(read.to_string(), shown);
        assert_eq!(shown.replace(':', "").to_lowercase().parse(), Ok(read));
        for wrong in ["", "0F", &shown[3..], &format!("{shown}:0F"), "sha256"] {
            assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_without_a_certificate_vouches_for_nobody() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("authorities.pem");
        for content in ["", "no certificate"] {
            fs::write(&file, content).expect("written");
            assert!(authorities(&file).is_err());
        }
        assert!(authorities(&folder.path().join("none.pem")).is_err());
    }
}
