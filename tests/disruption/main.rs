//! Points of sale that lose their sessions, and a terminal that is killed, at random and again and again.
//!
//! Three points of sale watch one terminal, and two of them sell with it. Each loses its connection
//! after a random time and resumes with its last token; meanwhile the terminal's process is killed and
//! started again on the same data. Afterwards:
//!
//! - every point of sale has seen exactly the same events, each once, in order;
//! - each transaction has one result, and it is the last that was told of it;
//! - each sale that was asked for, under its key, is one transaction;
//! - the acquirer's ledger has what the records call approved, and nothing waits.
//!
//! `DISRUPTIONS=1000` says how often something is broken off, `SEED` repeats a run.
#![forbid(unsafe_code)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a test may overflow, and a test that fails shows what it saw"
)]

#[cfg(test)]
mod point_of_sale;
#[cfg(test)]
mod random;
#[cfg(test)]
mod shared;
#[cfg(test)]
#[path = "../end-to-end/terminal.rs"]
#[expect(dead_code, reason = "each test program uses a part of it")]
mod terminal;

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        sync::Arc,
        time::Duration,
    };

    use emulator::acquirer::Acquirer;
    use serde_json::Value;

    use crate::{
        point_of_sale::{PointOfSale, beginning, token},
        random::Random,
        shared::Shared,
        terminal::{Options, Terminal},
    };

    /// How often something is broken off where nobody says how often.
    const DISRUPTIONS: usize = 60;

    /// One disruption in so many is a kill.
    const KILL_EVERY: u64 = 20;

    #[expect(
        clippy::disallowed_methods,
        reason = "how long a test runs is said when it is run"
    )]
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_point_of_sale_sees_everything_once() {
        let number = |name, otherwise| {
            std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
        };
        let disruptions = number("DISRUPTIONS", DISRUPTIONS);
        let seed = number(
            "SEED",
            usize::try_from(std::process::id()).expect("a number"),
        );
        println!("DISRUPTIONS={disruptions} SEED={seed}");
        let mut random = Random::new(seed);
        let data = tempfile::tempdir().expect("a folder");
        let acquirer = Acquirer::default()
            .start("127.0.0.1:0")
            .expect("an acquirer");
        let options = Options {
            card: Some("visa-credit"),
            acquirer: Some(acquirer.address()),
            ..Options::on(data.path())
        };
        let start = || Terminal::start(&options).expect("the terminal starts");
        let mut terminal = start();
        let shared = Arc::new(Shared::new(terminal.url(), disruptions));
        let beginning = beginning(terminal.url()).await;
        let points: Vec<_> = [Some("a"), Some("b"), None]
            .map(|sells| {
                let random = Random::new(random.below(usize::MAX));
                let point = PointOfSale::new(Arc::clone(&shared), sells, random, &beginning);
                tokio::spawn(point.run())
            })
            .into();
        while shared.goes_on() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if shared.kill_is_due(KILL_EVERY) {
                let pause = random.below(400).try_into().expect("a short time");
                tokio::time::sleep(Duration::from_millis(pause)).await;
                terminal.stop();
                terminal = start();
                shared.restarted(terminal.url());
            }
        }
        terminal.wait_until_settled();
        let mut views = Vec::new();
        for point in points {
            let ended = tokio::time::timeout(Duration::from_mins(2), point).await;
            views.push(ended.expect("it comes to its end").expect("no panic"));
        }
        let [first, others @ ..] = &*views else {
            panic!("three points of sale")
        };
        check_log(&first.events, shared.kills());
        for other in others {
            assert_eq!(first.events.len(), other.events.len());
            for (one, two) in first.events.iter().zip(&other.events) {
                assert_eq!(one, two);
            }
        }
        let asked: BTreeSet<_> = views.iter().flat_map(|point| point.asked.clone()).collect();
        let approved = check_results(&first.events, &asked, &terminal);
        assert_eq!(acquirer.ledger().net_minor(), approved);
        println!(
            "{} disruptions, {} kills, {} sales, {} events seen by each, {approved} minor units",
            shared.disrupted(),
            shared.kills(),
            asked.len(),
            first.events.len(),
        );
        acquirer.stop();
    }

    /// The numbers rise from one. They leave some out only where the terminal was started again.
    fn check_log(events: &[Value], kills: u64) {
        let mut last = 0;
        let mut gaps = 0;
        for event in events {
            let number = token(event).and_then(|token| token.rsplit('_').next());
            let number: u64 = number.and_then(|text| text.parse().ok()).expect("a number");
            assert!(number > last, "{number} after {last}: {event}");
            gaps += u64::from(number != last + 1);
            last = number;
        }
        assert!(gaps <= kills, "{gaps} gaps and {kills} kills");
    }

    /// One result for each transaction, one transaction for each sale. Returns what the records call
    /// approved.
    fn check_results(events: &[Value], asked: &BTreeSet<String>, terminal: &Terminal) -> i64 {
        let mut results: BTreeMap<String, String> = BTreeMap::new();
        let mut approved = 0;
        for event in events {
            let of = event.get("transactionId").and_then(Value::as_str);
            if event["event"] != "result" {
                let id = of.expect("a transaction");
                assert!(!results.contains_key(id), "after its result: {event}");
                continue;
            }
            let response = &event["response"];
            let id = response["transactionId"].as_str().expect("a name");
            let key = response["referenceId"].as_str().expect("a reference");
            let before = results.insert(id.to_owned(), key.to_owned());
            assert_eq!(before, None, "a second result: {event}");
            let (status, now) = terminal
                .get(&format!("/v1/transaction/{id}"))
                .expect("an answer");
            assert_eq!(status, 200, "{now}");
            if now["status"] == "APPROVED" {
                approved += now["amount"].as_i64().expect("an amount");
            }
            assert_ne!(now["status"], "ERROR", "something waits: {now}");
        }
        let keys: Vec<_> = results.values().cloned().collect();
        let once: BTreeSet<_> = keys.iter().cloned().collect();
        assert_eq!(keys.len(), once.len(), "a sale ran twice");
        assert_eq!(&once, asked, "what was asked for has an end");
        approved
    }
}
