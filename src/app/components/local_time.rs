//! A time: first in UTC, so that server and browser draw the same, then in the reader's own time zone and language. It
//! changes with the day: a time of yesterday has its date, one of last year the year.

use gloo_timers::callback::Timeout;
use leptos::{html, prelude::*};
use send_wrapper::SendWrapper;

use crate::{
    app::{
        i18n::{Language, use_texts},
        reactive::effect,
        routes::{self, CivilDay, Permalink},
    },
    client::dom::{page, time},
    protocol::name::RoomId,
};

/// The longest wait until the day is looked at again: on a computer that slept timers are late, and its clock may be
/// set.
const LOOK_MS: u32 = 10 * 60 * 1_000;

/// The reader's day, in the context. Unknown while the page is rendered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Day(RwSignal<Option<time::Day>>);

impl Day {
    /// Starts to watch the days, for as long as the calling component is mounted: with one timer for all times of the
    /// page, and whenever the page is seen again.
    pub(crate) fn watch() -> Self {
        let (day, looks) = (RwSignal::new(None), RwSignal::new(()));
        effect(move || {
            looks.track();
            let today = Some(time::Day::today());
            if day.get_untracked() != today {
                day.set(today);
            }
            let look = move || _ = looks.try_set(());
            let timer = Timeout::new((time::until_midnight_ms() + 1).min(LOOK_MS), look);
            let ends = SendWrapper::new((timer, page::on_visibility_change(look)));
            on_cleanup(move || drop(ends));
        });
        Self(day)
    }
}

/// Hears of the text of a time.
pub(super) type OnText = Box<dyn Fn(&str)>;

/// The time. `timestamp` is in milliseconds since the Unix epoch. `on_text` hears of the text when it changes.
#[component]
pub(crate) fn LocalTime(timestamp: i64, #[prop(optional)] on_text: Option<OnText>) -> impl IntoView {
    let language = use_context::<Language>().unwrap_or_default();
    let utc = Utc::new(timestamp);
    let element = NodeRef::<html::Time>::new();
    let day = use_context::<Day>();
    // The whole content is set, because a translator may have replaced it.
    effect(move || {
        let (Some(today), Some(element)) = (day.and_then(|Day(day)| day.get()), element.get()) else {
            return;
        };
        let text = time::local_time(timestamp, today, language.as_str());
        element.set_text_content(Some(&text));
        if let Some(on_text) = &on_text {
            on_text(&text);
        }
        element.set_title(&time::full_local_time(timestamp, language.as_str()));
    });
    let moment = utc.to_rfc3339();
    view! { <time node_ref=element datetime=moment.clone() title=moment translate="no">{utc.to_text()}</time> }
}

/// The text of a time without JavaScript.
pub(super) fn utc_text(timestamp: i64) -> String {
    Utc::new(timestamp).to_text()
}

/// The link to a day of a room: first in UTC, then in the reader's own time zone and language, with words for today and
/// yesterday.
#[component]
pub(super) fn LocalDay(timestamp: i64, room: RoomId) -> impl IntoView {
    let (language, texts) = (use_context::<Language>().unwrap_or_default(), use_texts());
    let element = NodeRef::<html::A>::new();
    let utc = Utc::new(timestamp);
    let address = move |day| routes::permalink(&room, &Permalink::Day(day));
    let href = address(CivilDay { year: utc.year, month: utc.month, day: utc.day });
    let day = use_context::<Day>();
    effect(move || {
        let (Some(today), Some(element)) = (day.and_then(|Day(day)| day.get()), element.get()) else {
            return;
        };
        let date;
        let (year, month, day) = time::Day::of_timestamp(timestamp).civil();
        element.set_href(&address(CivilDay { year, month, day }));
        let text = match time::Day::of_timestamp(timestamp) {
            day if day == today => texts.today,
            day if day == today.previous() => texts.yesterday,
            _ => {
                date = time::local_day(timestamp, today, language.as_str());
                &date
            }
        };
        element.set_text_content(Some(text));
    });
    view! { <a node_ref=element href=href translate="no">{utc.to_date()}</a> }
}

/// A quarter of an hour: in every time zone midnight is at a multiple of it in UTC (since 1972).
const QUARTER_MS: i64 = 15 * 60 * 1_000;
/// A day in UTC.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Returns true if a day begins between two times: the reader's day once that is known, before it the day in UTC.
pub(super) fn is_on_another_day(timestamp: i64, previous: i64, day: Option<Day>) -> bool {
    let differs = |length_ms| timestamp.div_euclid(length_ms) != previous.div_euclid(length_ms);
    differs(QUARTER_MS)
        && match day.and_then(|Day(day)| day.get()) {
            Some(_) => time::Day::of_timestamp(timestamp) != time::Day::of_timestamp(previous),
            None => differs(DAY_MS),
        }
}

/// A civil date and time in UTC.
struct Utc {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Utc {
    fn new(timestamp_ms: i64) -> Self {
        let seconds = timestamp_ms.div_euclid(1_000);
        let (days, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        Self { year, month, day, hour: time / 3_600, minute: time / 60 % 60, second: time % 60 }
    }

    /// The text without JavaScript: with the date, because no clock is read. Its seconds show on hover.
    fn to_text(&self) -> String {
        let Self { year, month, day, hour, minute, .. } = self;
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
    }

    /// The text of the day without JavaScript.
    fn to_date(&self) -> String {
        let Self { year, month, day, .. } = self;
        format!("{year:04}-{month:02}-{day:02}")
    }

    fn to_rfc3339(&self) -> String {
        let Self { year, month, day, hour, minute, second } = self;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// The Gregorian date `days` days after 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
/// Years are counted from March, so that the leap day is the last of its year.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468; // days from 0000-03-01
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_written_in_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_348_799, "2026-11-22T11:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Utc::new(seconds * 1_000).to_rfc3339(), text);
        }
    }

    #[test]
    fn before_the_reader_s_zone_is_known_days_are_those_of_utc() {
        const MINUTE: i64 = 60 * 1_000;
        for (timestamp, previous, is_another) in [
            (DAY_MS + MINUTE, DAY_MS - MINUTE, true),
            (DAY_MS - MINUTE, DAY_MS - 2 * MINUTE, false),
            (DAY_MS - MINUTE, MINUTE, false),
            (DAY_MS, DAY_MS - 1, true),
            // A clock that was set back.
            (DAY_MS - 1, DAY_MS, true),
            (3 * DAY_MS, DAY_MS, true),
        ] {
            assert_eq!(
                is_on_another_day(timestamp, previous, None),
                is_another,
                "{timestamp} after {previous}"
            );
        }
    }
}
