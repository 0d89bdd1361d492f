//! Keys that come and go while a terminal runs, names and pages, limits, TLS: by the command line.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// How long a running terminal may take to see a change of its key file.
const PATIENCE: Duration = Duration::from_secs(20);

/// `tenon emulator`, killed when it is dropped.
struct Emulator {
    child: Child,
    ready: Value,
}

impl Emulator {
    fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tenon"))
            .args(["emulator", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("tenon starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe"))
            .read_line(&mut line)
            .expect("text");
        let ready = serde_json::from_str(&line).expect("one line of JSON");
        Self { child, ready }
    }

    fn text(&self, member: &str) -> &str {
        self.ready[member].as_str().expect("a text")
    }

    /// The status of an answer, and its body.
    fn ask(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .into();
        let mut request = agent.get(format!("{}{path}", self.text("url")));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = request.call().expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.body_mut().read_json().unwrap_or_default())
    }

    fn health(&self, key: &str) -> u16 {
        self.ask("/v1/device/health", &[("X-Api-Key", key)]).0
    }

    /// Waits until the key is answered with this status.
    fn wait_for(&self, key: &str, status: u16) {
        let end = Instant::now() + PATIENCE;
        while self.health(key) != status {
            assert!(Instant::now() < end, "still not {status}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What `tenon keys` prints.
fn keys(data: &Path, arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_tenon"))
        .args(["keys", "--json", "--data"])
        .arg(data)
        .args(arguments)
        .output()
        .expect("tenon runs");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn keys_come_and_go_while_the_terminal_runs() {
    let data = tempfile::tempdir().expect("a folder");
    let terminal = Emulator::start(data.path(), &["--no-rate-limits"]);
    assert_eq!(terminal.health(terminal.text("apiKey")), 200);
    let made = keys(
        data.path(),
        &["make", "till 1", "--permit", "terminal:read"],
    );
    let key = made["key"].as_str().expect("a key");
    let id = made["id"].as_str().expect("an id");
    terminal.wait_for(key, 200);
    let rotated = keys(data.path(), &["rotate", id]);
    let new = rotated["key"].as_str().expect("a key");
    terminal.wait_for(new, 200);
    assert_eq!(terminal.health(key), 200, "both open for a day");
    let listed = keys(data.path(), &["list"]);
    assert_eq!(listed[0]["permissions"], json!(["terminal:read"]));
    assert!(!listed.to_string().contains(new), "{listed}");
    keys(data.path(), &["revoke", id]);
    terminal.wait_for(new, 401);
    assert_eq!(terminal.health(key), 401);
    assert_eq!(terminal.health(terminal.text("apiKey")), 200);
}

#[test]
fn the_emulators_own_paths_are_closed_to_foreign_names_and_pages() {
    let data = tempfile::tempdir().expect("a folder");
    let arguments = ["--host", "till.example", "--origin", "https://pos.example"];
    let terminal = Emulator::start(data.path(), &arguments);
    let key = ("X-Api-Key", terminal.text("apiKey"));
    for path in ["/v1/device/health", "/emulator/cards"] {
        for (header, status) in [
            (("Host", "till.example:8443"), 200),
            (("Host", "evil.example"), 403),
            (("Origin", "https://pos.example"), 200),
            (("Origin", "https://evil.example"), 403),
        ] {
            let (answered, body) = terminal.ask(path, &[key, header]);
            assert_eq!(answered, status, "{path} {header:?} {body}");
            if status == 403 {
                assert_eq!(body["error"], "FORBIDDEN");
                assert_eq!(body["details"]["field"], header.0);
            }
        }
    }
}

#[test]
fn requests_are_limited_unless_the_operator_says_otherwise() {
    let data = tempfile::tempdir().expect("a folder");
    let terminal = Emulator::start(data.path(), &[]);
    let key = ("X-Api-Key", terminal.text("apiKey"));
    let limited = (0..400).any(|_| terminal.ask("/v1/device/health", &[key]).0 == 429);
    assert!(limited);
}

#[test]
fn the_fingerprint_is_the_same_wherever_it_is_shown() {
    let data = tempfile::tempdir().expect("a folder");
    let first = Emulator::start(data.path(), &["--tls"]);
    assert!(first.text("url").starts_with("https://"), "{}", first.ready);
    let fingerprint = first.text("fingerprint").to_owned();
    assert_eq!(fingerprint.len(), 32 * 3 - 1);
    assert_eq!(
        keys(data.path(), &["fingerprint"])["fingerprint"],
        fingerprint
    );
    drop(first);
    let second = Emulator::start(data.path(), &["--tls"]);
    assert_eq!(second.text("fingerprint"), fingerprint);
}

#[test]
fn a_sale_over_plain_http_at_a_terminal_with_tls_says_what_to_do() {
    let data = tempfile::tempdir().expect("a folder");
    let terminal = Emulator::start(data.path(), &["--tls"]);
    let https = terminal.text("url");
    let http = https.replacen("https", "http", 1);
    for arguments in [
        &["--url", https][..],
        &["--url", &http],
        &["--url", &http, "--card", "eftpos"],
    ] {
        let sale = ["sale", "--amount", "2500", "--api-key"];
        let output = Command::new(env!("CARGO_BIN_EXE_tenon"))
            .args(sale)
            .arg(terminal.text("apiKey"))
            .args(arguments)
            .output()
            .expect("tenon runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("`--plain-http`"), "{arguments:?}: {said}");
    }
}
