//! Serving a router: connections bounded in number and in how long they may keep silent.

mod idle;
mod refusal;
mod tls;

use std::{convert::Infallible, io, net::IpAddr, pin::Pin, sync::Arc, time::Duration};

use axum::Router;
use http_body_util::BodyExt as _;
use hyper::{
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

pub use self::tls::{Identity, IdentityError};
use self::{
    idle::{Connection, Idle},
    refusal::{Farewell, Refusing},
};
use crate::{
    error::{ApiError, ErrorCode},
    guard::Guarded,
    places::{Place, Places},
};

/// The most connections at one time, sessions apart. A further one waits until one of them ends or, having
/// asked nothing for a while, gives way.
pub const CONNECTIONS_MAX: usize = 128;

/// The most connections of one address, the loopback addresses apart: one machine that opens them
/// and keeps silent must not shut the others out.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 32;

/// The message of the error that a terminal with TLS answers to plain HTTP.
pub const PLAIN_HTTP_REFUSED: &str = "This port speaks TLS: the URL begins with https or wss";

/// How long a client may take to send a request's headers, and to begin its next request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may leave an answer unread before its connection ends: it takes a place.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The most headers of a request.
const HEADERS_MAX: usize = 64;

/// The largest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// How long requests in progress may take once the server shuts down.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);

/// How long to rest when the system has no file handle left for a connection.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// How long a client may take to begin its TLS connection, and to finish its handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves `router` on `listener` as plain HTTP until `shutdown` becomes true or its sender is
/// dropped, then lets requests in progress finish for ten seconds.
pub async fn serve(listener: TcpListener, router: Router, shutdown: watch::Receiver<bool>) {
    serve_over(Transport::Plain, listener, router, shutdown).await;
}

/// Serves as [`serve`] does, over TLS.
pub async fn serve_tls(
    listener: TcpListener,
    router: Router,
    identity: &Identity,
    shutdown: watch::Receiver<bool>,
) {
    serve_over(
        Transport::Tls(identity.acceptor()),
        listener,
        router,
        shutdown,
    )
    .await;
}

#[derive(Clone)]
enum Transport {
    Plain,
    Tls(TlsAcceptor),
}

async fn serve_over(
    transport: Transport,
    listener: TcpListener,
    router: Router,
    mut shutdown: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let idle = Idle::default();
    let of_addresses = Places::new(CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX);
    let mut connections = JoinSet::new();
    let closing = shutdown.clone();
    let accepting = async {
        loop {
            let (stream, address) = accept(&listener).await;
            let Ok(of_address) = place_of(&of_addresses, address) else {
                tracing::warn!(%address, "an address has too many connections; one is closed");
                continue;
            };
            let Some(place) = idle.place(&places).await else {
                return;
            };
            let connection = Arc::new(idle.connection());
            let (router, closing) = (router.clone(), closing.clone());
            let transport = transport.clone();
            connections.spawn(async move {
                let _places = (place, of_address);
                let own = Arc::clone(&connection);
                tokio::select! {
                    () = serve_stream(stream, transport, Asked { router, connection }, closing) => {}
                    () = own.given_way() => {}
                }
            });
            // Those that ended are forgotten, so that the set stays small.
            while connections.try_join_next().is_some() {}
        }
    };
    tokio::select! {
        () = accepting => {}
        () = requested(&mut shutdown) => {}
    }
    drop(listener);
    let finished = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN_GRACE, finished)
        .await
        .is_err()
    {
        tracing::warn!(left = connections.len(), "requests in progress are cut off");
    }
}

/// Waits until a shutdown is asked for. A sender that is gone asks for one.
pub(crate) async fn requested(shutdown: &mut watch::Receiver<bool>) {
    drop(shutdown.wait_for(|closing| *closing).await);
}

/// The address has as many connections as it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TooMany;

/// A place for one more connection of this address. The machine itself needs none.
fn place_of(places: &Places<IpAddr>, address: IpAddr) -> Result<Option<Place<IpAddr>>, TooMany> {
    let address = address.to_canonical();
    if address.is_loopback() {
        return Ok(None);
    }
    places.take(address).map(Some).ok_or(TooMany)
}

async fn accept(listener: &TcpListener) -> (TcpStream, IpAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return (stream, address.ip()),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                if !is_of_one_connection(&error) {
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    }
}

/// Whether the error belongs to the connection and not to the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

/// What a connection asks, and the connection, which is busy meanwhile.
struct Asked {
    router: Router,
    connection: Arc<Connection>,
}

async fn serve_stream(
    stream: TcpStream,
    transport: Transport,
    asked: Asked,
    closing: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    match transport {
        Transport::Plain => serve_connection(bounded(stream), asked, closing).await,
        Transport::Tls(acceptor) => {
            let shaking = tokio::time::timeout(HANDSHAKE_TIMEOUT, shake_hands(stream, &acceptor));
            match shaking.await {
                Ok(Some(stream)) => serve_connection(stream, asked, closing).await,
                Ok(None) => {}
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            }
        }
    }
}

/// A connection that ends when its client reads nothing any more.
fn bounded(stream: TcpStream) -> Pin<Box<TimeoutStream<TcpStream>>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    Box::pin(stream)
}

async fn shake_hands(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
) -> Option<impl AsyncRead + AsyncWrite + Unpin + Send + 'static> {
    let mut first = [0];
    if stream.peek(&mut first).await.ok()? == 0 {
        return None;
    }
    if first != [tls::HANDSHAKE] {
        // Most likely `http` in place of `https`: said in a way that its client can read.
        let error = ApiError::new(ErrorCode::InvalidRequest, PLAIN_HTTP_REFUSED);
        bounded(stream).end_with(&error).await;
        return None;
    }
    match acceptor.accept(bounded(stream)).await {
        Ok(stream) => Some(stream),
        Err(error) => {
            tracing::info!(%error, "a TLS handshake failed");
            None
        }
    }
}

async fn serve_connection<S>(stream: S, asked: Asked, mut closing: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Asked { router, connection } = asked;
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request| {
        let busy = connection.busy();
        let answer = router.call(request);
        async move {
            let answer = answer.await?;
            let guarded = answer.extensions().get::<Guarded>();
            if guarded.is_some_and(|guarded| guarded.let_in) {
                busy.connection().let_in();
            }
            // Busy until the answer is written, however slowly its client reads.
            Ok::<_, Infallible>(answer.map(|body| {
                body.map_err(move |error| {
                    let _held = &busy;
                    error
                })
            }))
        }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(Refusing::new(stream)), service)
        .with_upgrades();
    let served = tokio::select! {
        served = &mut connection => served,
        () = requested(&mut closing) => {
            Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    if let Err(error) = served {
        // The error names no content of the request.
        tracing::debug!(%error, "a connection ended early");
        // An upgraded connection has left; it ends itself.
        if let Some(parts) = connection.into_parts() {
            let stream = parts.io.into_inner();
            if error.is_timeout() {
                stream.end_late().await;
            } else {
                stream.end_refused(error.is_parse()).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_every_place() {
        let places = Places::new(CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX);
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let take = |text| place_of(&places, address(text));
        let mut held: Vec<_> = (0..CONNECTIONS_PER_ADDRESS_MAX)
            .map(|_| take("10.0.0.1").expect("a place"))
            .collect();
        // The same address, as a socket for both families names it.
        assert!(matches!(take("::ffff:10.0.0.1"), Err(TooMany)));
        assert!(take("10.0.0.2").is_ok());
        for own in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(matches!(take(own), Ok(None)), "{own}");
        }
        held.pop();
        assert!(take("10.0.0.1").is_ok());
    }
}
