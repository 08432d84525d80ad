//! A log under test, and the identification of its entries.

use serde_json::Value;

/// The feed, or a room.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Topic {
    Feed,
    Room(&'static str),
}

/// An entry, reduced to what the promise is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) offset: u64,
    /// The client id of a message, or the text of a notification; both are unique.
    pub(super) id: String,
    /// It changes a message.
    pub(super) is_change: bool,
}

impl Topic {
    /// The path of its pages.
    pub(super) fn pages(&self) -> String {
        match self {
            Self::Feed => "/api/events".to_owned(),
            Self::Room(room) => format!("/api/rooms/{room}/messages"),
        }
    }

    /// The path of its stream.
    pub(super) fn stream(&self) -> String {
        match self {
            Self::Feed => "/api/events".to_owned(),
            Self::Room(room) => format!("/api/rooms/{room}/events"),
        }
    }

    /// The entries on a page, with the changes among them.
    pub(super) fn entries(&self, page: &Value) -> Vec<Value> {
        let name = if *self == Self::Feed { "events" } else { "messages" };
        let mut entries = page[name].as_array().expect("a page has entries").clone();
        entries.extend(page["changes"].as_array().into_iter().flatten().cloned());
        entries.sort_by_key(|entry| entry["offset"].as_u64());
        entries
    }

    /// An entry from its JSON.
    pub(super) fn entry(&self, entry: &Value) -> Seen {
        let id = if *self == Self::Feed { &entry["text"] } else { &entry["id"] };
        Seen {
            offset: entry["offset"].as_u64().expect("every entry has an offset"),
            id: id.as_str().expect("every entry has its id").to_owned(),
            is_change: !entry["ref"].is_null(),
        }
    }
}
