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

    /// Reads YYYYMMDD, as certificates with elliptic curves write it.
    pub(crate) fn parse_long([century, year, month, day]: [u8; 4]) -> Option<Self> {
        let year_in_century = u16::from(decimal(year)?);
        let century = u16::from(decimal(century)?);
        Some(Self {
            year: century.saturating_mul(100).saturating_add(year_in_century),
            ..Self::parse([year, month, day])?
        })
    }

    /// Reads MMYY of a certificate: the last day of that month.
    pub(crate) fn parse_month([month, year]: [u8; 2]) -> Option<Self> {
        Self::parse([year, month, 0x31])
    }
}

/// A minute of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Minute {
    day: Date,
    hour: u8,
    past_hour: u8,
}

impl Minute {
    /// Reads hhmm. `None` when it is not BCD or no hour or minute has that number.
    pub(crate) fn parse(day: Date, [hour, minute]: [u8; 2]) -> Option<Self> {
        let (hour, past_hour) = (decimal(hour)?, decimal(minute)?);
        (hour < 24 && past_hour < 60).then_some(Self {
            day,
            hour,
            past_hour,
        })
    }

    /// Reads YYYYMMDD and hhmm.
    pub(crate) fn parse_long(day: [u8; 4], time: [u8; 2]) -> Option<Self> {
        Self::parse(Date::parse_long(day)?, time)
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
    fn long_dates_and_minutes_compare_with_short_dates() {
        let day = Date::parse([0x26, 0x11, 0x21]).expect("a date");
        assert_eq!(Date::parse_long([0x20, 0x26, 0x11, 0x21]), Some(day));
        assert!(Date::parse_long([0x19, 0x99, 0x12, 0x31]).is_some_and(|other| other < day));
        assert!(Date::parse_long([0x20, 0x75, 0x01, 0x01]).is_some_and(|other| other > day));
        for wrong in [[0x2A, 0x26, 0x01, 0x01], [0x20, 0x26, 0x13, 0x01]] {
            assert_eq!(Date::parse_long(wrong), None, "{wrong:02X?}");
        }
        let minute = |time| Minute::parse(day, time);
        assert!(minute([0x09, 0x59]) < minute([0x10, 0x00]));
        for wrong in [[0x24, 0x00], [0x23, 0x60], [0x1A, 0x00]] {
            assert_eq!(minute(wrong), None, "{wrong:02X?}");
        }
        let earlier = Minute::parse_long([0x20, 0x26, 0x11, 0x20], [0x23, 0x59]);
        assert!(earlier.is_some() && earlier < minute([0x00, 0x00]));
    }

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
            [0xA1, 1, 1],
        ] {
            assert_eq!(Date::parse(bytes), None);
        }
    }
}
