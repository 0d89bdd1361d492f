//! A moment, as the terminal's clock shows it.

/// Local date and time. Checked when made: every part is in its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    utc_offset_minutes: i16,
}

/// The parts of a moment before they are checked, in the order of `wit/transactions.wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MomentParts {
    /// Four digits.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// What to add to UTC for the local time, -1439 to 1439.
    pub utc_offset_minutes: i16,
}

impl Moment {
    /// `None` when a part is out of its range or the day does not exist.
    pub fn parse(parts: MomentParts) -> Option<Self> {
        let MomentParts {
            year,
            month,
            day,
            hour,
            minute,
            second,
            utc_offset_minutes,
        } = parts;
        let valid = (1000..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60
            && (-1439..=1439).contains(&utc_offset_minutes);
        valid.then_some(Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            utc_offset_minutes,
        })
    }

    /// The parts.
    pub const fn parts(&self) -> MomentParts {
        MomentParts {
            year: self.year,
            month: self.month,
            day: self.day,
            hour: self.hour,
            minute: self.minute,
            second: self.second,
            utc_offset_minutes: self.utc_offset_minutes,
        }
    }

    /// Tag 9A: YYMMDD in BCD.
    pub fn date_bcd(&self) -> [u8; 3] {
        [
            bcd(u8::try_from(self.year % 100).unwrap_or_default()),
            bcd(self.month),
            bcd(self.day),
        ]
    }

    /// Tag 9F21: hhmmss in BCD.
    pub fn time_bcd(&self) -> [u8; 3] {
        [bcd(self.hour), bcd(self.minute), bcd(self.second)]
    }

    /// ISO 8583 field 12: local time, hhmmss.
    pub fn local_time(&self) -> String {
        format!("{:02}{:02}{:02}", self.hour, self.minute, self.second)
    }

    /// ISO 8583 field 13: local date, MMDD.
    pub fn local_date(&self) -> String {
        format!("{:02}{:02}", self.month, self.day)
    }

    /// ISO 8583 field 7: `MMDDhhmmss` in UTC.
    pub fn transmission_time(&self) -> String {
        let utc = self.to_utc();
        format!("{}{}", utc.local_date(), utc.local_time())
    }

    /// The day of the year, 1 to 366.
    pub fn day_of_year(&self) -> u16 {
        (1..self.month)
            .map(|month| u16::from(days_in(self.year, month)))
            .fold(u16::from(self.day), u16::saturating_add)
    }

    /// ISO 8583 field 37 as the terminal sends it: the last digit of the year, the day of the
    /// year, the hour and the trace number.
    pub fn retrieval_reference(&self, trace_number: u32) -> String {
        format!(
            "{}{:03}{:02}{:06}",
            self.year % 10,
            self.day_of_year(),
            self.hour,
            trace_number % 1_000_000
        )
    }

    /// The minute of UTC it lies in.
    pub fn minute(&self) -> Minute {
        let years = u64::from(self.year.saturating_sub(1));
        let leap_days = (years / 4)
            .saturating_sub(years / 100)
            .saturating_add(years / 400);
        let days = years
            .saturating_mul(365)
            .saturating_add(leap_days)
            .saturating_add(u64::from(self.day_of_year()));
        let minutes = days
            .saturating_mul(1440)
            .saturating_add(u64::from(self.hour).saturating_mul(60))
            .saturating_add(u64::from(self.minute));
        Minute(minutes.saturating_add_signed(i64::from(self.utc_offset_minutes).saturating_neg()))
    }

    /// Date and time as a receipt shows them: `2026-11-21 10:05:51`.
    pub fn receipt_text(&self) -> String {
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )
    }

    /// The same moment with an offset of zero.
    fn to_utc(self) -> Self {
        let minute_of_day = i32::from(self.hour)
            .saturating_mul(60)
            .saturating_add(i32::from(self.minute))
            .saturating_sub(i32::from(self.utc_offset_minutes));
        let within = minute_of_day.rem_euclid(1440);
        let moved = match minute_of_day.div_euclid(1440) {
            0 => self,
            days if days < 0 => self.previous_day(),
            _ => self.next_day(),
        };
        Self {
            hour: u8::try_from(within / 60).unwrap_or_default(),
            minute: u8::try_from(within % 60).unwrap_or_default(),
            utc_offset_minutes: 0,
            ..moved
        }
    }

    fn previous_day(self) -> Self {
        if self.day > 1 {
            return Self {
                day: self.day.saturating_sub(1),
                ..self
            };
        }
        let (year, month) = match self.month {
            1 => (self.year.saturating_sub(1), 12),
            month => (self.year, month.saturating_sub(1)),
        };
        Self {
            year,
            month,
            day: days_in(year, month),
            ..self
        }
    }

    fn next_day(self) -> Self {
        if self.day < days_in(self.year, self.month) {
            return Self {
                day: self.day.saturating_add(1),
                ..self
            };
        }
        let (year, month) = match self.month {
            12 => (self.year.saturating_add(1), 1),
            month => (self.year, month.saturating_add(1)),
        };
        Self {
            year,
            month,
            day: 1,
            ..self
        }
    }
}

/// A minute of UTC, counted from the year 1: for what is left alone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minute(u64);

impl Minute {
    /// As [`Self::number`] gave it.
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// For the journal.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// How many minutes lie between two, whichever is first: a clock may have been set back.
    pub const fn distance(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }
}

/// How many days a month has in the Gregorian calendar.
const fn days_in(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Two decimal digits in one byte. `value` is below 100.
const fn bcd(value: u8) -> u8 {
    ((value / 10) << 4) | (value % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(year: u16, month: u8, day: u8, hour: u8, utc_offset_minutes: i16) -> Moment {
        let parts = MomentParts {
            year,
            month,
            day,
            hour,
            minute: 5,
            second: 9,
            utc_offset_minutes,
        };
        Moment::parse(parts).expect("valid")
    }

    #[test]
    fn field_7_is_utc_over_every_edge_of_the_calendar() {
        for (local, utc) in [
            (moment(2026, 11, 21, 10, 0), "1121100509"),
            (moment(2026, 11, 21, 10, 780), "1120210509"),
            (moment(2027, 1, 1, 3, 780), "1231140509"),
            (moment(2026, 12, 31, 20, -300), "0101010509"),
            (moment(2028, 2, 28, 23, -60), "0229000509"),
            (moment(2026, 3, 1, 0, 60), "0228230509"),
        ] {
            assert_eq!(local.transmission_time(), utc, "{local:?}");
        }
    }

    #[test]
    fn minutes_count_over_every_edge_of_the_calendar() {
        for (earlier, later, minutes) in [
            (moment(2026, 11, 21, 10, 0), moment(2026, 11, 21, 11, 0), 60),
            (
                moment(2026, 11, 21, 23, 780),
                moment(2026, 11, 21, 10, 0),
                0,
            ),
            (moment(2026, 12, 31, 23, 0), moment(2027, 1, 1, 0, 0), 60),
            (
                moment(2028, 2, 28, 0, 0),
                moment(2028, 3, 1, 0, 0),
                2 * 1440,
            ),
            (moment(2027, 2, 28, 0, 0), moment(2027, 3, 1, 0, 0), 1440),
            (
                moment(2000, 1, 1, 0, 0),
                moment(2001, 1, 1, 0, 0),
                366 * 1440,
            ),
            (
                moment(2100, 1, 1, 0, 0),
                moment(2101, 1, 1, 0, 0),
                365 * 1440,
            ),
        ] {
            let (earlier, later) = (earlier.minute(), later.minute());
            assert_eq!(earlier.distance(later), minutes, "{earlier:?} {later:?}");
            assert_eq!(later.distance(earlier), minutes);
            assert!(earlier.number() <= later.number());
        }
    }

    #[test]
    fn the_retrieval_reference_has_twelve_digits() {
        assert_eq!(
            moment(2026, 12, 31, 7, 0).retrieval_reference(42),
            "636507000042"
        );
        assert_eq!(
            moment(2028, 12, 31, 7, 0).retrieval_reference(999_999),
            "836607999999"
        );
    }

    #[test]
    fn a_day_that_does_not_exist_is_refused() {
        let parts = moment(2026, 2, 28, 0, 0).parts();
        assert!(Moment::parse(MomentParts { day: 29, ..parts }).is_none());
        assert!(Moment::parse(MomentParts { month: 13, ..parts }).is_none());
        assert!(Moment::parse(MomentParts { hour: 24, ..parts }).is_none());
        assert!(
            Moment::parse(MomentParts {
                utc_offset_minutes: 1440,
                ..parts
            })
            .is_none()
        );
        assert_eq!(moment(2026, 2, 28, 23, 0).date_bcd(), [0x26, 0x02, 0x28]);
    }
}
