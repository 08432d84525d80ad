//! The chat's frames: what is told to the readers of a room, and how a stored message becomes one. Made once for all
//! readers, so nothing in them may depend on who reads.

use serde::{Deserialize, Serialize};

use crate::{
    protocol::{
        chat::{Message, ServerFrame},
        cursor::Cursor,
        name::RoomId,
        session::User,
    },
    server::{
        presence::PresenceEvent,
        store::{Record, TopicName},
    },
};

/// What is stored of a message; the rest of [`Message`] is the record's own.
#[derive(Serialize, Deserialize)]
pub(super) struct Said {
    pub(super) user: String,
    pub(super) text: String,
}

/// The frame that tells a reader of a room that its cursor is now this one.
pub fn reset_frame(room: RoomId, cursor: Cursor) -> ServerFrame {
    ServerFrame::Reset { room, epoch: cursor.epoch, offset: cursor.offset }
}

pub(super) fn change_frame(room: &RoomId, user: &User, change: PresenceEvent) -> ServerFrame {
    let (room, user, user_id) = (room.clone(), user.name.clone(), user.id.clone());
    match change {
        PresenceEvent::Joined => ServerFrame::UserJoined { room, user, user_id },
        PresenceEvent::Left => ServerFrame::UserLeft { room, user, user_id },
        PresenceEvent::Typing => ServerFrame::Typing { room, user, user_id },
    }
}

/// The text of a frame.
pub fn encode_frame(frame: &ServerFrame) -> String {
    serde_json::to_string(frame).expect("frames have only string keys")
}

/// The JSON of an entry of `room` as its readers get it: a `message` frame.
pub fn encode_message(record: &Record) -> String {
    encode_frame(&ServerFrame::Message(message_of(record)))
}

pub(super) fn message_of(record: &Record) -> Message {
    let TopicName::Room(room) = &record.topic else { unreachable!("only rooms have messages") };
    let said: Said = serde_json::from_str(&record.body).unwrap_or_else(|error| {
        tracing::error!(%room, record.offset, %error, "a stored message cannot be read");
        Said { user: String::new(), text: String::new() }
    });
    Message {
        room: room.clone(),
        offset: record.offset,
        id: record.client_id.clone().unwrap_or_default(),
        user: said.user,
        user_id: record.author.clone(),
        text: said.text,
        timestamp: record.timestamp,
    }
}
