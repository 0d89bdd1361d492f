//! Derived unique key per transaction: TDES (ANSI X9.24-1:2009) and AES (ANSI X9.24-3:2017).
//!
//! [`tdes`] and [`aes`] derive a transaction's keys from the initial key, as an acquirer does for
//! each message it gets. The terminal's side keeps no initial key: it holds future keys, derived
//! from it when it was loaded, and erases each when it is used.

pub mod aes;
mod future_keys;
pub mod tdes;
mod terminal;

pub(crate) use future_keys::FutureKeys;
pub(crate) use terminal::{AesTerminal, TdesTerminal};

/// Which values a transaction counter takes. Both standards skip values with many one-bits, so that
/// a key is never more than `ones_max` derivations away from the initial key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CounterRule {
    /// How many bits the counter has, 32 at most.
    pub(crate) bits: u32,
    /// Most one-bits in a value.
    pub(crate) ones_max: u32,
}

impl CounterRule {
    /// Whether a transaction may carry this counter. Zero is the initial key's own and no
    /// transaction's.
    pub(crate) fn allows(self, counter: u32) -> bool {
        counter != 0 && self.holds(counter) && counter.count_ones() <= self.ones_max
    }

    /// The counter of the transaction after `counter`; `None` when that was the last one.
    pub(crate) fn next(self, counter: u32) -> Option<u32> {
        let step = if counter.count_ones() < self.ones_max {
            1
        } else {
            // The right-most one-bit: adding it skips all values with more one-bits.
            1_u32.checked_shl(counter.trailing_zeros())?
        };
        let mut next = counter.checked_add(step)?;
        // A value that no transaction carries may have more one-bits than allowed. One step then
        // is not enough.
        while next.count_ones() > self.ones_max {
            next = next.checked_add(1_u32.checked_shl(next.trailing_zeros())?)?;
        }
        self.holds(next).then_some(next)
    }

    fn holds(self, counter: u32) -> bool {
        counter.checked_shr(self.bits).unwrap_or(0) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_skips_exactly_the_values_with_too_many_ones() {
        let rule = CounterRule {
            bits: 9,
            ones_max: 4,
        };
        let allowed: Vec<u32> = (1..512_u32)
            .filter(|value| value.count_ones() <= 4)
            .collect();
        let mut walked = Vec::new();
        let mut counter = rule.next(0);
        while let Some(value) = counter {
            assert!(rule.allows(value));
            walked.push(value);
            counter = rule.next(value);
        }
        assert_eq!(walked, allowed);
        // From any value at all, next is the smallest allowed value above it.
        for value in 0..512 {
            assert_eq!(
                rule.next(value),
                allowed.iter().copied().find(|next| *next > value)
            );
        }
    }

    #[test]
    fn the_last_counters_are_those_of_the_standards() {
        assert_eq!(tdes::COUNTER.next(0x1F_F800), None);
        assert_eq!(tdes::COUNTER.next(0x1F_F7FF), Some(0x1F_F800));
        assert_eq!(aes::COUNTER.next(0xFFFF_0000), None);
        assert_eq!(aes::COUNTER.next(0xFFFE_8000), Some(0xFFFF_0000));
        assert!(!tdes::COUNTER.allows(0));
        assert!(!tdes::COUNTER.allows(0x20_0000));
        assert!(!tdes::COUNTER.allows(0x7FF));
    }
}
