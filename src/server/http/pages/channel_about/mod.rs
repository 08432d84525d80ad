//! The part of a channel's page that only the server draws: how long events are kept, how a program publishes to the
//! channel, and the place of the chart with a table of its values. So browsers download none of its texts.
//!
//! The views leave its element empty. `pages` fills it in the document, and `public/channel.js`, which draws the chart,
//! requests it where the browser half has drawn the page.

mod words;

use axum::{
    extract::{OriginalUri, State},
    http::HeaderMap,
    response::{Html, IntoResponse, Response},
};
use leptos::prelude::*;
use serde::Deserialize;

use self::words::{Unit, Words};
use super::{language_of, origin_of};
use crate::{
    app::{
        i18n::{Language, Texts},
        model::number::readable,
        page_data::PageData,
    },
    protocol::name::parse_channel,
    server::{
        auth::Identity,
        clock::now_ms,
        config::Retention,
        error::Error,
        feed::{RangeQuery, RangeSeries, ValueRange},
        http::{
            compat::ntfy,
            extract::{query::Lenient, user::MaybeUser},
        },
        state::AppState,
    },
};

/// The end of the empty element of the views.
const EMPTY: &str = r#" class="channel-about"></div>"#;
/// Rows of the table, which is for those whose browser draws no chart.
const ROWS: usize = 24;
/// The chart's times in milliseconds, in the order of their words.
const RANGES: [&str; 5] = ["3600000", "21600000", "86400000", "604800000", ""];

/// The query of [`get`].
#[derive(Deserialize)]
pub(super) struct Query {
    channel: String,
}

/// Serves the part for a page that the browser half has drawn.
pub(super) async fn get(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Lenient(Query { channel }): Lenient<Query>,
) -> Result<Response, Error> {
    state.rights.check_reader(caller.as_ref())?;
    let channel = parse_channel(&channel)?;
    let origin = origin_of(&state.site, &headers, &uri);
    let html = html(&state, caller.as_ref(), &channel, language_of(&state.site, &headers), origin).await?;
    Ok(Html(html).into_response())
}

/// The part of the page, if it is a channel's. If the values cannot be loaded the page is without it.
pub(super) async fn of_page(
    state: &AppState,
    who: Option<&Identity>,
    page: &PageData,
    language: Language,
    origin: String,
) -> Option<String> {
    let PageData::Feed { channel: Some(channel), .. } = page else { return None };
    html(state, who, channel, language, origin).await.map_err(Error::into_rejection).ok()
}

/// Puts the part into its element.
pub(super) fn with_part(html: &str, part: &str) -> String {
    html.replacen(EMPTY, &format!(r#" class="channel-about">{part}</div>"#), 1)
}

async fn html(
    state: &AppState,
    who: Option<&Identity>,
    channel: &str,
    language: Language,
    origin: String,
) -> Result<String, Error> {
    let range = RangeQuery { from: None, to: now_ms(), points: ROWS };
    let values = state.feed.values(who, channel, range).await?;
    let (channel, kept) = (channel.to_owned(), state.feed_retention);
    let (texts, words) = (language.texts(), words::of(language));
    // An owner of its own, as in account_pages/shell.rs.
    let owner = Owner::new_root(None);
    let html = owner.with(|| draw(texts, words, channel, kept, origin, values).to_html());
    owner.unset_with_forced_cleanup();
    Ok(html)
}

fn draw(
    texts: &'static Texts,
    words: &'static Words,
    channel: String,
    kept: Retention,
    origin: String,
    values: ValueRange,
) -> impl IntoView {
    let (time, entries) = (in_words(words, kept.age_ms), grouped(kept.entries));
    view! {
        {publish(texts, words, &channel, &origin, (words.kept)(&time, &entries))}
        {chart(words, values)}
    }
}

/// A time in the largest unit that needs no fraction.
fn in_words(words: &Words, time_ms: i64) -> String {
    let seconds = time_ms.unsigned_abs() / 1_000;
    let units = [(86_400, Unit::Day), (3_600, Unit::Hour), (60, Unit::Minute), (1, Unit::Second)];
    let (length, unit) = units
        .into_iter()
        .find(|(length, _)| seconds.is_multiple_of(*length))
        .expect("all are multiples of a second");
    (words.time)(seconds / length, unit)
}

/// A number with a comma before each group of three digits, as both languages write it.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let comma = |(at, digit): (usize, char)| {
        let comma = (at > 0 && at % 3 == first % 3).then_some(',');
        comma.into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(comma).collect()
}

fn publish(
    texts: &'static Texts,
    words: &'static Words,
    channel: &str,
    origin: &str,
    kept: String,
) -> AnyView {
    let address = format!("{origin}/api/events/{channel}");
    let json = |json: &str| format!("curl -H 'Content-Type: application/json' -d '{json}' {address}");
    let ntfy = ntfy::is_topic(channel).then(|| format!("{origin}/{channel}"));
    let commands = [
        ("text", words.publish_text, Some(format!("curl -d 'backup done' {address}"))),
        (
            "warning",
            words.publish_warning,
            Some(format!("curl -H 'Title: Disk' -H 'Level: warning' -d '92 % of /var' {address}")),
        ),
        ("value", words.publish_value, Some(json(r#"{"type":"update","key":"load","value":0.42}"#))),
        (
            "progress",
            words.publish_progress,
            Some(json(r#"{"type":"progress","key":"import","done":3,"total":7}"#)),
        ),
        ("ntfy", words.publish_ntfy, ntfy),
        ("webhook", words.publish_webhook, Some(address.clone())),
        ("token", words.publish_token, Some("-H 'Authorization: Bearer idp_…'".to_owned())),
    ];
    let row = |(name, title, command): (&str, &'static str, Option<String>)| {
        let id = format!("publish-{name}");
        let (title_id, label) = (format!("{id}-title"), format!("{id}-copy {id}-title"));
        let copy_id = format!("{id}-copy");
        command.map(|command| {
            view! {
                <dt id=title_id>{title}</dt>
                <dd>
                    <code id=id.clone() translate="no">{command}</code>
                    // public/live.js
                    <button type="button" class="copy" data-copy=id aria-labelledby=label>
                        <span id=copy_id data-copied=texts.copied aria-live="polite">{texts.copy}</span>
                    </button>
                </dd>
            }
        })
    };
    let rows = commands.into_iter().filter_map(row).collect::<Vec<_>>();
    view! {
        <details class="channel-publish">
            <summary>{words.about}</summary>
            <p class="muted">{kept}</p>
            <dl>{rows}</dl>
        </details>
    }
    .into_any()
}

/// The place of the chart, with the words that `public/channel.js` needs. Until that draws it there is only the table.
fn chart(words: &'static Words, values: ValueRange) -> AnyView {
    let is_empty = values.times.is_empty();
    let ranges = RANGES.into_iter().zip(words.range).map(|(range, word)| {
        view! { <button type="button" data-range=range aria-pressed="false">{word}</button> }
    });
    let ranges = ranges.collect::<Vec<_>>();
    view! {
        <section class="chart" aria-labelledby="chart" hidden=is_empty data-empty=words.no_values data-cut=words.not_all
            data-failed=words.failed data-time=words.time_column data-unnamed=words.unnamed>
            <h2 id="chart">{words.chart}</h2>
            <div class="chart__ranges" role="group" aria-label=words.ranges>
                {ranges}
                <button type="button" data-zoom="in" aria-label=words.zoom_in title=words.zoom_in>"+"</button>
                <button type="button" data-zoom="out" aria-label=words.zoom_out title=words.zoom_out>"−"</button>
            </div>
            <div class="chart__plot" role="slider" tabindex="0" aria-label=words.chart_of aria-describedby="chart-keys" aria-valuemin="0" aria-valuemax="0" aria-valuenow="0"></div>
            <p class="visually-hidden" id="chart-keys">{words.chart_keys}</p>
            <p class="chart__time muted" aria-hidden="true"></p>
            <ul class="chart__series" aria-label=words.series></ul>
            <p class="chart__note" role="status"></p>
            <details class="chart__table">
                <summary>{words.table}</summary>
                <p class="muted">{words.table_hint}</p>
                <div class="chart__scroll" role="region" tabindex="0" aria-label=words.table>{table(words, values)}</div>
            </details>
        </section>
    }
    .into_any()
}

/// The table of the values, newest first. The times are in UTC until the script writes them in the reader's zone.
fn table(words: &'static Words, ValueRange { times, series, .. }: ValueRange) -> AnyView {
    let name = |series: &RangeSeries| match (&*series.key, &series.unit) {
        ("", None) => words.unnamed.to_owned(),
        ("", Some(unit)) => format!("{} ({unit})", words.unnamed),
        (key, None) => key.to_owned(),
        (key, Some(unit)) => format!("{key} ({unit})"),
    };
    let heads =
        series.iter().map(|series| view! { <th scope="col" dir="auto" translate="no">{name(series)}</th> });
    let heads = heads.collect::<Vec<_>>();
    let row = |(at, time): (usize, i64)| {
        let cells = series.iter().map(|series| view! { <td translate="no">{cell(series, at)}</td> });
        let cells = cells.collect::<Vec<_>>();
        view! { <tr><th scope="row">{utc(time)}</th>{cells}</tr> }
    };
    let rows = times.into_iter().enumerate().rev().map(row).collect::<Vec<_>>();
    view! {
        <table>
            <thead><tr><th scope="col">{words.time_column}</th>{heads}</tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn cell(series: &RangeSeries, at: usize) -> String {
    match (series.mean[at], series.min[at], series.max[at]) {
        (Some(mean), Some(min), Some(max)) if min < max => {
            format!("{} ({} – {})", readable(mean), readable(min), readable(max))
        }
        (Some(mean), ..) => readable(mean),
        _ => "–".to_owned(),
    }
}

fn utc(time: i64) -> String {
    use cookie::time::OffsetDateTime;
    OffsetDateTime::from_unix_timestamp(time.div_euclid(1_000)).map_or_else(
        |_| String::new(),
        |time| {
            let (hour, minute, second) = (time.hour(), time.minute(), time.second());
            format!("{} {hour:02}:{minute:02}:{second:02} UTC", time.date())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(language: Language, channel: &str, values: ValueRange) -> String {
        let kept = Retention { entries: 10_000, age_ms: 7 * 86_400_000, client_id_age_ms: 0 };
        let origin = "http://127.0.0.1:3000".to_owned();
        Owner::new().with(|| {
            draw(language.texts(), words::of(language), channel.into(), kept, origin, values).to_html()
        })
    }

    fn values(key: &str) -> ValueRange {
        let [min, max, mean] = [1.0, 3.0, 2.0].map(|value| vec![Some(value)]);
        let series = RangeSeries { key: key.into(), unit: Some("%".into()), min, max, mean };
        ValueRange {
            times: vec![0],
            series: vec![series],
            cut: false,
            cursor: "e:1".parse().expect("a cursor"),
        }
    }

    #[test]
    fn times_and_numbers_are_written_as_people_say_them() {
        let [en, ja] = [Language::En, Language::Ja].map(words::of);
        for (ms, english, japanese) in [
            (7 * 86_400_000, "7 days", "7日"),
            (90 * 60_000, "90 minutes", "90分"),
            (3_600_000, "1 hour", "1時間"),
            (61_000, "61 seconds", "61秒"),
        ] {
            assert_eq!((&*in_words(en, ms), &*in_words(ja, ms)), (english, japanese));
        }
        let numbers = [0, 999, 1_000, 10_000, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "10,000", "1,234,567"]);
    }

    #[test]
    fn a_channel_s_page_says_how_to_publish_to_it_and_what_is_kept() {
        let html = about(Language::En, "ops", values("cpu"));
        assert!(html.contains("curl -d 'backup done' http://127.0.0.1:3000/api/events/ops"), "{html}");
        assert!(html.contains(">http://127.0.0.1:3000/ops<"), "the topic of ntfy: {html}");
        assert!(html.contains("Kept for 7 days") && html.contains("10,000"), "{html}");
        assert!(html.contains("2 (1 – 3)") && html.contains("cpu (%)"), "{html}");
        let reserved = about(Language::Ja, "rooms", values("cpu"));
        assert!(!reserved.contains(">http://127.0.0.1:3000/rooms<"), "no topic of ntfy: {reserved}");
        assert!(reserved.contains("保存期間は7日です"), "{reserved}");
    }

    #[test]
    fn a_key_is_text_whatever_it_looks_like() {
        let html = about(Language::En, "ops", values("<b>x</b>"));
        assert!(html.contains("&lt;b&gt;x") && !html.contains("<b>x"), "{html}");
    }
}
