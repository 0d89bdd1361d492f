//! A point of sale that behaves well, and goes on selling whatever others do.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use tokio::{sync::watch, time};

use crate::wire::{Answer, Heard, Wire};

/// From the end of one sale to the next.
const PAUSE: Duration = Duration::from_millis(900);

/// How long to wait for another one's sale.
const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// How often a sale is asked for at most.
const TRIES_MAX: u32 = 60;

/// How a till holds its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// The same one for all its sales.
    One,
    /// Another one for each request.
    None,
}

/// One sale that a till was told the end of.
#[derive(Debug, Clone)]
pub(crate) struct Sold {
    pub(crate) amount: u64,
    pub(crate) transaction: String,
    pub(crate) began: Instant,
    /// From the request that was answered with the end, connection included, to the answer.
    pub(crate) took: Duration,
    /// From the first request of it.
    pub(crate) whole: Duration,
}

pub(crate) struct Till {
    pub(crate) name: &'static str,
    pub(crate) key: String,
    pub(crate) address: SocketAddr,
    pub(crate) holds: Holds,
    /// The first amount; each sale has another one.
    pub(crate) amount: u64,
    pub(crate) closing: watch::Receiver<bool>,
    wire: Option<Wire>,
}

/// What a till has to say when it closes.
#[derive(Debug, Default)]
pub(crate) struct Day {
    pub(crate) sold: Vec<Sold>,
    pub(crate) asked: u64,
    /// What was not as it should be.
    pub(crate) complaints: Vec<String>,
    /// How often it heard `TERMINAL_BUSY`, was too fast, and had to connect again.
    pub(crate) busy: u64,
    pub(crate) too_fast: u64,
    pub(crate) broken: u64,
}

impl Till {
    pub(crate) fn new(
        name: &'static str,
        key: &str,
        address: SocketAddr,
        holds: Holds,
        closing: watch::Receiver<bool>,
    ) -> Self {
        let first = match holds {
            Holds::One => 100_000,
            Holds::None => 500_000,
        };
        Self {
            name,
            key: key.to_owned(),
            address,
            holds,
            amount: first,
            closing,
            wire: None,
        }
    }

    /// Sells until it is to close.
    pub(crate) async fn run(mut self) -> Day {
        let mut day = Day::default();
        while !*self.closing.borrow() {
            // The last two digits choose the emulated issuer's answer: 00 approves.
            self.amount += 100;
            day.asked += 1;
            let key = format!("{}-{}", self.name, self.amount);
            self.sell(&key, &mut day).await;
            time::sleep(PAUSE).await;
        }
        day
    }

    async fn sell(&mut self, key: &str, day: &mut Day) {
        let began = Instant::now();
        let number = day.asked;
        for _ in 0..TRIES_MAX {
            let asked = Instant::now();
            let (answer, twin) = if number.is_multiple_of(4) {
                let mut twin = self.twin();
                tokio::join!(self.ask(key, self.amount), twin.ask(key, twin.amount))
            } else {
                let answer = self.ask(key, self.amount).await;
                (answer, Heard::Nothing)
            };
            let Some(transaction) = approved(&answer) else {
                if self.may_repeat(&answer, day).await {
                    continue;
                }
                return day.complaints.push(format!("{key}: {answer:?}"));
            };
            if approved(&twin).is_some_and(|other| other != transaction) {
                day.complaints.push(format!("{key}: two transactions"));
            }
            day.sold.push(Sold {
                amount: self.amount,
                transaction,
                began,
                took: asked.elapsed(),
                whole: began.elapsed(),
            });
            if number.is_multiple_of(5) {
                self.conflict(key, day).await;
            }
            return;
        }
        day.complaints
            .push(format!("{key}: no end after {TRIES_MAX} requests"));
    }

    /// The same key with another body is refused.
    async fn conflict(&mut self, key: &str, day: &mut Day) {
        let heard = self.ask(key, self.amount + 1).await.label();
        let may = ["409 IDEMPOTENCY_CONFLICT", "429 RATE_LIMITED", "ended"];
        if !may.contains(&heard.as_str()) {
            day.complaints
                .push(format!("{key} for another amount: {heard}"));
        }
    }

    /// Whether the same request may help; waits as the answer says.
    async fn may_repeat(&self, heard: &Heard, day: &mut Day) -> bool {
        match heard {
            Heard::Answer(answer) if answer.status == 409 => {
                day.busy += 1;
                time::sleep(BUSY_PAUSE).await;
                answer.body["error"] == "TERMINAL_BUSY"
            }
            Heard::Answer(answer) if answer.status == 429 => {
                day.too_fast += 1;
                time::sleep(Duration::from_secs(answer.retry_after.unwrap_or(1))).await;
                true
            }
            Heard::Ended | Heard::Nothing => {
                day.broken += 1;
                true
            }
            Heard::Answer(_) | Heard::Event(_) | Heard::Frame(_) | Heard::Closed(_) => false,
        }
    }

    fn twin(&self) -> Self {
        Self {
            wire: None,
            holds: Holds::None,
            key: self.key.clone(),
            closing: self.closing.clone(),
            ..*self
        }
    }

    async fn ask(&mut self, key: &str, amount: u64) -> Heard {
        let body = format!(r#"{{"type":"SALE","amount":{amount},"currency":"NZD"}}"#);
        let request = format!(
            "POST /v1/transaction/sale HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {}\r\n\
             Idempotency-Key: {key}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.key,
            body.len(),
        );
        let mut wire = match self.wire.take() {
            Some(wire) => wire,
            None => match Wire::connect(self.address, Ipv4Addr::LOCALHOST).await {
                Ok(wire) => wire,
                Err(_) => return Heard::Ended,
            },
        };
        wire.send(request.as_bytes()).await;
        let heard = wire.answer().await;
        if self.holds == Holds::One && matches!(heard, Heard::Answer(_)) {
            self.wire = Some(wire);
        }
        heard
    }
}

/// The transaction of an approval.
fn approved(heard: &Heard) -> Option<String> {
    let Heard::Answer(Answer {
        status: 200, body, ..
    }) = heard
    else {
        return None;
    };
    let id = body["transactionId"].as_str()?;
    (body["status"] == "APPROVED").then(|| id.to_owned())
}
