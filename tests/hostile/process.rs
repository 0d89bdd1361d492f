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
    /// How long its threads have run so far, and how long they could have run and got no processor.
    pub(crate) ran: Duration,
    pub(crate) starved: Duration,
}

impl Usage {
    /// As it is now. `None` when the process has ended.
    pub(crate) fn of(process: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let value = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let (ran, starved) = scheduled(process)?;
        let handles = fs::read_dir(format!("/proc/{process}/fd")).ok()?.count();
        Some(Self {
            at: Instant::now(),
            kibibytes: value("VmRSS:")?,
            handles: u64::try_from(handles).ok()?,
            threads: value("Threads:")?,
            ran,
            starved,
        })
    }
}

/// How long the threads of a process have run, and have waited for a processor.
fn scheduled(process: u32) -> Option<(Duration, Duration)> {
    let mut sum = (Duration::ZERO, Duration::ZERO);
    for thread in fs::read_dir(format!("/proc/{process}/task"))
        .ok()?
        .flatten()
    {
        // A thread may end meanwhile.
        let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        let mut times = text.split(' ').filter_map(|time| time.parse().ok());
        sum.0 += Duration::from_nanos(times.next().unwrap_or_default());
        sum.1 += Duration::from_nanos(times.next().unwrap_or_default());
    }
    Some(sum)
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
