//! The chat's frames for the readers of a room: presence events, resets, stored messages and their changes. A frame is encoded once
//! for all readers, so nothing in it may depend on the reader. The chat and its transports call it.

use serde::{Deserialize, Serialize};

use super::{
    file_html::{html_with_files, names_of},
    files::WithFiles,
    mentions,
};
use crate::{
    protocol::{
        change::{ChangeKind, MessageChanged, Reaction},
        chat::{Message, ServerFrame, is_default},
        cursor::{Cursor, Offset},
        file::MessageFile,
        mention::GroupMention,
        name::RoomId,
        session::User,
    },
    server::{
        presence::PresenceEvent,
        store::{Record, TopicName},
    },
};

/// The body of a stored message; the rest of [`Message`] comes from the record.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredMessage {
    pub(super) user: String,
    /// Empty once it was deleted.
    pub(super) text: String,
    /// The offset of the newest change in it; 0: none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) rev: Offset,
    /// Its earlier texts, oldest first, as far as the settings keep them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) earlier: Vec<EarlierText>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) edited: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) deleted: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) reactions: Vec<Reaction>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) pinned: bool,
    /// The offset of the message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reply_to: Option<Offset>,
    /// The offset of the first message of its thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) thread: Option<Offset>,
    /// The people whom its text mentions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) mentions: Vec<User>,
    /// The groups that its text mentions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) groups: Vec<GroupMention>,
    /// Its files; none once it was deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) files: Vec<MessageFile>,
}

/// An earlier text of an edited message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierText {
    /// The text.
    pub text: String,
    /// The time at which the next text took its place, in milliseconds since the Unix epoch.
    pub until: i64,
}

/// The body of a stored change; the rest of [`MessageChanged`] comes from the record.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredChange {
    pub(super) user: String,
    pub(super) kind: ChangeKind,
    /// The text of an edit; empty once the message was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    /// The people of a reaction after it; absent once the message was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reaction: Option<Reaction>,
    /// The thread of the message, of a deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) thread: Option<Offset>,
    /// The people whom the text of an edit mentions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) mentions: Vec<User>,
    /// The groups that the text of an edit mentions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) groups: Vec<GroupMention>,
    /// The ids of the people whom this text mentions and the one before did not. On no wire.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) added: Vec<String>,
    /// The ids of the people whom the text before mentioned and this one does not. On no wire: their logs tell them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) dropped: Vec<String>,
    /// The text before mentioned a group.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) had_groups: bool,
    /// The files of the message, of an edit: its HTML shows them. On no wire.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) files: Vec<MessageFile>,
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

/// The JSON of a room's entry as its readers get it: a `message` or a `message-changed` frame.
pub fn encode_entry(record: &Record) -> String {
    if let Some(target) = record.target {
        return encode_frame(&ServerFrame::MessageChanged(changed_of(record, target)));
    }
    let stored = stored_message(record);
    let files = stored.files.clone();
    let frame = ServerFrame::Message(message_from(record, stored));
    if files.is_empty() {
        return encode_frame(&frame);
    }
    serde_json::to_string(&WithFiles::new(&frame, &files)).expect("frames have only string keys")
}

/// Returns true if the entry is a deletion: nothing of the message may stay in memory.
pub fn erases(record: &Record) -> bool {
    record.target.is_some() && change_in(record).kind == ChangeKind::Delete
}

/// The message in a record of a room. One that cannot be read is logged, and has no author name and no text.
pub(super) fn message_of(record: &Record) -> Message {
    message_from(record, stored_message(record))
}

/// The message in a record of a room with its files apart: its HTML is that of its text alone, and a text that is only the
/// names of the files is left out.
pub fn message_and_files(record: &Record) -> (Message, Vec<MessageFile>) {
    let mut stored = stored_message(record);
    let files = std::mem::take(&mut stored.files);
    let mut message = message_from(record, stored);
    if !files.is_empty() && message.text == names_of(&files) {
        (message.text, message.html) = (String::new(), None);
    }
    (message, files)
}

fn message_from(record: &Record, stored: StoredMessage) -> Message {
    let StoredMessage {
        user,
        text,
        rev,
        edited,
        deleted,
        reactions,
        pinned,
        reply_to,
        thread,
        mentions,
        groups,
        files,
        ..
    } = stored;
    Message {
        room: room_of(record),
        offset: record.offset,
        id: record.client_id.clone().unwrap_or_default(),
        user,
        user_id: record.author.clone(),
        html: html_with_files(mentions::html_of(&text, &mentions, &groups), &text, &files),
        text,
        timestamp: record.timestamp,
        rev,
        edited,
        deleted,
        reactions,
        pinned,
        reply_to,
        thread,
        mentions,
        groups,
    }
}

/// The stored message in a record. One that cannot be read is logged, and is empty.
pub(super) fn stored_message(record: &Record) -> StoredMessage {
    serde_json::from_str(&record.body).unwrap_or_else(|error| {
        tracing::error!(topic = %record.topic, record.offset, %error, "cannot read a stored message");
        StoredMessage::default()
    })
}

/// The change in a record of a room, of the message at `target`.
pub(super) fn changed_of(record: &Record, target: Offset) -> MessageChanged {
    let StoredChange { user, kind, text, reaction, thread, mentions, groups, files, .. } = change_in(record);
    let html_of = |text: &str| html_with_files(mentions::html_of(text, &mentions, &groups), text, &files);
    MessageChanged {
        room: room_of(record),
        offset: record.offset,
        target,
        id: record.client_id.clone().unwrap_or_default(),
        kind,
        user,
        user_id: record.author.clone(),
        timestamp: record.timestamp,
        html: text.as_deref().and_then(html_of),
        text,
        reaction,
        thread,
        mentions,
        groups,
    }
}

/// The stored change in a record. One that cannot be read is logged, and changes nothing that is shown.
pub(super) fn change_in(record: &Record) -> StoredChange {
    serde_json::from_str(&record.body).unwrap_or_else(|error| {
        tracing::error!(topic = %record.topic, record.offset, %error, "cannot read a stored change");
        StoredChange::default()
    })
}

fn room_of(record: &Record) -> RoomId {
    let TopicName::Room(room) = &record.topic else { unreachable!("only rooms have messages") };
    room.clone()
}
