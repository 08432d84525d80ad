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

thread_local! {
    /// With the date and without. Creating one takes longer than all else about a message; the language stays the same.
    static FORMATS: [OnceCell<Function>; 2] = const { [const { OnceCell::new() }; 2] };
}

/// A time of day in the reader's time zone, with the date when it is not today. The format is that of the reader's own
/// variant of the page's language where that is known (`en-GB` for `en`).
pub fn local_time(timestamp_ms: i64, language: &str) -> String {
    let date = Date::new(&JsValue::from_f64(timestamp_ms as f64));
    let is_today = date.to_date_string() == Date::new_0().to_date_string();
    let format = FORMATS
        .with(|formats| formats[usize::from(is_today)].get_or_init(|| format(language, !is_today)).clone());
    let text = format.call1(&JsValue::UNDEFINED, &date).ok().and_then(|text| text.as_string());
    text.unwrap_or_else(|| date.to_locale_time_string(language).into())
}

fn format(language: &str, with_date: bool) -> Function {
    let options = Object::new();
    set(&options, "hour", "2-digit");
    set(&options, "minute", "2-digit");
    set(&options, "second", "2-digit");
    if with_date {
        set(&options, "month", "short");
        set(&options, "day", "numeric");
    }
    let language = page::own_variant(language);
    Intl::DateTimeFormat::new(&js_sys::Array::of1(&language.into()), &options).format()
}

fn set(options: &Object, name: &str, value: &str) {
    Reflect::set(options, &name.into(), &value.into()).expect("a plain object takes every property");
}
