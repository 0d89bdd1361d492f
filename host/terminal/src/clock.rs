//! The clock: the one place that reads the time of day.

use jiff::Zoned;

/// A source of the time of day.
pub trait Clock: Send + Sync {
    /// Now, in the terminal's time zone.
    fn now(&self) -> Zoned;
}

/// The operating system's clock and time zone.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Zoned {
        Zoned::now()
    }
}
