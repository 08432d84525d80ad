//! The feed by polls. [`super::long_poll`] asks for the pages; this module turns them into the events that a stream
//! would have brought.

use serde::Deserialize;

use super::long_poll::PollSource;
use crate::{
    client::dom::time::now_ms,
    protocol::{
        cursor::Cursor,
        feed::{Control, Event},
    },
};

/// An [`EntryPage`](crate::protocol::feed::EntryPage) whose entries a newer build may have written.
#[derive(Deserialize)]
struct Page {
    events: Vec<Event>,
    cursor: Cursor,
    more: bool,
    reset: bool,
    #[serde(default)]
    unread: Option<Event>,
    #[serde(default)]
    unread_seen: String,
}

/// The feed, or a channel of it, after a cursor.
pub(crate) struct FeedSource {
    cursor: Cursor,
    /// The rest of the query.
    filter: String,
    /// The part of it that asks what is unread, with the word of the last answer.
    unread: String,
    is_behind: bool,
}

impl FeedSource {
    pub(crate) fn new(cursor: Cursor, filter: String, says_unread: bool) -> Self {
        Self { cursor, filter, unread: format!("&unread={says_unread}"), is_behind: true }
    }
}

impl PollSource for FeedSource {
    type Data = Event;

    fn url(&self, wait_s: u32) -> String {
        // The first answer tells where the head is, so it must come at once.
        let wait_s = if self.is_behind { 0 } else { wait_s };
        let Self { cursor, filter, unread, .. } = self;
        format!("/api/events?after={cursor}&limit=200&wait={wait_s}{filter}{unread}")
    }

    fn read(&mut self, body: &str) -> Option<(Vec<Event>, bool)> {
        let Page { events: entries, cursor, more, reset, unread, unread_seen } =
            serde_json::from_str(body).ok()?;
        let timestamp = now_ms();
        let mut events = Vec::new();
        if self.is_behind {
            let head = if more { cursor.offset + 1 } else { cursor.offset };
            events.push(Event::Control(Control::Connected { timestamp, head }));
            self.is_behind = more;
        }
        if reset {
            let offset = entries.first().and_then(Event::offset).map_or(cursor.offset, |offset| offset - 1);
            let cursor = Cursor { offset, ..cursor.clone() };
            events.push(Event::Control(Control::Reset { cursor, timestamp }));
        }
        events.extend(entries);
        events.extend(unread);
        if !unread_seen.is_empty() {
            self.unread = format!("&unread_seen={unread_seen}");
        }
        self.cursor = cursor;
        Some((events, more))
    }
}
