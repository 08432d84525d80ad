//! `/search`: messages and notifications by their words, each with the link to its place. The form sends an address, so a
//! search can be kept and shared, and works without a script.

use std::net::IpAddr;

use axum::response::Response;
use jiff::{Timestamp, tz::TimeZone};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{beside_reader, forbidden},
    document::Document,
    texts::Texts,
    time::time,
};
use crate::{
    app::{model::room::RejectionReason, routes},
    protocol::problem::Rejection,
    server::{
        error::Error,
        http::{
            extract::{client_address::ClientAddress, query::Lenient},
            pages::PageRequest,
        },
        search::{Asker, Found, FoundPage, Misread, Order, Part, QUERY_MAX_CHARACTERS, Query, Wanted},
    },
};

/// Hits of a page: as many as one looks through.
const HITS: usize = 20;

/// The query of the page's address.
#[derive(Deserialize)]
pub(super) struct Parameters {
    q: Option<String>,
    order: Option<String>,
    before: Option<String>,
    /// The time zone of days, such as `Asia/Tokyo`; a browser without a script does not tell it.
    zone: Option<String>,
}

/// Serves the page: the form, and what is found.
pub(super) async fn show(
    asked: PageRequest,
    ClientAddress(address): ClientAddress,
    Lenient(Parameters { q, order, before, zone }): Lenient<Parameters>,
) -> Result<Response, Error> {
    if let Some(answer) = forbidden(&asked) {
        return Ok(answer);
    }
    let q = q.unwrap_or_default().trim().to_owned();
    let order = order.and_then(|order| Order::parse(&order).ok()).unwrap_or_default();
    let state = &asked.state;
    let is_indexing = state.metrics.unindexed() > 0;
    let zone = zone.and_then(|name| TimeZone::get(&name).ok());
    let mut page = SearchPage { q, order, zone, found: None, problem: None, is_indexing };
    if !page.q.is_empty() {
        let zone = page.zone.clone().unwrap_or(TimeZone::UTC);
        let who = asked.caller.0.as_ref();
        let asker = Asker { id: who.map(|user| user.user.id.as_str()), now: Timestamp::now(), zone };
        let wanted = Wanted { order, before, limit: HITS };
        let found = match Query::parse(&page.q, &asker) {
            Ok(query) => find(&asked, address, &query, &wanted).await,
            Err(misread) => {
                page.problem = Some(Problem::Misread(misread));
                Ok(None)
            }
        };
        match found {
            Ok(found) => page.found = found,
            Err(Error::Rejected(Rejection { code, retry_after_ms, .. })) => {
                page.problem = Some(Problem::Rejected(RejectionReason { code, retry_after_ms }));
            }
            Err(error) => return Err(error),
        }
    }
    beside_reader(&asked, page).await
}

async fn find(
    asked: &PageRequest,
    address: IpAddr,
    query: &Query,
    wanted: &Wanted,
) -> Result<Option<FoundPage>, Error> {
    let who = asked.caller.0.as_ref();
    asked.state.limits.search(who.map(|identity| &identity.user), address).await?;
    asked.state.searching.search(who, query, wanted).await.map(Some)
}

/// The reason why nothing was looked for.
enum Problem {
    Misread(Misread),
    /// Too many searches, or a cursor that is none.
    Rejected(RejectionReason),
}

impl Problem {
    fn text(&self, texts: &Texts) -> String {
        match self {
            Self::Misread(misread) => (texts.misread)(misread),
            Self::Rejected(reason) => (texts.rejection)(*reason),
        }
    }
}

/// The data of the page.
struct SearchPage {
    q: String,
    order: Order,
    zone: Option<TimeZone>,
    found: Option<FoundPage>,
    problem: Option<Problem>,
    is_indexing: bool,
}

impl SearchPage {
    /// The address of the same search in this order, from this cursor on.
    fn address(&self, order: Order, before: Option<&str>) -> String {
        let order = if order == Order::Best { "&order=best" } else { "" };
        let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
        let zone = self.zone_name().map(|zone| format!("&zone={}", routes::encode(zone))).unwrap_or_default();
        format!("{}?q={}{order}{zone}{before}", routes::SEARCH, routes::encode(&self.q))
    }

    fn zone_name(&self) -> Option<&str> {
        self.zone.as_ref().and_then(TimeZone::iana_name)
    }
}

impl Document for SearchPage {
    fn title(&self, texts: &Texts) -> String {
        match self.q.is_empty() {
            true => texts.search.to_owned(),
            false => format!("{} · {}", self.q, texts.search),
        }
    }

    fn script(&self) -> Option<&'static str> {
        Some("search.js")
    }

    fn style(&self) -> Option<&'static str> {
        Some("search.css")
    }

    fn class(&self) -> &'static str {
        "document search"
    }

    fn body(mut self, texts: &'static Texts) -> AnyView {
        let problem = self.problem.take();
        let is_invalid = problem.as_ref().map(|_| "true");
        let problem = problem.map(|problem| problem.text(texts)).map(|message| {
            view! { <p class="note" role="alert" id="problem" dir="auto">{message}</p> }
        });
        let found = self.found.take();
        let orders = found.as_ref().map(|_| orders(texts, &self));
        let indexing =
            self.is_indexing.then(|| view! { <p class="muted" role="status">{texts.still_indexing}</p> });
        let found = found.map(|found| hits(texts, &self, found));
        let order =
            (self.order == Order::Best).then(|| view! { <input type="hidden" name="order" value="best" /> });
        view! {
            <h1>{texts.search}</h1>
            <form class="field" method="get" action=routes::SEARCH role="search">
                <input name="q" type="search" value=self.q.clone() dir="auto" aria-label=texts.search placeholder=texts.search_hint maxlength=QUERY_MAX_CHARACTERS.to_string() autocapitalize="none" autocomplete="off" autofocus=self.q.is_empty() aria-invalid=is_invalid aria-describedby=is_invalid.map(|_| "problem") />
                {order}
                <input type="hidden" name="zone" value=self.zone_name().unwrap_or("UTC").to_owned() />
                <button type="submit">{texts.find}</button>
            </form>
            {problem}
            {indexing}
            {orders}
            {found}
            {help(texts, self.q.is_empty())}
        }
        .into_any()
    }
}

/// The links to the same search in either order.
fn orders(texts: &'static Texts, page: &SearchPage) -> impl IntoView + use<> {
    let link = |order, text: &'static str| {
        let (href, is_current) = (page.address(order, None), (page.order == order).then_some("true"));
        view! { <a href=href aria-current=is_current>{text}</a> }
    };
    view! {
        <p class="search__orders">{link(Order::Newest, texts.newest_first)} " " {link(Order::Best, texts.best_first)}</p>
    }
}

fn hits(texts: &'static Texts, page: &SearchPage, found: FoundPage) -> AnyView {
    if found.hits.is_empty() {
        return view! { <p class="panel muted" role="status">{texts.nothing_found}</p> }.into_any();
    }
    let older = found.next.as_deref().map(|next| {
        let href = page.address(page.order, Some(next));
        view! { <p><a href=href rel="next">{texts.older_hits}</a></p> }
    });
    let rows: Vec<_> = found.hits.into_iter().enumerate().map(row).collect();
    view! { <ol class="rows stack">{rows}</ol> {older} }.into_any()
}

/// A hit. Its link is named by all of it and by its number: many have the same time, and some say the same.
fn row((number, found): (usize, Found)) -> impl IntoView + use<> {
    let id = format!("hit-{number}");
    let name = id.clone();
    let user = found.user.map(|user| view! { <b><bdi translate="no">{user}</bdi></b> });
    let place = match (found.room, found.channel) {
        (Some(room), _) => {
            let name = found.room_name.unwrap_or_else(|| room.to_string());
            view! { <a href=routes::room(&room)>"#" <bdi translate="no">{name}</bdi></a> }.into_any()
        }
        (None, channel) => {
            let channel = channel.unwrap_or_default();
            view! { <a href=routes::feed(Some(&channel)) translate="no">{channel.clone()}</a> }.into_any()
        }
    };
    let title = (!found.title.is_empty()).then(|| view! { <p dir="auto"><b>{parts(found.title)}</b></p> });
    view! {
        <li class="panel stack" id=id>
            <p class="row__head">
                <span class="visually-hidden">{number + 1} ". "</span>
                {user} {place} <a class="hit" href=found.url aria-labelledby=name>{time(found.timestamp)}</a>
            </p>
            {title}
            <p class="pre" dir="auto">{parts(found.parts)}</p>
        </li>
    }
}

/// A text with its marks.
fn parts(parts: Vec<Part>) -> Vec<AnyView> {
    let part = |Part { text, marked }: Part| match marked {
        true => view! { <mark>{text}</mark> }.into_any(),
        false => text.into_any(),
    };
    parts.into_iter().map(part).collect()
}

/// Lists examples of queries for the field, each with its meaning.
fn help(texts: &'static Texts, is_open: bool) -> impl IntoView + use<> {
    let rows = texts.search_help.iter().map(|(example, meaning)| {
        view! { <dt><code translate="no">{*example}</code></dt> <dd>{*meaning}</dd> }
    });
    let rows = rows.collect::<Vec<_>>();
    view! {
        <details class="panel" open=is_open>
            <summary>{texts.search_help_title}</summary>
            <dl class="search__help">{rows}</dl>
        </details>
    }
}
