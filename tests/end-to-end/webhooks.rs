//! Webhooks: added by the command line, signed, and not lost when the terminal is killed.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::{Value, json};
use webhooks::{Secret, signature};

use crate::world::World;

/// What arrived: the headers, in lower case, and the body.
#[derive(Debug, Clone)]
struct Received {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map_or_else(|| panic!("no {name}: {self:?}"), |(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Checks the signature as a receiver does, with its own secret.
    fn check(&self, secret: &str) {
        let given = self.header("atlas-signature");
        let time = given
            .split(',')
            .next()
            .and_then(|part| part.strip_prefix("t="));
        let time = time.and_then(|time| time.parse().ok()).expect("a time");
        let secret = Secret::parse(secret).expect("a secret");
        assert_eq!(given, signature([&secret], time, &self.body));
    }
}

/// A receiver that takes everything.
struct Receiver {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").expect("a port"))
    }

    fn on(listener: TcpListener) -> Self {
        let address = listener.local_addr().expect("an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&received);
        // It ends with the test program.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(request) = take(stream) {
                    shared.lock().expect("no panic").push(request);
                }
            }
        });
        Self { address, received }
    }

    fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    fn received(&self) -> MutexGuard<'_, Vec<Received>> {
        self.received.lock().expect("no panic")
    }

    /// The events of this type that have arrived.
    fn of(&self, kind: &str) -> Vec<Received> {
        let is_of = |one: &&Received| one.header("atlas-event-type") == kind;
        self.received().iter().filter(is_of).cloned().collect()
    }
}

fn take(mut stream: TcpStream) -> Option<Received> {
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            line => headers.extend(
                line.split_once(": ")
                    .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())),
            ),
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length?.1.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let answer = b"HTTP/1.1 204 Taken\r\nConnection: close\r\n\r\n";
    stream.write_all(answer).ok()?;
    Some(Received { headers, body })
}

/// `tenon webhooks …` on a data folder: whether it succeeded, and its JSON.
fn webhooks(data: &Path, arguments: &[&str]) -> (bool, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_tenon"))
        .args(["webhooks", "--json", "--data"])
        .arg(data)
        .args(arguments)
        .output()
        .expect("tenon runs");
    let value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| json!({ "errors": String::from_utf8_lossy(&output.stderr) }));
    (output.status.success(), value)
}

/// Adds an endpoint on the loopback network: its id and its secret.
fn add(data: &Path, url: &str) -> (String, String) {
    let allowed = ["--plain-http", "--allow-network", "127.0.0.0/8"];
    let (_, refused) = webhooks(data, &["add", url]);
    assert!(refused["errors"].to_string().contains("https"), "{refused}");
    let (done, added) = webhooks(data, &[&["add", url], &allowed[..]].concat());
    assert!(done, "{added}");
    let text = |member: &str| added[member].as_str().expect("a text").to_owned();
    (text("id"), text("secret"))
}

#[test]
fn a_sale_and_the_day_s_end_are_told_as_a_look_up_shows_them() {
    let mut world = World::new(Some("visa-credit"));
    let receiver = Receiver::start();
    let (id, secret) = add(world.data(), &receiver.url());
    let (status, sale) = world.sale(2500);
    assert_eq!(status, 200, "{sale}");
    world.wait_until("the approval", |_| {
        !receiver.of("transaction.approved").is_empty()
    });
    let told = receiver.of("transaction.approved").remove(0);
    told.check(&secret);
    assert_eq!(told.header("atlas-webhook-id"), id);
    assert_eq!(told.header("atlas-delivery"), "1");
    assert_eq!(told.json()["id"], told.header("atlas-event-id"));
    assert_eq!(told.json()["data"], world.record_of(&sale));

    let close = json!({ "closeDay": true });
    let (status, closed) = world
        .terminal
        .post("/v1/reconciliation", &close, None)
        .expect("an answer");
    assert_eq!(
        (status, &closed["status"]),
        (200, &json!("SUCCESS")),
        "{closed}"
    );
    world.wait_until("the settlement", |_| {
        !receiver.of("settlement.closed").is_empty()
    });
    let told = receiver.of("settlement.closed").remove(0);
    told.check(&secret);
    let name = closed["settlements"][0]["id"].as_str().expect("an id");
    let (_, settlement) = world
        .terminal
        .get(&format!("/v1/settlements/{name}"))
        .expect("an answer");
    assert_eq!(told.json()["data"], settlement);

    let listed = || webhooks(world.data(), &["deliveries"]).1;
    world.wait_until("the deliveries", |_| {
        let listed = listed();
        [0, 1]
            .iter()
            .all(|place| listed[*place]["state"] == "delivered")
    });
    let event = listed()[1]["event"].clone();
    let (done, replayed) = webhooks(world.data(), &["replay", event.as_str().expect("an id")]);
    assert!(done, "{replayed}");
    world.wait_until("the replay", |_| {
        receiver.of("transaction.approved").len() == 2
    });
    let (done, tested) = webhooks(world.data(), &["test", &id]);
    assert!(done, "{tested}");
    receiver.of("webhook.test").remove(0).check(&secret);
    world.wait_until("the figures", |world| {
        let (_, metrics) = world.terminal.get("/metrics").expect("an answer");
        let counted = "tenon_webhook_attempts_total{result=\"delivered\"} 3";
        metrics.as_str().is_some_and(|page| page.contains(counted))
    });
    assert!(!world.into_log().contains(&secret));
}

#[test]
fn a_kill_loses_no_event_and_the_stop_is_told() {
    let mut world = World::new(Some("visa-credit"));
    // A port that nobody listens on, yet: of an address at which no other test listens.
    let gone = TcpListener::bind("127.0.0.2:0").expect("a port");
    let address = gone.local_addr().expect("an address");
    drop(gone);
    let (_, secret) = add(world.data(), &format!("http://{address}/hooks"));
    let (_, first) = world.sale(2500);
    world.wait_until("a failed attempt", |world| {
        let (_, listed) = webhooks(world.data(), &["deliveries"]);
        listed[0]["answer"] == "no connection"
    });
    // Killed as soon as the sale is answered: its event may be in no outbox yet.
    let (_, second) = world.sale(3100);
    world.restart(Some("visa-credit"));
    let receiver = Receiver::on(TcpListener::bind(address).expect("the port is free"));
    world.wait_until("both approvals", |_| {
        receiver.of("transaction.approved").len() >= 2
    });
    let mut told: Vec<_> = receiver
        .of("transaction.approved")
        .iter()
        .map(|one| {
            one.check(&secret);
            one.json()["data"]["transactionId"].clone()
        })
        .collect();
    told.sort_by_key(Value::to_string);
    assert_eq!(
        told,
        [
            first["transactionId"].clone(),
            second["transactionId"].clone()
        ]
    );
    world.wait_until("the start", |_| receiver.of("terminal.online").len() == 1);
    world.terminal.ask_to_stop();
    assert!(world.terminal.wait_for_end().success());
    let stopped = receiver.of("terminal.offline");
    assert_eq!(stopped.len(), 1);
    assert_eq!(stopped[0].json()["data"]["connected"], false);
}
