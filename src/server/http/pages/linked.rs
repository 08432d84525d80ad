//! The place in a room to which the address of a message or of a day leads: the messages around it, or the reason why it is
//! not there, with those that stand nearest. `page_data` calls it for rooms that the viewer may enter.

use std::time::Duration;

use axum::http::HeaderMap;
use axum_extra::extract::cookie::CookieJar;

use super::language_of;
use crate::{
    app::{
        i18n::Language,
        model::room::Linked,
        page_data::{MESSAGES_LIMIT, ThreadData},
        routes::Permalink,
    },
    protocol::{
        chat::MessagePage,
        cursor::{Cursor, Epoch, Offset},
        name::RoomId,
        problem::{Code, Rejection},
    },
    server::{auth::Identity, config::site::Site, error::Error, log::hub::PageQuery, state::AppState},
};

/// Messages before the target that make the newest page serve for it.
const CONTEXT: usize = 10;
/// The most messages of a thread that are drawn to show one of them.
const THREAD_MAX: usize = 200;
/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The cookie with the minutes from the reader's midnight to that of UTC, as `Date.getTimezoneOffset` has them now. A day
/// before a change to or from summer time begins an hour beside the reader's own.
const ZONE_COOKIE: &str = "idobata_zone";
/// Zones are up to 14 hours from UTC.
const ZONE_MAX_MINUTES: i64 = 14 * 60;

/// The reason why a place is not there.
#[derive(Clone, Copy)]
enum Missing {
    /// Retention or a deletion removed the message.
    Gone,
    /// The room has no message of this number yet.
    NotYet,
    /// The address is of another epoch.
    EarlierHistory,
    /// There is no message of this day.
    EmptyDay,
}

/// The reader of a place.
#[derive(Clone, Copy)]
pub(super) struct Reader {
    pub(super) language: Language,
    /// From their midnight to that of UTC, in milliseconds.
    pub(super) zone_ms: i64,
}

impl Reader {
    /// The reader who sent a request with these headers. Without the cookie that public/live.js sets, days are those of
    /// UTC, as in the page without a script.
    pub(super) fn of(site: &Site, headers: &HeaderMap) -> Self {
        let zone =
            CookieJar::from_headers(headers).get(ZONE_COOKIE).and_then(|zone| zone.value().parse().ok());
        let minutes: i64 = zone.filter(|minutes: &i64| minutes.abs() <= ZONE_MAX_MINUTES).unwrap_or(0);
        Self { language: language_of(site, headers), zone_ms: minutes * 60 * 1_000 }
    }
}

/// Loads the place in a room whose newest messages are `newest`.
pub(super) async fn load(
    state: &AppState,
    who: Option<&Identity>,
    room: &RoomId,
    newest: &MessagePage,
    place: &Permalink,
    Reader { language, zone_ms }: Reader,
) -> Result<Linked, Error> {
    let epoch = &newest.cursor.epoch;
    let (offset, mut missing) = match place {
        Permalink::Message(_, beginning) if !epoch.generation().starts_with(beginning.as_str()) => {
            (None, Some(Missing::EarlierHistory))
        }
        Permalink::Message(offset, _) if *offset > newest.cursor.offset => (None, Some(Missing::NotYet)),
        Permalink::Message(offset, _) => (Some(*offset), None),
        Permalink::Day(day) => {
            let first = state.chat.first_since(room, who, day.start_ms() + zone_ms).await?;
            (first, first.is_none().then_some(Missing::EmptyDay))
        }
    };
    let mut linked = Linked { target: None, around: None, missing: None, status: 0 };
    if let Some(offset) = offset {
        let query = PageQuery::Around(offset, Some(epoch.clone()));
        let page = state.chat.history(room, who, query, MESSAGES_LIMIT).await?;
        linked.target = nearest(&page, offset);
        missing = match place {
            _ if page.reset => Some(Missing::EarlierHistory),
            Permalink::Message(..) => (linked.target != Some(offset)).then_some(Missing::Gone),
            Permalink::Day(day) => {
                let start = day.start_ms() + zone_ms;
                let is_of_day = |time: i64| (start..start + DAY_MS).contains(&time);
                let first = page.messages.iter().find(|message| message.offset == offset);
                first.is_none_or(|first| !is_of_day(first.timestamp)).then_some(Missing::EmptyDay)
            }
        };
        linked.around = Some(page).filter(|page| !page.reset && !is_among(newest, linked.target));
    }
    if let Some(missing) = missing {
        (linked.status, linked.missing) = (status(missing), Some(words(missing, language).to_owned()));
    }
    Ok(linked)
}

/// Loads the thread to which an address leads: that of its message, if the message is in one or the address asks for it.
/// `newest` are the room's newest messages.
pub(super) async fn thread(
    state: &AppState,
    who: Option<&Identity>,
    room: &RoomId,
    newest: &MessagePage,
    place: &Permalink,
    Reader { language, .. }: Reader,
    is_asked: bool,
) -> Result<Option<ThreadData>, Error> {
    let Permalink::Message(offset, beginning) = place else { return Ok(None) };
    let epoch = &newest.cursor.epoch;
    let missing = if !epoch.generation().starts_with(beginning.as_str()) {
        Some(Missing::EarlierHistory)
    } else if *offset > newest.cursor.offset {
        Some(Missing::NotYet)
    } else {
        None
    };
    let found = match missing {
        None => found(state.chat.message(room, who, *offset).await)?.map(|(message, _)| message),
        Some(_) => None,
    };
    let root = found.as_ref().and_then(|message| message.thread);
    if root.is_none() && !is_asked {
        return Ok(None);
    }
    let root = root.unwrap_or(*offset);
    let target = found.filter(|message| message.thread.is_some()).map(|message| message.offset);
    let page = match missing {
        None => found_page(state, who, room, epoch, root, target).await?,
        Some(_) => None,
    };
    let missing = missing.or_else(|| page.is_none().then_some(Missing::Gone));
    let page = page.unwrap_or_else(|| MessagePage {
        messages: Vec::new(),
        more: false,
        quoted: Vec::new(),
        threads: Vec::new(),
        ..newest.clone()
    });
    let linked = Linked {
        target,
        around: None,
        missing: missing.map(|missing| words(missing, language).to_owned()),
        status: missing.map_or(0, status),
    };
    Ok(Some(ThreadData { root, page, linked }))
}

/// The newest messages of a thread, or those from the target on, if there are not too many. `None`: there are none.
async fn found_page(
    state: &AppState,
    who: Option<&Identity>,
    room: &RoomId,
    epoch: &Epoch,
    root: Offset,
    target: Option<Offset>,
) -> Result<Option<MessagePage>, Error> {
    let chat = &state.chat;
    let newest = found(chat.thread_history(room, who, root, &PageQuery::Newest, MESSAGES_LIMIT).await)?;
    let is_there = |page: &MessagePage, target| page.messages.iter().any(|message| message.offset == target);
    let Some((newest, target)) =
        newest.as_ref().zip(target).filter(|(page, target)| !is_there(page, *target))
    else {
        return Ok(newest);
    };
    let before = Cursor { epoch: epoch.clone(), offset: target - 1 };
    let query = PageQuery::After(before, Duration::ZERO);
    let page = chat.thread_history(room, who, root, &query, THREAD_MAX).await?;
    let has_all = is_there(&page, target) && !page.more;
    // Before the target there is at least the first message.
    Ok(Some(if has_all { MessagePage { more: true, ..page } } else { newest.clone() }))
}

/// Returns what was read; `None` if there is no such message.
fn found<T>(read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(Error::Rejected(Rejection { code: Code::UnknownMessage, .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The message at an offset, or the next one, or else the last one before it.
fn nearest(page: &MessagePage, offset: Offset) -> Option<Offset> {
    let offsets = || page.messages.iter().map(|message| message.offset);
    offsets().find(|next| *next >= offset).or_else(|| offsets().next_back())
}

/// Returns true if the newest messages have the target, with some before it.
fn is_among(newest: &MessagePage, target: Option<Offset>) -> bool {
    let Some(target) = target else { return true };
    let index = newest.messages.iter().position(|message| message.offset == target);
    index.is_some_and(|index| index >= CONTEXT || !newest.more)
}

/// Gives the focus to the target in a rendered page, which brings it into view without a script. Not in the view: a browser
/// complains about an element that joins a page in which another one has the focus.
pub(super) fn with_focus(html: &str, linked: Option<&Linked>) -> String {
    let Some((linked, target)) = linked.and_then(|linked| Some((linked, linked.target?))) else {
        return html.to_owned();
    };
    let attribute = format!(r#"data-offset="{target}""#);
    // The message that the address names can have the focus already.
    let focusable = if linked.missing.is_some() { r#" tabindex="-1""# } else { "" };
    html.replacen(&attribute, &format!("{attribute}{focusable} autofocus"), 1)
}

fn status(missing: Missing) -> u16 {
    match missing {
        Missing::Gone | Missing::EarlierHistory => 410,
        Missing::NotYet | Missing::EmptyDay => 404,
    }
}

/// The text in the place of a missing target. Not in `app/i18n`, which browsers download.
fn words(missing: Missing, language: Language) -> &'static str {
    match (missing, language) {
        (Missing::Gone, Language::En) => {
            "The message of this link is no longer kept. Here are the messages nearest to it."
        }
        (Missing::Gone, Language::Ja) => {
            "このリンクのメッセージはもう残っていません。最も近いメッセージを表示しています。"
        }
        (Missing::NotYet, Language::En) => {
            "This room has no message with this number. Here are its newest messages."
        }
        (Missing::NotYet, Language::Ja) => {
            "このルームにこの番号のメッセージはありません。最新のメッセージを表示しています。"
        }
        (Missing::EarlierHistory, Language::En) => {
            "This link is of an earlier history of this room, and its message cannot be told any more. Here are the newest \
             messages."
        }
        (Missing::EarlierHistory, Language::Ja) => {
            "このリンクはこのルームの以前の履歴のもので、どのメッセージか分かりません。最新のメッセージを表示しています。"
        }
        (Missing::EmptyDay, Language::En) => {
            "There are no messages of this day. Here are those nearest to it."
        }
        (Missing::EmptyDay, Language::Ja) => {
            "この日のメッセージはありません。最も近いメッセージを表示しています。"
        }
    }
}
