//! The JSON answer to a query for a page of a log: `/api/events` and `/api/rooms/{room}/messages` give it, at once or
//! after a wait. `extract/query.rs` parses the query. It must never decode an entry: the entries are JSON already.

use std::{
    io::{self, Write},
    sync::Arc,
};

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::{ser::Formatter, value::RawValue};

use super::beside::ReadBeside;
use crate::{
    protocol::chat::{PresenceState, ServerFrame},
    server::{
        chat::PageContext,
        log::{
            hub::{Page, PageQuery},
            topic::Entry,
        },
        state::AppState,
    },
};

/// The answer to a query. Its members on the wire: the entries under `name`, of a room `changes` and `as_of`, `cursor`,
/// `more`, `more_after` of a page around an offset, `reset`, those of the presence, `retry`, and of a room `quoted`,
/// `threads` and `own_reactions`; with `unread` also `unread` and `unread_seen`; with `user_after` also `marks`,
/// `user_cursor`, `user_more` and `user_reset`.
#[derive(Serialize)]
pub(crate) struct Answer<'a> {
    #[serde(flatten)]
    page: NamedPage<'a>,
    /// The presence in the room, for a poll that takes the place of a socket.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    presence: Option<&'a PresenceState>,
    /// Milliseconds after which to come back, if the server's stop cut the wait short.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<u64>,
    /// The messages and threads to which those of a room's page refer.
    #[serde(flatten)]
    context: PageContext,
    /// The unread counts of who asks, as the frame of a socket, if they asked and do not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<&'a ServerFrame>,
    /// The word for that, if they asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread_seen: Option<&'a str>,
    /// The marks of who asks, if they asked for them.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    marks: Option<MarksPage<'a>>,
}

/// A page of the reader's own log. It has to be written last: its entries come after those of the room.
struct MarksPage<'a>(&'a Page);

impl Serialize for MarksPage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Page { entries, cursor, more, reset, .. } = self.0;
        let mut page = serializer.serialize_struct("MarksPage", 4)?;
        page.serialize_field("marks", &vec![RawValue::NULL; entries.len()])?;
        page.serialize_field("user_cursor", cursor)?;
        page.serialize_field("user_more", more)?;
        page.serialize_field("user_reset", reset)?;
        page.end()
    }
}

struct NamedPage<'a> {
    name: &'static str,
    /// The answer has the changes in a list of their own, and says as of when the other entries are.
    has_changes: bool,
    page: &'a Page,
}

impl<'a> NamedPage<'a> {
    fn entries(&self) -> impl Iterator<Item = &'a Arc<Entry>> + use<'a> {
        self.page.entries.iter().filter(|entry| entry.change.is_none())
    }

    fn changes(&self) -> impl Iterator<Item = &'a Arc<Entry>> + use<'a> {
        self.page.entries.iter().filter(|entry| entry.change.is_some())
    }
}

impl Serialize for NamedPage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Page { cursor, more, more_after, reset, as_of, .. } = self.page;
        let mut page = serializer.serialize_struct("Page", 7)?;
        // EntryFormatter puts the entries in.
        page.serialize_field(self.name, &vec![RawValue::NULL; self.entries().count()])?;
        if self.has_changes {
            page.serialize_field("changes", &vec![RawValue::NULL; self.changes().count()])?;
            if let Some(as_of) = as_of {
                page.serialize_field("as_of", as_of)?;
            }
        }
        page.serialize_field("cursor", cursor)?;
        page.serialize_field("more", more)?;
        if let Some(more_after) = more_after {
            page.serialize_field("more_after", more_after)?;
        }
        page.serialize_field("reset", reset)?;
        page.end()
    }
}

/// Writes the next encoded entry for each raw value.
///
/// A [`RawValue`] is made from text only by parsing it, or by unsafe code, which this crate forbids. So null raw values
/// stand for the entries while the answer is serialized, and no entry is parsed.
struct EntryFormatter<I>(I);

impl<I: Iterator<Item = Bytes>> Formatter for EntryFormatter<I> {
    fn write_raw_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, _null: &str) -> io::Result<()> {
        writer.write_all(&self.0.next().expect("there is one raw value for each entry"))
    }
}

impl<'a> Answer<'a> {
    /// An answer with the page of the feed.
    pub(crate) fn of_feed(page: &'a Page, retry: Option<u64>) -> Self {
        Self {
            page: NamedPage { name: "events", has_changes: false, page },
            presence: None,
            retry,
            context: PageContext::default(),
            unread: None,
            unread_seen: None,
            marks: None,
        }
    }

    /// An answer with the page of a room.
    pub(crate) fn of_room(page: &'a Page, retry: Option<u64>) -> Self {
        Self {
            page: NamedPage { name: "messages", has_changes: true, page },
            presence: None,
            retry,
            context: PageContext::default(),
            unread: None,
            unread_seen: None,
            marks: None,
        }
    }

    /// The same with the presence in the room.
    pub(crate) fn with_presence(self, presence: &'a PresenceState) -> Self {
        Self { presence: Some(presence), ..self }
    }

    /// The same with the messages and threads to which those of the page refer.
    pub(crate) fn with_context(self, context: PageContext) -> Self {
        Self { context, ..self }
    }

    /// The same with what was asked for beside the page.
    pub(crate) fn with_beside(self, beside: &'a ReadBeside) -> Self {
        let (marks, unread) = (beside.marks.as_ref().map(MarksPage), beside.unread.as_ref());
        let (unread, unread_seen) =
            (unread.and_then(|unread| unread.frame.as_ref()), unread.map(|unread| &*unread.seen));
        Self { unread, unread_seen, marks, ..self }
    }

    /// Writes it, and counts its entries as delivered.
    pub(crate) fn into_response(self, state: &AppState) -> Response {
        let marks = self.marks.as_ref().map_or(0, |marks| marks.0.entries.len());
        state.metrics.count_deliveries(self.page.page.entries.len() + marks);
        let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
        (headers, self.encode()).into_response()
    }

    fn encode(&self) -> Vec<u8> {
        let marks = self.marks.iter().flat_map(|marks| &marks.0.entries);
        let entries = self.page.entries().chain(self.page.changes()).chain(marks);
        let entries = entries.map(|entry| entry.encoded.json());
        let mut body = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut body, EntryFormatter(entries));
        self.serialize(&mut serializer).expect("the answer has only string keys");
        body
    }
}

/// The answer to a poll that the server's stop cuts short: no entries, the cursor as it was.
pub(crate) fn cut_short(query: &PageQuery) -> Page {
    let cursor = match query {
        PageQuery::After(cursor, _) | PageQuery::Before(cursor) => cursor.clone(),
        PageQuery::Newest | PageQuery::Around(..) => unreachable!("only a query with a cursor waits"),
    };
    Page { entries: Vec::new(), cursor, more: false, more_after: None, reset: false, as_of: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::log::{topic::EntryChange, wire_format::Encoded};

    #[test]
    fn entries_are_written_as_they_were_encoded() {
        let entry = |json, change| {
            Arc::new(Entry { offset: 1, channel: None, change, encoded: Encoded::new(None, json) })
        };
        let entries = vec![entry(r#"{"n":1.50,"null":null}"#, None), entry(r#"{"text":"井戸"}"#, None)];
        let cursor = "e:2".parse().expect("a cursor");
        let page = Page { entries, cursor, more: false, more_after: None, reset: true, as_of: None };
        let members = r#""cursor":"e:2","more":false,"reset":true"#;
        let entries = r#"{"n":1.50,"null":null},{"text":"井戸"}"#;
        let answer = Answer::of_feed(&page, None).encode();
        assert_eq!(String::from_utf8_lossy(&answer), format!(r#"{{"events":[{entries}],{members}}}"#));

        let presence =
            PresenceState { members: Vec::new(), away: Vec::new(), typing: Vec::new(), seen: "}".into() };
        let page = Page { entries: Vec::new(), ..page };
        let answer = Answer::of_room(&page, Some(7)).with_presence(&presence).encode();
        let presence = r#""members":[],"typing":[],"seen":"}""#;
        let expected = format!(r#"{{"messages":[],"changes":[],{members},{presence},"retry":7}}"#);
        assert_eq!(String::from_utf8_lossy(&answer), expected);

        let change = Some(EntryChange { target: 1, erases: false });
        let entries = vec![entry("1", None), entry("2", change), entry("3", None)];
        let page = Page { entries, reset: false, as_of: Some(9), ..page };
        let answer = Answer::of_room(&page, None).encode();
        let expected =
            r#"{"messages":[1,3],"changes":[2],"as_of":9,"cursor":"e:2","more":false,"reset":false}"#;
        assert_eq!(String::from_utf8_lossy(&answer), expected);
    }
}
