//! The future-key registers, which let a terminal forget every key it has used.

use std::collections::BTreeMap;

use super::CounterRule;
use crate::Error;

/// The future keys of a terminal, and the counter of its next transaction.
///
/// Invariant: for every counter still to come, the register of one of its one-bits holds a key it
/// can be derived from, and no register holds a key that a used key could be derived from.
pub(crate) struct FutureKeys<K> {
    rule: CounterRule,
    /// The counter of the next transaction; `None` after the last one.
    counter: Option<u32>,
    /// By number of the bit, from the right. The key of a bit belongs to the counter that has the
    /// left part of the present one and this bit as its right-most one-bit.
    registers: BTreeMap<u32, K>,
}

impl<K> FutureKeys<K> {
    /// Fills all registers from the initial key, which is not kept. `derive` makes the future key
    /// of a counter (X9.24-1:2009, A.3 "Load Initial Key"; X9.24-3:2017, 6.4).
    pub(crate) fn load(
        rule: CounterRule,
        initial_key: &K,
        derive: impl Fn(&K, u32) -> Result<K, Error>,
    ) -> Result<Self, Error> {
        let mut registers = BTreeMap::new();
        for bit in 0..rule.bits {
            registers.insert(bit, derive(initial_key, counter_of(bit)?)?);
        }
        Ok(Self {
            rule,
            counter: rule.next(0),
            registers,
        })
    }

    /// Puts together what was taken apart for the sealed file. `None` when the parts do not belong
    /// together.
    pub(crate) fn from_parts(
        rule: CounterRule,
        counter: Option<u32>,
        registers: BTreeMap<u32, K>,
    ) -> Option<Self> {
        let in_range = registers.keys().all(|bit| *bit < rule.bits);
        let current = counter.is_none_or(|counter| {
            rule.allows(counter) && registers.contains_key(&counter.trailing_zeros())
        });
        (in_range && current).then_some(Self {
            rule,
            counter,
            registers,
        })
    }

    /// The counter of the next transaction; `None` after the last one.
    pub(crate) fn counter(&self) -> Option<u32> {
        self.counter
    }

    /// The registers that hold a key.
    pub(crate) fn registers(&self) -> &BTreeMap<u32, K> {
        &self.registers
    }

    /// The counter of the key that `take` gives next.
    ///
    /// Fails with [`Error::KeyExhausted`] after the last one.
    pub(crate) fn next_counter(&self) -> Result<u32, Error> {
        self.counter.ok_or(Error::KeyExhausted)
    }

    /// Takes the key of the next transaction out of its register, fills the registers to the right
    /// of it while they are needed, and moves the counter on (X9.24-1:2009, A.3 "New Key").
    ///
    /// The caller makes the new state durable before it uses the key.
    ///
    /// Fails with [`Error::KeyExhausted`] after the last transaction.
    pub(crate) fn take(
        &mut self,
        derive: impl Fn(&K, u32) -> Result<K, Error>,
    ) -> Result<(u32, K), Error> {
        let counter = self.counter.ok_or(Error::KeyExhausted)?;
        let position = counter.trailing_zeros();
        // From here on the counter is used up, whatever happens.
        self.counter = self.rule.next(counter);
        let key = self.registers.remove(&position).ok_or(Error::Fault)?;
        // A counter with all its one-bits has no successors to the right.
        if counter.count_ones() < self.rule.ones_max {
            for bit in 0..position {
                let future = derive(&key, counter | counter_of(bit)?)?;
                self.registers.insert(bit, future);
            }
        }
        Ok((counter, key))
    }
}

fn counter_of(bit: u32) -> Result<u32, Error> {
    1_u32.checked_shl(bit).ok_or(Error::Fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: CounterRule = CounterRule {
        bits: 8,
        ones_max: 4,
    };

    /// A key that is the path of counters it came by: what can be derived from it is what begins
    /// with it.
    type Path = Vec<u32>;

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the registers expect a fallible function"
    )]
    fn derive(key: &Path, counter: u32) -> Result<Path, Error> {
        Ok([key.as_slice(), &[counter]].concat())
    }

    /// The path the acquirer takes: one step for each one-bit, from the left.
    fn path_of(counter: u32) -> Path {
        let bits = (0..SMALL.bits).rev().filter(|bit| counter >> bit & 1 == 1);
        bits.scan(0, |reached, bit| {
            *reached |= 1 << bit;
            Some(*reached)
        })
        .collect()
    }

    #[test]
    fn every_counter_gets_the_acquirers_key_once_and_forgets_it() {
        let mut keys = FutureKeys::load(SMALL, &Vec::new(), derive).unwrap();
        let mut used: Vec<Path> = vec![Vec::new()];
        let mut expected = SMALL.next(0);
        while let Some(counter) = expected {
            let (taken, key) = keys.take(derive).unwrap();
            assert_eq!((taken, &key), (counter, &path_of(counter)));
            used.push(key);
            // Forward secrecy: no register leads to a key that was used.
            for register in keys.registers().values() {
                assert!(
                    used.iter().all(|past| !past.starts_with(register)),
                    "{counter:X}"
                );
            }
            expected = SMALL.next(counter);
        }
        assert_eq!(keys.take(derive), Err(Error::KeyExhausted));
        assert!(keys.registers().is_empty());
        assert_eq!(
            used.len(),
            (1..256_u32).filter(|value| value.count_ones() <= 4).count() + 1
        );
    }

    #[test]
    fn parts_that_do_not_belong_together_are_refused() {
        let registers = |bits: &[u32]| bits.iter().map(|bit| (*bit, Vec::new())).collect();
        let cases: [(Option<u32>, &[u32], bool); 7] = [
            (Some(1), &[0, 7], true),
            (None, &[], true),
            (Some(2), &[0], false),
            (Some(1), &[0, 8], false),
            (Some(0), &[0], false),
            (Some(0x1F), &[0], false),
            (Some(0x100), &[0], false),
        ];
        for (counter, bits, accepted) in cases {
            let keys = FutureKeys::<Path>::from_parts(SMALL, counter, registers(bits));
            assert_eq!(keys.is_some(), accepted, "{counter:?} {bits:?}");
        }
    }
}
