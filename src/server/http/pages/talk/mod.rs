//! The talk about events, in the parts of the pages that only the server draws: at a notification of the feed the link that
//! begins to talk about it, and those to the rooms where somebody does; in a message that links to an event the newest state
//! of that event. So browsers download none of its texts, and each reader gets only what they may read.
//!
//! The views leave the element of a notification empty. `pages` fills it in the document, and `public/events.js` requests
//! the same for what the browser half has drawn. A room is named to those who may enter it, and to nobody else.

mod quote;
mod words;

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{OriginalUri, State},
    http::HeaderMap,
    routing::get,
};
use serde::{Deserialize, Serialize};

pub(in crate::server::http) use self::quote::quote;
use self::words::Words;
use super::{
    escape,
    event_state::EventState,
    first_event, language_of, origin_of,
    period::{self, PeriodQuery, zone_of_reader},
};
use crate::{
    app::{
        i18n::Language,
        model::{control_name::control_name, direction::isolated},
        page_data::PageData,
        routes::{self, Permalink},
    },
    protocol::{chat::Room, cursor::Epoch, feed::Entry, name::parse_channel, text::clean},
    server::{
        auth::Identity,
        authz::Subject,
        chat::Talk,
        error::Error,
        http::{
            channel_choices::ChannelChoices,
            extract::{query::Lenient, user::MaybeUser},
        },
        state::AppState,
        store::StoreError,
    },
};

/// The element of a notification that the views leave empty.
const EMPTY: &str = r#"<div class="notification__talk"></div>"#;
/// The same of the page of the whole feed.
const EMPTY_ABOUT: &str = r#"<div class="feed-about"></div>"#;
/// The sign of the link that begins a talk: Lucide's `message-square`, as in `app/components/icon.rs`.
const ICON: &str = r#"<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M21 15a2 2 0 0 1-2 2H7l-4 4V5a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2z"/></svg>"#;
/// Most notifications and most links of one request: more than a screen has. Each costs some reads.
const ASKED_MAX: usize = 50;
/// The channel to which the commands of the empty feed publish.
const FIRST_CHANNEL: &str = "ops";

/// The address of an event, as the last two segments of its path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::server::http) struct EventAddress {
    /// The channel.
    pub(in crate::server::http) channel: String,
    /// The event, as [`Permalink`] writes it.
    pub(in crate::server::http) event: String,
}

impl EventAddress {
    /// Parses `channel/event`.
    fn parse(text: &str) -> Option<Self> {
        let (channel, event) = text.split_once('/')?;
        Self::of(channel, event)
    }

    /// The address of these segments, if it may be one.
    pub(in crate::server::http) fn of(channel: &str, event: &str) -> Option<Self> {
        Permalink::parse(event).filter(Permalink::is_message)?;
        Some(Self { channel: parse_channel(channel).ok()?, event: event.to_owned() })
    }

    /// The event, if it is kept and `who` may read it. A value is no event.
    pub(in crate::server::http) async fn load(
        &self,
        state: &AppState,
        who: Option<&Identity>,
    ) -> Result<Option<Entry>, StoreError> {
        let Some(Permalink::Message(offset, beginning)) = Permalink::parse(&self.event) else {
            return Ok(None);
        };
        let epoch = state.feed.epoch().await?;
        let found = state.feed.events(who, &[offset]).await?.pop();
        let is_same = epoch.generation().starts_with(&beginning);
        Ok(found.filter(|entry| is_same && entry.channel == self.channel))
    }
}

/// Returns the subject of the discussions about this event.
pub(in crate::server::http) fn subject_of(entry: &Entry) -> Subject {
    let key = entry.body.key().map(str::to_owned);
    Subject { channel: entry.channel.clone(), key, offset: entry.offset }
}

/// The route of the parts for a page that the browser half has drawn.
pub(in crate::server::http) fn router() -> Router<AppState> {
    Router::new().route("/fn/events", get(parts))
}

/// The parts for what a page shows, as HTML.
#[derive(Debug, Default, Serialize)]
pub(in crate::server::http) struct Parts {
    /// Of notifications, by their offset.
    rows: BTreeMap<String, String>,
    /// Of links to events, by `channel/event`.
    links: BTreeMap<String, String>,
    /// Of the page of the whole feed.
    about: String,
    /// The fields of the period in the filter's form.
    period: String,
    /// The commands that publish the first event.
    first: String,
}

/// The query of [`parts`].
#[derive(Deserialize)]
pub(super) struct Query {
    /// The offsets of notifications.
    rows: Option<String>,
    /// The addresses of events to which messages link.
    links: Option<String>,
    /// The channel of a page without events.
    first: Option<String>,
}

/// Serves the parts for a page that the browser half has drawn. What does not look like an event has none.
async fn parts(
    State(state): State<AppState>,
    MaybeUser(caller): MaybeUser,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Lenient(Query { rows, links, first }): Lenient<Query>,
) -> Result<Json<Parts>, Error> {
    let who = caller.as_ref();
    state.rights.check_reader(who)?;
    let (rows, links) = (rows.unwrap_or_default(), links.unwrap_or_default());
    let offsets: Vec<_> = rows.split(',').filter_map(|offset| offset.parse().ok()).take(ASKED_MAX).collect();
    let links: Vec<_> = links.split(',').filter_map(EventAddress::parse).take(ASKED_MAX).collect();
    let language = language_of(&state.site, &headers);
    let entries = state.feed.events(who, &offsets).await?;
    let rows = rows_of(&state, who, entries.iter(), language).await?;
    let about = about(words::of(language), &ChannelChoices::read(&state.site, &headers));
    let period = PeriodQuery::default();
    let period = period.fields(period::words_of(language), &zone_of_reader(&state.site, &headers));
    let channel = first.and_then(|channel| parse_channel(&channel).ok());
    let origin = origin_of(&state.site, &headers, &uri);
    let first = channel.map(|channel| first_event::html(language, &channel, &origin)).unwrap_or_default();
    Ok(Json(Parts { rows, links: links_of(&state, who, links, language).await?, about, period, first }))
}

/// The links of these notifications, for [`Parts::within`].
pub(in crate::server::http) async fn of_entries(
    state: &AppState,
    who: Option<&Identity>,
    entries: &[Entry],
    language: Language,
) -> Result<Parts, Error> {
    Ok(Parts { rows: rows_of(state, who, entries.iter(), language).await?, ..Parts::default() })
}

/// The parts of a page. If they cannot be loaded the page is without them.
pub(super) async fn of_page(
    state: &AppState,
    who: Option<&Identity>,
    page: &PageData,
    language: Language,
    choices: &ChannelChoices,
    (zone, origin): (&str, &str),
) -> Parts {
    let parts = async {
        Ok::<_, Error>(match page {
            PageData::Feed { channel, feed } => {
                let rows = feed.notifications.iter().rev().take(ASKED_MAX);
                let rows = rows_of(state, who, rows, language).await?;
                let about = channel.is_none().then(|| about(words::of(language), choices));
                let period = PeriodQuery::default().fields(period::words_of(language), zone);
                let first = first_event::html(language, channel.as_deref().unwrap_or(FIRST_CHANNEL), origin);
                Parts { about: about.unwrap_or_default(), rows, period, first, ..Parts::default() }
            }
            PageData::Room { room: Some(room), .. } => {
                let pages = [Some(&room.page), room.thread.as_ref().map(|thread| &thread.page)];
                let around = room.linked.as_ref().and_then(|linked| linked.around.as_ref());
                let messages = pages.into_iter().chain([around]).flatten().flat_map(|page| &page.messages);
                let html = messages.filter_map(|message| message.html.as_deref());
                let mut links: Vec<_> = html.flat_map(addresses).map(|(_, address)| address).collect();
                links.sort_unstable();
                links.dedup();
                links.truncate(ASKED_MAX);
                Parts { links: links_of(state, who, links, language).await?, ..Parts::default() }
            }
            _ => Parts::default(),
        })
    };
    parts.await.map_err(Error::into_rejection).unwrap_or_default()
}

impl Parts {
    /// Puts the parts into a rendered page.
    pub(in crate::server::http) fn within(&self, html: &str) -> String {
        let html = html.replacen(EMPTY_ABOUT, &format!(r#"<div class="feed-about">{}</div>"#, self.about), 1);
        let html = period::with_fields(&html, &self.period);
        let html = first_event::with_commands(&html, &self.first);
        let html = if self.rows.is_empty() { html } else { self.with_rows(&html) };
        if self.links.is_empty() { html } else { self.with_links(&html) }
    }

    fn with_rows(&self, html: &str) -> String {
        const OFFSET: &str = r#" data-offset=""#;
        let mut pieces = html.split(EMPTY);
        let mut filled = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let row = filled.rfind(OFFSET).map(|at| &filled[at + OFFSET.len()..]);
            let part = row.and_then(|row| self.rows.get(row.split('"').next()?));
            let part = part.map_or("", String::as_str);
            filled = format!(r#"{filled}<div class="notification__talk">{part}</div>{piece}"#);
        }
        filled
    }

    fn with_links(&self, html: &str) -> String {
        let (mut filled, mut from) = (String::with_capacity(html.len()), 0);
        for (at, address) in addresses(html) {
            let end = html[at..].find("</a>").map(|end| at + end + "</a>".len());
            let part = self.links.get(&format!("{}/{}", address.channel, address.event));
            if let (Some(end), Some(part)) = (end.filter(|_| at >= from), part) {
                filled.extend([&html[from..end], part]);
                from = end;
            }
        }
        filled + &html[from..]
    }
}

/// The links to events in the HTML of messages, each with its place. The text of a message has no tag of its author.
fn addresses(html: &str) -> impl Iterator<Item = (usize, EventAddress)> {
    const LINK: &str = r#"<a href="http"#;
    html.match_indices(LINK).filter_map(|(at, _)| {
        let address = html[at + LINK.len()..].split('"').next()?;
        let (_, path) = address.split_once("://")?;
        let (_, path) = path.split_once("/feed/")?;
        Some((at, EventAddress::parse(path)?))
    })
}

async fn rows_of(
    state: &AppState,
    who: Option<&Identity>,
    entries: impl Iterator<Item = &Entry>,
    language: Language,
) -> Result<BTreeMap<String, String>, Error> {
    let entries: Vec<_> = entries.collect();
    if entries.is_empty() {
        return Ok(BTreeMap::new());
    }
    let subjects: Vec<_> = entries.iter().map(|entry| subject_of(entry)).collect();
    let (talks, epoch) = (state.chat.talks(who, &subjects).await?, state.feed.epoch().await?);
    let row = |(entry, talks): (&Entry, Vec<Talk>)| {
        (entry.offset.to_string(), row(language, &epoch, entry, who.is_some(), &talks))
    };
    Ok(entries.into_iter().zip(talks).map(row).collect())
}

/// The link to the board, and the number of the muted channels, which leads to their list.
fn about(words: &Words, choices: &ChannelChoices) -> String {
    let board = format!(r#"<a href="{}" rel="external">{}</a>"#, routes::BOARD, words.board);
    let muted = match choices.muted.len() {
        0 => String::new(),
        muted => {
            format!(r#"<a href="{}" rel="external">{}</a>"#, routes::FEED_CHANNELS, (words.muted)(muted))
        }
    };
    board + &muted
}

/// The links of a notification: one to its page, for those who may write somewhere, and one to each talk.
fn row(language: Language, epoch: &Epoch, entry: &Entry, may_write: bool, talks: &[Talk]) -> String {
    let (words, Entry { channel, offset, .. }) = (words::of(language), entry);
    let address = routes::event(channel, &Permalink::message(*offset, epoch));
    let mut html: String = talks.iter().map(|talk| talk_link(words, talk)).collect();
    if may_write {
        let label = control_name(words.discuss, &EventState::of(language, entry).title);
        html += &format!(
            r#"<a href="{address}#discuss" aria-label="{}" title="{}" rel="external">{ICON}</a>"#,
            escape(&label),
            words.discuss
        );
    }
    html
}

fn talk_link(words: &Words, Talk { room: Room { id, name, .. }, root, answers }: &Talk) -> String {
    let address = routes::thread(id, &Permalink::Message(*root, String::new()));
    let name = format!(r#"<span translate="no">#{}</span>"#, escape(&clean(&isolated(name))));
    format!(r#"<a href="{address}">{}</a>"#, (words.in_room)(&name, *answers))
}

async fn links_of(
    state: &AppState,
    who: Option<&Identity>,
    links: Vec<EventAddress>,
    language: Language,
) -> Result<BTreeMap<String, String>, Error> {
    let mut parts = BTreeMap::new();
    for address in links {
        let Some(quoted) = address.load(state, who).await? else { continue };
        let Some(key) = quoted.body.key() else { continue };
        let newest = state.feed.newest_of(who, &quoted.channel, key).await?;
        let part = newest.map(|newest| link(language, &quoted, &newest)).unwrap_or_default();
        parts.insert(format!("{}/{}", address.channel, address.event), part);
    }
    Ok(parts)
}

/// The newest state of an event beside the link to it: only its word as long as it is the one that was quoted.
fn link(language: Language, quoted: &Entry, newest: &Entry) -> String {
    let EventState { level, word, title, text } = EventState::of(language, newest);
    let (now, level) = (words::of(language).now, level.as_str());
    let word = word.map(|word| format!(r#" <b>{word}</b>"#)).unwrap_or_default();
    let is_same = quoted.offset == newest.offset;
    if is_same && word.is_empty() {
        return String::new();
    }
    let line = if title.is_empty() { text } else { title };
    let line = format!(r#" <bdi translate="no">{}</bdi>"#, escape(&line));
    let line = if is_same { "" } else { &line };
    format!(r#"<span class="badge event-state" data-level="{level}">{now}:{word}{line}</span>"#)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn entry(offset: u64, members: Value) -> Entry {
        let mut body = json!({ "type": "notification", "channel": "ops", "offset": offset, "timestamp": 0 });
        body.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
        serde_json::from_value(body).expect("an entry")
    }

    #[test]
    fn each_row_gets_its_own_part_and_nothing_else_changes() {
        let html = format!(
            r#"<article data-offset="2"><p>a</p>{EMPTY}</article><article data-offset="1">{EMPTY}</article><p>end</p>"#
        );
        let rows = BTreeMap::from([("1".to_owned(), "<a>one</a>".to_owned())]);
        let filled = Parts { rows, ..Parts::default() }.within(&html);
        let expected = format!(
            r#"<article data-offset="2"><p>a</p>{EMPTY}</article><article data-offset="1"><div class="notification__talk"><a>one</a></div></article><p>end</p>"#
        );
        assert_eq!(filled, expected);
        assert_eq!(Parts::default().within(&html), html);
    }

    #[test]
    fn the_state_stands_behind_the_link_to_the_event_and_behind_no_other() {
        let link = |path: &str| format!(r#"<a href="https://x.example{path}" rel="nofollow">x</a>"#);
        let html = ["/feed/ops/12-7f3a9c", "/feed/ops", "/feed/ops/2026-01-01", "/rooms/a/1", "/feed/db/1"]
            .map(link)
            .concat();
        let found: Vec<_> = addresses(&html).map(|(_, address)| address.event).collect();
        assert_eq!(found, ["12-7f3a9c", "1"]);
        let links = BTreeMap::from([("ops/12-7f3a9c".to_owned(), "<b>now</b>".to_owned())]);
        let filled = Parts { links, ..Parts::default() }.within(&html);
        assert_eq!(filled.replacen("<b>now</b>", "", 1), html);
        assert!(filled.contains(r#"rel="nofollow">x</a><b>now</b><a"#), "{filled}");
    }

    #[test]
    fn the_state_of_an_event_is_its_newest_and_a_text_of_a_program_is_no_html() {
        let (quoted, same) = (entry(1, json!({ "text": "full", "level": "error" })), 1);
        assert_eq!(
            link(Language::En, &quoted, &quoted),
            r#"<span class="badge event-state" data-level="error">now: <b>Error</b></span>"#
        );
        let newest = entry(same + 1, json!({ "text": "<i>fine</i>", "level": "success" }));
        let part = link(Language::Ja, &quoted, &newest);
        assert!(part.contains(r#"data-level="success">現在: <b>成功</b>"#), "{part}");
        assert!(part.contains("&lt;i&gt;fine"), "{part}");
    }
}
