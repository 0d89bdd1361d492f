//! A receiver on the loopback address that answers as a test says.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use ring::hmac;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// What arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(&name.to_ascii_lowercase());
        value.unwrap_or_else(|| panic!("no {name}: {:?}", self.headers))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The time of the signature, and its codes.
    pub(crate) fn signature(&self) -> (i64, Vec<&str>) {
        let mut parts = self.header("Atlas-Signature").split(',');
        let time = parts.next().and_then(|part| part.strip_prefix("t="));
        let time = time.and_then(|time| time.parse().ok()).expect("a time");
        let codes = parts.map(|part| part.strip_prefix("v1=").expect("a code"));
        (time, codes.collect())
    }

    /// Whether one of the codes is that of this secret, computed anew.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let (time, codes) = self.signature();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signed = [format!("{time}.").as_bytes(), &self.body].concat();
        let code = hmac::sign(&key, &signed);
        let pairs = |text: &str| -> Vec<String> {
            let digits: Vec<char> = text.chars().collect();
            digits.chunks(2).map(String::from_iter).collect()
        };
        let code: Vec<_> = code
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        codes.iter().any(|given| pairs(given) == code)
    }
}

/// How a request is answered.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// With this status and these lines of headers.
    Status(u16, String),
    /// Not at all, for this long.
    Silence(Duration),
    /// With 200, and a body without end.
    Endless,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self::Status(status, String::new())
    }
}

#[derive(Default)]
struct Script {
    replies: VecDeque<Reply>,
    received: Vec<Received>,
}

/// A receiver. It answers 204 when the test says nothing else.
pub(crate) struct Receiver {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    task: JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::listen(replies, None).await
    }

    pub(crate) async fn with_tls(acceptor: TlsAcceptor) -> Self {
        Self::listen([], Some(acceptor)).await
    }

    async fn listen(replies: impl IntoIterator<Item = Reply>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let script = Arc::new(Mutex::new(Script {
            replies: replies.into_iter().collect(),
            received: Vec::new(),
        }));
        let shared = Arc::clone(&script);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, tls) = (Arc::clone(&shared), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &script).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &script).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            script,
            task,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks?key=hidden", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        lock(&self.script).received.clone()
    }

    /// Waits until so many requests have arrived.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Received> {
        wait_until(|| self.received().len() >= count).await;
        self.received()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Waits until `met`, for at most ten seconds.
pub(crate) async fn wait_until(met: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !met() {
        assert!(Instant::now() < end, "it never came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().expect("no panic")
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, script: &Mutex<Script>) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    let reply = {
        let mut script = lock(script);
        script.received.push(request);
        script.replies.pop_front()
    };
    match reply.unwrap_or(Reply::status(204)) {
        Reply::Status(status, headers) => {
            let head = format!("HTTP/1.1 {status} Answer\r\nContent-Length: 0\r\n{headers}\r\n");
            drop(stream.write_all(head.as_bytes()).await);
            drop(stream.shutdown().await);
        }
        Reply::Silence(duration) => tokio::time::sleep(duration).await,
        Reply::Endless => {
            drop(stream.write_all(b"HTTP/1.1 200 Answer\r\n\r\n").await);
            while stream.write_all(&[b'x'; 1024]).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        let mut buffer = [0; 1024];
        let length = stream
            .read(&mut buffer)
            .await
            .ok()
            .filter(|length| *length > 0)?;
        bytes.extend(&buffer[..length]);
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).expect("text");
    let mut lines = head.split("\r\n");
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    let mut body = bytes[head_end + 4..].to_vec();
    while body.len() < length {
        let mut buffer = [0; 1024];
        let length = stream
            .read(&mut buffer)
            .await
            .ok()
            .filter(|length| *length > 0)?;
        body.extend(&buffer[..length]);
    }
    Some(Received {
        path,
        headers,
        body,
    })
}
