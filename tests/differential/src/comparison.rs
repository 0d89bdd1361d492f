//! Two kernels, one input, and the table of what they may disagree about.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

/// The seed of every run that is not given another one.
const SEED: u64 = 0x7E40;

/// Something both kernels do, and how they differ in it.
pub(crate) struct Area<I: 'static, V: 'static> {
    /// What the kernel of this project makes of an input.
    pub(crate) ours: fn(&I) -> V,
    /// What the other kernel makes of it.
    pub(crate) theirs: fn(&I) -> V,
    /// In this order each row is applied to what ours says.
    pub(crate) differences: &'static [Difference<I, V>],
}

/// One thing the kernels disagree about.
pub(crate) struct Difference<I, V> {
    pub(crate) name: &'static str,
    /// What ours does, and why.
    pub(crate) ours: &'static str,
    /// What theirs does.
    pub(crate) theirs: &'static str,
    /// What theirs says to an input where ours, with the rows before, says this. `None` when the row
    /// does not cover the input. A row that covers it must change the answer.
    pub(crate) instead: fn(&I, &V) -> Option<V>,
}

/// Compares both kernels on `factor` times as many inputs as proptest is told to take.
///
/// Panics with the smallest input that the table does not explain, or with the rows that explain
/// nothing.
pub(crate) fn compare<I, V>(area: &Area<I, V>, inputs: &impl Strategy<Value = I>, factor: u32)
where
    I: Debug,
    V: Clone + Debug + PartialEq,
{
    let config = config(factor);
    let run = format!("{} inputs, seed {}", config.cases, config.rng_seed);
    let seen = RefCell::new(BTreeSet::new());
    let compared = TestRunner::new(config).run(inputs, |input| {
        let met = explain(area, &input).map_err(TestCaseError::fail)?;
        seen.borrow_mut().extend(met);
        Ok(())
    });
    if let Err(difference) = compared {
        panic!("{run}: {difference}");
    }
    let seen = seen.into_inner();
    for row in area.differences {
        assert!(
            seen.contains(row.name),
            "{run}: never seen: {}. Ours: {} Theirs: {}",
            row.name,
            row.ours,
            row.theirs,
        );
    }
}

/// The rows that lead from what ours says to what theirs says.
fn explain<I, V>(area: &Area<I, V>, input: &I) -> Result<Vec<&'static str>, String>
where
    V: Clone + Debug + PartialEq,
{
    let (ours, theirs) = ((area.ours)(input), (area.theirs)(input));
    let mut met = Vec::new();
    let mut expected = ours.clone();
    for row in area.differences {
        if let Some(instead) = (row.instead)(input, &expected) {
            if instead == expected {
                return Err(format!("{} changes nothing in {expected:?}", row.name));
            }
            met.push(row.name);
            expected = instead;
        }
    }
    if expected == theirs {
        Ok(met)
    } else {
        Err(format!(
            "ours: {ours:?}, theirs: {theirs:?}, with {met:?} expected: {expected:?}"
        ))
    }
}

fn config(factor: u32) -> Config {
    let usual = Config::default();
    Config {
        cases: usual.cases.saturating_mul(factor),
        rng_seed: match usual.rng_seed {
            RngSeed::Random => RngSeed::Fixed(SEED),
            given @ RngSeed::Fixed(_) => given,
        },
        failure_persistence: None,
        ..usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number against the same number, but a hundred at most.
    const fn capped(differences: &'static [Difference<u8, u8>]) -> Area<u8, u8> {
        Area {
            ours: |number| *number,
            theirs: |number| (*number).min(100),
            differences,
        }
    }

    const CAP: Difference<u8, u8> = Difference {
        name: "cap",
        ours: "has none.",
        theirs: "caps.",
        instead: |number, _| (*number > 100).then_some(100),
    };

    #[test]
    fn what_a_row_explains_is_no_failure() {
        compare(&capped(&[CAP]), &(0..=u8::MAX), 1);
    }

    #[test]
    #[should_panic(expected = "ours: 101, theirs: 100, with [] expected: 101")]
    fn an_unexplained_difference_fails_with_the_smallest_input() {
        compare(&capped(&[]), &(0..=u8::MAX), 1);
    }

    #[test]
    #[should_panic(expected = "never seen: cap. Ours: has none. Theirs: caps.")]
    fn a_row_that_explains_nothing_fails() {
        compare(&capped(&[CAP]), &(0..=100_u8), 1);
    }

    #[test]
    #[should_panic(expected = "cap changes nothing")]
    fn a_row_that_covers_too_much_fails() {
        const WIDE: Difference<u8, u8> = Difference {
            instead: |number, _| Some((*number).min(100)),
            ..CAP
        };
        compare(&capped(&[WIDE]), &(0..=u8::MAX), 1);
    }
}
