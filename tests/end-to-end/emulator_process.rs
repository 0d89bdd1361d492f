//! `tenon emulator` as an operator starts it, with keys, names and TLS of its own.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// How long a running terminal may take to see a change of its key file.
const PATIENCE: Duration = Duration::from_secs(20);

/// `tenon emulator`, killed when it is dropped.
pub(crate) struct Emulator {
    child: Child,
    pub(crate) ready: Value,
}

impl Emulator {
    /// Starts one on a folder, with further arguments.
    pub(crate) fn start(data: &Path, arguments: &[&str]) -> Self {
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

    /// A member of the line that says it is ready.
    pub(crate) fn text(&self, member: &str) -> &str {
        self.ready[member].as_str().expect("a text")
    }

    /// The status of an answer, and its body.
    pub(crate) fn ask(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
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

    /// The status with which a key is answered.
    pub(crate) fn health(&self, key: &str) -> u16 {
        self.ask("/v1/device/health", &[("X-Api-Key", key)]).0
    }

    /// Waits until the key is answered with this status.
    pub(crate) fn wait_for(&self, key: &str, status: u16) {
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
