//! Quiet hours: the time of the day in which a person gets no push. `Notifier` asks before it sends one.

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::protocol::problem::{Code, Rejection};

/// Longest name of a time zone; the longest in the IANA database has 32 characters.
const ZONE_MAX_BYTES: usize = 64;

/// The quiet hours of a person. They may reach over midnight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// The first quiet minute of a day, as `22:00`.
    pub from: String,
    /// The first minute that is not quiet any more. Equal to `from`: the whole day is quiet.
    pub to: String,
    /// The time zone: a name of the IANA database such as `Asia/Tokyo`, or an offset such as `+09:00`.
    pub zone: String,
}

impl QuietHours {
    /// Parses quiet hours as a person or a program writes them.
    pub fn parse(from: &str, to: &str, zone: &str) -> Result<Self, Rejection> {
        let fault = |message: String| Rejection::new(Code::BadRequest, message);
        let time = |text: &str| {
            let minute = minute_of(text.trim());
            minute.map(|minute| format!("{:02}:{:02}", minute / 60, minute % 60)).ok_or_else(|| {
                fault("A time of quiet hours has to be written as 22:00, from 00:00 to 23:59.".to_owned())
            })
        };
        let zone = zone.trim();
        zone_of(zone).ok_or_else(|| {
            fault(
                "The time zone has to be a name such as Asia/Tokyo, or an offset such as +09:00.".to_owned(),
            )
        })?;
        Ok(Self { from: time(from)?, to: time(to)?, zone: zone.to_owned() })
    }

    /// Returns true if a moment is quiet, in milliseconds since the Unix epoch. A time zone that this system does not know
    /// any more counts as UTC.
    pub fn contain(&self, now_ms: i64) -> bool {
        let (Some(from), Some(to)) = (minute_of(&self.from), minute_of(&self.to)) else { return false };
        let zone = zone_of(&self.zone).unwrap_or(TimeZone::UTC);
        let Ok(now) = Timestamp::from_millisecond(now_ms) else { return false };
        let now = now.to_zoned(zone);
        let minute = u32::try_from(i32::from(now.hour()) * 60 + i32::from(now.minute())).unwrap_or_default();
        match from < to {
            true => (from..to).contains(&minute),
            false => minute >= from || minute < to,
        }
    }
}

/// The minute of the day.
fn minute_of(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, max: u32| {
        let is_digits = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|number| is_digits && *number <= max)
    };
    // Browsers may send seconds.
    let (minutes, seconds) = minutes.split_once(':').unwrap_or((minutes, "0"));
    number(seconds, 59)?;
    Some(number(hours, 23)? * 60 + number(minutes, 59)?)
}

/// The zone of a name of the IANA database, or of an offset such as `+09:00`.
pub fn zone_of(text: &str) -> Option<TimeZone> {
    if text.is_empty() || text.len() > ZONE_MAX_BYTES {
        return None;
    }
    match text.strip_prefix(['+', '-']) {
        None if text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("z") => Some(TimeZone::UTC),
        None => TimeZone::get(text).ok(),
        Some(offset) => {
            let minutes = minute_of(offset).or_else(|| minute_of(&format!("{offset}:00")))?;
            let seconds = i32::try_from(minutes * 60).ok()?;
            let sign = if text.starts_with('-') { -1 } else { 1 };
            jiff::tz::Offset::from_seconds(sign * seconds).ok().map(TimeZone::fixed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-07-01 at this time, UTC.
    fn at(hour: i64, minute: i64) -> i64 {
        1_782_864_000_000 + (hour * 60 + minute) * 60_000
    }

    fn quiet(from: &str, to: &str, zone: &str) -> QuietHours {
        QuietHours::parse(from, to, zone).expect("quiet hours")
    }

    #[test]
    fn hours_may_reach_over_midnight_and_are_of_the_persons_zone() {
        let night = quiet("22:00", "7:30", "UTC");
        for (hour, minute, is_quiet) in [
            (21, 59, false),
            (22, 0, true),
            (23, 59, true),
            (0, 0, true),
            (7, 29, true),
            (7, 30, false),
            (12, 0, false),
        ] {
            assert_eq!(night.contain(at(hour, minute)), is_quiet, "{hour}:{minute}");
        }
        let noon = quiet("12:00", "13:00", "Z");
        assert!(noon.contain(at(12, 30)) && !noon.contain(at(13, 0)) && !noon.contain(at(11, 59)));
        assert!(quiet("08:00", "08:00", "utc").contain(at(3, 0)), "the whole day");
        let in_tokyo = quiet("22:00", "23:00", "+09:00");
        assert!(in_tokyo.contain(at(13, 30)) && !in_tokyo.contain(at(22, 30)));
        let in_newfoundland = quiet("20:00:00", "21:00", "-2:30");
        assert!(in_newfoundland.contain(at(22, 45)) && !in_newfoundland.contain(at(23, 45)));
    }

    #[test]
    fn a_name_knows_summer_time() {
        let in_berlin = quiet("22:00", "23:00", "Europe/Berlin");
        assert!(in_berlin.contain(at(20, 30)), "UTC+2 in July");
        let in_january = at(20, 30) - 180 * 86_400_000;
        assert!(!in_berlin.contain(in_january) && in_berlin.contain(in_january + 3_600_000));
    }

    #[test]
    fn what_is_no_time_and_no_zone_is_rejected() {
        for (from, to, zone) in [
            ("", "07:00", "UTC"),
            ("24:00", "07:00", "UTC"),
            ("22", "07:00", "UTC"),
            ("22:60", "07:00", "UTC"),
            ("+2:00", "07:00", "UTC"),
            ("22:00", "x", "UTC"),
            ("22:00", "07:00", ""),
            ("22:00", "07:00", "Mars/Olympus"),
            ("22:00", "07:00", "+25:00"),
            ("22:00", "07:00", "../etc/passwd"),
        ] {
            QuietHours::parse(from, to, zone).expect_err(&format!("{from} {to} {zone}"));
        }
        assert_eq!(quiet("7:05", "23:59", " Asia/Tokyo "), quiet("07:05", "23:59:59", "Asia/Tokyo"));
    }
}
