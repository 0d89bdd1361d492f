//! TLS with a certificate that the terminal made itself.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use api::{Api, ApiKeys, Identity, Limits};
use futures_util::{SinkExt, StreamExt};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{Answer, KEY, head},
    fake_terminal::FakeTerminal,
};

struct Secured {
    address: SocketAddr,
    certificate: String,
    /// Ends the server when it is dropped.
    _shutdown: watch::Sender<bool>,
}

impl Secured {
    async fn start() -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let (certificate, key) = Identity::generate(names).expect("made");
        let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).expect("valid");
        let (shutdown, closing) = watch::channel(false);
        let terminal = Arc::new(FakeTerminal::new());
        let api = Api::new(terminal, ApiKeys::from_keys([KEY]), closing.clone())
            .with_limits(Limits::off());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = api::router(api);
        tokio::spawn(async move { api::serve_tls(listener, router, &identity, closing).await });
        Self {
            address,
            certificate,
            _shutdown: shutdown,
        }
    }

    /// Connects as a client that trusts `certificate`, by `name`.
    async fn connect(
        &self,
        certificate: &str,
        name: &'static str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        let certificate =
            CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate");
        roots.add(certificate).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from(name).expect("a name");
        connector.connect(name, stream).await
    }

    /// Asks for the health.
    async fn health(&self, certificate: &str, name: &'static str) -> std::io::Result<Answer> {
        let mut stream = self.connect(certificate, name).await?;
        let request = head("GET", "/v1/device/health", &[], 0);
        stream.write_all(request.as_bytes()).await?;
        let mut text = Vec::new();
        stream.read_to_end(&mut text).await?;
        Ok(Answer::parse(&String::from_utf8_lossy(&text)))
    }
}

#[tokio::test]
async fn one_who_knows_the_certificate_is_served() {
    let secured = Secured::start().await;
    for name in ["localhost", "127.0.0.1"] {
        let answer = secured.health(&secured.certificate, name).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["terminalId"], "TENON001");
    }
    let (other, _) = Identity::generate(["localhost".to_owned()]).expect("made");
    assert!(secured.health(&other, "localhost").await.is_err());
    let certificate = &secured.certificate;
    assert!(secured.health(certificate, "evil.example").await.is_err());
}

#[tokio::test]
async fn a_session_goes_over_tls() {
    let secured = Secured::start().await;
    let stream = secured.connect(&secured.certificate, "localhost").await;
    let url = format!("wss://localhost/v1/session?apiKey={KEY}");
    let opened = tokio_tungstenite::client_async(url, stream.expect("a connection")).await;
    let (mut socket, _) = opened.expect("a session");
    socket.send(Message::text("[]")).await.expect("taken");
    // A heartbeat may come first.
    let event = loop {
        let message = socket.next().await.expect("an event").expect("valid");
        if let Message::Text(text) = message {
            break text;
        }
        assert!(message.is_ping() || message.is_pong(), "{message:?}");
    };
    let event: serde_json::Value = serde_json::from_str(&event).expect("JSON");
    assert_eq!(event["error"], "INVALID_REQUEST", "{event}");
}

#[tokio::test]
async fn plain_http_is_told_that_this_is_tls() {
    let secured = Secured::start().await;
    let mut stream = TcpStream::connect(secured.address)
        .await
        .expect("a connection");
    let request = head("GET", "/v1/device/health", &[], 0);
    stream.write_all(request.as_bytes()).await.expect("taken");
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.expect("an answer");
    let answer = Answer::parse(&String::from_utf8_lossy(&text));
    answer.check_error(400, "INVALID_REQUEST");
    assert!(answer.body["message"].to_string().contains("TLS"));
}

#[tokio::test]
async fn a_handshake_that_is_never_finished_is_cut_off() {
    let secured = Secured::start().await;
    for beginning in [b"".as_slice(), b"\x16\x03\x01"] {
        let mut stream = TcpStream::connect(secured.address)
            .await
            .expect("a connection");
        stream.write_all(beginning).await.expect("taken");
        let mut rest = Vec::new();
        let cut = tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut rest));
        assert!(cut.await.is_ok(), "the connection is still open");
        assert_eq!(rest, b"");
    }
    let answer = secured.health(&secured.certificate, "localhost").await;
    assert_eq!(answer.expect("an answer").status, 200);
}
