//! The clock: the one place that reads the time of day.

use jiff::Zoned;

/// A source of the time of day.
pub trait Clock: Send + Sync {
    /// Now, in the terminal's time zone.
    fn now(&self) -> Zoned;
}
