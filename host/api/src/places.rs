//! Places: so many in all, and so many for each owner.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A bounded number of places. Clones share them.
#[derive(Debug)]
pub(crate) struct Places<Owner>(Arc<Bounded<Owner>>);

#[derive(Debug)]
struct Bounded<Owner> {
    all_max: usize,
    each_max: usize,
    /// Owners without a place are not remembered.
    taken: Mutex<BTreeMap<Owner, usize>>,
}

/// One place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<Owner: Ord> {
    places: Places<Owner>,
    owner: Owner,
}

impl<Owner: Copy + Ord> Places<Owner> {
    /// `all_max` places, of which one owner has at most `each_max`.
    pub(crate) fn new(all_max: usize, each_max: usize) -> Self {
        Self(Arc::new(Bounded {
            all_max,
            each_max,
            taken: Mutex::default(),
        }))
    }

    /// One more place for `owner`, if there is one.
    pub(crate) fn take(&self, owner: Owner) -> Option<Place<Owner>> {
        let mut taken = self.lock();
        let of_owner = taken.get(&owner).copied().unwrap_or(0);
        if of_owner >= self.0.each_max || taken.values().sum::<usize>() >= self.0.all_max {
            return None;
        }
        taken.insert(owner, of_owner.saturating_add(1));
        Some(Place {
            places: self.clone(),
            owner,
        })
    }

    /// How many places are taken.
    pub(crate) fn taken(&self) -> usize {
        self.lock().values().sum()
    }
}

impl<Owner> Places<Owner> {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Owner, usize>> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Owner> Clone for Places<Owner> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Owner: Ord> Drop for Place<Owner> {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        match taken.get_mut(&self.owner) {
            Some(count) if *count > 1 => *count = count.saturating_sub(1),
            Some(_) | None => drop(taken.remove(&self.owner)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_in_all_and_for_each_and_given_back() {
        let places = Places::new(32, 8);
        let mut held = Vec::new();
        for owner in 0..4 {
            for _ in 0..8 {
                held.push(places.take(owner).expect("a place"));
            }
            assert!(places.take(owner).is_none(), "{owner}");
        }
        assert!(places.take(99).is_none());
        assert_eq!(places.taken(), 32);
        held.pop();
        assert!(places.take(99).is_some());
        held.clear();
        assert_eq!(places.taken(), 0);
        assert!(places.lock().is_empty(), "nobody is remembered");
    }
}
