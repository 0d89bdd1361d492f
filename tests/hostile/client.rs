//! A client that does one case after the other.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::{self, Instant};

use crate::{
    cases::{Act, CASES, Case},
    random::Random,
    tally::Tally,
    wire::{Heard, Wire},
};

/// Between two bytes of one that sends slowly.
const DRIP: Duration = Duration::from_millis(400);

/// The longest rest between two cases, in milliseconds.
const REST_MS_MAX: usize = 300;

/// How long a client listens to its session.
const LISTENS: Duration = Duration::from_secs(12);

/// What every client knows.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Keys that may do everything; each has its own rate.
    pub(crate) keys: Vec<String>,
    /// A key that may only read.
    pub(crate) reader: String,
    /// The transaction that was last told of.
    pub(crate) running: Mutex<String>,
    pub(crate) tally: Tally,
}

/// One client.
pub(crate) struct Client {
    pub(crate) target: Arc<Target>,
    pub(crate) random: Random,
    pub(crate) key: String,
    number: usize,
}

impl Client {
    pub(crate) fn new(target: Arc<Target>, number: usize, random: Random) -> Self {
        let key = target.keys[number % target.keys.len()].clone();
        Self {
            target,
            random,
            key,
            number,
        }
    }

    /// Does cases without end: first those that are its part of the table, so that each is done, then
    /// any.
    pub(crate) async fn run(mut self, clients: usize) {
        let mut next = self.number;
        loop {
            let case = if next < CASES.len() {
                &CASES[next]
            } else {
                &CASES[self.random.below(CASES.len())]
            };
            next = next.saturating_add(clients);
            self.perform(case).await;
            let rest = self.random.below(REST_MS_MAX);
            time::sleep(Duration::from_millis(rest.try_into().unwrap_or_default())).await;
        }
    }

    async fn perform(&mut self, case: &'static Case) {
        // One of the addresses of this machine: 127.0.0.0/8 has many.
        let last = u8::try_from(self.number % 250).unwrap_or_default();
        let from = Ipv4Addr::new(127, 0, 1, last.saturating_add(2));
        let Ok(wire) = Wire::connect(self.target.address, from).await else {
            return self.target.tally.note(case, &Heard::Ended);
        };
        let bytes = (case.bytes)(self);
        self.act(case, wire, &bytes).await;
    }

    async fn act(&mut self, case: &'static Case, mut wire: Wire, bytes: &[u8]) {
        let note = |heard: &Heard| self.target.tally.note(case, heard);
        match case.act {
            Act::Ask => {
                wire.send(bytes).await;
                note(&wire.answer().await);
            }
            Act::AskAll(count) => {
                wire.send(bytes).await;
                for _ in 0..count {
                    let heard = wire.answer().await;
                    note(&heard);
                    if heard == Heard::Ended {
                        return;
                    }
                }
            }
            Act::HalfClose => {
                wire.send(bytes).await;
                wire.finish().await;
                note(&wire.answer().await);
            }
            Act::Drip => {
                note(&drip(&mut wire, bytes).await);
            }
            Act::Reset => {
                wire.send(bytes).await;
                wire.reset();
                note(&Heard::Ended);
            }
            Act::ReadNothing => {
                while wire.send(bytes).await {}
                note(&Heard::Ended);
            }
            Act::Wait => {
                wire.send(bytes).await;
                note(&wire.end().await);
            }
            Act::Session(query) => self.session(case, wire, query, bytes).await,
            Act::UnreadSession => {
                wire.send(&upgrade("", &self.key)).await;
                let opened = wire.answer().await;
                if matches!(&opened, Heard::Answer(answer) if answer.status != 101) {
                    return note(&opened);
                }
                while wire.send(bytes).await {}
                note(&Heard::Ended);
            }
        }
    }

    /// Opens a session, sends its bytes, and listens until it is refused.
    async fn session(&self, case: &'static Case, mut wire: Wire, query: &str, bytes: &[u8]) {
        let note = |heard: &Heard| self.target.tally.note(case, heard);
        wire.send(&upgrade(query, &self.key)).await;
        let opened = wire.answer().await;
        if !matches!(&opened, Heard::Answer(answer) if answer.status == 101) {
            return note(&opened);
        }
        wire.send(bytes).await;
        let end = Instant::now() + LISTENS;
        loop {
            let Ok(heard) = time::timeout_at(end, wire.frame()).await else {
                return note(&Heard::Nothing);
            };
            let of_others = match &heard {
                // An event of another one's sale, or a ping.
                Heard::Event(event) => event["event"] != "error",
                Heard::Frame(opcode) => *opcode == 9,
                Heard::Answer(_) | Heard::Closed(_) | Heard::Ended | Heard::Nothing => false,
            };
            if !of_others {
                return note(&heard);
            }
        }
    }
}

/// Sends byte by byte until there is an answer.
async fn drip(wire: &mut Wire, bytes: &[u8]) -> Heard {
    for byte in bytes {
        if !wire.send(&[*byte]).await {
            break;
        }
        if let Ok(heard) = time::timeout(DRIP, wire.answer()).await {
            return heard;
        }
    }
    wire.answer().await
}

/// The request that opens a session.
pub(crate) fn upgrade(query: &str, key: &str) -> Vec<u8> {
    format!(
        "GET /v1/session{query} HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {key}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes()
}
