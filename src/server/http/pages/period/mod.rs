//! The period of a page of the feed by its address: `?from=2026-11-28T10:00&to=2026-11-28T12:00&zone=Asia/Tokyo`, and the
//! fields for it in the filter's form. `account_pages/period.rs` draws such a page, which is not live.
//!
//! Times in the address are those of its zone, so a link shows everybody the same. The choices of the form (the last hour,
//! today) lead to an address with times, which means the same tomorrow.
//!
//! The views leave the fields' element empty. `pages` fills it in the document, and `public/events.js` anywhere else.

mod words;

use axum::http::{HeaderMap, Uri};
use jiff::{Timestamp, ToSpan, Zoned, civil::DateTime, tz::TimeZone};
use serde::Deserialize;

pub(in crate::server::http) use self::words::{Words, of as words_of};
use super::{escape, linked::Reader};
use crate::{
    app::routes::encode,
    server::{config::site::Site, feed::Span, http::extract::query::Lenient, notify::quiet::zone_of},
};

/// The element of the views that gets the fields.
const EMPTY: &str = r#"<div class="feed-period"></div>"#;
/// The longest text that is taken for a time or a zone.
const TEXT_MAX_BYTES: usize = 64;
/// The longest text of such a field: down to milliseconds.
const FIELD_MAX_BYTES: usize = "2026-11-28T10:00:00.000".len();
/// The form of a time in an address and in the fields of browsers.
const FORM: &str = "%Y-%m-%dT%H:%M";

/// The query of a page of a period.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::server::http) struct PeriodQuery {
    from: Option<String>,
    to: Option<String>,
    zone: Option<String>,
    /// A choice of the form, which counts more than the times.
    range: Option<String>,
    /// The cursor before which the events of the page stand.
    pub(in crate::server::http) before: Option<String>,
    /// The cursor after which they stand.
    pub(in crate::server::http) after: Option<String>,
    /// The channel that the form of the whole feed names.
    pub(in crate::server::http) channel: Option<String>,
}

/// A period: its texts, as the address has them, and its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server::http) struct Period {
    /// The beginning, or empty.
    pub(in crate::server::http) from: String,
    /// The end, or empty.
    pub(in crate::server::http) to: String,
    /// The name of the zone, or its offset.
    pub(in crate::server::http) zone: String,
    /// The zone.
    pub(in crate::server::http) time_zone: TimeZone,
    /// The times.
    pub(in crate::server::http) span: Span,
}

/// The reason why a query names no period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server::http) enum Fault {
    /// This is no time.
    Time(String),
    /// This is no zone.
    Zone(String),
    /// It ends before it begins.
    Order,
}

/// The choices of the form, in their order.
#[derive(Clone, Copy)]
enum Range {
    Hour,
    Today,
    Yesterday,
    Week,
}

impl Range {
    const ALL: [(&str, Self); 4] =
        [("hour", Self::Hour), ("today", Self::Today), ("yesterday", Self::Yesterday), ("week", Self::Week)];

    /// The beginning and the end, if it is not now. A day may be shorter or longer than 24 hours.
    fn times(self, now: &Zoned) -> Option<(Zoned, Option<Zoned>)> {
        let today = now.start_of_day().ok()?;
        Some(match self {
            Self::Hour => (now.checked_sub(1.hour()).ok()?, None),
            Self::Today => (today, None),
            Self::Yesterday => (now.yesterday().ok()?.start_of_day().ok()?, Some(today)),
            Self::Week => (now.checked_sub(7.days()).ok()?, None),
        })
    }
}

impl PeriodQuery {
    /// The query of an address.
    pub(in crate::server::http) fn of(uri: &Uri) -> Self {
        let query = uri.query().and_then(|query| Lenient::<Self>::parse(query).ok());
        query.map(|Lenient(query)| query).unwrap_or_default()
    }

    /// Returns true if it names a period, whether that is one or not.
    pub(in crate::server::http) fn is_period(&self) -> bool {
        self.from.is_some() || self.to.is_some() || self.range.is_some()
    }

    /// Returns true if it comes from the form, whose address has more than is needed.
    pub(in crate::server::http) fn is_of_form(&self) -> bool {
        self.range.is_some() || (self.zone.is_some() && !self.is_period())
    }

    /// The same with times in place of a choice. A choice that is none is left out.
    pub(in crate::server::http) fn with_times(mut self, now_ms: i64) -> Self {
        let range = self.range.take();
        let range = Range::ALL.into_iter().find(|(name, _)| Some(*name) == range.as_deref());
        let now = Timestamp::from_millisecond(now_ms).ok().map(|now| now.to_zoned(self.time_zone()));
        let times = range.zip(now).and_then(|((_, range), now)| range.times(&now));
        if let Some((from, to)) = times {
            let text = |time: Zoned| time.strftime(FORM).to_string();
            (self.from, self.to) = (Some(text(from)), to.map(text));
        }
        self
    }

    fn time_zone(&self) -> TimeZone {
        self.zone.as_deref().and_then(zone_of).unwrap_or(TimeZone::UTC)
    }

    /// The period in the rest of an address, each parameter with `&` before it.
    pub(in crate::server::http) fn to_query(&self) -> String {
        let parameter = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("&{name}={}", encode(value))).unwrap_or_default()
        };
        let times = parameter("from", &self.from) + &parameter("to", &self.to);
        if times.is_empty() { times } else { times + &parameter("zone", &self.zone) }
    }

    /// The period.
    pub(in crate::server::http) fn period(&self) -> Result<Period, Fault> {
        let zone = self.zone.clone().unwrap_or_else(|| "UTC".to_owned());
        let time_zone = zone_of(&zone).ok_or_else(|| Fault::Zone(cut(&zone)))?;
        let time = |text: &Option<String>| {
            text.as_deref()
                .map(|text| time_of(text, &time_zone).ok_or_else(|| Fault::Time(cut(text))))
                .transpose()
        };
        let span = Span { from: time(&self.from)?, to: time(&self.to)? };
        if span.from.zip(span.to).is_some_and(|(from, to)| from >= to) {
            return Err(Fault::Order);
        }
        let text = |text: &Option<String>| text.as_deref().map(cut).unwrap_or_default();
        Ok(Period { from: text(&self.from), to: text(&self.to), zone, time_zone, span })
    }

    /// The fields with what this query has; without a zone with that of the reader.
    pub(in crate::server::http) fn fields(&self, words: &Words, reader: &str) -> String {
        let value = |text: &Option<String>| escape(&text.as_deref().and_then(field_of).unwrap_or_default());
        let choices = Range::ALL.iter().zip(words.ranges).map(|((name, _), word)| {
            format!(r#"<button type="submit" name="range" value="{name}">{word}</button>"#)
        });
        let zone = self.zone.as_deref().map_or_else(|| escape(reader), |zone| escape(&cut(zone)));
        // A zone that the address names stays; public/events.js puts the name of the reader's into any other.
        let is_named = self.zone.is_some() && self.is_period();
        let named = if is_named { " data-named" } else { "" };
        let open = if self.is_period() { " open" } else { "" };
        format!(
            r#"<p class="feed-period__choices">{}</p><details class="feed-period__times"{open}><summary>{}</summary><div><label>{} <input type="datetime-local" name="from" value="{}"></label><label>{} <input type="datetime-local" name="to" value="{}"></label><label>{} <input type="text" name="zone" value="{zone}" size="14" maxlength="{TEXT_MAX_BYTES}" autocomplete="off" spellcheck="false" translate="no"{named}></label><button type="submit">{}</button></div></details>"#,
            choices.collect::<String>(),
            words.times,
            words.from,
            value(&self.from),
            words.to,
            value(&self.to),
            words.zone,
            words.show,
        )
    }
}

/// The name of the zone of a reader who sent these headers: its offset, as `public/live.js` told it, or UTC.
pub(in crate::server::http) fn zone_of_reader(site: &Site, headers: &HeaderMap) -> String {
    let minutes = -Reader::of(site, headers).zone_ms / 60_000;
    if minutes == 0 {
        return "UTC".to_owned();
    }
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// Puts the fields into a rendered page.
pub(in crate::server::http) fn with_fields(html: &str, fields: &str) -> String {
    html.replacen(EMPTY, &format!(r#"<div class="feed-period">{fields}</div>"#), 1)
}

impl Period {
    /// A time of it in words of its zone.
    pub(in crate::server::http) fn words_for(&self, timestamp: i64) -> String {
        let time =
            Timestamp::from_millisecond(timestamp).ok().map(|time| time.to_zoned(self.time_zone.clone()));
        time.map(|time| time.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
    }

    /// The offset of its zone at a time: a name does not say it, and it changes with the season.
    pub(in crate::server::http) fn offset_at(&self, timestamp: i64) -> String {
        let offset = Timestamp::from_millisecond(timestamp).map(|time| self.time_zone.to_offset(time));
        let minutes = offset.map_or(0, |offset| offset.seconds() / 60);
        if minutes == 0 {
            return "UTC".to_owned();
        }
        let sign = if minutes < 0 { '−' } else { '+' };
        format!("UTC{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }
}

/// The time of a text such as `2026-11-28T10:00`, in milliseconds. One that a change of the clock leaves out is the hour
/// after it, and one that comes twice is the first.
fn time_of(text: &str, zone: &TimeZone) -> Option<i64> {
    let time: DateTime = Some(text.trim()).filter(|text| text.len() <= TEXT_MAX_BYTES)?.parse().ok()?;
    Some(time.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond())
}

/// The time of a text as a field of browsers takes it. They complain about anything else.
fn field_of(text: &str) -> Option<String> {
    let text = text.trim();
    let time: DateTime = text.parse().ok()?;
    let is_form = text.as_bytes().get(10) == Some(&b'T') && text.len() <= FIELD_MAX_BYTES;
    Some(if is_form { text.to_owned() } else { time.strftime(FORM).to_string() })
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_MAX_BYTES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(query: &str) -> PeriodQuery {
        PeriodQuery::of(&format!("/?{query}").parse().expect("an address"))
    }

    #[test]
    fn times_are_those_of_the_zone_in_the_address() {
        let period = |text: &str| query(text).period().expect("a period");
        let tokyo = period("from=2026-11-28T10:00&to=2026-11-28T12%3A30%3A15&zone=Asia%2FTokyo");
        assert_eq!(tokyo.span, Span { from: Some(1_795_827_600_000), to: Some(1_795_836_615_000) });
        assert_eq!(tokyo.words_for(1_795_827_600_000), "2026-11-28 10:00:00");
        assert_eq!(tokyo.offset_at(1_795_827_600_000), "UTC+09:00");
        let utc = period("from=2026-11-28T01:00");
        assert_eq!((utc.span.from, utc.span.to, &*utc.zone), (tokyo.span.from, None, "UTC"));
        assert_eq!(period("to=2026-11-28T06:30&zone=%2B05:30").span.to, tokyo.span.from);
    }

    #[test]
    fn what_is_no_period_says_why() {
        let fault = |text: &str| query(text).period().expect_err(text);
        assert_eq!(fault("from=yesterday"), Fault::Time("yesterday".into()));
        assert_eq!(fault("from=2026-11-28T10:00&zone=Mars"), Fault::Zone("Mars".into()));
        assert_eq!(fault("from=2026-11-28T10:00&to=2026-11-28T10:00"), Fault::Order);
        assert!(!query("before=e:1&level=error").is_period() && !query("").is_of_form());
    }

    #[test]
    fn a_choice_leads_to_times_of_the_zone_also_where_a_day_has_25_hours() {
        // 2026-10-25 12:00 in Berlin, where that day has 25 hours.
        let at = |range: &str| {
            query(&format!("range={range}&from=x&zone=Europe%2FBerlin"))
                .with_times(1_792_926_000_000)
                .to_query()
        };
        let zone = "&zone=Europe%2FBerlin";
        assert_eq!(at("hour"), format!("&from=2026-10-25T11%3A00{zone}"));
        assert_eq!(at("today"), format!("&from=2026-10-25T00%3A00{zone}"));
        assert_eq!(at("yesterday"), format!("&from=2026-10-24T00%3A00&to=2026-10-25T00%3A00{zone}"));
        assert_eq!(at("week"), format!("&from=2026-10-18T12%3A00{zone}"));
        let whole = query("from=2026-10-25T00:00&to=2026-10-26T00:00&zone=Europe%2FBerlin").period();
        let Span { from: Some(from), to: Some(to) } = whole.expect("a period").span else { panic!() };
        assert_eq!((to - from) / 3_600_000, 25);
        assert_eq!(
            query("from=&to=&zone=UTC&level=error").to_query(),
            "",
            "nothing of the form without times"
        );
    }

    #[test]
    fn what_was_typed_is_text_in_the_fields_and_a_time_only_where_it_is_one() {
        let html = query("from=soon&to=2026-11-28&zone=%22%3E%3Cb%3E")
            .fields(words_of(crate::app::i18n::Language::Ja), "UTC");
        assert!(!html.contains("<b>") && html.contains("&lt;b") && !html.contains("soon"), "{html}");
        assert!(html.contains(r#"value="2026-11-28T00:00""#), "{html}");
    }
}
