//! Older messages and notifications by plain links, for readers whose page is not live: `?before={cursor}` at the
//! address of a room, of the feed or of a channel, and for rooms `?after={cursor}`, back to the newest. `pages` calls it
//! for every page that it renders.
//!
//! The links stand in an element that the views leave empty. The browser half never draws them: its own button loads
//! what is older into the page. So it starts at the newest entries whatever the address says, from where it can follow
//! the log without a gap; the HTML with the older ones is drawn anew when it becomes live.

use std::{collections::VecDeque, time::Duration};

use axum::http::{StatusCode, Uri};
use serde::Deserialize;

use crate::{
    app::{
        i18n::Language,
        page_data::{MESSAGES_LIMIT, NOTIFICATIONS_LIMIT, PageData, RoomData},
        routes,
    },
    protocol::{
        chat::MessagePage,
        cursor::Cursor,
        feed::{Entry, EventFilter, Snapshot},
        problem::{Code, Rejection},
    },
    server::{
        auth::{Identity, normalized_name},
        error::Error,
        http::{channel_choices::ChannelChoices, extract::query::Lenient},
        log::hub::PageQuery,
        state::AppState,
        store::Channels,
    },
};

/// The element of the views that gets the links.
const EMPTY: &str = r#"<div class="history"></div>"#;
/// Notifications that one read returns, to find those that newer ones have replaced.
const NEWER_PER_READ: usize = 50;
/// Most reads: a channel full of the progress of one job must not make a page wait.
const READS_MAX: usize = 10;

/// The query of a page.
#[derive(Deserialize)]
pub(super) struct Query {
    /// The cursor before which the entries end. Text, because a malformed one gets a page, too.
    before: Option<String>,
    /// The cursor after which the messages of a room begin.
    after: Option<String>,
}

/// The direction in which the history is read from a cursor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Before,
    After,
}

impl Query {
    /// The query of an address.
    pub(super) fn of(uri: &Uri) -> Self {
        let query = uri.query().and_then(|query| Lenient::<Self>::parse(query).ok());
        query.map_or(Self { before: None, after: None }, |Lenient(query)| query)
    }

    /// The part of the history that it asks for: the direction, and the cursor.
    pub(super) fn read(self) -> Option<(Direction, String)> {
        let before = self.before.map(|before| (Direction::Before, before));
        before.or_else(|| Some((Direction::After, self.after?)))
    }
}

/// The part of the history that a page shows.
#[derive(Debug)]
pub(super) enum Part {
    /// The newest entries: the address names no other part.
    Newest,
    /// The entries on one side of a cursor, as the data of the page.
    Older(Box<PageData>, Ends),
    /// The newest entries in the place of others: what the address names is not there.
    Missing(StatusCode),
}

impl Part {
    /// The data of which the page is drawn, where `newest` are those of the newest entries.
    pub(super) fn shown<'a>(&'a self, newest: &'a PageData) -> &'a PageData {
        match self {
            Self::Older(page, _) => page,
            Self::Newest | Self::Missing(_) => newest,
        }
    }
}

/// The ends of the shown entries: the cursor before which still older ones are, and for a room that after which still
/// newer ones are.
#[derive(Debug, Default)]
pub(super) struct Ends {
    oldest: Option<Cursor>,
    latest: Option<Cursor>,
}

/// Loads the part of the history on one side of a cursor, for a page with the data `newest`.
pub(super) async fn load(
    state: &AppState,
    who: Option<&Identity>,
    (direction, cursor): (Direction, String),
    newest: &PageData,
    choices: &ChannelChoices,
) -> Result<Part, Error> {
    let cursor = cursor.parse::<Cursor>();
    let older = match newest {
        PageData::Room { room: None, .. } | PageData::NotFound | PageData::Unavailable => {
            return Ok(Part::Newest);
        }
        PageData::Feed { .. } if direction == Direction::After => return Ok(Part::Newest),
        _ if cursor.is_err() => return Ok(Part::Missing(StatusCode::BAD_REQUEST)),
        PageData::Room { room: Some(room), feed } => {
            let query = match direction {
                Direction::Before => PageQuery::Before(cursor?),
                Direction::After => PageQuery::After(cursor?, Duration::ZERO),
            };
            let older = messages(state, who, query, room).await?;
            older.map(|older| {
                let latest = after(&older.page).filter(|last| is_before(last, &room.page));
                let page = PageData::Room { room: Some(older), feed: feed.clone() };
                let ends = Ends { oldest: oldest(&page), latest };
                Part::Older(Box::new(page), ends)
            })
        }
        PageData::Feed { channel, feed } => {
            let channels = choices.channels(channel.as_deref());
            let older = older_notifications(state, who, &channels, cursor?, feed).await?;
            let page = |feed| PageData::Feed { channel: channel.clone(), feed };
            older.map(|(feed, oldest)| Part::Older(Box::new(page(feed)), Ends { oldest, latest: None }))
        }
    };
    Ok(older.unwrap_or(Part::Missing(StatusCode::GONE)))
}

/// Returns the room with the messages on one side of a cursor; `None`: there are none, or the cursor is of another epoch.
async fn messages(
    state: &AppState,
    who: Option<&Identity>,
    query: PageQuery,
    newest: &RoomData,
) -> Result<Option<RoomData>, Error> {
    let is_after = matches!(query, PageQuery::After(..));
    let mut page = match state.chat.history(&newest.room.id, who, query, MESSAGES_LIMIT).await {
        // The viewer lost the right to read it since the room was loaded.
        Err(Error::Rejected(Rejection { code: Code::UnknownRoom, .. })) => return Ok(None),
        page => page?,
    };
    let is_there = !page.reset && !page.messages.is_empty();
    // The address after which messages are read stands on a page with the message at it.
    page.more |= is_after;
    Ok(is_there.then(|| RoomData { page, linked: None, thread: None, ..newest.clone() }))
}

/// Returns the feed with the notifications before a cursor, without those that newer ones have replaced, and the cursor
/// before which older ones are; `None`: there are none, or the cursor is of another epoch.
async fn older_notifications(
    state: &AppState,
    who: Option<&Identity>,
    channels: &Channels,
    before: Cursor,
    newest: &Snapshot,
) -> Result<Option<(Snapshot, Option<Cursor>)>, Error> {
    let mut newer = replacing(state, who, channels, &before).await?;
    let (mut notifications, mut end) = (VecDeque::new(), Some(before.clone()));
    for _ in 0..READS_MAX {
        let Some(before) = end.take() else { break };
        let page = state.feed.notices(who, channels.clone(), Some(before), NOTIFICATIONS_LIMIT).await?;
        if page.reset {
            return Ok(None);
        }
        let entries: Vec<Entry> = page.decode()?;
        let (first, mut more) = (entries.first().map(|first| first.offset), page.more);
        for entry in entries.into_iter().rev() {
            if notifications.len() == NOTIFICATIONS_LIMIT {
                more = true;
                break;
            }
            end = Some(Cursor { epoch: page.cursor.epoch.clone(), offset: entry.offset });
            if !newer.iter().any(|newer| newer.replaces(&entry)) {
                newer.extend(entry.body.key().is_some().then(|| entry.clone()));
                let is_shown = |filter: &EventFilter| filter.shows(&entry, normalized_name);
                if !entry.body.is_deletion() && newest.filter.as_ref().is_none_or(is_shown) {
                    notifications.push_front(entry);
                }
            }
        }
        end = end.filter(|_| more);
        if first.is_none() || notifications.len() == NOTIFICATIONS_LIMIT {
            break;
        }
    }
    let is_there = !notifications.is_empty() || end.is_some();
    let feed = || Snapshot { notifications: notifications.into(), more: end.is_some(), ..newest.clone() };
    Ok(is_there.then(|| (feed(), end.clone())))
}

/// Returns those of the notifications before a cursor, oldest first, that no newer one has replaced or deleted.
pub(super) async fn unreplaced(
    state: &AppState,
    who: Option<&Identity>,
    channels: &Channels,
    before: &Cursor,
    entries: Vec<Entry>,
) -> Result<Vec<Entry>, Error> {
    let has_key = |entry: &Entry| entry.body.key().is_some();
    if !entries.iter().any(has_key) {
        return Ok(entries);
    }
    let mut newer = replacing(state, who, channels, before).await?;
    let mut kept = VecDeque::new();
    for entry in entries.into_iter().rev() {
        if newer.iter().any(|newer| newer.replaces(&entry)) {
            continue;
        }
        newer.extend(has_key(&entry).then(|| entry.clone()));
        if !entry.body.is_deletion() {
            kept.push_front(entry);
        }
    }
    Ok(kept.into())
}

/// Returns the notifications from a cursor on that may replace older ones. Among very many newer ones not all are looked
/// at.
async fn replacing(
    state: &AppState,
    who: Option<&Identity>,
    channels: &Channels,
    from: &Cursor,
) -> Result<Vec<Entry>, Error> {
    let (mut replacing, mut before) = (Vec::new(), None);
    for _ in 0..READS_MAX {
        let page = state.feed.notices(who, channels.clone(), before.take(), NEWER_PER_READ).await?;
        let entries: Vec<Entry> = page.decode()?;
        let first =
            entries.first().map(|first| first.offset).filter(|first| page.more && *first > from.offset);
        let newer = entries.into_iter().filter(|entry| entry.offset >= from.offset);
        replacing.extend(newer.filter(|entry| entry.body.key().is_some()));
        let Some(offset) = first else { break };
        before = Some(Cursor { epoch: page.cursor.epoch, offset });
    }
    Ok(replacing)
}

/// Puts the `links` into a rendered page.
pub(super) fn with_links(html: &str, links: &str) -> String {
    html.replacen(EMPTY, &format!(r#"<div class="history">{links}</div>"#), 1)
}

/// Returns the links of this part, as HTML, for a page with the data `shown`.
pub(super) fn links(language: Language, shown: &PageData, part: &Part) -> String {
    let [name, older_text, later_text, newest_text, missing_text] = words(language);
    let path = match shown {
        PageData::Room { room: Some(RoomData { room, .. }), .. } => routes::room(&room.id),
        PageData::Feed { channel, .. } => routes::feed(channel.as_deref()),
        PageData::Room { room: None, .. } | PageData::NotFound | PageData::Unavailable => {
            return String::new();
        }
    };
    let (oldest, latest) = match part {
        Part::Older(_, Ends { oldest, latest }) => (oldest.clone(), latest.clone()),
        Part::Newest | Part::Missing(_) => (oldest(shown), latest(shown)),
    };
    let filter = match shown {
        PageData::Feed { feed: Snapshot { filter: Some(filter), .. }, .. } => routes::filter_query(filter),
        _ => String::new(),
    };
    // In the value of an attribute.
    let filter = filter.replace('&', "&amp;");
    let older = oldest.map(|oldest| format!(r#"<a href="{path}?before={oldest}{filter}">{older_text}</a>"#));
    let later = latest.map(|latest| format!(r#"<a href="{path}?after={latest}">{later_text}</a>"#));
    let is_elsewhere = matches!(part, Part::Older(..)) || later.is_some();
    let question = filter.replacen("&amp;", "?", 1);
    let newest = is_elsewhere.then(|| format!(r#"<a href="{path}{question}">{newest_text}</a>"#));
    let links: String = [older, later, newest].into_iter().flatten().collect();
    let nav = match links.as_str() {
        "" => String::new(),
        links => format!(r#"<nav aria-label="{name}">{links}</nav>"#),
    };
    let note = match part {
        Part::Missing(_) => format!(r#"<p class="note" role="alert">{missing_text}</p>"#),
        Part::Newest | Part::Older(..) => String::new(),
    };
    note + &nav
}

/// Returns the cursor of a page's oldest entry, if there are older ones.
fn oldest(shown: &PageData) -> Option<Cursor> {
    match shown {
        PageData::Room { room: Some(RoomData { page, linked, .. }), .. } => {
            let page = linked.as_ref().and_then(|linked| linked.around.as_ref()).unwrap_or(page);
            let first = page.messages.first().filter(|_| page.more)?;
            Some(Cursor { epoch: page.cursor.epoch.clone(), offset: first.offset })
        }
        PageData::Feed { feed, .. } if feed.more => {
            let first = feed.notifications.first().map_or(feed.cursor.offset + 1, |first| first.offset);
            Some(Cursor { epoch: feed.cursor.epoch.clone(), offset: first })
        }
        _ => None,
    }
}

/// Returns the cursor after the messages around a room's linked place, if the newest ones do not follow on them.
fn latest(shown: &PageData) -> Option<Cursor> {
    let PageData::Room { room: Some(room), .. } = shown else { return None };
    let around = room.linked.as_ref()?.around.as_ref()?;
    after(around).filter(|_| !room.page.follows_on(around))
}

/// Returns the cursor of a page's last message.
fn after(page: &MessagePage) -> Option<Cursor> {
    let last = page.messages.last()?;
    Some(Cursor { epoch: page.cursor.epoch.clone(), offset: last.offset })
}

fn is_before(cursor: &Cursor, newest: &MessagePage) -> bool {
    newest.messages.last().is_some_and(|newest| cursor.offset < newest.offset)
}

/// The texts: the name of the links, the links, and the note in the place of a missing part. Not in `app/i18n`, which
/// browsers download.
fn words(language: Language) -> [&'static str; 5] {
    match language {
        Language::En => [
            "History",
            "Older",
            "Later",
            "Newest",
            "This part of the history is gone. Here is the newest instead.",
        ],
        Language::Ja => [
            "履歴",
            "以前",
            "以降",
            "最新",
            "この部分の履歴は残っていません。代わりに最新のものを表示しています。",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(notifications: &[u64], more: bool) -> PageData {
        let entry = |offset: &u64| {
            serde_json::from_value(serde_json::json!({
                "type": "notification", "channel": "ops", "offset": offset, "timestamp": 0, "text": "x"
            }))
            .expect("an entry")
        };
        let cursor = "abc:9".parse().expect("a cursor");
        let notifications = notifications.iter().map(entry).collect();
        let feed = Snapshot { cursor, values: Vec::new(), notifications, more, filter: None };
        PageData::Feed { channel: None, feed }
    }

    #[test]
    fn a_page_links_to_what_is_older_and_back_to_the_newest() {
        let html = format!("<section>{EMPTY}</section>");
        let linked = |shown: &PageData, part: &Part| with_links(&html, &links(Language::En, shown, part));
        let page = linked(&feed(&[4, 5], true), &Part::Newest);
        assert!(page.contains(r#"<a href="/?before=abc:4">Older</a></nav>"#), "{page}");
        let page = linked(&feed(&[], true), &Part::Newest);
        assert!(page.contains(r#"<a href="/?before=abc:10">Older</a></nav>"#), "{page}");
        assert_eq!(linked(&feed(&[1], false), &Part::Newest), html);
        let page = linked(&feed(&[1], false), &Part::Older(Box::new(PageData::NotFound), Ends::default()));
        assert!(page.contains(r#"<nav aria-label="History"><a href="/">Newest</a></nav>"#), "{page}");
        let page = linked(&feed(&[1], false), &Part::Missing(StatusCode::GONE));
        assert!(page.contains("is gone") && !page.contains("<nav"), "{page}");
        assert_eq!(linked(&PageData::NotFound, &Part::Newest), html);
        let PageData::Feed { feed, .. } = feed(&[4], true) else { unreachable!("it is the feed's") };
        let page = linked(&PageData::Feed { channel: Some("ops".into()), feed }, &Part::Newest);
        assert!(page.contains(r#"<a href="/feed/ops?before=abc:4">Older</a></nav>"#), "{page}");
    }
}
