//! What must hold afterwards, each with its figures.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use api::{CONNECTIONS_MAX, SESSIONS_MAX};
use serde_json::Value;

use crate::{
    process::{Usage, median, percentile},
    tally::Tally,
    till::{Day, Sold},
    watcher::Watcher,
};

/// Memory may grow by a quarter, and by what single requests hold at the moment of a sample: at most
/// every place with a body, a head and a session's buffers, of which half is rarely there.
const GROWTH_PERCENT_MAX: u64 = 125;
const GROWTH_KIB: u64 = 8 * 1024;

/// In a short run the first samples are of a terminal that has not warmed up.
const GROWTH_KIB_SHORT: u64 = 24 * 1024;

/// Handles and threads that may be left, or be there for a moment: connections to the acquirer, files of
/// a commit, threads for files that end when they had nothing to do for ten seconds.
const HANDLES_SLACK: u64 = 12;
const THREADS_SLACK: u64 = 4;

/// How long a sale may take from its first request on while every place is taken.
pub(crate) const SIEGE_SALE_MAX: Duration = Duration::from_secs(8);

/// When a run was in which part.
pub(crate) struct Times {
    pub(crate) quiet: Instant,
    pub(crate) attack: Instant,
    pub(crate) siege: Instant,
    pub(crate) over: Instant,
    /// Whether what takes ten seconds can be seen.
    pub(crate) long: bool,
}

/// The checks so far, printed as they are made.
#[derive(Default)]
pub(crate) struct Checks {
    failed: Vec<String>,
}

impl Checks {
    /// Notes one check.
    pub(crate) fn note(&mut self, name: &str, holds: bool, figures: &str) {
        let word = if holds { "ok    " } else { "FAILED" };
        println!("{word} {name:<44} {figures}");
        if !holds {
            self.failed.push(format!("{name}: {figures}"));
        }
    }

    /// Fails when a check did.
    pub(crate) fn end(self) {
        assert!(self.failed.is_empty(), "{:#?}", self.failed);
    }

    /// Every case was told what the documents say, and nothing else.
    pub(crate) fn answers(&mut self, tally: &Tally, long: bool) {
        let wrong = tally.undocumented();
        let figures = format!("{} heard; not so: {wrong:?}", tally.total());
        self.note(
            "nothing but what the documents say",
            wrong.is_empty(),
            &figures,
        );
        let untold = tally.untold(long);
        let figures = format!("never: {untold:?}");
        self.note(
            "every kind was told its own at least once",
            untold.is_empty(),
            &figures,
        );
        let limited = tally.limited();
        self.note(
            "who asks too often is told when to ask again",
            limited.told > 0 && limited.untold == 0,
            &format!(
                "{} times 429 with Retry-After, {} without, {} times too many sessions",
                limited.told, limited.untold, limited.sessions,
            ),
        );
    }

    /// Memory stays, and what the clients took is given back.
    pub(crate) fn usage(&mut self, times: &Times, samples: &[Usage], before: Usage, after: Usage) {
        let whole = times.siege - times.attack;
        let (first, last) = (whole.min(Duration::from_mins(1)) / 4, whole / 6);
        let within = |from: Instant, to: Instant| {
            let of = samples
                .iter()
                .filter(move |usage| (from..to).contains(&usage.at));
            median(of.map(|usage| usage.kibibytes))
        };
        let early = within(times.attack, times.attack + first);
        let late = within(
            times.siege.checked_sub(last).unwrap_or(times.attack),
            times.siege,
        );
        let slack = if times.long {
            GROWTH_KIB
        } else {
            GROWTH_KIB_SHORT
        };
        let most = early * GROWTH_PERCENT_MAX / 100 + slack;
        self.note(
            "memory is flat",
            late <= most,
            &format!("{early} KiB at first, {late} KiB at last, {most} KiB at most"),
        );
        let during = |usage: &&Usage| (times.attack..times.siege).contains(&usage.at);
        if let (Some(first), Some(last)) = (
            samples.iter().find(during),
            samples.iter().rev().find(during),
        ) {
            println!(
                "       the terminal ran for {} ms in {} ms of attack, and waited {} ms for a processor",
                millis(last.ran.saturating_sub(first.ran)),
                millis(whole),
                millis(last.starved.saturating_sub(first.starved)),
            );
        }
        let peak = samples
            .iter()
            .map(|usage| usage.handles)
            .max()
            .unwrap_or_default();
        let places = u64::try_from(CONNECTIONS_MAX).unwrap_or(u64::MAX);
        let sessions = u64::try_from(SESSIONS_MAX).unwrap_or(u64::MAX);
        let most = before.handles + places + sessions + HANDLES_SLACK;
        self.note(
            "connections are limited, and the limit was met",
            peak <= most && peak >= places,
            &format!(
                "{peak} handles at most of {most}, {} before",
                before.handles
            ),
        );
        self.note(
            "handles are given back",
            after.handles <= before.handles + HANDLES_SLACK,
            &format!("{} before, {} afterwards", before.handles, after.handles),
        );
        self.note(
            "threads are given back",
            after.threads <= before.threads + THREADS_SLACK,
            &format!("{} before, {} afterwards", before.threads, after.threads),
        );
    }

    /// Each sale is approved, and once.
    pub(crate) fn sales(&mut self, days: &[Day], ledger: &Value) {
        let complaints: Vec<_> = days.iter().flat_map(|day| &day.complaints).collect();
        let asked: u64 = days.iter().map(|day| day.asked).sum();
        let sold: Vec<&Sold> = days.iter().flat_map(|day| &day.sold).collect();
        let of = |count: fn(&Day) -> u64| days.iter().map(count).sum::<u64>();
        self.note(
            "every sale was approved",
            complaints.is_empty() && u64::try_from(sold.len()) == Ok(asked) && asked > 0,
            &format!(
                "{} of {asked}; told to wait {} times, too fast {}, connected again {}; {complaints:?}",
                sold.len(),
                of(|day| day.busy),
                of(|day| day.too_fast),
                of(|day| day.broken),
            ),
        );
        let entries = ledger["transactions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let mut charged: BTreeMap<u64, usize> = BTreeMap::new();
        for entry in &entries {
            if ["APPROVED", "ADVISED"]
                .iter()
                .any(|state| entry["state"] == **state)
            {
                let amount = entry["amountMinor"].as_u64().unwrap_or_default();
                *charged.entry(amount).or_default() += 1;
            }
        }
        let each: BTreeMap<u64, usize> = sold.iter().map(|sale| (sale.amount, 1)).collect();
        self.note(
            "the acquirer has each sale once",
            charged == each,
            &format!("{} entries, {} sales", entries.len(), sold.len()),
        );
        let names: BTreeSet<_> = sold.iter().map(|sale| &sale.transaction).collect();
        self.note(
            "each sale is a transaction of its own",
            names.len() == sold.len(),
            &format!("{} transactions", names.len()),
        );
    }

    /// The session that looked on saw everything, once and in order.
    pub(crate) fn session(&mut self, watcher: &Watcher, sold: &[String]) {
        let (numbers, results) = watcher.seen();
        let gaps = numbers
            .windows(2)
            .filter(|pair| pair[0] + 1 != pair[1])
            .count();
        let told: BTreeSet<_> = results.iter().collect();
        let missed = sold.iter().filter(|id| !told.contains(id)).count();
        self.note(
            "the session saw everything, once and in order",
            watcher.is_open() && gaps == 0 && missed == 0 && told.len() == results.len(),
            &format!(
                "{} events, {gaps} gaps, {missed} results missed",
                numbers.len()
            ),
        );
    }

    /// How long a sale took. Machines differ, so that only the siege has a limit.
    pub(crate) fn latency(&mut self, times: &Times, names: &[&str], days: &[Day]) {
        for (name, day) in names.iter().zip(days) {
            let of = |from: Instant, to: Instant| {
                let sold = day.sold.iter();
                sold.filter(move |sale| (from..to).contains(&sale.began))
            };
            let p95 = |from, to| percentile(of(from, to).map(|sale| millis(sale.took)), 95);
            let (quiet, attack) = (
                p95(times.quiet, times.attack),
                p95(times.attack, times.siege),
            );
            let tenths = (attack * 10).checked_div(quiet).unwrap_or_default();
            let wholes = of(times.attack, times.siege).map(|sale| millis(sale.whole));
            println!(
                "       {name}: a sale takes {quiet} ms before and {attack} ms during the attack (p95), {}.{} \
                 times; at most {} ms with all its repeats",
                tenths / 10,
                tenths % 10,
                wholes.max().unwrap_or_default(),
            );
            let siege = of(times.siege, times.over).map(|sale| millis(sale.whole));
            let longest = siege.clone().max().unwrap_or_default();
            self.note(
                &format!("{name}: sells while every place is taken"),
                siege.count() > 0 && longest <= millis(SIEGE_SALE_MAX),
                &format!("{longest} ms at most"),
            );
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
