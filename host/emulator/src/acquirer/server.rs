//! The acquirer's sockets: messages with a two-byte big-endian length in front.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time,
};
use zeroize::Zeroizing;

use super::{Behaviour, Shared};

/// The longest request that is read. The dialect's longest is shorter.
const REQUEST_LENGTH_MAX: usize = 4096;

/// Longer than a terminal reads.
const TOO_LONG: u16 = 9000;

/// How many bytes of an answer come at a time in a dribble, and how far apart.
const DRIBBLE: (usize, Duration) = (16, Duration::from_millis(50));

/// How long to wait before listening or accepting is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// Serves until it is told to stop.
pub(super) async fn serve(
    listener: std::net::TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
) {
    let mut stop = shared.stop.subscribe();
    // Ends every connection too: they are tasks of the runtime that ends with this future.
    tokio::select! {
        result = listen(listener, address, &shared) => {
            if let Err(error) = result {
                tracing::error!(%error, "the acquirer cannot listen");
            }
        }
        _ = stop.wait_for(|stopped| *stopped) => {}
    }
}

async fn listen(
    listener: std::net::TcpListener,
    address: SocketAddr,
    shared: &Arc<Shared>,
) -> io::Result<()> {
    let slots = Arc::new(Semaphore::new(shared.options.connections_max));
    let mut conduct = shared.conduct.subscribe();
    let mut listener = TcpListener::from_std(listener)?;
    loop {
        let refusing = conduct.borrow_and_update().behaviour == Behaviour::Refuse;
        if refusing {
            drop(listener);
            // The sender lives in `shared`, so this ends with the behaviour only.
            drop(
                conduct
                    .wait_for(|now| now.behaviour != Behaviour::Refuse)
                    .await,
            );
            listener = listen_again(address).await;
        }
        tokio::select! {
            _ = conduct.changed() => {}
            accepted = accept(&listener, &slots) => {
                if let Ok((stream, permit)) = accepted {
                    let shared = Arc::clone(shared);
                    tokio::spawn(async move {
                        if let Err(error) = converse(stream, &shared).await {
                            tracing::debug!(%error, "a connection ended");
                        }
                        drop(permit);
                    });
                } else {
                    time::sleep(RETRY_AFTER).await;
                }
            }
        }
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(slots).acquire_owned().await;
    let permit = permit.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

/// Listens on the same address again, as soon as the system gives it back.
async fn listen_again(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => time::sleep(RETRY_AFTER).await,
        }
    }
}

/// Answers one message after the other until the terminal closes, is silent for too long, or sends
/// what is no message.
async fn converse(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let idle_timeout = shared.options.idle_timeout;
    loop {
        let request = match time::timeout(idle_timeout, read(&mut stream)).await {
            Ok(Ok(Some(request))) => request,
            Ok(Err(error)) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
            Ok(_) | Err(_) => return Ok(()),
        };
        let set = *shared.conduct.borrow();
        let reply = shared.host().answer(&request, set);
        let Some(answer) = reply.bytes else {
            return Ok(());
        };
        let deliver = deliver(&mut stream, &answer, reply.behaviour, shared);
        let goes_on = match time::timeout(idle_timeout, deliver).await {
            Ok(result) => result?,
            Err(_) => false,
        };
        if !goes_on {
            return Ok(());
        }
    }
}

/// One request without its length. `None` when it is longer than any message is.
async fn read(stream: &mut TcpStream) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let length = usize::from(stream.read_u16().await?);
    if length > REQUEST_LENGTH_MAX {
        return Ok(None);
    }
    let mut request = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut request).await?;
    Ok(Some(request))
}

/// Gives the answer as the behaviour says. Returns whether the connection goes on.
async fn deliver(
    stream: &mut TcpStream,
    answer: &[u8],
    behaviour: Behaviour,
    shared: &Shared,
) -> io::Result<bool> {
    let message = framed(answer);
    match behaviour {
        Behaviour::Normal
        | Behaviour::BrokenMac
        | Behaviour::OtherTraceNumber
        | Behaviour::OtherTerminal
        | Behaviour::OtherAmount
        | Behaviour::ApprovePart
        | Behaviour::OtherTotals
        | Behaviour::WrongIssuerAuthentication => stream.write_all(&message).await?,
        Behaviour::Late => {
            time::sleep(shared.options.late_after).await;
            stream.write_all(&message).await?;
        }
        Behaviour::Silent => {
            // The connection stays open for as long as the terminal keeps it.
            let mut byte = [0];
            while stream.read(&mut byte).await? > 0 {}
            return Ok(false);
        }
        Behaviour::Close | Behaviour::Refuse => return Ok(false),
        Behaviour::HalfMessage => {
            let half = message.len() >> 1;
            stream
                .write_all(message.get(..half).unwrap_or_default())
                .await?;
            return Ok(false);
        }
        Behaviour::Garbage => {
            let garbage: Vec<u8> = answer.iter().map(|byte| byte ^ 0xA5).collect();
            stream.write_all(&framed(&garbage)).await?;
        }
        Behaviour::TooLong => {
            stream.write_all(&TOO_LONG.to_be_bytes()).await?;
            stream.write_all(&vec![b'0'; usize::from(TOO_LONG)]).await?;
        }
        Behaviour::Dribble => {
            let (piece_length, pause) = DRIBBLE;
            for piece in message.chunks(piece_length) {
                stream.write_all(piece).await?;
                stream.flush().await?;
                time::sleep(pause).await;
            }
        }
    }
    stream.flush().await?;
    Ok(true)
}

/// The length in front. An answer of the dialect is never as long as two bytes can say.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend_from_slice(message);
    framed
}
