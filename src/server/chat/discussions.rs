//! Talk about events of the feed: a message that quotes one begins a thread in a room. The pages call it by [`Chat`]; it
//! never sees the feed, and gets what names an event and the text that quotes it.
//!
//! The document of a discussion is written first and has the message's client id and author. Whoever finds one without its
//! message posts exactly that: of all attempts, at whatever node, the log stores the first. So two people who press at the
//! same time, and a server that ends between the two writes, make one thread.

use uuid::Uuid;

use super::{Chat, direct::room_of, encoding::stored_message};
use crate::{
    protocol::{
        chat::{NewMessage, Room},
        cursor::Offset,
        name::RoomId,
        problem::{Code, Rejection},
        text::MessageText,
    },
    server::{
        auth::Identity,
        authz::{Discussion, Subject},
        clock::now_ms,
        error::Error,
        store::{StoreError, TopicName, directory::Precondition},
    },
};

/// Most attempts at a document that others change.
const ATTEMPTS_MAX: usize = 10;

/// A thread about an event, for somebody who may enter its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Talk {
    /// The room.
    pub room: Room,
    /// The offset of the message with which it begins.
    pub root: Offset,
    /// The number of answers.
    pub answers: u64,
}

impl Chat {
    /// Begins the thread about an event in a room that the caller may enter, with this text. Returns the offset of its first
    /// message: that of the thread that is there, if there is one.
    pub async fn discuss(
        &self,
        room: &RoomId,
        who: &Identity,
        subject: &Subject,
        text: &str,
    ) -> Result<Offset, Error> {
        self.check_writing(room, who)?;
        self.check_direct(room, &who.user)?;
        // One that nobody could post must not stand in the document.
        let text = MessageText::parse(text)?.into_string();
        for _ in 0..ATTEMPTS_MAX {
            let begin = |precondition| self.begin(room, who, subject, &text, precondition);
            let Some((known, unchanged)) = self.rights.discussion(subject, room).await? else {
                begin(Precondition::Absent).await?;
                continue;
            };
            match known.root {
                Some(root) if self.is_there(room, root).await? => return Ok(root),
                // Retention or its author removed it.
                Some(_) => _ = begin(unchanged).await?,
                None => match self.post_first(who, &known).await {
                    Ok(root) => {
                        let posted = Discussion { root: Some(root), text: String::new(), ..known };
                        self.rights.write_discussion(subject, &posted, unchanged).await?;
                        return Ok(root);
                    }
                    // Somebody else began it and may not write here any more.
                    Err(Error::Rejected(_)) if known.by.id != who.user.id => _ = begin(unchanged).await?,
                    Err(error) => return Err(error),
                },
            }
        }
        Err(Rejection::new(Code::Unavailable, "Too many people begin this at once. Try again.").into())
    }

    async fn begin(
        &self,
        room: &RoomId,
        who: &Identity,
        subject: &Subject,
        text: &str,
        precondition: Precondition,
    ) -> Result<bool, StoreError> {
        let Subject { channel, key, offset } = subject.clone();
        let discussion = Discussion {
            channel,
            offset,
            key,
            room: room.clone(),
            by: who.user.clone(),
            at: now_ms(),
            id: Uuid::new_v4().to_string(),
            text: text.to_owned(),
            root: None,
        };
        self.rights.write_discussion(subject, &discussion, precondition).await
    }

    /// Posts the first message of a discussion, as its author.
    async fn post_first(&self, who: &Identity, known: &Discussion) -> Result<Offset, Error> {
        let Discussion { room, by, id, text, .. } = known;
        let (id, text) = (id.clone(), text.clone());
        let message = NewMessage { id, text, ..NewMessage::default() };
        let author = if by.id == who.user.id { who.clone() } else { Identity::of(by.clone()) };
        self.rights.check_entry(room, Some(&author))?;
        Ok(self.post(room, &author, message).await?.0.offset)
    }

    /// Returns true if a message is stored and not deleted.
    async fn is_there(&self, room: &RoomId, offset: Offset) -> Result<bool, StoreError> {
        let found = self.hub.store().read_each(&TopicName::Room(room.clone()), &[offset]).await?;
        Ok(found.iter().any(|record| record.target.is_none() && !stored_message(record).deleted))
    }

    /// The threads about each of the events in the rooms that the caller may enter.
    pub async fn talks(&self, who: Option<&Identity>, subjects: &[Subject]) -> Result<Vec<Vec<Talk>>, Error> {
        let mut known = Vec::with_capacity(subjects.len());
        for subject in subjects {
            known.push(self.rights.discussions(subject).await?);
        }
        // About nearly all events nobody talks.
        let rooms =
            if known.iter().all(Vec::is_empty) { Vec::new() } else { self.visible_rooms(who).await? };
        let mut talks = Vec::with_capacity(subjects.len());
        for discussions in known {
            let mut of_subject = Vec::new();
            for Discussion { room, root, .. } in discussions {
                let room = rooms.iter().find(|known| known.id == room);
                let Some((room, root)) = room.zip(root) else { continue };
                of_subject.extend(self.talk(who, room, root).await?);
            }
            talks.push(of_subject);
        }
        Ok(talks)
    }

    /// The rooms that the caller may enter, with their direct messages.
    async fn visible_rooms(&self, who: Option<&Identity>) -> Result<Vec<Room>, Error> {
        let mut rooms = self.rooms(who).await?;
        if let Some(who) = who {
            rooms.extend(self.direct(who).await?.iter().map(room_of));
        }
        Ok(rooms)
    }

    async fn talk(&self, who: Option<&Identity>, room: &Room, root: Offset) -> Result<Option<Talk>, Error> {
        if !self.is_there(&room.id, root).await? {
            return Ok(None);
        }
        let topic = TopicName::Room(room.id.clone());
        let (_, threads) = self.hub.store().threads(&topic, &[root]).await?;
        let answers = threads.first().map_or(0, |thread| thread.count);
        // The right may have been taken away meanwhile.
        Ok(self.rights.may_enter(&room.id, who).then(|| Talk { room: room.clone(), root, answers }))
    }
}
