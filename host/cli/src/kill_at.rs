//! Ending the process at a chosen point of a transaction, for the crash tests.

use std::{
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use rustix::process::{Signal, getpid, kill_process};
use terminal_host::observer::{Observer, Point};

/// `KIND:N`: the Nth point of a kind since the process started, counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KillAt {
    point: Point,
    count: u64,
}

impl FromStr for KillAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, count) = text
            .split_once(':')
            .ok_or("expected KIND:N, such as host-call:3")?;
        let point = match kind {
            "host-call" => Point::HostCall,
            "host-return" => Point::HostReturn,
            "storage-write" => Point::StorageWrite,
            "storage-written" => Point::StorageWritten,
            "request-written" => Point::RequestWritten,
            "answer-read" => Point::AnswerRead,
            _ => return Err(format!("{kind:?} is no point of a transaction")),
        };
        let count = count
            .parse()
            .map_err(|_| format!("{count:?} is no number"))?;
        if count == 0 {
            return Err("points are counted from one".into());
        }
        Ok(Self { point, count })
    }
}

/// Kills its own process at a point, like a power cut: nothing is flushed, nothing is dropped.
#[derive(Debug)]
pub(crate) struct Killer {
    at: KillAt,
    seen: AtomicU64,
}

impl Killer {
    /// Kills at `at`.
    pub(crate) fn new(at: KillAt) -> Self {
        Self {
            at,
            seen: AtomicU64::new(0),
        }
    }

    /// Whether this is the point.
    fn is_due(&self, point: Point) -> bool {
        point == self.at.point
            && self.seen.fetch_add(1, Ordering::SeqCst).checked_add(1) == Some(self.at.count)
    }
}

impl Observer for Killer {
    fn at(&self, point: Point) {
        if self.is_due(point) && kill_process(getpid(), Signal::KILL).is_err() {
            tracing::error!("the process could not kill itself");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_a_kind_and_a_number() {
        let at = |point, count| Ok(KillAt { point, count });
        assert_eq!("host-call:1".parse(), at(Point::HostCall, 1));
        assert_eq!("host-return:2".parse(), at(Point::HostReturn, 2));
        assert_eq!("storage-write:3".parse(), at(Point::StorageWrite, 3));
        assert_eq!("storage-written:4".parse(), at(Point::StorageWritten, 4));
        assert_eq!("request-written:5".parse(), at(Point::RequestWritten, 5));
        assert_eq!("answer-read:6".parse(), at(Point::AnswerRead, 6));
        for wrong in [
            "",
            "host-call",
            "host-call:0",
            "host-call:x",
            "HostCall:1",
            ":1",
        ] {
            assert!(wrong.parse::<KillAt>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_the_chosen_one_of_its_kind_is_due() {
        let killer = Killer::new(KillAt {
            point: Point::StorageWrite,
            count: 2,
        });
        let points = [
            (Point::StorageWrite, false),
            (Point::HostCall, false),
            (Point::StorageWritten, false),
            (Point::StorageWrite, true),
            (Point::StorageWrite, false),
        ];
        for (point, due) in points {
            assert_eq!(killer.is_due(point), due, "{point:?}");
        }
    }
}
