//! The counts that a person must be told, computed from the stored messages and the marks of a plan by code of its own: it asks the
//! server's counting for nothing.

use std::collections::{BTreeMap, BTreeSet};

use idobata::{
    protocol::name::RoomId,
    server::store::{Filter, Record, TopicName},
};
use serde_json::{Value, json};

use crate::support::TestServer;

/// The state of each room that a person may enter and has marked, or that has their direct messages.
pub(super) type Counts = BTreeMap<String, Value>;

/// The marks of one person in one room, by the rules of the documentation.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    pub(super) read: Option<u64>,
    pub(super) generation: u64,
    pub(super) level: Option<&'static str>,
}

impl Marks {
    /// A read of a device that knows this generation.
    pub(super) fn read(&mut self, offset: u64, generation: u64) {
        if generation == self.generation {
            self.read = self.read.max(Some(offset));
        }
    }

    /// Everything after the offset is unread.
    pub(super) fn set_back(&mut self, offset: u64) {
        (self.read, self.generation) = (Some(offset), self.generation + 1);
    }
}

/// A stored message.
pub(super) struct Stored {
    pub(super) offset: u64,
    pub(super) author: String,
    timestamp: i64,
    is_deleted: bool,
    is_answer: bool,
    named: BTreeSet<String>,
}

/// The messages of a room as they are stored now.
pub(super) async fn stored(server: &TestServer, room: &str) -> Vec<Stored> {
    let topic = TopicName::Room(RoomId::parse(room).unwrap());
    let slice = server.state.hub.store().read_after(&topic, 0, &Filter::default(), 100_000).await.unwrap();
    assert!(!slice.more);
    let messages = slice.records.into_iter().filter(|record| record.target.is_none());
    let of_record = |record: Record| {
        let body: Value = serde_json::from_str(&record.body).unwrap();
        let named = body["mentions"].as_array().into_iter().flatten();
        Stored {
            offset: record.offset,
            author: record.author,
            timestamp: record.timestamp,
            is_deleted: body["deleted"] == true,
            is_answer: !body["thread"].is_null(),
            named: named.map(|user| user["id"].as_str().unwrap().to_owned()).collect(),
        }
    };
    messages.map(of_record).collect()
}

/// A room of a person.
pub(super) struct Room {
    pub(super) id: String,
    pub(super) is_direct: bool,
    pub(super) marks: Marks,
    pub(super) messages: Vec<Stored>,
}

impl Room {
    /// Direct messages are for a person whether they have looked or not.
    fn read(&self) -> Option<u64> {
        self.marks.read.or(self.is_direct.then_some(0))
    }

    fn naming<'a>(&'a self, user_id: &'a str) -> impl Iterator<Item = &'a Stored> {
        self.messages.iter().filter(move |message| !message.is_deleted && message.named.contains(user_id))
    }

    fn count(&self, user_id: &str) -> Value {
        let is_unread = |message: &&Stored| {
            !message.is_deleted
                && !message.is_answer
                && message.author != user_id
                && self.read().is_some_and(|read| message.offset > read)
        };
        let unread = self.messages.iter().filter(is_unread).count().min(100);
        let after = self.read().unwrap_or_default();
        let mentions: Vec<_> =
            self.naming(user_id).map(|message| message.offset).filter(|offset| *offset > after).collect();
        let Marks { generation, level, .. } = self.marks;
        let level = level.unwrap_or("all");
        json!({ "unread": unread, "read": self.read(), "generation": generation, "level": level, "mentions": mentions })
    }
}

/// The counts of these rooms that the person must be told.
pub(super) fn recount(rooms: &[Room], user_id: &str) -> Counts {
    rooms.iter().map(|room| (room.id.clone(), room.count(user_id))).collect()
}

/// The list of the person's mentions, newest first: room, offset, and whether it is read.
pub(super) fn mentions(rooms: &[Room], user_id: &str) -> Vec<(String, u64, bool)> {
    let mut all: Vec<_> = rooms
        .iter()
        .flat_map(|room| room.naming(user_id).map(move |message| (room, message)))
        .map(|(room, message)| {
            let is_read = message.offset <= room.marks.read.unwrap_or_default();
            ((message.timestamp, message.offset, room.id.clone()), is_read)
        })
        .collect();
    all.sort();
    all.into_iter().rev().map(|((_, offset, room), is_read)| (room, offset, is_read)).collect()
}
