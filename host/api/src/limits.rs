//! Rate limits: the reference's table, a burst and a sustained rate for each group of operations.
//!
//! Each rate is one moment per caller (the generic cell rate algorithm): the time at which all that
//! was admitted would be paid back. A request that is refused costs nothing. Time is an input.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{auth::KeyDigest, operations::Group};

/// The most callers that are told apart. Beyond it the one with the least debt is forgotten.
pub const LIMITED_CALLERS_MAX: usize = 1024;

/// The limits of every group, and where each caller stands. Clones share it.
#[derive(Debug, Clone)]
pub struct Limits(Option<Arc<Mutex<Ledger>>>);

#[derive(Debug, Default)]
struct Ledger {
    debts: BTreeMap<(Group, Subject), Debt>,
}

/// Whose requests count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    /// The caller, at this terminal.
    Caller(KeyDigest),
    /// Everybody: a terminal has one merchant.
    Merchant,
}

/// When what was admitted is paid back, at each of the two rates, since the first request's clock.
#[derive(Debug, Clone, Copy, Default)]
struct Debt {
    burst: Duration,
    sustained: Duration,
}

/// So many requests at once, and one more after each interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rate {
    requests: u32,
    interval: Duration,
}

/// Both rates of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Allowance {
    burst: Rate,
    sustained: Rate,
}

impl Allowance {
    const fn new(per_second: u32, per_minute: u32) -> Self {
        Self {
            burst: Rate::new(per_second, Duration::from_secs(1)),
            sustained: Rate::new(per_minute, Duration::from_mins(1)),
        }
    }

    /// The row of the reference's table. Aborts and look-ups have the transactions' rates in rows of
    /// their own.
    const fn of(group: Group) -> Self {
        match group {
            Group::Transaction | Group::Abort | Group::LookUp => Self::new(10, 120),
            Group::Device => Self::new(20, 300),
            Group::Settlement => Self::new(5, 60),
        }
    }
}

impl Rate {
    const fn new(requests: u32, period: Duration) -> Self {
        Self {
            requests,
            // The table has no zeros.
            interval: match period.checked_div(requests) {
                Some(interval) => interval,
                None => period,
            },
        }
    }

    /// The debt after one more request, or how long to wait for it.
    fn charge(self, debt: Duration, now: Duration) -> Result<Duration, Duration> {
        let after = debt.max(now).saturating_add(self.interval);
        let most = now.saturating_add(self.interval.saturating_mul(self.requests));
        match after.checked_sub(most) {
            None | Some(Duration::ZERO) => Ok(after),
            Some(wait) => Err(wait),
        }
    }
}

impl Limits {
    /// The limits of the reference.
    pub fn reference() -> Self {
        Self(Some(Arc::default()))
    }

    /// No limits: for benchmarks, and tests that ask often.
    pub fn off() -> Self {
        Self(None)
    }

    /// Counts one request of a caller. `Err` holds the whole seconds to wait.
    pub(crate) fn admit(&self, group: Group, caller: KeyDigest, now: Duration) -> Result<(), u64> {
        let Some(ledger) = &self.0 else {
            return Ok(());
        };
        let subject = match group {
            Group::Transaction | Group::Device | Group::Abort | Group::LookUp => {
                Subject::Caller(caller)
            }
            Group::Settlement => Subject::Merchant,
        };
        let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.admit(group, subject, now).map_err(whole_seconds)
    }
}

impl Ledger {
    fn admit(&mut self, group: Group, subject: Subject, now: Duration) -> Result<(), Duration> {
        let key = (group, subject);
        let debt = self.debts.get(&key).copied().unwrap_or_default();
        let allowance = Allowance::of(group);
        let charged = (
            allowance.burst.charge(debt.burst, now),
            allowance.sustained.charge(debt.sustained, now),
        );
        let debt = match charged {
            (Ok(burst), Ok(sustained)) => Debt { burst, sustained },
            (Err(one), Err(other)) => return Err(one.max(other)),
            (Err(wait), Ok(_)) | (Ok(_), Err(wait)) => return Err(wait),
        };
        if self.debts.len() >= LIMITED_CALLERS_MAX && !self.debts.contains_key(&key) {
            self.forget(now);
        }
        self.debts.insert(key, debt);
        Ok(())
    }

    /// Makes room: those that owe nothing are like those that never came.
    fn forget(&mut self, now: Duration) {
        self.debts
            .retain(|_, debt| debt.burst.max(debt.sustained) > now);
        if self.debts.len() >= LIMITED_CALLERS_MAX {
            let least = self
                .debts
                .iter()
                .min_by_key(|(_, debt)| debt.sustained)
                .map(|(key, _)| *key);
            if let Some(key) = least {
                self.debts.remove(&key);
            }
        }
    }
}

/// Rounded up, and at least one: `Retry-After` has no fractions.
fn whole_seconds(wait: Duration) -> u64 {
    let up = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(up).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str) -> KeyDigest {
        KeyDigest::of(name)
    }

    fn at_ms(ms: u64) -> Duration {
        Duration::from_secs(1_000_000).saturating_add(Duration::from_millis(ms))
    }

    /// How many of `asked` requests at one moment are admitted.
    fn admitted(limits: &Limits, group: Group, who: &str, ms: u64, asked: u32) -> usize {
        (0..asked)
            .filter(|_| limits.admit(group, caller(who), at_ms(ms)).is_ok())
            .count()
    }

    /// The reference's table: requests at once, a second later, and in the minute.
    #[test]
    fn the_rates_are_those_of_the_reference() {
        let table = [
            (Group::Transaction, 10, 120),
            (Group::Device, 20, 300),
            (Group::Settlement, 5, 60),
            (Group::Abort, 10, 120),
            (Group::LookUp, 10, 120),
        ];
        for (group, per_second, per_minute) in table {
            let limits = Limits::reference();
            assert_eq!(admitted(&limits, group, "a", 0, 1000), per_second);
            assert_eq!(admitted(&limits, group, "a", 1000, 1000), per_second);
            // As fast as it goes, for a minute in all.
            let mut sum = 2 * per_second;
            for ms in (1100..60_000).step_by(50) {
                sum += admitted(&limits, group, "a", ms, 5);
            }
            // A bucket that was full gives its content and what flows in, at most twice the rate.
            let most = 2 * per_minute;
            assert!((per_minute..=most).contains(&sum), "{group:?}: {sum}");
            // From then on the sustained rate, whatever is asked.
            let later = (60_000..120_000)
                .step_by(50)
                .map(|ms| admitted(&limits, group, "a", ms, 5))
                .sum::<usize>();
            assert!(later.abs_diff(per_minute) <= 1, "{group:?}: {later}");
        }
    }

    #[test]
    fn one_who_waits_as_told_is_admitted() {
        let limits = Limits::reference();
        let mut now = 0;
        for _ in 0..500 {
            if let Err(seconds) = limits.admit(Group::Transaction, caller("a"), at_ms(now)) {
                assert!((1..=2).contains(&seconds), "{seconds}");
                now += seconds * 1000;
                assert_eq!(
                    limits.admit(Group::Transaction, caller("a"), at_ms(now)),
                    Ok(())
                );
            }
        }
    }

    #[test]
    fn callers_are_apart_but_a_merchant_is_one() {
        let limits = Limits::reference();
        for group in [
            Group::Transaction,
            Group::Device,
            Group::Abort,
            Group::LookUp,
        ] {
            let all = admitted(&limits, group, "a", 0, 100);
            assert_eq!(admitted(&limits, group, "b", 0, 100), all, "{group:?}");
        }
        assert_eq!(admitted(&limits, Group::Settlement, "a", 0, 100), 5);
        assert_eq!(admitted(&limits, Group::Settlement, "b", 0, 100), 0);
    }

    #[test]
    fn an_abort_is_not_starved_by_transactions_nor_a_decision_by_look_ups() {
        let limits = Limits::reference();
        admitted(&limits, Group::LookUp, "a", 0, 100);
        assert_eq!(admitted(&limits, Group::Transaction, "a", 0, 100), 10);
        assert_eq!(admitted(&limits, Group::Abort, "a", 0, 1), 1);
    }

    #[test]
    fn what_is_refused_costs_nothing() {
        let limits = Limits::reference();
        admitted(&limits, Group::Transaction, "a", 0, 10_000);
        assert_eq!(admitted(&limits, Group::Transaction, "a", 100, 1), 1);
    }

    #[test]
    fn memory_is_bounded_and_a_debtor_is_not_forgotten() {
        let limits = Limits::reference();
        admitted(&limits, Group::Transaction, "debtor", 0, 10);
        for number in 0..4 * LIMITED_CALLERS_MAX {
            let who = format!("{number}");
            assert_eq!(admitted(&limits, Group::Transaction, &who, 0, 1), 1);
        }
        let ledger = limits.0.as_ref().expect("on").lock().expect("not poisoned");
        assert_eq!(ledger.debts.len(), LIMITED_CALLERS_MAX);
        drop(ledger);
        assert_eq!(admitted(&limits, Group::Transaction, "debtor", 0, 1), 0);
    }

    #[test]
    fn limits_that_are_off_admit_everything() {
        assert_eq!(
            admitted(&Limits::off(), Group::Settlement, "a", 0, 999),
            999
        );
    }
}
