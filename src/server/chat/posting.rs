//! Posting to a room: messages and typing indicators. The sockets, routes and forms call it by [`Chat`].
//!
//! The caller has checked that the user may enter the room.

use std::collections::HashSet;

use super::{
    Chat,
    answers::Answer,
    changes::{parse_id, to_json},
    encoding::{StoredMessage, message_of, stored_message},
    files::{ids_of, text_with_files},
    mentions::{Named, Place, Told},
};
use crate::{
    protocol::{
        chat::{Message, NewMessage},
        name::RoomId,
        problem::{Code, Rejection},
        session::{User, is_hook},
        text::MessageText,
    },
    server::{
        auth::Identity,
        clock::now_ms,
        error::Error,
        store::{Appended, NewEntry, TopicName},
    },
};

impl Chat {
    /// Posts a message. Returns when it is durable; `bool` is false if a message with this id was posted before.
    pub async fn post(
        &self,
        room: &RoomId,
        who: &Identity,
        message: NewMessage,
    ) -> Result<(Message, bool), Error> {
        let user = &who.user;
        self.check_writing(room, who)?;
        let NewMessage { id, text, reply_to, thread, files: named } = message;
        let id = parse_id(&id)?;
        if named.is_empty() {
            MessageText::parse(&text)?;
        }
        self.limits.message(user).await?;
        let files = self.files_named(room, user, &named).await?;
        let text = text_with_files(&text, &named, &files)?;
        self.check_direct(room, user)?;
        let Named { people: mentions, groups, told } = self.named_in(room, who, &text).await?;
        let name = user.name.clone();
        let message =
            StoredMessage { user: name, text, reply_to, mentions, groups, files, ..StoredMessage::default() };
        let entry = NewEntry {
            author: user.id.clone(),
            client_id: Some(id),
            channel: None,
            lasting: true,
            body: to_json(&message),
            change: None,
            reference: Answer { message, thread }.into_reference(),
            state: None,
            files: ids_of(&named),
        };
        let mut appended = self.hub.publish(&TopicName::Room(room.clone()), vec![entry]).await?;
        let first = appended.pop().expect("one new entry gives one entry");
        if !is_hook(&user.id) {
            self.note_sign(user);
        }
        if first.record.target.is_some() {
            let message = "This id belongs to a change; a message needs an id of its own.";
            return Err(Rejection::new(Code::BadId, message).into());
        }
        if first.first {
            self.note_activity(room);
        }
        self.tell_of_post(room, user, &first, told).await?;
        if !is_hook(&user.id) {
            self.note_person(user).await;
        }
        Ok((message_of(&first.record), first.first))
    }

    /// Tells whom a message names. A repeat of a post tells whom the stored message names, which may have been edited since.
    async fn tell_of_post(
        &self,
        room: &RoomId,
        author: &User,
        Appended { record, first, .. }: &Appended,
        told: HashSet<String>,
    ) -> Result<(), Error> {
        let (told, rev) = match first {
            true => (told, 0),
            false => {
                let StoredMessage { mentions, groups, rev, .. } = stored_message(record);
                (self.told_again(room, &record.author, &mentions, &groups).await?, rev)
            }
        };
        let (offset, is_told) = (record.offset, told.clone());
        self.tell(&Place { room, offset, rev }, Told { told, untold: HashSet::new() }).await?;
        Ok(self.queue_push(room, (offset, 0), record.timestamp, author, is_told).await?)
    }

    /// Announces to the people in the room that the user is typing. The user must be in it, too. Where they may not write
    /// it is ignored.
    pub async fn typing(&self, room: &RoomId, user: &User) -> Result<(), Rejection> {
        self.limits.typing(user).await?;
        // A sign that nobody waits for: no reason to tell why it is not shown.
        let is_closed =
            self.rights.check_open_to_writing(room).is_err() || self.check_direct(room, user).is_err();
        if is_closed || self.rights.mute_of(room, &user.id, now_ms()).is_some() {
            return Ok(());
        }
        self.note_sign(user);
        if self.presence.note_typing(room, &user.id) {
            Ok(())
        } else {
            Err(Rejection::new(Code::NotJoined, "Join the room first."))
        }
    }
}
