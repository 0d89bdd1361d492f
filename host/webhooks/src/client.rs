//! One attempt: one HTTP request to one checked address.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, Uri, body::Incoming, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    task::JoinSet,
};
use tokio_rustls::TlsConnector;

use crate::{
    address::{AddressKind, permitted},
    backoff::retry_after,
    endpoint::Endpoint,
    outbox::Delivery,
    signature::signature,
    target::{Host, Target},
};

/// How long an attempt may take, from the look-up of the name to the answer's head.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// How many bytes of an answer's body are read. None is kept.
pub const ANSWER_BYTES_MAX: usize = 4096;

/// How many addresses of a name are tried in one attempt.
const ADDRESSES_MAX: usize = 3;

/// The largest head of an answer, in bytes, and its most headers.
const HEAD_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The receiver answered.
    Status {
        /// With this status.
        status: u16,
        /// And wants to be left alone for so long.
        retry_after: Option<Duration>,
    },
    /// It did not.
    Failed(Fault),
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The name has no address.
    #[error("the name cannot be resolved")]
    Unresolved,
    /// Nothing was connected to: what the name stands for is neither public nor allowed.
    #[error("the address is refused: {0}")]
    AddressRefused(AddressKind),
    /// No connection came about.
    #[error("no connection")]
    Unreachable,
    /// The receiver's certificate is not believed, or it speaks no TLS.
    #[error("TLS failed")]
    Tls,
    /// The connection ended, or what came was no HTTP. The receiver may have the event.
    #[error("no valid answer")]
    Broken,
    /// It took too long. The receiver may have the event.
    #[error("no answer in time")]
    TimedOut,
}

/// Finds the addresses of a name.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// The addresses, in the order in which they are to be tried.
    async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<IpAddr>> {
        Ok(lookup_host((name, port))
            .await?
            .map(|found| found.ip())
            .collect())
    }
}

/// Makes attempts. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    resolver: Arc<dyn Resolver>,
    timeout: Duration,
}

impl Default for Client {
    fn default() -> Self {
        Self::new(Arc::new(SystemResolver))
    }
}

impl Client {
    /// A client that looks names up with `resolver`.
    pub fn new(resolver: Arc<dyn Resolver>) -> Self {
        Self {
            resolver,
            timeout: ATTEMPT_TIMEOUT,
        }
    }

    /// Sets how long an attempt may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Makes one attempt, signed at `now`. No redirect is followed, and no connection is used twice.
    pub async fn send(&self, endpoint: &Endpoint, delivery: &Delivery, now: Timestamp) -> Answer {
        let asked = tokio::time::timeout(self.timeout, self.exchange(endpoint, delivery, now));
        match asked.await {
            Ok(Ok(answered)) => {
                let head = &answered.response;
                let wait = head.headers().get(header::RETRY_AFTER);
                let answer = Answer::Status {
                    status: head.status().as_u16(),
                    retry_after: wait.and_then(|value| retry_after(value.to_str().ok()?, now)),
                };
                answered.let_finish().await;
                answer
            }
            Ok(Err(fault)) => Answer::Failed(fault),
            Err(_) => Answer::Failed(Fault::TimedOut),
        }
    }

    async fn exchange(
        &self,
        endpoint: &Endpoint,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Answered, Fault> {
        let target = &endpoint.target;
        let request = request(endpoint, delivery, now).ok_or(Fault::Broken)?;
        let stream = self.connect(endpoint).await?;
        // A request is more than one packet, and nobody waits to fill the last one.
        drop(stream.set_nodelay(true));
        if !target.is_tls() {
            return ask(stream, request).await;
        }
        let connector = TlsConnector::from(endpoint.trust.config());
        let name = server_name(target).ok_or(Fault::Tls)?;
        let stream = connector.connect(name, stream).await;
        ask(stream.map_err(|_| Fault::Tls)?, request).await
    }

    /// A connection to an address that was checked: the name is not looked up again.
    async fn connect(&self, endpoint: &Endpoint) -> Result<TcpStream, Fault> {
        let target = &endpoint.target;
        let addresses = match target.host() {
            Host::Address(address) => vec![*address],
            Host::Name(name) => {
                let found = self.resolver.resolve(name, target.port()).await;
                found.map_err(|_| Fault::Unresolved)?
            }
        };
        let mut fault = Fault::Unresolved;
        let mut tried = 0_usize;
        for address in addresses {
            match permitted(address, &endpoint.allowed, target.is_tls()) {
                Err(kind) if tried == 0 => fault = Fault::AddressRefused(kind),
                Err(_) => {}
                Ok(()) if tried >= ADDRESSES_MAX => break,
                Ok(()) => {
                    tried = tried.saturating_add(1);
                    match TcpStream::connect((address, target.port())).await {
                        Ok(stream) => return Ok(stream),
                        Err(_) => fault = Fault::Unreachable,
                    }
                }
            }
        }
        Err(fault)
    }
}

/// The request, or `None` when something in it cannot stand in a header: the outbox holds what this
/// crate wrote, so that never happens.
fn request(
    endpoint: &Endpoint,
    delivery: &Delivery,
    now: Timestamp,
) -> Option<Request<Full<Bytes>>> {
    let target = &endpoint.target;
    let path: Uri = target.path_and_query().parse().ok()?;
    let body = delivery.body.clone();
    let signed = signature(endpoint.secrets.signing(now), now.as_second(), &body);
    Request::post(path)
        .header(header::HOST, target.authority())
        .header(header::CONTENT_TYPE, "application/json")
        .header(
            header::USER_AGENT,
            concat!("tenon/", env!("CARGO_PKG_VERSION")),
        )
        .header(header::CONNECTION, "close")
        .header("Atlas-Signature", signed)
        .header("Atlas-Event-Id", delivery.event.as_str())
        .header("Atlas-Event-Type", delivery.kind.as_str())
        .header("Atlas-Delivery", delivery.attempt)
        .header("Atlas-Webhook-Id", endpoint.id.as_str())
        .body(Full::new(Bytes::from(body)))
        .ok()
}

fn server_name(target: &Target) -> Option<ServerName<'static>> {
    match target.host() {
        Host::Address(address) => Some(ServerName::IpAddress((*address).into())),
        Host::Name(name) => ServerName::try_from(name.clone()).ok(),
    }
}

/// An answer whose head has come.
struct Answered {
    response: Response<Incoming>,
    /// What drives the connection. It ends with this set: nothing of an attempt goes on after it.
    _driving: JoinSet<hyper::Result<()>>,
}

async fn ask<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answered, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| Fault::Broken)?;
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let response = sender.send_request(request).await;
    Ok(Answered {
        response: response.map_err(|_| Fault::Broken)?,
        _driving: driving,
    })
}

impl Answered {
    /// A receiver that is still writing is let finish, if it has little to say: the head has said all
    /// that counts.
    async fn let_finish(self) {
        const READING: Duration = Duration::from_millis(500);
        let mut body = self.response.into_body();
        let reading = async {
            let mut left = ANSWER_BYTES_MAX;
            while let Some(Ok(frame)) = body.frame().await {
                let length = frame.data_ref().map_or(0, Bytes::len);
                match left.checked_sub(length) {
                    Some(rest) => left = rest,
                    None => return,
                }
            }
        };
        // What is not read is not missed.
        drop(tokio::time::timeout(READING, reading).await);
    }
}
