//! A terminal as a process of its own, for tests that must be able to kill it.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::Value;

/// The key of every terminal started here.
pub(crate) const API_KEY: &str = "sk_test_end_to_end_0123456789abcdef";

/// How to start a terminal.
pub(crate) struct Options<'a> {
    /// The data folder; a second start on the same folder is a restart.
    pub(crate) data: &'a Path,
    /// The card presented to every transaction.
    pub(crate) card: Option<&'a str>,
    /// An acquirer that outlives the terminal; without one the terminal has its own.
    pub(crate) acquirer: Option<SocketAddr>,
    /// The point at which the process kills itself, such as `host-call:7`.
    pub(crate) kill_at: Option<String>,
    /// The log filter.
    pub(crate) log: &'a str,
    /// Another engine than the one built from this tree.
    pub(crate) engine: Option<&'a Path>,
    /// Other parameters than the emulator's.
    pub(crate) parameters: Option<&'a Path>,
    /// Whether who asks too often is refused.
    pub(crate) rate_limits: bool,
}

impl<'a> Options<'a> {
    /// A terminal on `data` that logs warnings.
    pub(crate) fn on(data: &'a Path) -> Self {
        Self {
            data,
            card: None,
            acquirer: None,
            kill_at: None,
            log: "warn",
            engine: None,
            parameters: None,
            rate_limits: false,
        }
    }
}

/// A running terminal. Dropping it kills the process.
pub(crate) struct Terminal {
    child: Child,
    url: String,
    agent: ureq::Agent,
    output: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

/// What a request came to: no answer at all when the terminal died.
pub(crate) type Answer = Option<(u16, Value)>;

impl Terminal {
    /// Starts a terminal and waits until it serves. `None` when it died before that.
    pub(crate) fn start(options: &Options<'_>) -> Option<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenon"));
        command.args(["emulator", "--listen", "127.0.0.1:0", "--api-key", API_KEY]);
        if !options.rate_limits {
            command.arg("--no-rate-limits");
        }
        command
            .arg("--data")
            .arg(options.data)
            .args(["--log", options.log]);
        if let Some(card) = options.card {
            command.args(["--card", card]);
        }
        if let Some(acquirer) = options.acquirer {
            command.args(["--acquirer", &acquirer.to_string()]);
        }
        if let Some(point) = &options.kill_at {
            command.args(["--kill-at", point]);
        }
        if let Some(engine) = options.engine {
            command.arg("--engine").arg(engine);
        }
        if let Some(parameters) = options.parameters {
            command.arg("--parameters").arg(parameters);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tenon starts");
        let output = Arc::new(Mutex::new(Vec::new()));
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let errors = collect(child.stderr.take().expect("a pipe"), Arc::clone(&output));
        let mut line = String::new();
        stdout
            .read_line(&mut line)
            .expect("standard output is text");
        output
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(line.bytes());
        if line.is_empty() {
            child.wait().expect("the process can be waited for");
            errors.join().expect("the log was read");
            return None;
        }
        let ready: Value = serde_json::from_str(&line).expect("one line of JSON");
        assert_eq!(ready["ready"], true, "{line}");
        assert_eq!(ready["apiKey"], API_KEY, "{line}");
        let url = ready["url"].as_str().expect("a URL").to_owned();
        let readers = vec![errors, collect(stdout, Arc::clone(&output))];
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(1)))
            .build()
            .into();
        Some(Self {
            child,
            url,
            agent,
            output,
            readers,
        })
    }

    /// Where the terminal serves, such as `http://127.0.0.1:40123`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The process, as the system names it.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Asks for a sale in NZD and waits for its end.
    pub(crate) fn sale(&self, amount: i64, idempotency_key: &str) -> Answer {
        let body = serde_json::json!({ "type": "SALE", "amount": amount, "currency": "NZD" });
        self.post("/v1/transaction/sale", &body, Some(idempotency_key))
    }

    /// Sends a JSON body.
    pub(crate) fn post(&self, path: &str, body: &Value, idempotency_key: Option<&str>) -> Answer {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header("X-Api-Key", API_KEY);
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        read(request.send_json(body))
    }

    /// Sends bytes as they are.
    pub(crate) fn post_bytes(&self, path: &str, body: &[u8], key: Option<&str>) -> Answer {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header("Content-Type", "application/json");
        if let Some(key) = key {
            request = request.header("X-Api-Key", key);
        }
        read(request.send(body))
    }

    /// Reads a resource.
    pub(crate) fn get(&self, path: &str) -> Answer {
        read(
            self.agent
                .get(format!("{}{path}", self.url))
                .header("X-Api-Key", API_KEY)
                .call(),
        )
    }

    /// Removes a resource.
    pub(crate) fn delete(&self, path: &str) -> Answer {
        read(
            self.agent
                .delete(format!("{}{path}", self.url))
                .header("X-Api-Key", API_KEY)
                .call(),
        )
    }

    /// Waits until no journal entry waits for the acquirer.
    pub(crate) fn wait_until_settled(&self) {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let waiting = self
                .get("/v1/device/health")
                .map(|(_, body)| body["awaitingAcquirer"].clone());
            if waiting == Some(Value::from(0)) {
                return;
            }
            assert!(Instant::now() < end, "the journal still waits: {waiting:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks the process to stop, as an operator does.
    pub(crate) fn ask_to_stop(&self) {
        let process = i32::try_from(self.process()).ok();
        let process = process.and_then(rustix::process::Pid::from_raw);
        let process = process.expect("a process");
        rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("it runs");
    }

    /// Waits for the process to end by itself.
    pub(crate) fn wait_for_end(&mut self) -> ExitStatus {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait().expect("the process can be asked") {
                return status;
            }
            assert!(Instant::now() < end, "the process does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the process and returns everything it wrote.
    pub(crate) fn into_output(mut self) -> Vec<u8> {
        self.output()
    }

    /// The same, and what is left is a terminal that has ended.
    pub(crate) fn output(&mut self) -> Vec<u8> {
        self.stop();
        self.output
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Kills the process, if it has not ended by itself.
    pub(crate) fn stop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
        for reader in self.readers.drain(..) {
            reader.join().expect("the output was read");
        }
    }
}

impl Drop for Terminal {
    /// Ends the process; a test that failed shows what the terminal wrote.
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            let output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
            println!("the terminal wrote:\n{}", String::from_utf8_lossy(&output));
        }
    }
}

fn read(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = result.ok()?;
    let status = response.status().as_u16();
    let text = response.body_mut().read_to_string().ok()?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Some((status, body))
}

fn collect(mut from: impl Read + Send + 'static, to: Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            to.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(&buffer[..length]);
        }
    })
}
