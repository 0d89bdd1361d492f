//! Terminal risk management: when must the issuer be asked, whatever the card thinks?
//!
//! EMV 4.4 Book 3, 10.6.

use crate::parameters::RandomSelection;
use crate::rules::{self, Conclusion};

/// EMV 4.4 Book 3, 10.6.1. `logged` is what the same card paid last, so that a sale split into
/// small ones is seen.
pub(crate) fn floor_limit(amount: u64, logged: u64, limit: u64) -> &'static Conclusion {
    if amount >= limit {
        &rules::FLOOR_LIMIT_EXCEEDED
    } else if amount.saturating_add(logged) >= limit {
        &rules::SPLIT_SALE
    } else {
        &rules::BELOW_FLOOR_LIMIT
    }
}

/// Whether chance has a say (EMV 4.4 Book 3, 10.6.2): for an amount below the floor limit, whatever
/// the same card paid before.
pub(crate) const fn subject_to_random_selection(amount: u64, floor_limit: u64) -> bool {
    amount < floor_limit
}

/// EMV 4.4 Book 3, 10.6.2, for an amount below the floor limit. `random` is 1 to 99.
pub(crate) fn random_selection(
    amount: u64,
    floor_limit: u64,
    selection: RandomSelection,
    random: u8,
) -> &'static Conclusion {
    if u64::from(random) <= target(amount, floor_limit, selection) {
        &rules::SELECTED_AT_RANDOM
    } else {
        &rules::NOT_SELECTED_AT_RANDOM
    }
}

/// EMV 4.4 Book 3, 10.6.2, figure 15: the target grows from the threshold to the floor limit. Up to
/// the threshold nothing is above it.
fn target(amount: u64, floor_limit: u64, selection: RandomSelection) -> u64 {
    let target = u64::from(selection.target_percent);
    let range = u64::from(selection.target_percent_max).saturating_sub(target);
    let above = amount.saturating_sub(selection.threshold);
    let share = range
        .saturating_mul(above)
        .checked_div(floor_limit.saturating_sub(selection.threshold))
        .unwrap_or(0);
    target.saturating_add(share)
}

/// A number from 1 to 99 out of a random one.
pub(crate) fn random_percent(random: [u8; 4]) -> u8 {
    let rest = u32::from_be_bytes(random) % 99;
    u8::try_from(rest).unwrap_or(0).saturating_add(1)
}

/// What velocity checking depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Velocity {
    /// Tags 9F14 and 9F23.
    pub(crate) lower_limit: u8,
    pub(crate) upper_limit: u8,
    /// Tags 9F36 and 9F13, as GET DATA gave them.
    pub(crate) atc: Option<u16>,
    pub(crate) last_online_atc: Option<u16>,
}

/// EMV 4.4 Book 3, 10.6.3.
pub(crate) fn velocity(velocity: &Velocity) -> Vec<&'static Conclusion> {
    let mut conclusions = match (velocity.atc, velocity.last_online_atc) {
        (Some(atc), Some(last)) if atc > last => limits(
            atc.saturating_sub(last),
            velocity.lower_limit,
            velocity.upper_limit,
        ),
        // Neither a missing counter nor one that runs backwards proves anything.
        _ => vec![&rules::VELOCITY_UNKNOWN],
    };
    if velocity.last_online_atc == Some(0) {
        conclusions.push(&rules::NEW_CARD);
    }
    conclusions
}

/// Compares the number of offline transactions with both limits. The upper one is looked at only
/// when the lower one is exceeded: a card whose upper limit is the lower one exceeds both or none.
fn limits(offline: u16, lower: u8, upper: u8) -> Vec<&'static Conclusion> {
    if offline <= u16::from(lower) {
        return vec![&rules::VELOCITY_WITHIN_LIMITS];
    }
    let mut conclusions = vec![&rules::LOWER_LIMIT_EXCEEDED];
    if offline > u16::from(upper) {
        conclusions.push(&rules::UPPER_LIMIT_EXCEEDED);
    }
    conclusions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_does_not_run_forward_counts_as_exceeded() {
        for (atc, last) in [
            (Some(7), Some(7)),
            (Some(3), Some(7)),
            (None, Some(7)),
            (Some(7), None),
        ] {
            let facts = Velocity {
                lower_limit: 1,
                upper_limit: 2,
                atc,
                last_online_atc: last,
            };
            assert_eq!(velocity(&facts), [&rules::VELOCITY_UNKNOWN]);
        }
    }

    #[test]
    fn the_upper_limit_counts_when_the_lower_one_is_exceeded() {
        let exceeded = [&rules::LOWER_LIMIT_EXCEEDED, &rules::UPPER_LIMIT_EXCEEDED];
        for (lower_limit, upper_limit, offline, conclusions) in [
            (3, 5, 3, &[&rules::VELOCITY_WITHIN_LIMITS][..]),
            (3, 5, 5, &[&rules::LOWER_LIMIT_EXCEEDED]),
            (3, 5, 6, &exceeded),
            (5, 3, 4, &[&rules::VELOCITY_WITHIN_LIMITS]),
            (5, 3, 6, &exceeded),
        ] {
            let facts = Velocity {
                lower_limit,
                upper_limit,
                atc: Some(100 + offline),
                last_online_atc: Some(100),
            };
            assert_eq!(velocity(&facts), conclusions, "{facts:?}");
        }
    }

    #[test]
    fn the_bias_reaches_its_maximum_at_the_floor_limit_and_no_division_fails() {
        let selection = RandomSelection {
            threshold: 50,
            target_percent: 10,
            target_percent_max: 90,
        };
        for (amount, floor, expected) in [(50, 100, 10), (75, 100, 50), (99, 100, 88), (60, 50, 10)]
        {
            assert_eq!(
                target(amount, floor, selection),
                expected,
                "{amount} {floor}"
            );
        }
        assert_eq!(target(u64::MAX, u64::MAX, selection), 11);
    }
}
