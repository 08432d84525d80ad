//! The times at which pings of a heartbeat are expected: one after each period, or those of a cron expression in a time zone.

use std::str::FromStr;

use croner::Cron;
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::protocol::problem::{Code, Rejection};

/// Longest period and grace, in seconds: a year.
pub const MAX_SECONDS: u32 = 366 * 86_400;
/// Longest cron expression and name of a time zone.
const TEXT_MAX_BYTES: usize = 200;

/// The schedule of the expected pings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Schedule {
    /// One in each period after the last one.
    Period {
        /// Its length in seconds.
        period: u32,
    },
    /// At the times of a cron expression.
    Cron {
        /// Five fields, as `0 3 * * 1-5`, or six with the seconds first.
        cron: String,
        /// A name of the IANA database.
        zone: String,
    },
}

impl Schedule {
    /// Checks a period.
    pub fn every(period: u32) -> Result<Self, Rejection> {
        match (1..=MAX_SECONDS).contains(&period) {
            true => Ok(Self::Period { period }),
            false => Err(bad(format!("The period of a heartbeat is 1 to {MAX_SECONDS} seconds."))),
        }
    }

    /// Checks a cron expression and its time zone; without one it is UTC.
    pub fn cron(cron: &str, zone: Option<&str>) -> Result<Self, Rejection> {
        let (cron, zone) = (cron.trim(), zone.map_or("UTC", str::trim));
        if cron.len() > TEXT_MAX_BYTES || zone.len() > TEXT_MAX_BYTES {
            return Err(bad(format!(
                "A cron expression and its time zone have at most {TEXT_MAX_BYTES} bytes."
            )));
        }
        Cron::from_str(cron).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.trim_end_matches('.');
            bad(format!("The cron expression cannot be read: {reason}. It has five fields, as 0 3 * * 1-5, or six with \
                 the seconds first."))
        })?;
        TimeZone::get(zone)
            .map_err(|_| bad("The time zone has to be a name such as Asia/Tokyo.".to_owned()))?;
        let schedule = Self::Cron { cron: cron.to_owned(), zone: zone.to_owned() };
        match schedule.next(0) {
            Some(_) => Ok(schedule),
            None => Err(bad("The cron expression never comes true.".to_owned())),
        }
    }

    /// The next expected time after a moment, both in milliseconds since the Unix epoch; `None`: never. A time zone that this
    /// system does not know any more counts as UTC.
    pub fn next(&self, after_ms: i64) -> Option<i64> {
        match self {
            Self::Period { period } => Some(after_ms + i64::from(*period) * 1_000),
            Self::Cron { cron, zone } => {
                let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
                let after = Timestamp::from_millisecond(after_ms).ok()?.to_zoned(zone);
                let next = Cron::from_str(cron).ok()?.find_next_occurrence(&after, false).ok()?;
                Some(next.timestamp().as_millisecond())
            }
        }
    }
}

fn bad(message: String) -> Rejection {
    Rejection::new(Code::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().expect("a time").as_millisecond()
    }

    fn next(cron: &str, zone: &str, after: &str) -> String {
        let schedule = Schedule::cron(cron, Some(zone)).expect("fine");
        let next = schedule.next(at(after)).expect("there is one");
        Timestamp::from_millisecond(next).expect("a time").to_string()
    }

    #[test]
    fn the_next_time_is_that_of_the_zone() {
        assert_eq!(next("0 3 * * 1-5", "Asia/Tokyo", "2026-11-27T18:00:00Z"), "2026-11-29T18:00:00Z");
        assert_eq!(next("*/5 * * * *", "UTC", "2026-11-28T10:05:00Z"), "2026-11-28T10:10:00Z");
        assert_eq!(next("@daily", "UTC", "2026-11-28T10:05:00Z"), "2026-11-29T00:00:00Z");
    }

    #[test]
    fn a_time_that_a_change_of_clocks_leaves_out_or_repeats_comes_once_a_day() {
        // In New York the clock jumps from 02:00 to 03:00 on 8 March 2026, and back on 1 November.
        assert_eq!(next("30 2 * * *", "America/New_York", "2026-03-08T06:00:00Z"), "2026-03-08T07:00:00Z");
        assert_eq!(next("30 1 * * *", "America/New_York", "2026-11-01T04:00:00Z"), "2026-11-01T05:30:00Z");
        assert_eq!(next("30 1 * * *", "America/New_York", "2026-11-01T05:30:00Z"), "2026-11-02T06:30:00Z");
    }

    #[test]
    fn what_never_comes_or_cannot_be_read_is_rejected() {
        for (cron, zone) in [
            ("", "UTC"),
            ("* * *", "UTC"),
            ("61 * * * *", "UTC"),
            ("* * * * *", "Mars/Olympus"),
            ("0 0 30 2 *", "UTC"),
        ] {
            let rejection = Schedule::cron(cron, Some(zone)).expect_err(cron);
            assert_eq!(rejection.code, Code::BadRequest);
        }
        Schedule::cron(&"*".repeat(300), None).expect_err("too long");
        Schedule::every(0).expect_err("no time at all");
        Schedule::every(MAX_SECONDS + 1).expect_err("more than a year");
    }
}
