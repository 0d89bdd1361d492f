//! What is not delivered, and where to nothing is sent.

use std::{
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;
use webhooks::{Client, NewEndpoint, Resolver};

use crate::{
    receiver::{Receiver, Reply, wait_until},
    world::{TIMEOUT, World},
};

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled() {
    let mut world = World::new();
    let receiver = Receiver::start([Reply::status(410)]).await;
    let other = Receiver::start([]).await;
    let (id, _) = world.add(&receiver.url());
    let (other_id, _) = world.add(&other.url());
    world.run();
    world.happen("transaction.approved");
    let disabled = || world.outbox.disabled().expect("read");
    wait_until(|| disabled().contains(id.as_str())).await;
    assert_eq!(world.wait_for(&id, "dead").await.answer, "410");
    world.happen("transaction.approved");
    other.wait_for(2).await;
    assert!(!disabled().contains(other_id.as_str()));
    assert_eq!(
        world.deliveries(&id).len(),
        1,
        "nothing more is queued for it"
    );
    // Enabled by hand, and within one look at the outbox, it is delivered to again.
    world.outbox.enable(&id).expect("written");
    world.happen("transaction.declined");
    let arrived = receiver.wait_for(2).await;
    assert_eq!(
        arrived[1].header("Atlas-Event-Type"),
        "transaction.declined"
    );
}

#[tokio::test]
async fn what_waits_for_an_endpoint_goes_with_it() {
    let mut world = World::new();
    world.pause = Duration::from_mins(1);
    let receiver = Receiver::start([Reply::status(500)]).await;
    let (id, _) = world.add(&receiver.url());
    world.run();
    world.happen("transaction.approved");
    receiver.wait_for(1).await;
    world.wait_for(&id, "pending").await;
    world.file.remove(&id).expect("removed");
    world.save();
    wait_until(|| world.deliveries(&id).is_empty()).await;
    wait_until(|| world.figures.queued() == 0).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let mut world = World::new();
    let elsewhere = Receiver::start([]).await;
    let location = format!("Location: {}\r\n", elsewhere.url());
    let receiver =
        Receiver::start([302, 307, 308].map(|status| Reply::Status(status, location.clone())))
            .await;
    let (id, _) = world.add(&receiver.url());
    world.run();
    world.happen("transaction.approved");
    receiver.wait_for(4).await;
    assert_eq!(world.wait_for(&id, "delivered").await.attempts, 4);
    assert!(elsewhere.received().is_empty());
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let mut world = World::new();
    let receiver = Receiver::start([Reply::Status(429, "Retry-After: 3600\r\n".into())]).await;
    let (id, _) = world.add(&receiver.url());
    world.run();
    world.happen("transaction.approved");
    receiver.wait_for(1).await;
    wait_until(|| world.deliveries(&id)[0].answer == "429").await;
    let due = world.deliveries(&id)[0].due.expect("another attempt");
    let wait = due.duration_since(Timestamp::now()).as_secs();
    assert!((3590..=3600).contains(&wait), "{wait}");
}

#[tokio::test]
async fn during_a_rotation_both_secrets_sign() {
    let mut world = World::new();
    let receiver = Receiver::start([]).await;
    let (id, old) = world.add(&receiver.url());
    let new = world.file.rotate(&id, Timestamp::now()).expect("rotated");
    world.save();
    world.run();
    world.happen("transaction.approved");
    let arrived = receiver.wait_for(1).await.remove(0);
    assert_eq!(arrived.signature().1.len(), 2);
    assert!(arrived.is_signed_with(&old) && arrived.is_signed_with(new.reveal()));
}

#[tokio::test]
async fn a_name_of_a_private_address_is_refused() {
    let mut world = World::new();
    let receiver = Receiver::start([]).await;
    // The loopback network is not allowed; a network that has nothing to do with it is.
    let (id, _) = world.add_as(NewEndpoint {
        url: format!("http://localhost:{}/hooks", receiver.port()),
        allowed_networks: vec!["192.168.77.0/24".into()],
        plain_http: true,
        ..NewEndpoint::default()
    });
    world.run();
    world.happen("transaction.approved");
    let dead = world.wait_for(&id, "dead").await;
    assert_eq!(dead.answer, "the address is refused: loopback");
    assert_eq!(dead.attempts, 7);
    assert!(receiver.received().is_empty());
}

/// A name whose owner changes its address after the first look.
#[derive(Default)]
struct Rebinding(AtomicUsize);

#[async_trait::async_trait]
impl Resolver for Rebinding {
    async fn resolve(&self, name: &str, _: u16) -> io::Result<Vec<IpAddr>> {
        assert_eq!(name, "pos.example");
        let address = match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => [127, 0, 0, 1],
            _ => [169, 254, 169, 254],
        };
        Ok(vec![address.into()])
    }
}

#[tokio::test]
async fn a_name_is_looked_up_and_checked_anew_for_each_attempt() {
    let mut world = World::new();
    let resolver = Arc::new(Rebinding::default());
    let receiver = Receiver::start([Reply::status(500)]).await;
    world.client = Client::new(Arc::<Rebinding>::clone(&resolver)).with_timeout(TIMEOUT);
    let (id, _) = world.add(&format!("http://pos.example:{}/", receiver.port()));
    world.run();
    world.happen("transaction.approved");
    let dead = world.wait_for(&id, "dead").await;
    assert_eq!(dead.answer, "the address is refused: link-local");
    assert_eq!(
        resolver.0.load(Ordering::SeqCst),
        7,
        "once for each attempt"
    );
    let arrived = receiver.received();
    assert_eq!(arrived.len(), 1);
    assert_eq!(
        arrived[0].header("Host"),
        format!("pos.example:{}", receiver.port())
    );
}

/// A certificate for `localhost`, as PEM, and a server that shows it.
fn identity() -> (String, TlsAcceptor) {
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("signed");
    let chain = vec![CertificateDer::from_pem_slice(certificate.pem().as_bytes()).expect("PEM")];
    let der = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("PEM");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, der)
        .expect("a certificate");
    (certificate.pem(), TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn over_tls_only_the_pinned_authority_is_believed() {
    let (pem, acceptor) = identity();
    let (other_pem, _) = identity();
    let receiver = Receiver::with_tls(acceptor).await;
    let mut world = World::new();
    world.client = Client::default().with_timeout(Duration::from_secs(5));
    let endpoint = |ca: Option<String>| NewEndpoint {
        url: format!("https://localhost:{}/hooks", receiver.port()),
        allowed_networks: vec!["127.0.0.0/8".into(), "::1/128".into()],
        ca,
        ..NewEndpoint::default()
    };
    let (pinned, secret) = world.add_as(endpoint(Some(pem)));
    let (other, _) = world.add_as(endpoint(Some(other_pem)));
    let (system, _) = world.add_as(endpoint(None));
    world.run();
    world.happen("transaction.approved");
    world.wait_for(&pinned, "delivered").await;
    for refused in [&other, &system] {
        assert_eq!(world.wait_for(refused, "dead").await.answer, "TLS failed");
    }
    let arrived = receiver.received();
    assert_eq!(arrived.len(), 1);
    assert!(arrived[0].is_signed_with(&secret));
}
