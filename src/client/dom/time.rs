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

/// A form in which a time is written.
#[derive(Clone, Copy)]
enum TimeForm {
    /// Hours and minutes: today.
    Today,
    /// With the day: this year.
    ThisYear,
    /// With the year.
    Earlier,
    /// All of it, with seconds.
    Full,
}

thread_local! {
    /// Creating one takes longer than all else about a message; the language stays the same.
    static FORMATS: [OnceCell<Function>; 4] = const { [const { OnceCell::new() }; 4] };
}

/// A time in the reader's time zone: hours and minutes, the day when it is not today, and the year when it is not this
/// one. The format is that of the reader's own variant of the page's language where that is known (`en-GB` for `en`).
pub fn local_time(timestamp_ms: i64, language: &str) -> String {
    let (date, now) = (date_of(timestamp_ms), Date::new_0());
    let form = if date.to_date_string() == now.to_date_string() {
        TimeForm::Today
    } else if date.get_full_year() == now.get_full_year() {
        TimeForm::ThisYear
    } else {
        TimeForm::Earlier
    };
    write(&date, form, language)
}

/// The whole date and time, to the second.
pub fn full_local_time(timestamp_ms: i64, language: &str) -> String {
    write(&date_of(timestamp_ms), TimeForm::Full, language)
}

/// Milliseconds until the reader's next midnight.
pub fn until_midnight_ms() -> u32 {
    let (now, next) = (Date::new_0(), Date::new_0());
    next.set_hours(24);
    next.set_minutes(0);
    next.set_seconds(0);
    // A day has at most 25 hours.
    (next.get_time() - now.get_time()).max(0.0) as u32 + 1_000
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
    let options = Object::new();
    let parts: &[(&str, &str)] = match form {
        TimeForm::Today => &[("timeStyle", "short")],
        TimeForm::ThisYear => {
            &[("month", "short"), ("day", "numeric"), ("hour", "2-digit"), ("minute", "2-digit")]
        }
        TimeForm::Earlier => &[("dateStyle", "medium"), ("timeStyle", "short")],
        TimeForm::Full => &[("dateStyle", "full"), ("timeStyle", "medium")],
    };
    for (name, value) in parts {
        set(&options, name, value);
    }
    let language = page::own_variant(language);
    Intl::DateTimeFormat::new(&js_sys::Array::of1(&language.into()), &options).format()
}

fn set(options: &Object, name: &str, value: &str) {
    Reflect::set(options, &name.into(), &value.into()).expect("a plain object takes every property");
}
