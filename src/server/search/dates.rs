//! Days, months and years of a search, in the time zone of who asks. `query` is the caller.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

/// A span of whole days, in milliseconds since the Unix epoch.
pub(super) struct Day {
    pub(super) begins_ms: i64,
    /// The beginning of what follows.
    pub(super) ends_ms: i64,
}

/// Reads `2026-11-28`, `2026-11`, `2026`, `today` or `yesterday`.
pub(super) fn parse_day(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Day> {
    let today = now.to_zoned(zone.clone()).date();
    let span = match text.to_lowercase().as_str() {
        "today" => Some((today, today.tomorrow().ok())),
        "yesterday" => today.yesterday().ok().map(|day| (day, Some(today))),
        digits => parse_digits(&digits.replace('/', "-")),
    };
    let (first, next) = span?;
    let at = |date: Date| Some(date.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond());
    Some(Day { begins_ms: at(first)?, ends_ms: at(next?)? })
}

/// A day, a month or a year, with the first day after it.
fn parse_digits(text: &str) -> Option<(Date, Option<Date>)> {
    let numbers: Vec<i16> = text
        .split('-')
        .map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?)
        .collect::<Option<_>>()?;
    let small = |number: i16| i8::try_from(number).ok();
    let (first, span) = match numbers[..] {
        [year] => (Date::new(year, 1, 1), 1.year()),
        [year, month] => (Date::new(year, small(month)?, 1), 1.month()),
        [year, month, day] => (Date::new(year, small(month)?, small(day)?), 1.day()),
        _ => return None,
    };
    let first = first.ok()?;
    Some((first, first.checked_add(span).ok()))
}
