//! Permalinks: the addresses of a message and of a day in a room.
//!
//! The address of a message carries the beginning of the room's epoch after its offset: `1234-7f3a9c`. After a restore of
//! an older backup the same offset may name another message, and then the link says so and shows none. The epoch stands in
//! the path and not in a query, because pages are found by their path alone: that of a link within the site is opened
//! without loading the document, and people and programs cut queries off. Six characters tell sixteen million epochs apart,
//! and a room has had two or three. A link that somebody wrote by hand needs no epoch: it means the present one.

use std::fmt;

use crate::protocol::cursor::{Epoch, Offset};

/// Characters of the epoch in an address.
const EPOCH_CHARACTERS: usize = 6;

/// A link to a message or a day of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permalink {
    /// The message at this offset, of the epoch with this beginning. An empty one stands for the present epoch.
    Message(Offset, String),
    /// The first message of a day.
    Day(CivilDay),
}

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivilDay {
    /// The year.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
}

impl Permalink {
    /// The link to a message of the present epoch.
    pub fn message(offset: Offset, epoch: &Epoch) -> Self {
        Self::Message(offset, epoch.generation().chars().take(EPOCH_CHARACTERS).collect())
    }

    /// Returns true if it is a message.
    pub fn is_message(&self) -> bool {
        matches!(self, Self::Message(..))
    }

    /// Parses the last segment of the address: `OFFSET`, `OFFSET-EPOCH` or `YYYY-MM-DD`. A link has one spelling.
    pub fn parse(segment: &str) -> Option<Self> {
        let number = |text: &str| text.parse::<i64>().ok();
        let parts: Vec<&str> = segment.split('-').collect();
        let permalink = match parts[..] {
            [offset] => Self::Message(offset.parse().ok()?, String::new()),
            [offset, epoch] => {
                Self::Message(offset.parse().ok()?, Epoch::parse(epoch)?.generation().to_owned())
            }
            [year, month, day] => {
                Self::Day(CivilDay { year: number(year)?, month: number(month)?, day: number(day)? })
            }
            _ => return None,
        };
        let exists = match &permalink {
            Self::Message(offset, _) => *offset > 0,
            Self::Day(day) => day.exists(),
        };
        (exists && permalink.to_string() == segment).then_some(permalink)
    }
}

impl fmt::Display for Permalink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(offset, epoch) if epoch.is_empty() => write!(f, "{offset}"),
            Self::Message(offset, epoch) => write!(f, "{offset}-{epoch}"),
            Self::Day(CivilDay { year, month, day }) => write!(f, "{year:04}-{month:02}-{day:02}"),
        }
    }
}

impl CivilDay {
    /// Its start in UTC, in milliseconds since the Unix epoch (Howard Hinnant, "chrono-Compatible Low-Level Date
    /// Algorithms"). Years are counted from March, so that the leap day is the last of its year.
    pub fn start_ms(self) -> i64 {
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let month_from_march = (self.month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        (era * 146_097 + day_of_era - 719_468) * 24 * 60 * 60 * 1_000
    }

    fn exists(self) -> bool {
        let Self { year, month, day } = self;
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 if is_leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        (0..=9_999).contains(&year) && (1..=12).contains(&month) && (1..=days).contains(&day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_spelling() {
        for segment in [
            "0",
            "01",
            "+1",
            "-1",
            "1-",
            "1.5",
            "x",
            "",
            "1-e.5",
            "1-7f3a-",
            "2026-11",
            "2026-1-05",
            "2026-13-01",
            "2026-02-29",
            "2026-04-31",
            "2026-11-00",
            "26-11-25",
            "02026-11-25",
            "2026-11-25-1",
            "18446744073709551616",
        ] {
            // A month alone reads as a message of an epoch that begins with it.
            let parsed = Permalink::parse(segment)
                .filter(|permalink| *permalink != Permalink::Message(2026, "11".into()));
            assert_eq!(parsed, None, "{segment}");
        }
        let epoch = Epoch::parse("7f3a9c0b1d2e").expect("an epoch");
        assert_eq!(Permalink::message(1234, &epoch).to_string(), "1234-7f3a9c");
    }

    #[test]
    fn a_day_begins_at_midnight_in_utc() {
        for (segment, start_ms) in [
            ("1970-01-01", 0),
            ("1969-12-31", -86_400_000),
            ("2000-02-29", 951_782_400_000),
            ("2026-11-25", 1_795_564_800_000),
            ("2100-03-01", 4_107_542_400_000),
        ] {
            let Some(Permalink::Day(day)) = Permalink::parse(segment) else { panic!("{segment} is a day") };
            assert_eq!(day.start_ms(), start_ms, "{segment}");
        }
    }
}
