//! What a process takes of the machine, as Linux tells it.

use std::{
    fs,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Between two samples.
const INTERVAL: Duration = Duration::from_millis(200);

/// What is in use at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) at: Instant,
    /// Resident memory.
    pub(crate) kibibytes: u64,
    /// Open files and sockets.
    pub(crate) handles: u64,
    pub(crate) threads: u64,
}

impl Usage {
    /// As it is now. `None` when the process has ended.
    pub(crate) fn of(process: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let value = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let handles = fs::read_dir(format!("/proc/{process}/fd")).ok()?.count();
        Some(Self {
            at: Instant::now(),
            kibibytes: value("VmRSS:")?,
            handles: u64::try_from(handles).ok()?,
            threads: value("Threads:")?,
        })
    }
}

/// Samples taken in the background until it is dropped.
pub(crate) struct Sampler {
    samples: Arc<Mutex<Vec<Usage>>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sampler {
    pub(crate) fn start(process: u32) -> Self {
        let samples = Arc::new(Mutex::new(Vec::new()));
        let ends = Arc::new(AtomicBool::new(false));
        let (into, until) = (Arc::clone(&samples), Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                let Some(usage) = Usage::of(process) else {
                    return;
                };
                into.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(usage);
                std::thread::sleep(INTERVAL);
            }
        });
        Self {
            samples,
            ends,
            thread: Some(thread),
        }
    }

    /// The samples of a time.
    pub(crate) fn between(&self, from: Instant, to: Instant) -> Vec<Usage> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let within = samples
            .iter()
            .filter(|usage| (from..to).contains(&usage.at));
        within.copied().collect()
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// The one in the middle; zero of none.
pub(crate) fn median(values: impl Iterator<Item = u64>) -> u64 {
    percentile(values, 50)
}

/// The smallest value that so many of a hundred do not exceed; zero of none.
pub(crate) fn percentile(values: impl Iterator<Item = u64>, percent: usize) -> u64 {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    let index = (values.len() * percent).div_ceil(100).saturating_sub(1);
    values.get(index).copied().unwrap_or_default()
}
