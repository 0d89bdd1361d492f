//! Two hundred clients at once, most of them hostile, and points of sale that go on selling.
//!
//! The terminal is a process of its own, with its rate limits. Two points of sale sell with it, one over
//! a connection that it keeps and one that connects for each request; some of their requests go out
//! twice at once, some keys come back with another body, and a third one looks on in a session. First
//! they are alone. Then so many clients do, at random, what is in the table of [`cases`]: what is not
//! HTTP, not whole, not theirs, too large, too slow or too often. At last more connections than there are
//! places say nothing at all. Afterwards:
//!
//! - the terminal lives, has not panicked, and stops when it is asked;
//! - its memory is flat, its connections never exceeded their limit, and what the clients took is given
//!   back;
//! - every kind of request was told what the documents say, and nothing else;
//! - every sale was approved, is in the acquirer's ledger once, and was told in the session in order.
//!
//! `SECONDS=60 CLIENTS=200` says how long and how many, `SEED` repeats the choices. Only Linux tells what
//! a process takes, so that it is run there.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a test may overflow, and a test that fails shows what it saw"
)]

#[cfg(test)]
mod cases;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod client;
#[cfg(test)]
mod process;
#[cfg(test)]
#[path = "../disruption/random.rs"]
mod random;
#[cfg(test)]
mod tally;
#[cfg(test)]
#[path = "../end-to-end/terminal.rs"]
#[expect(dead_code, reason = "each test program uses a part of it")]
mod terminal;
#[cfg(test)]
mod till;
#[cfg(test)]
mod watcher;
#[cfg(test)]
mod wire;

#[cfg(test)]
mod tests {
    use std::{
        fs,
        net::{Ipv4Addr, SocketAddr},
        path::Path,
        sync::{Arc, Mutex},
        time::{Duration, Instant},
    };

    use api::{CONNECTIONS_MAX, KeyFile, KeyMode, Permission, Permissions};
    use tokio::{sync::watch, task::JoinSet, time};

    use crate::{
        checks::{Checks, Times},
        client::{Client, Target},
        process::{Sampler, Usage},
        random::Random,
        tally::Tally,
        terminal::{Options, Terminal},
        till::{Day, Holds, Till},
        watcher::Watcher,
        wire::Wire,
    };

    /// How long and with how many where nobody says it.
    const SECONDS: usize = 5;
    const CLIENTS: usize = 40;

    /// A run from here on sees what takes ten seconds.
    const SECONDS_LONG: usize = 30;

    /// How many keys the hostile clients have among them: as many callers, each with its own rate.
    const KEYS: usize = 40;

    /// How many connections say nothing at last.
    const SILENT: usize = CONNECTIONS_MAX + 72;

    /// How long what the clients took may take to be given back: a thread without work ends after ten
    /// seconds.
    const RETURN_MAX: Duration = Duration::from_secs(30);

    #[expect(
        clippy::disallowed_methods,
        reason = "how long a test runs is said when it is run"
    )]
    fn number(name: &str, otherwise: usize) -> usize {
        std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
    }

    /// Keys for the tills, for the hostile clients, and one that may only read.
    fn make_keys(data: &Path) -> (Vec<String>, Vec<String>, String) {
        let now = jiff::Timestamp::now();
        let mut file = KeyFile::default();
        let mut make = |name: String, permissions| {
            let made = file.make(&name, KeyMode::Test, permissions, now);
            made.expect("a key").1
        };
        let tills = (0..3).map(|number| make(format!("till {number}"), Permissions::ALL));
        let tills = tills.collect();
        let others = (0..KEYS).map(|number| make(format!("other {number}"), Permissions::ALL));
        let others = others.collect();
        let reads = Permissions::NONE.with(Permission::TerminalRead);
        let reader = make("reader".to_owned(), reads);
        fs::write(data.join("api-keys.json"), file.to_json()).expect("written");
        (tills, others, reader)
    }

    fn open_tills(
        keys: &[String],
        address: SocketAddr,
        closing: &watch::Receiver<bool>,
    ) -> JoinSet<(&'static str, Day)> {
        let mut tills = JoinSet::new();
        for (name, key, holds) in [
            ("a till that keeps its connection", &keys[0], Holds::One),
            ("a till that connects each time", &keys[1], Holds::None),
        ] {
            let till = Till::new(
                name.rsplit(' ').next().unwrap_or_default(),
                key,
                address,
                holds,
                closing.clone(),
            );
            tills.spawn(async move { (name, till.run().await) });
        }
        tills
    }

    /// Takes every place, and takes it again when it is taken away.
    async fn besiege(address: SocketAddr) {
        let mut silent = JoinSet::new();
        for number in 0..SILENT {
            let last = u8::try_from(number % 250)
                .unwrap_or_default()
                .saturating_add(2);
            silent.spawn(async move {
                loop {
                    if let Ok(mut wire) =
                        Wire::connect(address, Ipv4Addr::new(127, 0, 2, last)).await
                    {
                        wire.end().await;
                    }
                }
            });
        }
        silent.join_all().await;
    }

    async fn wait_until_given_back(process: u32, before: Usage) -> Usage {
        let end = Instant::now() + RETURN_MAX;
        loop {
            let now = Usage::of(process).expect("it runs");
            let back = now.handles <= before.handles && now.threads <= before.threads;
            if back || Instant::now() > end {
                return now;
            }
            time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Lets so many clients at it for so long.
    async fn attack_with(target: &Arc<Target>, clients: usize, seed: usize, lasts: Duration) {
        let mut crowd = JoinSet::new();
        for index in 0..clients {
            let random = Random::new(seed * 100_003 + index);
            crowd.spawn(Client::new(Arc::clone(target), index, random).run(clients));
        }
        time::sleep(lasts).await;
        crowd.shutdown().await;
    }

    fn address_of(terminal: &Terminal) -> SocketAddr {
        let address = terminal.url().strip_prefix("http://");
        address.and_then(|text| text.parse().ok()).expect("a URL")
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn hostile_clients_harm_no_sale() {
        let (seconds, clients) = (number("SECONDS", SECONDS), number("CLIENTS", CLIENTS));
        let seed = number("SEED", 7);
        println!("SECONDS={seconds} CLIENTS={clients} SEED={seed}");
        let lasts = Duration::from_secs(u64::try_from(seconds).expect("a time"));
        let data = tempfile::tempdir().expect("a folder");
        let (till_keys, keys, reader) = make_keys(data.path());
        let options = Options {
            card: Some("visa-credit"),
            rate_limits: true,
            ..Options::on(data.path())
        };
        let mut terminal = Terminal::start(&options).expect("the terminal starts");
        let address = address_of(&terminal);
        let target = Arc::new(Target {
            address,
            keys,
            reader,
            running: Mutex::new("txn_0".to_owned()),
            tally: Tally::default(),
        });
        let watcher = Watcher::open(Arc::clone(&target), &till_keys[2]).await;
        let (close, closing) = watch::channel(false);
        let tills = open_tills(&till_keys, address, &closing);
        let quiet = Instant::now();
        time::sleep(lasts / 4).await;
        let before = Usage::of(terminal.process()).expect("it runs");
        let sampler = Sampler::start(terminal.process());

        let attack = Instant::now();
        attack_with(&target, clients, seed, lasts).await;
        let siege = Instant::now();
        drop(time::timeout(lasts / 4 + Duration::from_secs(3), besiege(address)).await);
        let over = Instant::now();
        close.send_replace(true);
        let days = tills.join_all().await;
        let times = Times {
            quiet,
            attack,
            siege,
            over,
            long: seconds >= SECONDS_LONG,
        };
        let usage = sampler.between(attack, over);
        drop(sampler);
        let (names, days): (Vec<_>, Vec<_>) = days.into_iter().unzip();
        let sold: Vec<_> = days
            .iter()
            .flat_map(|day| &day.sold)
            .map(|sale| sale.transaction.clone())
            .collect();
        watcher.wait_for(&sold).await;
        let after = wait_until_given_back(terminal.process(), before).await;
        let ledger = terminal.get("/emulator/ledger").map(|(_, ledger)| ledger);

        target.tally.print();
        let mut checks = Checks::default();
        checks.answers(&target.tally, times.long);
        checks.usage(&times, &usage, before, after);
        checks.sales(&days, &ledger.unwrap_or_default());
        checks.session(&watcher, &sold);
        checks.latency(&times, &names, &days);
        drop(watcher);
        terminal.ask_to_stop();
        let status = terminal.wait_for_end();
        let output = String::from_utf8_lossy(&terminal.output()).into_owned();
        let calm = !output.contains("panicked");
        checks.note(
            "it lives, and stops when it is asked",
            status.success() && calm,
            &status.to_string(),
        );
        checks.end();
    }
}
