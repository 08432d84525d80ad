//! The browser's clock, and times in the format of its user. Effects and the connection call it; rendering must not,
//! because server and browser would draw different texts.

use std::cell::OnceCell;

use js_sys::{Date, Function, Intl, Object, Reflect};
use wasm_bindgen::JsValue;

use super::page;

/// Milliseconds since the Unix epoch by the browser's clock; for measuring waits, not for display.
pub fn now_ms() -> i64 {
    Date::now() as i64
}

/// A day in the reader's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    year: u32,
    month: u32,
    day: u32,
}

impl Day {
    /// The current day.
    pub fn today() -> Self {
        Self::of(&Date::new_0())
    }

    /// The day of a time in milliseconds since the Unix epoch.
    pub fn of_timestamp(timestamp_ms: i64) -> Self {
        Self::of(&date_of(timestamp_ms))
    }

    /// Its year, its month from 1 on, and its day of the month.
    pub fn civil(self) -> (i64, i64, i64) {
        (self.year.into(), i64::from(self.month) + 1, self.day.into())
    }

    /// The day before.
    pub fn previous(self) -> Self {
        Self::of(&Date::new_with_year_month_day(self.year, self.month as i32, self.day as i32 - 1))
    }

    fn of(date: &Date) -> Self {
        Self { year: date.get_full_year(), month: date.get_month(), day: date.get_date() }
    }
}

/// Milliseconds until the reader's next midnight. A day can have 23 or 25 hours.
pub fn until_midnight_ms() -> u32 {
    let now = Date::new_0();
    let Day { year, month, day } = Day::of(&now);
    let midnight = Date::new_with_year_month_day(year, month as i32, day as i32 + 1);
    (midnight.get_time() - now.get_time()).max(0.0) as u32
}

/// A form in which a time is written.
#[derive(Clone, Copy)]
enum TimeForm {
    /// Hours and minutes: today.
    Today,
    /// With the day: this year.
    ThisYear,
    /// With the year.
    Earlier,
    /// All of it, with the day of the week, seconds and the time zone.
    Full,
    /// The day with its day of the week: this year.
    DayThisYear,
    /// With the year.
    DayEarlier,
}

thread_local! {
    /// One for each [`TimeForm`]. Creating one takes longer than all else about a message; the language stays the same.
    static FORMATS: [OnceCell<Function>; 6] = const { [const { OnceCell::new() }; 6] };
}

/// A time in the reader's time zone: hours and minutes, the day when it is not `today`, and the year when it is not
/// this one. The format is that of the reader's own variant of the page's language where that is known (`en-GB` for
/// `en`).
pub fn local_time(timestamp_ms: i64, today: Day, language: &str) -> String {
    let date = date_of(timestamp_ms);
    let form = match Day::of(&date) {
        day if day == today => TimeForm::Today,
        day if day.year == today.year => TimeForm::ThisYear,
        _ => TimeForm::Earlier,
    };
    write(&date, form, language)
}

/// The whole date and time, to the second.
pub fn full_local_time(timestamp_ms: i64, language: &str) -> String {
    write(&date_of(timestamp_ms), TimeForm::Full, language)
}

/// The day of a time with its day of the week, and the year when it is not that of `today`.
pub fn local_day(timestamp_ms: i64, today: Day, language: &str) -> String {
    let date = date_of(timestamp_ms);
    let form = if Day::of(&date).year == today.year { TimeForm::DayThisYear } else { TimeForm::DayEarlier };
    write(&date, form, language)
}

fn date_of(timestamp_ms: i64) -> Date {
    Date::new(&JsValue::from_f64(timestamp_ms as f64))
}

fn write(date: &Date, form: TimeForm, language: &str) -> String {
    let format =
        FORMATS.with(|formats| formats[form as usize].get_or_init(|| new_format(form, language)).clone());
    let text = format.call1(&JsValue::UNDEFINED, date).ok().and_then(|text| text.as_string());
    text.unwrap_or_else(|| date.to_locale_time_string(language).into())
}

fn new_format(form: TimeForm, language: &str) -> Function {
    let parts: &[(&str, &str)] = &[
        ("hour", "2-digit"),
        ("minute", "2-digit"),
        ("month", "short"),
        ("day", "numeric"),
        ("year", "numeric"),
    ];
    let day: &[(&str, &str)] =
        &[("weekday", "long"), ("month", "long"), ("day", "numeric"), ("year", "numeric")];
    let parts = match form {
        TimeForm::Today => &parts[..2],
        TimeForm::ThisYear => &parts[..4],
        TimeForm::Earlier => parts,
        TimeForm::DayThisYear => &day[..3],
        TimeForm::DayEarlier => day,
        TimeForm::Full => &[("dateStyle", "full"), ("timeStyle", "long")],
    };
    let options = Object::new();
    for (name, value) in parts {
        Reflect::set(&options, &(*name).into(), &(*value).into())
            .expect("a plain object takes every property");
    }
    let language = page::own_variant(language);
    Intl::DateTimeFormat::new(&js_sys::Array::of1(&language.into()), &options).format()
}
