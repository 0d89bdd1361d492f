//! The rules for magnetic stripes.

use std::collections::BTreeSet;

use super::{digits, rule};
use crate::parameters::{Magstripe, ParametersError};

pub(super) fn check(magstripe: &Magstripe) -> Result<(), ParametersError> {
    rule(
        (1..=256).contains(&magstripe.ranges.len()),
        "magstripe.ranges",
        "expected 1 to 256 ranges",
    )?;
    let mut seen = BTreeSet::new();
    for (index, range) in magstripe.ranges.iter().enumerate() {
        let path = format!("magstripe.ranges[{index}]");
        digits(&format!("{path}.prefix"), &range.prefix, 1, 11)?;
        rule(
            seen.insert(&range.prefix),
            path,
            "the range is listed twice",
        )?;
    }
    Ok(())
}
