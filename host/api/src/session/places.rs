//! How many sessions are open, in all and for each caller.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::auth::KeyDigest;

/// The most sessions at one time.
pub const SESSIONS_MAX: usize = 32;

/// The most sessions of one caller: several watchers, and those of a client that reconnects before
/// its old connections are known to be dead.
pub const SESSIONS_PER_CALLER_MAX: usize = 8;

/// The places for sessions. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(Arc<Mutex<BTreeMap<KeyDigest, usize>>>);

/// One session's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Places,
    caller: KeyDigest,
}

impl Places {
    /// A place for one more session of `caller`, if there is one.
    pub(crate) fn take(&self, caller: KeyDigest) -> Option<Place> {
        let mut open = self.open();
        let of_caller = open.get(&caller).copied().unwrap_or(0);
        if of_caller >= SESSIONS_PER_CALLER_MAX || open.values().sum::<usize>() >= SESSIONS_MAX {
            return None;
        }
        open.insert(caller, of_caller.saturating_add(1));
        Some(Place {
            places: self.clone(),
            caller,
        })
    }

    /// How many sessions are open.
    pub(crate) fn taken(&self) -> usize {
        self.open().values().sum()
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<KeyDigest, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.open();
        match open.get_mut(&self.caller) {
            Some(count) if *count > 1 => *count = count.saturating_sub(1),
            Some(_) | None => drop(open.remove(&self.caller)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_in_all_and_for_each_and_given_back() {
        let places = Places::default();
        let caller = |number: usize| KeyDigest::of(&number.to_string());
        let mut held = Vec::new();
        for number in 0..SESSIONS_MAX / SESSIONS_PER_CALLER_MAX {
            for _ in 0..SESSIONS_PER_CALLER_MAX {
                held.push(places.take(caller(number)).expect("a place"));
            }
            assert!(places.take(caller(number)).is_none(), "{number}");
        }
        assert!(places.take(caller(99)).is_none());
        assert_eq!(places.taken(), SESSIONS_MAX);
        held.pop();
        assert!(places.take(caller(99)).is_some());
        held.clear();
        assert_eq!(places.taken(), 0);
        assert!(places.open().is_empty(), "nobody is remembered");
    }
}
