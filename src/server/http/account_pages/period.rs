//! `/?from=…` and `/feed/{channel}?to=…`: the events of a period, as the feed shows them, a page at a time and not live: what
//! is read about yesterday does not move. `router` puts it before the pages of the feed, which have the same addresses
//! without a period. It needs no script.

use axum::{
    RequestPartsExt,
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;

use super::{answer::beside_reader, document::Document, texts::Texts};
use crate::{
    app::{
        feed_filter_at,
        i18n::Language,
        notification_at,
        routes::{self, Route},
    },
    protocol::{
        cursor::Cursor,
        feed::{Entry, EventFilter},
        name::parse_channel,
    },
    server::{
        error::Error,
        feed::{DuringPage, Place},
        http::{
            channel_choices::ChannelChoices,
            pages::{
                PageRequest, escape,
                filter::FilterQuery,
                language_of,
                period::{Fault, Period, PeriodQuery, Words, with_fields, words_of, zone_of_reader},
                talk,
            },
        },
        state::AppState,
    },
};

/// Events of a page: some screens of them.
const SHOWN: usize = 30;

/// Middleware: answers for the pages of the feed whose address names a period, and passes all others.
pub(in crate::server::http) async fn periods(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let query = PeriodQuery::of(request.uri());
    let channel = match Route::parse(request.uri().path()) {
        Some(Route::Feed(channel)) if query.is_period() || query.is_of_form() => channel,
        _ => return next.run(request).await,
    };
    if channel.as_deref().is_some_and(|channel| parse_channel(channel).is_err()) {
        return next.run(request).await;
    }
    let (mut parts, _) = request.into_parts();
    match parts.extract_with_state::<PageRequest, _>(&state).await {
        Ok(asked) => show(asked, channel, query).await.unwrap_or_else(IntoResponse::into_response),
        Err(rejection) => rejection.into_response(),
    }
}

async fn show(asked: PageRequest, channel: Option<String>, query: PeriodQuery) -> Result<Response, Error> {
    let filter = FilterQuery::of(&asked.uri).filter();
    let named = query.channel.as_deref().filter(|_| channel.is_none());
    let named = named.and_then(|named| parse_channel(named.trim()).ok());
    if query.is_of_form() || named.is_some() {
        let query = query.with_times(asked.state.clock.wall_ms());
        return Ok(Redirect::to(&address(named.or(channel).as_deref(), &query, &filter, "")).into_response());
    }
    let (state, who) = (&asked.state, asked.caller.0.as_ref());
    let language = language_of(&state.site, &asked.headers);
    let period = query.period();
    let found = match &period {
        Ok(period) => {
            let channels = ChannelChoices::read(&state.site, &asked.headers).channels(channel.as_deref());
            let filter = filter.clone().unwrap_or_default();
            state.feed.during(who, channels, &filter, (period.span, place(&query)), SHOWN).await?
        }
        Err(_) => DuringPage::default(),
    };
    let status = if period.is_ok() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let talks = talk::of_entries(state, who, &found.entries, language).await?;
    let zone = zone_of_reader(&state.site, &asked.headers);
    let page = PeriodPage { language, channel, filter, query, period, found, talks, zone };
    let mut response = beside_reader(&asked, page).await?;
    *response.status_mut() = status;
    Ok(response)
}

/// The place that the address names. What is no cursor is none.
fn place(query: &PeriodQuery) -> Option<Place> {
    let cursor = |text: &Option<String>| text.as_deref()?.parse::<Cursor>().ok();
    cursor(&query.before).map(Place::Before).or_else(|| cursor(&query.after).map(Place::After))
}

/// The address of a page of the feed with a period, a filter, and a `place`, which begins with `&`.
fn address(channel: Option<&str>, query: &PeriodQuery, filter: &Option<EventFilter>, place: &str) -> String {
    let filter = filter.as_ref().map(routes::filter_query).unwrap_or_default();
    let query = query.to_query() + &filter + place;
    routes::feed(channel) + &query.replacen('&', "?", 1)
}

/// The data of the page.
struct PeriodPage {
    language: Language,
    channel: Option<String>,
    filter: Option<EventFilter>,
    query: PeriodQuery,
    period: Result<Period, Fault>,
    found: DuringPage,
    talks: talk::Parts,
    /// The reader's zone.
    zone: String,
}

impl PeriodPage {
    /// The filter's form with the fields of the period, as HTML.
    fn form(&self, words: &Words) -> String {
        let view = feed_filter_at(self.language, self.channel.clone(), self.filter.clone());
        // Without the filter the time stays.
        let link = |address: &str| format!(r#"<a href="{}""#, escape(address));
        let channel = self.channel.as_deref();
        let whole = link(&address(channel, &self.query, &None, ""));
        let html = view.to_html().replacen(&link(&routes::feed(channel)), &whole, 1);
        with_fields(&html, &self.query.fields(words, &self.zone))
    }

    /// The rows, newest first, as HTML: with the times of the page's zone.
    fn rows(&self, period: &Period) -> String {
        let row = |entry: &Entry| {
            let html = notification_at(self.language, entry.clone()).to_html();
            with_time(html, &period.words_for(entry.timestamp))
        };
        self.talks.within(&self.found.entries.iter().rev().map(row).collect::<String>())
    }

    fn link(&self, place: Option<&Cursor>, name: &str, word: &'static str) -> Option<AnyView> {
        let place = format!("&{name}={}", place?);
        let address = address(self.channel.as_deref(), &self.query, &self.filter, &place);
        Some(view! { <a href=address>{word}</a> }.into_any())
    }

    fn now(&self) -> String {
        address(self.channel.as_deref(), &PeriodQuery::default(), &self.filter, "")
    }
}

/// Puts a time in place of that of a row, which the view writes for a script that knows the reader's zone.
fn with_time(html: String, words: &str) -> String {
    const END: &str = "</time>";
    match (html.find("<time"), html.find(END)) {
        (Some(start), Some(end)) if start < end => {
            let time = format!(r#"<time translate="no">{}"#, escape(words));
            format!("{}{time}{}", &html[..start], &html[end..])
        }
        _ => html,
    }
}

fn fault(words: &Words, fault: &Fault) -> String {
    match fault {
        Fault::Time(text) => (words.no_time)(text),
        Fault::Zone(text) => (words.no_zone)(text),
        Fault::Order => words.order.to_owned(),
    }
}

impl Document for PeriodPage {
    fn title(&self, _: &Texts) -> String {
        self.channel.clone().unwrap_or_else(|| self.language.texts().feed.to_owned())
    }

    fn class(&self) -> &'static str {
        "document period"
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let words = words_of(self.language);
        let (form, now) = (self.form(words), self.now());
        let heading = match &self.channel {
            Some(channel) => view! { <h1><bdi translate="no">{channel.clone()}</bdi></h1> }.into_any(),
            None => view! { <h1>{self.title(texts)}</h1> }.into_any(),
        };
        let content = match &self.period {
            Err(why) => view! { <p class="note" role="alert" dir="auto">{fault(words, why)}</p> }.into_any(),
            Ok(period) => self.list(words, period),
        };
        view! {
            {heading}
            <p><a href=now>{words.to_now}</a></p>
            // Of views of this server only.
            <div class="period__form" inner_html=form></div>
            {content}
        }
        .into_any()
    }
}

impl PeriodPage {
    fn list(&self, words: &'static Words, period: &Period) -> AnyView {
        let said = |time: Option<i64>| time.map(|time| period.words_for(time)).unwrap_or_default();
        let (from, to) = (said(period.span.from), said(period.span.to));
        let offset = period.offset_at(period.span.from.or(period.span.to).unwrap_or_default());
        let later = self.link(self.found.later.as_ref(), "after", words.later);
        let earlier = self.link(self.found.earlier.as_ref(), "before", words.earlier);
        let nothing =
            self.found.entries.is_empty().then(|| view! { <p class="panel empty">{words.nothing}</p> });
        let pages = |link: Option<AnyView>| {
            link.map(|link| view! { <nav class="period__pages" aria-label=words.pages>{link}</nav> })
        };
        view! {
            <div class="feed-filter__line period__line">
                <p><b translate="no">{(words.between)(&from, &to)}</b></p>
                <p>{(words.times_in)(&period.zone, &offset)} " " {words.is_still}</p>
            </div>
            {pages(later)}
            {nothing}
            <div class="notifications"><div class="notifications__list" inner_html=self.rows(period)></div></div>
            {pages(earlier)}
        }
        .into_any()
    }
}
