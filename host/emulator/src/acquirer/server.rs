//! The acquirer's socket: messages with a two-byte big-endian length in front, one request a
//! connection.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, oneshot},
};

use super::{
    amounts::Behaviour,
    host::{Host, Reply},
    ledger::Ledger,
};

/// The longest request that is read.
const REQUEST_MAX: usize = 8192;

/// Connections at a time.
const CONNECTIONS_MAX: usize = 64;

/// How long a terminal may take to send its request, and how long a silent connection stays.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two bytes of an answer that dribbles.
const DRIBBLE: Duration = Duration::from_millis(2);

/// How the acquirer starts.
#[derive(Debug, Clone)]
pub struct Acquirer {
    /// How late a late answer is.
    pub late_by: Duration,
}

impl Default for Acquirer {
    /// Late means after seven seconds; the emulated terminal waits for five.
    fn default() -> Self {
        Self {
            late_by: Duration::from_secs(7),
        }
    }
}

impl Acquirer {
    /// Listens on `address` (port 0 chooses one) and serves on a thread of its own until the handle is
    /// dropped.
    ///
    /// Fails when the address cannot be listened on.
    pub fn start(self, address: impl ToSocketAddrs) -> io::Result<AcquirerHandle> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let host = Arc::new(Mutex::new(Host::default()));
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let serving = Arc::clone(&host);
        let thread = std::thread::Builder::new()
            .name("acquirer".into())
            .spawn(move || {
                runtime.block_on(async {
                    let Ok(listener) = TcpListener::from_std(listener) else {
                        return;
                    };
                    tokio::select! {
                        () = serve(listener, serving, self.late_by) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(AcquirerHandle {
            address,
            host,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

/// A running acquirer. Dropping it stops the acquirer.
pub struct AcquirerHandle {
    address: SocketAddr,
    host: Arc<Mutex<Host>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl AcquirerHandle {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its books, as they are now.
    pub fn ledger(&self) -> Ledger {
        locked(&self.host).ledger.clone()
    }

    /// Makes every financial request end like this, whatever its amount; `None` asks the amount
    /// again.
    pub fn set_behaviour(&self, behaviour: Option<Behaviour>) {
        locked(&self.host).behaviour = behaviour;
    }

    /// Reads its books from elsewhere, also after the acquirer has stopped.
    pub fn books(&self) -> Books {
        Books {
            host: Arc::clone(&self.host),
        }
    }
}

/// The acquirer's books, for reading.
#[derive(Clone)]
pub struct Books {
    host: Arc<Mutex<Host>>,
}

impl Books {
    /// The ledger as it is now.
    pub fn ledger(&self) -> Ledger {
        locked(&self.host).ledger.clone()
    }
}

impl Drop for AcquirerHandle {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the acquirer's thread was reported when it happened.
            drop(thread.join());
        }
    }
}

fn locked(host: &Mutex<Host>) -> MutexGuard<'_, Host> {
    host.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, host: Arc<Mutex<Host>>, late_by: Duration) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let host = Arc::clone(&host);
        tokio::spawn(async move {
            if let Err(error) = converse(stream, &host, late_by).await {
                tracing::debug!(%error, "a connection to the acquirer broke");
            }
            drop(place);
        });
    }
}

async fn converse(mut stream: TcpStream, host: &Mutex<Host>, late_by: Duration) -> io::Result<()> {
    if locked(host).behaviour == Some(Behaviour::Refuse) {
        return Ok(());
    }
    let request = tokio::time::timeout(PATIENCE, read(&mut stream)).await??;
    // The decision is made before anything can go wrong with the answer.
    let reply = locked(host).answer(&request);
    send(&mut stream, reply, late_by).await
}

async fn read(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = usize::from(stream.read_u16().await?);
    if length > REQUEST_MAX {
        return Err(io::Error::other("the request is too long"));
    }
    let mut request = vec![0; length];
    stream.read_exact(&mut request).await?;
    Ok(request)
}

async fn send(stream: &mut TcpStream, reply: Reply, late_by: Duration) -> io::Result<()> {
    let length = u16::try_from(reply.bytes.len()).unwrap_or(u16::MAX);
    let framed = [&length.to_be_bytes()[..], &reply.bytes].concat();
    match reply.behaviour {
        Behaviour::Late => {
            tokio::time::sleep(late_by).await;
            stream.write_all(&framed).await
        }
        Behaviour::Never => {
            tokio::time::sleep(PATIENCE).await;
            Ok(())
        }
        Behaviour::Close | Behaviour::Refuse => Ok(()),
        Behaviour::Half => {
            stream
                .write_all(framed.get(..framed.len() / 2).unwrap_or_default())
                .await
        }
        Behaviour::Garbage => {
            stream
                .write_all(b"\x00\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF")
                .await
        }
        Behaviour::TooLong => {
            stream
                .write_all(&[0xFF, 0xFF, 0x30, 0x32, 0x31, 0x30])
                .await
        }
        Behaviour::Dribble => {
            for byte in framed {
                stream.write_u8(byte).await?;
                stream.flush().await?;
                tokio::time::sleep(DRIBBLE).await;
            }
            Ok(())
        }
        Behaviour::Normal
        | Behaviour::BrokenMac
        | Behaviour::NoMac
        | Behaviour::OtherTraceNumber
        | Behaviour::OtherTerminal
        | Behaviour::OtherAmount
        | Behaviour::WrongArpc => stream.write_all(&framed).await,
    }?;
    stream.shutdown().await
}
