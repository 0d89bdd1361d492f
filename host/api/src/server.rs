//! Serving a router: connections bounded in number and in how long they may keep silent.

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tokio_io_timeout::TimeoutStream;

/// The most connections at one time. Further ones wait in the listener's backlog.
pub const CONNECTIONS_MAX: usize = 128;

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

/// Serves `router` on `listener` until `shutdown` becomes true or its sender is dropped, then lets
/// requests in progress finish for ten seconds.
pub async fn serve(listener: TcpListener, router: Router, mut shutdown: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    let closing = shutdown.clone();
    let accepting = async {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let stream = accept(&listener).await;
            let (router, closing) = (router.clone(), closing.clone());
            connections.spawn(async move {
                let _place = place;
                serve_connection(stream, router, closing).await;
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

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
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

async fn serve_connection(stream: TcpStream, router: Router, mut closing: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(router),
        )
        .with_upgrades();
    tokio::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = requested(&mut closing) => {
            connection.as_mut().graceful_shutdown();
            connection.as_mut().await
        }
    };
    if let Err(error) = served {
        // The error names no content of the request.
        tracing::debug!(%error, "a connection ended early");
    }
}
