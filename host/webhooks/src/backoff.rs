//! When an attempt is made again.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};

/// How often a delivery is tried before it is a dead letter.
pub const ATTEMPTS_MAX: u32 = 7;

/// The longest that a receiver's `Retry-After` is followed.
pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// The pauses between attempts: exponential, with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// How many attempts there are.
    pub attempts_max: u32,
    /// The pause after the first attempt.
    pub first: Duration,
    /// How much longer each further pause is.
    pub factor: u32,
}

impl Schedule {
    /// 10 s, 1 min, 6 min, 36 min, 3.6 h and 21.6 h: seven attempts in a bit more than a day.
    pub const fn reference() -> Self {
        Self {
            attempts_max: ATTEMPTS_MAX,
            first: Duration::from_secs(10),
            factor: 6,
        }
    }

    /// The pause after attempt `attempt`, counted from one: up to a fifth shorter or longer, as
    /// `jitter` says, so that what failed together does not come again together. `None` after the
    /// last attempt.
    pub fn pause(&self, attempt: u32, jitter: u8) -> Option<Duration> {
        if attempt >= self.attempts_max {
            return None;
        }
        let exponent = attempt.saturating_sub(1);
        let middle = self
            .first
            .saturating_mul(self.factor.saturating_pow(exponent));
        let middle_ms = u64::try_from(middle.as_millis()).unwrap_or(u64::MAX);
        // From 80 % to 120 %, in steps of a 255th.
        let shortest = (middle_ms / 5).saturating_mul(4);
        let share = (middle_ms / 255).saturating_mul(jitter.into());
        let share = (share / 5).saturating_mul(2);
        Some(Duration::from_millis(shortest.saturating_add(share)))
    }
}

/// What `Retry-After` asks for, in seconds or as a date (RFC 9110, 10.2.3). `None` when it says
/// nothing that can be followed.
pub(crate) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = if !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()) {
        // More seconds than a number holds are many seconds.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let moment = rfc2822::parse(text).ok()?.timestamp();
        Duration::try_from(moment.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_are_those_of_the_table() {
        const SECONDS: [u64; 6] = [10, 60, 360, 2_160, 12_960, 77_760];
        let schedule = Schedule::reference();
        for (attempt, seconds) in (1..).zip(SECONDS) {
            let pause = |jitter| schedule.pause(attempt, jitter).expect("another attempt");
            let middle = Duration::from_secs(seconds);
            for (jitter, percent) in [(0, 80), (127, 100), (u8::MAX, 120)] {
                let expected = middle.as_millis().saturating_mul(percent) / 100;
                let near = pause(jitter).as_millis().abs_diff(expected);
                assert!(near <= expected / 50, "{attempt}: {:?}", pause(jitter));
            }
        }
        assert_eq!(schedule.pause(ATTEMPTS_MAX, 0), None);
        assert_eq!(schedule.pause(u32::MAX, 0), None);
    }

    #[test]
    fn a_long_schedule_overflows_nothing() {
        let schedule = Schedule {
            attempts_max: u32::MAX,
            first: Duration::from_hours(24),
            factor: u32::MAX,
        };
        assert!(schedule.pause(50, u8::MAX).is_some());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = Timestamp::from_second(784_111_777).expect("a moment");
        let seconds = |text| retry_after(text, now).map(|wait| wait.as_secs());
        for (text, expected) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("86401", Some(86_400)),
            ("99999999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sat, 05 Nov 1994 08:49:37 GMT", Some(0)),
            ("Mon, 06 Nov 2034 08:49:37 GMT", Some(86_400)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
    }
}
