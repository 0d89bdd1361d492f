//! Figures for whoever looks after the terminal, in the text format of Prometheus.
//!
//! A line has the name of an operation and a status, never a caller, a path or a card.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use terminal_host::service::Health;
use webhooks::{AttemptResult, Figures};

use crate::router::Api;

/// The upper ends of the durations that are told apart, in milliseconds: from a look-up to a sale
/// whose cardholder takes time.
const BUCKETS_MS: [u64; 10] = [1, 5, 10, 50, 100, 500, 1_000, 5_000, 15_000, 60_000];

/// What was answered since the start. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics(Arc<Mutex<Counts>>);

/// Bounded: the names are those of operations and of error codes.
#[derive(Debug, Default)]
struct Counts {
    answers: BTreeMap<(&'static str, u16), u64>,
    durations: BTreeMap<&'static str, Durations>,
    actions: BTreeMap<(&'static str, &'static str), u64>,
}

#[derive(Debug, Default)]
struct Durations {
    /// How many were at most as long as each of [`BUCKETS_MS`].
    at_most: [u64; BUCKETS_MS.len()],
    count: u64,
    sum: Duration,
}

impl Metrics {
    /// Counts an answer over HTTP.
    pub(crate) fn answered(&self, operation: &'static str, status: u16, took: Duration) {
        self.change(|counts| {
            let answers = counts.answers.entry((operation, status)).or_default();
            *answers = answers.saturating_add(1);
            let durations = counts.durations.entry(operation).or_default();
            durations.count = durations.count.saturating_add(1);
            durations.sum = durations.sum.saturating_add(took);
            for (bucket, end) in durations.at_most.iter_mut().zip(BUCKETS_MS) {
                if took <= Duration::from_millis(end) {
                    *bucket = bucket.saturating_add(1);
                }
            }
        });
    }

    /// Counts an action of a session, and what became of it: `accepted`, or an error code.
    pub(crate) fn acted(&self, operation: &'static str, result: &'static str) {
        self.change(|counts| {
            let actions = counts.actions.entry((operation, result)).or_default();
            *actions = actions.saturating_add(1);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn render(&self, now: &Now) -> String {
        let mut page = Page::default();
        self.change(|counts| counts.render(&mut page));
        page.gauge(
            "tenon_sessions_open",
            "Sessions that are open now.",
            now.sessions,
        );
        page.gauge(
            "tenon_transaction_running",
            "1 while a transaction runs.",
            u64::from(now.running),
        );
        let health = &now.health;
        page.gauge(
            "tenon_terminal_ready",
            "1 when a transaction could run.",
            u64::from(health.ready),
        );
        page.gauge(
            "tenon_awaiting_acquirer",
            "Reversals and advices that wait for the acquirer.",
            health.waiting.into(),
        );
        page.gauge(
            "tenon_damaged_entries",
            "Journal entries found damaged.",
            health.damaged.into(),
        );
        page.gauge(
            "tenon_uptime_seconds",
            "Seconds since the terminal started.",
            health.uptime.as_secs(),
        );
        if let Some(webhooks) = &now.webhooks {
            page.webhooks(webhooks);
        }
        page.0
    }
}

/// What is asked for when the page is made.
struct Now {
    sessions: u64,
    running: bool,
    health: Health,
    webhooks: Option<Figures>,
}

/// `GET /metrics`.
pub(crate) async fn show(State(api): State<Api>) -> Response {
    let running = api.terminal.running().borrow().is_some();
    let now = Now {
        sessions: u64::try_from(api.sessions.taken()).unwrap_or(u64::MAX),
        running,
        health: api.terminal.health().await,
        webhooks: api.webhook_figures.clone(),
    };
    let mut response = api.metrics.render(&now).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    response
}

impl Counts {
    fn render(&self, page: &mut Page) {
        page.head(
            "tenon_http_requests_total",
            "counter",
            "Requests answered over HTTP.",
        );
        for ((operation, status), count) in &self.answers {
            page.line(&format!(
                "tenon_http_requests_total{{operation=\"{operation}\",status=\"{status}\"}} {count}"
            ));
        }
        let name = "tenon_http_request_duration_seconds";
        page.head(name, "histogram", "How long answers took.");
        for (operation, durations) in &self.durations {
            let of = format!("operation=\"{operation}\"");
            for (count, end) in durations.at_most.iter().zip(BUCKETS_MS) {
                let end = Duration::from_millis(end).as_secs_f64();
                page.line(&format!("{name}_bucket{{{of},le=\"{end}\"}} {count}"));
            }
            let (count, sum) = (durations.count, durations.sum.as_secs_f64());
            page.line(&format!("{name}_bucket{{{of},le=\"+Inf\"}} {count}"));
            page.line(&format!("{name}_sum{{{of}}} {sum}"));
            page.line(&format!("{name}_count{{{of}}} {count}"));
        }
        page.head(
            "tenon_session_actions_total",
            "counter",
            "Messages of sessions.",
        );
        for ((operation, result), count) in &self.actions {
            page.line(&format!(
                "tenon_session_actions_total{{operation=\"{operation}\",result=\"{result}\"}} {count}"
            ));
        }
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(&format!("# HELP {name} {help}"));
        self.line(&format!("# TYPE {name} {kind}"));
    }

    fn webhooks(&mut self, figures: &Figures) {
        let name = "tenon_webhook_attempts_total";
        self.head(name, "counter", "Attempts to deliver an event.");
        for result in AttemptResult::ALL {
            let count = figures.attempts(result);
            self.line(&format!("{name}{{result=\"{}\"}} {count}", result.as_str()));
        }
        self.gauge(
            "tenon_webhook_queue",
            "Deliveries that wait for an attempt.",
            figures.queued(),
        );
        self.gauge(
            "tenon_webhook_dead_letters",
            "Deliveries that were given up and can be replayed.",
            figures.dead_letters(),
        );
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, "gauge", help);
        self.line(&format!("{name} {value}"));
    }

    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_add_up_in_buckets() {
        let metrics = Metrics::default();
        for ms in [0, 1, 2, 700, 100_000] {
            metrics.answered("createSale", 200, Duration::from_millis(ms));
        }
        metrics.answered("createSale", 429, Duration::ZERO);
        metrics.acted("createSale", "accepted");
        let mut page = Page::default();
        metrics.change(|counts| counts.render(&mut page));
        for line in [
            "tenon_http_requests_total{operation=\"createSale\",status=\"200\"} 5",
            "tenon_http_requests_total{operation=\"createSale\",status=\"429\"} 1",
            "tenon_http_request_duration_seconds_bucket{operation=\"createSale\",le=\"0.001\"} 3",
            "tenon_http_request_duration_seconds_bucket{operation=\"createSale\",le=\"0.005\"} 4",
            "tenon_http_request_duration_seconds_bucket{operation=\"createSale\",le=\"1\"} 5",
            "tenon_http_request_duration_seconds_bucket{operation=\"createSale\",le=\"60\"} 5",
            "tenon_http_request_duration_seconds_bucket{operation=\"createSale\",le=\"+Inf\"} 6",
            "tenon_http_request_duration_seconds_sum{operation=\"createSale\"} 100.703",
            "tenon_session_actions_total{operation=\"createSale\",result=\"accepted\"} 1",
        ] {
            assert!(
                page.0.lines().any(|other| other == line),
                "{line}\n{}",
                page.0
            );
        }
    }
}
