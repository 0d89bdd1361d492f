//! Dates as cards write them: two BCD digits each for year, month and day.

/// A day, comparable across the century.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// Reads YYMMDD. `None` when it is not BCD or no month or day has that number.
    ///
    /// Cards write 31 as the last day of any month, so a day is not compared with its month.
    pub(crate) fn parse([year, month, day]: [u8; 3]) -> Option<Self> {
        let (year, month, day) = (decimal(year)?, decimal(month)?, decimal(day)?);
        // EMV 4.4 Book 3, 4.3 gives no century; 50 to 99 are read as 19YY.
        let century = if year >= 50 { 1900 } else { 2000 };
        ((1..=12).contains(&month) && (1..=31).contains(&day)).then(|| Self {
            year: u16::from(year).saturating_add(century),
            month,
            day,
        })
    }

    /// Reads MMYY of a certificate: the last day of that month.
    pub(crate) fn parse_month([month, year]: [u8; 2]) -> Option<Self> {
        Self::parse([year, month, 0x31])
    }
}

/// The number two BCD digits stand for.
fn decimal(byte: u8) -> Option<u8> {
    let (tens, units) = (byte >> 4, byte & 0x0F);
    (tens < 10 && units < 10).then(|| tens.saturating_mul(10).saturating_add(units))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_compare_across_the_century() {
        let day = |bytes| Date::parse(bytes).expect("a date");
        assert!(day([0x95, 0x01, 0x01]) < day([0x26, 0x08, 0x14]));
        assert!(day([0x49, 0x12, 0x31]) > day([0x50, 0x01, 0x01]));
        assert!(day([0x26, 0x08, 0x31]) == day([0x26, 0x08, 0x31]));
        assert!(Date::parse_month([0x12, 0x35]).expect("a month") > day([0x35, 0x12, 0x30]));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for bytes in [
            [0x26, 0x00, 0x01],
            [0x26, 0x13, 0x01],
            [0x26, 0x01, 0x00],
            [0x2A, 1, 1],
        ] {
            assert_eq!(Date::parse(bytes), None);
        }
    }
}
