//! The feed over polls: their answers as the events a stream would have brought.

use super::{ReceivedData, long_poll::Question};
use crate::{
    client::dom::time::now_ms,
    protocol::{
        cursor::Cursor,
        feed::{Control, Event, Page},
    },
};

/// See the module.
pub(crate) struct FeedQuestion {
    cursor: Cursor,
    is_behind: bool,
}

impl FeedQuestion {
    pub(crate) fn new(cursor: Cursor) -> Self {
        Self { cursor, is_behind: true }
    }
}

impl Question for FeedQuestion {
    fn url(&self, wait_s: u32) -> String {
        // The first answer says where the end is: it comes at once.
        let wait_s = if self.is_behind { 0 } else { wait_s };
        format!("/api/events?after={}&limit=200&wait={wait_s}", self.cursor)
    }

    fn read(&mut self, body: &str) -> Option<(Vec<ReceivedData>, bool)> {
        let Page { events, cursor, more, reset } = serde_json::from_str(body).ok()?;
        let timestamp = now_ms();
        let mut heard = Vec::new();
        if self.is_behind {
            let head = if more { cursor.offset + 1 } else { cursor.offset };
            heard.push(ReceivedData::Event(Event::Control(Control::Connected { timestamp, head })));
            self.is_behind = more;
        }
        if reset {
            let offset = events.first().map_or(cursor.offset, |entry| entry.offset - 1);
            let cursor = Cursor { offset, ..cursor.clone() };
            heard.push(ReceivedData::Event(Event::Control(Control::Reset { cursor, timestamp })));
        }
        heard.extend(events.into_iter().map(|entry| ReceivedData::Event(Event::Entry(entry))));
        self.cursor = cursor;
        Some((heard, more))
    }
}
