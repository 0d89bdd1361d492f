//! Dates as cards write them.

use proptest::prelude::*;

/// Two BCD digits for each of year, month and day.
pub(crate) type Ymd = [u8; 3];

/// Any day, on both sides of the century and around the days a test has to hit.
pub(crate) fn any_day() -> impl Strategy<Value = Ymd> {
    let near = prop_oneof![Just(49), Just(50), Just(99), Just(0), 20..=30_u8, 0..=99_u8];
    (near, 1..=12_u8, 1..=31_u8).prop_map(|(year, month, day)| [bcd(year), bcd(month), bcd(day)])
}

pub(crate) const fn bcd(number: u8) -> u8 {
    (number / 10) * 16 + number % 10
}

/// Whether a day is written 19YY (EMV 4.4 Book 3, 4.3 leaves the century open).
pub(crate) const fn last_century([year, ..]: Ymd) -> bool {
    year >= 0x50
}
