//! Moments as people read and write them: in the time zone of this machine.

use jiff::{Timestamp, civil, tz::TimeZone};

/// Reads a moment, as the API takes it: ISO 8601 with its offset, or a day or a time of this machine's
/// time zone.
pub(super) fn read(text: &str) -> Result<String, String> {
    in_zone(text, &TimeZone::system())
        .map(|moment| moment.to_string())
        .ok_or_else(|| format!("{text:?} is no moment, such as 2026-03-28 or 2026-03-28T09:14:22Z"))
}

fn in_zone(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    // One with an offset or a zone is none of this machine's.
    if text.contains(['+', 'Z', 'z', '[']) {
        return None;
    }
    let local: civil::DateTime = text.parse().ok()?;
    let zoned = local.to_zoned(zone.clone()).ok()?;
    Some(zoned.timestamp())
}

/// A moment of the API as it is shown; what is none is shown as it is.
pub(super) fn shown(text: &str) -> String {
    shown_in(text, &TimeZone::system())
}

fn shown_in(text: &str, zone: &TimeZone) -> String {
    let moment = text.parse::<Timestamp>();
    moment.map_or_else(
        |_| text.to_owned(),
        |moment| {
            let zoned = moment.to_zoned(zone.clone());
            zoned.strftime("%Y-%m-%d %H:%M:%S").to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auckland() -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(13))
    }

    #[test]
    fn a_day_begins_at_midnight_where_the_shop_is() {
        let cases = [
            ("2026-03-28", Some("2026-03-27T11:00:00Z")),
            ("2026-03-28T10:30", Some("2026-03-27T21:30:00Z")),
            ("2026-03-28 10:30:05", Some("2026-03-27T21:30:05Z")),
            ("2026-03-28T09:14:22Z", Some("2026-03-28T09:14:22Z")),
            ("2026-03-28T09:14:22+01:00", Some("2026-03-28T08:14:22Z")),
            ("today", None),
            ("28.03.2026", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let read = in_zone(text, &auckland()).map(|moment| moment.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_moment_is_shown_where_the_shop_is() {
        let shown = |text| shown_in(text, &auckland());
        assert_eq!(shown("2026-03-28T09:14:22Z"), "2026-03-28 22:14:22");
        assert_eq!(shown("soon"), "soon");
    }
}
