//! Changes of messages: who may change what, and how a change is folded into the stored message. The sockets, routes and
//! forms call it by [`Chat`]; the store runs the fold in the transaction that appends the change.
//!
//! The caller has checked that the user may enter the room. A deletion must leave no text of the message behind: not in
//! the message, not in its earlier texts, not in its edits.

use std::sync::Arc;

use serde::Serialize;

use super::{
    Chat,
    encoding::{EarlierText, StoredChange, StoredMessage, changed_of, message_of, stored_message},
};
use crate::{
    protocol::{
        change::{ChangeKind, MessageChanged, NewChange},
        chat::Message,
        cursor::Offset,
        name::RoomId,
        problem::{Code, Rejection},
        text::MessageText,
    },
    server::{
        auth::Identity,
        clock::now_ms,
        config::EditingSettings,
        error::Error,
        store::{Change, Filter, Fold, Folded, NewEntry, Record, TopicName},
    },
};

impl Chat {
    /// Changes a message. Returns when the change is durable; `bool` is false if a change with this id was made before.
    pub async fn change(
        &self,
        room: &RoomId,
        who: &Identity,
        target: Offset,
        change: NewChange,
    ) -> Result<(MessageChanged, bool), Error> {
        let NewChange { id, kind, text } = change;
        let id = parse_id(&id)?;
        let text = match kind {
            ChangeKind::Edit => Some(MessageText::parse(text.as_deref().unwrap_or_default())?.into_string()),
            ChangeKind::Delete => None,
        };
        self.limits.message(&who.user).await?;
        let is_moderator = self.is_moderator(room, who);
        let author = who.user.id.clone();
        let fold = MessageFold { author, is_moderator, kind, text, at_ms: now_ms(), editing: self.editing };
        let body = StoredChange { user: who.user.name.clone(), kind, text: fold.text.clone() };
        let entry = NewEntry {
            author: who.user.id.clone(),
            client_id: Some(id),
            channel: None,
            lasting: false,
            body: to_json(&body),
            change: Some(Change { target, fold: Arc::new(fold) }),
        };
        let mut appended = self.hub.publish(&TopicName::Room(room.clone()), vec![entry]).await?;
        let first = appended.pop().expect("one new entry gives one entry");
        let target = first.record.target.ok_or_else(|| {
            Rejection::new(Code::BadId, "This id belongs to a message; a change needs an id of its own.")
        })?;
        Ok((changed_of(&first.record, target), first.first))
    }

    /// Returns true if the user may delete the messages of others: an owner of the room, and every administrator.
    pub fn is_moderator(&self, room: &RoomId, who: &Identity) -> bool {
        who.is_admin || self.rights.owns(room, who)
    }

    /// A message and its earlier texts, oldest first, for a caller who may enter the room.
    pub async fn message(
        &self,
        room: &RoomId,
        who: Option<&Identity>,
        target: Offset,
    ) -> Result<(Message, Vec<EarlierText>), Error> {
        let (topic, filter) = (TopicName::Room(room.clone()), Filter { lasting: true, ..Filter::default() });
        let slice = self.hub.store().read_after(&topic, target.saturating_sub(1), &filter, 1).await?;
        self.rights.check_entry(room, who)?;
        let record =
            slice.records.first().filter(|record| record.offset == target && record.target.is_none());
        let record = record.ok_or_else(unknown_message)?;
        Ok((message_of(record), stored_message(record).earlier))
    }
}

/// The canonical form of a client id.
pub(super) fn parse_id(id: &str) -> Result<String, Rejection> {
    let id = uuid::Uuid::try_parse(id).map_err(|_| {
        Rejection::new(Code::BadId, "The id of a message or a change must be a UUID made by the client.")
    })?;
    Ok(id.to_string())
}

/// The rule by which a change becomes part of its message.
struct MessageFold {
    /// The id of who changes it.
    author: String,
    /// They may delete the messages of others.
    is_moderator: bool,
    kind: ChangeKind,
    text: Option<String>,
    /// The time of the change, in milliseconds since the Unix epoch.
    at_ms: i64,
    editing: EditingSettings,
}

impl Fold for MessageFold {
    fn fold(&self, stored: Option<&Record>, offset: Offset) -> Result<Folded, Rejection> {
        let record = stored.filter(|record| record.target.is_none()).ok_or_else(unknown_message)?;
        let message = stored_message(record);
        if message.deleted {
            return Err(Rejection::new(Code::MessageDeleted, "This message was deleted."));
        }
        self.check_right(record)?;
        let message = match self.kind {
            ChangeKind::Edit => self.edited(message, offset),
            ChangeKind::Delete => {
                StoredMessage { user: message.user, rev: offset, deleted: true, ..StoredMessage::default() }
            }
        };
        let erase = (self.kind == ChangeKind::Delete).then_some(erase as fn(&str) -> String);
        Ok(Folded { body: to_json(&message), erase })
    }
}

impl MessageFold {
    fn check_right(&self, record: &Record) -> Result<(), Rejection> {
        let is_own = record.author == self.author;
        let may = match self.kind {
            ChangeKind::Edit => is_own,
            ChangeKind::Delete => is_own || self.is_moderator,
        };
        if !may {
            return Err(Rejection::new(Code::NotAllowed, self.not_yours()));
        }
        // A clock that was set back makes no message older.
        let age_ms = self.at_ms.saturating_sub(record.timestamp);
        match self.editing.edit_window_ms() {
            Some(window_ms) if self.kind == ChangeKind::Edit && age_ms > window_ms => {
                let message = format!(
                    "A message can be edited for {} after it was posted (--edit-window).",
                    humantime::format_duration(std::time::Duration::from_millis(window_ms.unsigned_abs()))
                );
                Err(Rejection::new(Code::TooLate, message))
            }
            _ => Ok(()),
        }
    }

    fn not_yours(&self) -> &'static str {
        match self.kind {
            ChangeKind::Edit => "You can edit your own messages only.",
            ChangeKind::Delete => {
                "You can delete your own messages only; an owner of the room and administrators can delete all."
            }
        }
    }

    fn edited(&self, mut message: StoredMessage, offset: Offset) -> StoredMessage {
        let text = self.text.clone().unwrap_or_default();
        let earlier = EarlierText { text: std::mem::replace(&mut message.text, text), until: self.at_ms };
        message.earlier.push(earlier);
        let surplus = message.earlier.len().saturating_sub(self.editing.edit_history);
        message.earlier.drain(..surplus);
        StoredMessage { rev: offset, edited: true, ..message }
    }
}

/// A stored change without the text of an edit.
fn erase(body: &str) -> String {
    match serde_json::from_str::<StoredChange>(body) {
        Ok(change) => to_json(&StoredChange { text: change.text.map(|_| String::new()), ..change }),
        // Whatever it is, its text may be in it.
        Err(_) => {
            to_json(&StoredChange { user: String::new(), kind: ChangeKind::Edit, text: Some(String::new()) })
        }
    }
}

fn unknown_message() -> Rejection {
    Rejection::new(
        Code::UnknownMessage,
        "The room has no such message: there never was one, or it is too old.",
    )
}

fn to_json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("plain data is always JSON")
}
