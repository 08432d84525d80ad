//! Query strings of the API's logs, all read by this one parser: the feed and the rooms, as pages, polls and streams.
//!
//! No parameter may be ignored silently, because a reader would lose entries: an unknown one is rejected by its name.
//! An empty one is absent; of a repeated one the last value counts, and channels add up. Pages that browsers open come
//! with other people's parameters and are read by [`Lenient`].

mod files;
mod lenient;
mod parameters;

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};

use self::parameters::{bad, cursor, number, offset, offset_or_cursor, recognize, time, yes_or_no};
pub(crate) use self::parameters::{decode, is_meaningless, misspelt};
pub(crate) use self::{
    files::{FileQuery, FileTarget, UploadQuery},
    lenient::Lenient,
};
use crate::{
    protocol::{
        cursor::{Cursor, Offset},
        problem::Rejection,
    },
    server::{
        feed::{Span, parse_channels},
        log::hub::{PageQuery, StartFrom},
        store::Channels,
    },
};

/// Entries in a page that asks for no number.
const LIMIT_DEFAULT: usize = 50;
/// Maximum entries in a page: with the longest messages still only a few megabytes.
const LIMIT_MAX: usize = 200;
/// Maximum wait of a poll in seconds: below the limit that is common for proxies (60 s).
const WAIT_MAX: usize = 50;

/// The parameters of the feed's addresses.
const FEED: &[&str] = &[
    "after",
    "before",
    "channel",
    "from",
    "heartbeat",
    "last",
    "limit",
    "to",
    "unread",
    "unread_seen",
    "wait",
];
/// The parameters of a room's addresses.
const ROOM: &[&str] = &[
    "after",
    "answers",
    "around",
    "before",
    "follow",
    "heartbeat",
    "last",
    "limit",
    "seen",
    "thread",
    "unread",
    "unread_seen",
    "user_after",
    "wait",
];

/// The parsed query of a log's address.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LogQuery {
    before: Option<String>,
    after: Option<String>,
    around: Option<String>,
    channels: Vec<String>,
    last: Option<usize>,
    limit: Option<usize>,
    wait: Option<usize>,
    /// For pages of the feed: the times between which its entries were published.
    span: Span,
    /// For streams: sends heartbeats as events, because scripts cannot see comments.
    pub(crate) heartbeat: bool,
    /// For streams and polls of authenticated readers: also says what is unread in the rooms.
    pub(crate) unread: bool,
    /// For polls: the word for the counts that the reader knows.
    unread_seen: Option<String>,
    /// For rooms: the presence state that the reader knows, see [`crate::protocol::chat::PresenceState`]. The empty
    /// text is a state too.
    pub(crate) seen: Option<String>,
    /// For pages of rooms: the first message of the thread that is asked for.
    pub(crate) thread: Option<Offset>,
    /// For pages of rooms: false leaves out the answers in threads.
    pub(crate) answers: Option<bool>,
    /// For streams of rooms: the reader follows their own log as well.
    follow: bool,
    /// For streams and pages of rooms: the cursor in the reader's own log after which they read that.
    user_after: Option<String>,
}

impl LogQuery {
    /// Parses the query of one of the feed's addresses.
    pub(crate) fn of_feed(query: Option<&str>) -> Result<Self, Rejection> {
        Self::parse(query.unwrap_or_default(), FEED)
    }

    /// Parses the query of one of a room's addresses.
    pub(crate) fn of_room(query: Option<&str>) -> Result<Self, Rejection> {
        Self::parse(query.unwrap_or_default(), ROOM)
    }

    fn parse(query: &str, known: &[&str]) -> Result<Self, Rejection> {
        let mut parsed = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name, name)?;
            if name.is_empty() || is_meaningless(&name) {
                continue;
            }
            let known_name = recognize(&name, known)?;
            let value = decode(known_name, value)?;
            let value = value.trim();
            if !value.is_empty() || known_name == "seen" {
                parsed.take(known_name, value)?;
            }
        }
        Ok(parsed)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Rejection> {
        match name {
            "after" => self.after = Some(value.to_owned()),
            "answers" => self.answers = Some(yes_or_no(name, value)?),
            "around" => self.around = Some(value.to_owned()),
            "before" => self.before = Some(value.to_owned()),
            "channel" => {
                let channels = value.split(',').map(str::trim).filter(|channel| !channel.is_empty());
                self.channels.extend(channels.map(str::to_owned));
            }
            "from" => self.span.from = Some(time(name, value)?),
            "to" => self.span.to = Some(time(name, value)?),
            "follow" => self.follow = yes_or_no(name, value)?,
            "user_after" => self.user_after = Some(value.to_owned()),
            "heartbeat" => self.heartbeat = yes_or_no(name, value)?,
            "last" => self.last = Some(number(name, value, 0..=LIMIT_MAX)?),
            "limit" => self.limit = Some(number(name, value, 1..=LIMIT_MAX)?),
            "thread" => self.thread = Some(offset(name, value)?),
            "unread" => self.unread = yes_or_no(name, value)?,
            "unread_seen" => self.unread_seen = Some(value.to_owned()),
            "wait" => self.wait = Some(number(name, value, 0..=WAIT_MAX)?),
            _ => self.seen = Some(value.to_owned()),
        }
        Ok(())
    }

    /// Returns the channels that are asked for: all, if none is named.
    pub(crate) fn channels(&self) -> Result<Channels, Rejection> {
        let named = (!self.channels.is_empty()).then(|| self.channels.join(","));
        parse_channels(named.as_deref())
    }

    /// Returns the page that is asked for, and its maximum number of entries. `last` alone asks for that many of the
    /// newest.
    pub(crate) fn page(&self, headers: &HeaderMap) -> Result<(PageQuery, usize), Rejection> {
        let wait = Duration::from_secs(self.wait.unwrap_or(0) as u64);
        let query = match (&self.before, self.resumed_at(headers)?, &self.around) {
            (Some(_), Some(_), _) => return Err(bad("before and after cannot be combined.")),
            (Some(_), _, Some(_)) => return Err(bad("around and before cannot be combined.")),
            (_, Some(_), Some(_)) => return Err(bad("around and after cannot be combined.")),
            (Some(before), None, None) => PageQuery::Before(cursor("before", before)?),
            (None, Some(after), None) => PageQuery::After(after, wait),
            (None, None, Some(around)) => offset_or_cursor("around", around)?,
            (None, None, None) => PageQuery::Newest,
        };
        self.check_page(&query)?;
        if self.follow {
            return Err(bad("follow is for a stream; a page of JSON has user_after."));
        }
        let newest = self.last.filter(|_| query == PageQuery::Newest);
        Ok((query, self.limit.or(newest).unwrap_or(LIMIT_DEFAULT)))
    }

    /// Rejects parameters that a page would ignore silently.
    fn check_page(&self, query: &PageQuery) -> Result<(), Rejection> {
        // Without a cursor there is nothing to wait for: a client that polls gets the newest entries at once, and its
        // cursor.
        let waits = self.wait.is_some_and(|wait| wait > 0);
        if waits && matches!(query, PageQuery::Before(_)) {
            return Err(bad("wait cannot be combined with before."));
        }
        if matches!(query, PageQuery::Around(..)) {
            if waits {
                return Err(bad("wait cannot be combined with around."));
            }
            if self.last.is_some() {
                return Err(bad("last cannot be combined with around."));
            }
        }
        if self.unread_seen().is_some() && matches!(query, PageQuery::Before(_) | PageQuery::Around(..)) {
            return Err(bad("unread is for a stream or a poll; GET /api/user has the counts."));
        }
        self.check_threads(query, waits)?;
        if self.last == Some(0) {
            return Err(bad(&format!(
                "last must be a whole number from 1 to {LIMIT_MAX} for a page of JSON."
            )));
        }
        Ok(())
    }

    /// Rejects parameters that a page of a thread, or one without threads, would ignore silently.
    fn check_threads(&self, query: &PageQuery, waits: bool) -> Result<(), Rejection> {
        let is_after = matches!(query, PageQuery::After(..));
        for (other, is_given) in [
            ("around", matches!(query, PageQuery::Around(..))),
            ("wait", waits),
            ("seen", self.seen.is_some()),
            ("answers", self.answers.is_some()),
            ("user_after", self.user_after.is_some()),
            ("unread", self.unread_seen().is_some()),
        ] {
            if self.thread.is_some() && is_given {
                return Err(bad(&format!("{other} cannot be combined with thread.")));
            }
        }
        if self.answers.is_some() && is_after {
            return Err(bad("answers cannot be combined with after: what follows a cursor is everything."));
        }
        Ok(())
    }

    /// Returns the times between which the entries of a page were published, if any are given.
    pub(crate) fn span(&self) -> Result<Option<Span>, Rejection> {
        let Span { from, to } = self.span;
        if self.wait.is_some_and(|wait| wait > 0) && (from, to) != (None, None) {
            return Err(bad("wait cannot be combined with from and to."));
        }
        if self.last.is_some() && (from, to) != (None, None) {
            return Err(bad("last cannot be combined with from and to; limit can."));
        }
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(bad("from must not be later than to."));
        }
        Ok(Some(self.span).filter(|span| *span != Span::default()))
    }

    /// Returns the position at which a stream starts. Errors: `BadRequest` for parameters that only pages have,
    /// `BadCursor`.
    pub(crate) fn start(&self, headers: &HeaderMap) -> Result<StartFrom, Rejection> {
        let of_pages = [
            ("answers", self.answers.is_some()),
            ("around", self.around.is_some()),
            ("before", self.before.is_some()),
            ("from", self.span.from.is_some()),
            ("to", self.span.to.is_some()),
            ("limit", self.limit.is_some()),
            ("seen", self.seen.is_some()),
            ("thread", self.thread.is_some()),
            ("unread_seen", self.unread_seen.is_some()),
            ("wait", self.wait.is_some()),
        ];
        if let Some((name, _)) = of_pages.iter().find(|(_, is_given)| *is_given) {
            return Err(bad(&format!("{name} is for pages of JSON, not for a stream.")));
        }
        match (self.resumed_at(headers)?, self.last) {
            (Some(after), _) => Ok(StartFrom::After(after)),
            (None, Some(last)) => Ok(StartFrom::Last(last)),
            (None, None) => Ok(StartFrom::New),
        }
    }

    /// Returns the position at which a stream starts in the reader's own log; `None` if it does not follow that. A
    /// browser that reconnects has both cursors in its header, the room's first.
    pub(crate) fn user_start(&self, headers: &HeaderMap) -> Result<Option<StartFrom>, Rejection> {
        if !self.has_user() {
            return Ok(None);
        }
        let header = last_event_id(headers).and_then(|header| Some(header.split_once(TWO_LOGS)?.1));
        let after = match (header, &self.user_after) {
            (Some(header), _) => cursor("Last-Event-ID", header).map(Some)?,
            (None, _) => self.user_after()?,
        };
        Ok(Some(after.map_or(StartFrom::New, StartFrom::After)))
    }

    /// Returns the cursor after which a page has the entries of the reader's own log.
    pub(crate) fn user_after(&self) -> Result<Option<Cursor>, Rejection> {
        self.user_after.as_deref().map(|after| cursor("user_after", after)).transpose()
    }

    /// Returns the word for the counts that the reader of a poll knows, empty at first; `None`: they ask for no counts.
    pub(crate) fn unread_seen(&self) -> Option<&str> {
        self.unread_seen.as_deref().or(self.unread.then_some(""))
    }

    /// Returns true if the reader's own log is asked for as well.
    fn has_user(&self) -> bool {
        self.follow || self.user_after.is_some()
    }

    /// Returns the cursor after which to resume. A browser that reconnects repeats the address that it first asked for
    /// and adds the header `Last-Event-ID`, so the header is the newer of the two.
    fn resumed_at(&self, headers: &HeaderMap) -> Result<Option<Cursor>, Rejection> {
        match (last_event_id(headers), &self.after) {
            (Some(header), _) if self.has_user() => {
                let room = header.split_once(TWO_LOGS).map_or(header, |(room, _)| room);
                cursor("Last-Event-ID", room).map(Some)
            }
            (Some(header), _) => cursor("Last-Event-ID", header).map(Some),
            (None, Some(after)) => cursor("after", after).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// Separates the room's cursor from that of the reader's own log in the ids of a stream of both.
const TWO_LOGS: char = ';';

/// The header `Last-Event-ID`, if it says anything.
fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?").trim());
    header.filter(|value| !value.is_empty())
}

/// Extractor of the query of the feed's addresses.
pub(crate) struct FeedQuery(pub(in crate::server::http) LogQuery);

impl<S: Send + Sync> FromRequestParts<S> for FeedQuery {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        LogQuery::of_feed(parts.uri.query()).map(Self)
    }
}

/// Extractor of the query of a room's addresses.
pub(crate) struct RoomQuery(pub(in crate::server::http) LogQuery);

impl<S: Send + Sync> FromRequestParts<S> for RoomQuery {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        LogQuery::of_room(parts.uri.query()).map(Self)
    }
}

#[cfg(test)]
mod tests;
