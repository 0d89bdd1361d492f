//! The connection to a terminal, with TLS where the URL asks for it.
//!
//! A connection that was not made is told from one that was lost: when the first request has not been
//! sent, nothing can have happened. The handshake is over before a byte of a request is written.

use std::{
    fmt,
    io::{self, Read, Write},
    sync::Arc,
};

use rustls::{
    CertificateError, ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName,
};
use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{
            Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, TcpConnector,
            Transport, TransportAdapter,
        },
    },
};

use super::trust::OtherCertificate;

/// Why no connection was made. Nothing was sent that could be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unconnected {
    /// Nobody is there.
    #[error("{0}")]
    NotReached(ureq::Error),
    /// The certificate is not the terminal's.
    #[error(transparent)]
    OtherCertificate(#[from] OtherCertificate),
    /// No known authority vouches for the certificate.
    #[error(
        "nobody vouches for its certificate ({0}); --fingerprint pins it, as `tenon keys \
         fingerprint` at the terminal prints it"
    )]
    Certificate(CertificateError),
    /// What answers speaks no TLS.
    #[error("it speaks no TLS")]
    NoTls,
    /// TLS was not agreed on.
    #[error("TLS was not agreed on ({0})")]
    Handshake(io::Error),
}

impl Unconnected {
    /// Why nothing was sent, when that is so.
    pub(super) fn of(error: ureq::Error) -> Result<Self, ureq::Error> {
        use ureq::{Error, Timeout};
        if let Error::Other(other) = error {
            return match other.downcast() {
                Ok(why) => Ok(*why),
                Err(other) => Err(Error::Other(other)),
            };
        }
        let before_a_connection = matches!(
            error,
            Error::BadUri(_) | Error::Timeout(Timeout::Resolve | Timeout::Connect)
        );
        if before_a_connection {
            Ok(Self::NotReached(error))
        } else {
            Err(error)
        }
    }

    /// Why a handshake failed.
    pub(super) fn of_handshake(error: io::Error) -> Self {
        let cause = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match cause {
            Some(rustls::Error::InvalidCertificate(CertificateError::Other(other))) => {
                match other.0.downcast_ref::<OtherCertificate>() {
                    Some(other) => Self::OtherCertificate(*other),
                    None => Self::Handshake(error),
                }
            }
            Some(rustls::Error::InvalidCertificate(wrong)) => Self::Certificate(wrong.clone()),
            Some(rustls::Error::InvalidMessage(_)) => Self::NoTls,
            _ => Self::Handshake(error),
        }
    }
}

/// Finds where a terminal's name leads.
#[derive(Debug, Default)]
pub(super) struct TerminalResolver(DefaultResolver);

impl Resolver for TerminalResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let resolved = self.0.resolve(uri, config, timeout);
        resolved.map_err(|error| unconnected(Unconnected::NotReached(error)))
    }
}

/// Connects to a terminal.
pub(super) struct TerminalConnector {
    pub(super) tls: Option<Arc<ClientConfig>>,
}

impl fmt::Debug for TerminalConnector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TerminalConnector")
            .finish_non_exhaustive()
    }
}

impl Connector for TerminalConnector {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let reached = TcpConnector::default()
            .connect(details, chained)
            .and_then(|transport| transport.ok_or(ureq::Error::ConnectionFailed))
            .map_err(|error| unconnected(Unconnected::NotReached(error)))?;
        let tls = match (&self.tls, details.needs_tls()) {
            (_, false) => return Ok(Some(reached.boxed())),
            (Some(tls), true) => tls,
            // Never in clear what was to be said over TLS.
            (None, true) => {
                let refused = ureq::Error::TlsRequired;
                return Err(unconnected(Unconnected::NotReached(refused)));
            }
        };
        let host = details.uri.host().unwrap_or_default();
        let handshake = |error| unconnected(Unconnected::of_handshake(error));
        let connection = connection(tls, host).map_err(handshake)?;
        let adapter = TransportAdapter::new(reached.boxed(), details.current_time.clone());
        let mut stream = StreamOwned::new(connection, adapter);
        stream.sock.set_timeout(details.timeout);
        while stream.conn.is_handshaking() {
            stream
                .conn
                .complete_io(&mut stream.sock)
                .map_err(handshake)?;
        }
        let buffers = LazyBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        Ok(Some(Box::new(TlsTransport { buffers, stream })))
    }
}

fn unconnected(why: Unconnected) -> ureq::Error {
    ureq::Error::Other(Box::new(why))
}

fn connection(tls: &Arc<ClientConfig>, host: &str) -> io::Result<ClientConnection> {
    ClientConnection::new(Arc::clone(tls), server_name(host)?).map_err(io::Error::other)
}

/// The host of a URL as TLS names it.
pub(super) fn server_name(host: &str) -> io::Result<ServerName<'static>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(bare.to_owned()).map_err(io::Error::other)
}

struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TlsTransport")
            .finish_non_exhaustive()
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output)?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let read = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}
