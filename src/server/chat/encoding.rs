//! The chat's frames for the readers of a room: presence events, resets, and stored messages. A frame is encoded once
//! for all readers, so nothing in it may depend on the reader. The chat and its transports call it.

use serde::{Deserialize, Serialize};

use crate::{
    protocol::{
        chat::{Message, ServerFrame},
        cursor::Cursor,
        name::RoomId,
        session::User,
    },
    server::{
        markdown,
        presence::PresenceEvent,
        store::{Record, TopicName},
    },
};

/// The body of a stored message; the rest of [`Message`] comes from the record.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredMessage {
    pub(super) user: String,
    pub(super) text: String,
}

/// The `reset` frame of a room, with the cursor at which the reader goes on.
pub fn reset_frame(room: RoomId, cursor: Cursor) -> ServerFrame {
    ServerFrame::Reset { room, epoch: cursor.epoch, offset: cursor.offset }
}

/// The frame of a presence event.
pub(super) fn presence_frame(room: &RoomId, user: &User, event: PresenceEvent) -> ServerFrame {
    let (room, user, user_id) = (room.clone(), user.name.clone(), user.id.clone());
    match event {
        PresenceEvent::Joined => ServerFrame::UserJoined { room, user, user_id },
        PresenceEvent::Left => ServerFrame::UserLeft { room, user, user_id },
        PresenceEvent::Typing => ServerFrame::Typing { room, user, user_id },
    }
}

/// The JSON of a frame.
pub fn encode_frame(frame: &ServerFrame) -> String {
    serde_json::to_string(frame).expect("frames have only string keys")
}

/// The JSON of a room's entry as its readers get it: a `message` frame.
pub fn encode_message(record: &Record) -> String {
    encode_frame(&ServerFrame::Message(message_of(record)))
}

/// The message in a record of a room. One that cannot be read is logged, and has no author name and no text.
pub(super) fn message_of(record: &Record) -> Message {
    let TopicName::Room(room) = &record.topic else { unreachable!("only rooms have messages") };
    let stored: StoredMessage = serde_json::from_str(&record.body).unwrap_or_else(|error| {
        tracing::error!(%room, record.offset, %error, "cannot read a stored message");
        StoredMessage { user: String::new(), text: String::new() }
    });
    Message {
        room: room.clone(),
        offset: record.offset,
        id: record.client_id.clone().unwrap_or_default(),
        user: stored.user,
        user_id: record.author.clone(),
        html: markdown::html_of(&stored.text),
        text: stored.text,
        timestamp: record.timestamp,
    }
}
