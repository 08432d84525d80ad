//! What a chat means: rooms, joining, posting. Knows no transport; the chat socket, the HTTP routes and the pages
//! call it. It never trusts a name or an id of a person that does not come from their session.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{
    error::Error,
    hub::{Hub, Page, PageQuery, Start, Subscribed},
    presence::{Change, Presence, PresenceGuard},
    store::{Draft, Filter, Record, RoomCreation, TopicName},
    subscription::Subscription,
    topic::Bell,
};
use crate::protocol::{
    self,
    chat::{Message, PresenceState, Room, ServerFrame},
    cursor::Cursor,
    name::{RoomId, parse_name},
    problem::{Code, Rejection},
    session::User,
    text::MessageText,
};

/// The rooms a new installation has: the seed's.
const FIRST_ROOMS: [&str; 3] = ["general", "tech", "random"];

/// How often those are looked for who have stopped polling.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// What is stored of a message; the rest of [`Message`] is the record's own.
#[derive(Serialize, Deserialize)]
struct Said {
    user: String,
    text: String,
}

/// The rooms of this server.
pub struct Chat {
    hub: Hub,
    presence: Arc<Presence>,
    max_rooms: usize,
    /// Rooms that were seen in the store; rooms are not removed. Spares the query at every post.
    known: Mutex<HashSet<RoomId>>,
}

/// A place in a room. Dropping it is leaving.
pub struct Joined {
    /// The frame to send before anything else of the room.
    pub frame: ServerFrame,
    /// False: the cursor could not be honoured, and a `reset` follows.
    pub recovered: bool,
    /// What is said.
    pub subscription: Subscription,
    /// Being there; `None` for a reader who is nobody.
    pub presence: Option<PresenceGuard>,
}

impl Chat {
    /// Opens the chat over the hub and makes the first rooms.
    pub async fn open(hub: Hub, max_rooms: usize) -> Result<Self, Error> {
        let whisperer = hub.clone();
        let tell = move |room: &RoomId, user: &User, change| {
            let (room, user, user_id) = (room.clone(), user.name.clone(), user.id.clone());
            let topic = TopicName::Room(room.clone());
            let frame = match change {
                Change::Joined => ServerFrame::UserJoined { room, user, user_id },
                Change::Left => ServerFrame::UserLeft { room, user, user_id },
            };
            whisperer.whisper(&topic, encode_frame(&frame));
        };
        let chat = Self { hub, presence: Arc::new(Presence::new(tell)), max_rooms, known: Mutex::default() };
        if chat.rooms().await?.is_empty() {
            for name in FIRST_ROOMS.into_iter().take(max_rooms) {
                chat.create_room(name).await?;
            }
        }
        Ok(chat)
    }

    /// The rooms in the order they were made.
    pub async fn rooms(&self) -> Result<Vec<Room>, Error> {
        Ok(self.hub.store().rooms().await?)
    }

    /// Makes a room.
    pub async fn create_room(&self, name: &str) -> Result<Room, Error> {
        let name = parse_name(name)?;
        let room = Room { id: RoomId::of_name(&name)?, name };
        match self.hub.store().create_room(room.clone(), self.max_rooms).await? {
            RoomCreation::Created => Ok(room),
            RoomCreation::Exists => {
                Err(Rejection::new(Code::RoomExists, format!("The room {} is there already.", room.id))
                    .into())
            }
            RoomCreation::Full => {
                let message = format!("This server takes at most {} rooms (--max-rooms).", self.max_rooms);
                Err(Rejection::new(Code::TooManyRooms, message).into())
            }
        }
    }

    /// The room of this id, if there is one.
    pub async fn room(&self, id: &str) -> Result<RoomId, Error> {
        let id = RoomId::parse(id)?;
        if self.is_known(&id) {
            return Ok(id);
        }
        let rooms = self.rooms().await?;
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(rooms.into_iter().map(|room| room.id));
        if self.is_known(&id) {
            Ok(id)
        } else {
            Err(Rejection::new(Code::UnknownRoom, "There is no such room.").into())
        }
    }

    fn is_known(&self, id: &RoomId) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    /// Who is in the room.
    pub fn members(&self, room: &RoomId) -> Vec<User> {
        self.presence.members(room)
    }

    /// Follows a room. Somebody is seen in it, nobody (`None`) only reads.
    pub async fn join(
        &self,
        room: &str,
        user: Option<&User>,
        start: Start,
        bell: Arc<Bell>,
    ) -> Result<Joined, Error> {
        let room = self.room(room).await?;
        let topic = TopicName::Room(room.clone());
        let Subscribed { mut subscription, recovered } =
            self.hub.subscribe(&topic, start, Filter::default(), bell).await?;
        let presence = user.map(|user| self.presence.enter(&room, user));
        // The list is taken after the whispers so far are skipped: what is whispered in between is told twice,
        // which changes nothing, and nothing is missed.
        subscription.skip_whispers();
        let members = self.presence.members(&room);
        let (Cursor { epoch, offset }, head) = (subscription.cursor(), subscription.head());
        let frame = ServerFrame::Joined { room, epoch, offset, recovered, head, members };
        Ok(Joined { frame, recovered, subscription, presence })
    }

    /// Says something. Returns when it is durable; `bool` is false when this id had been said before.
    pub async fn post(
        &self,
        room: &RoomId,
        user: &User,
        id: &str,
        text: &str,
    ) -> Result<(Message, bool), Error> {
        let id = uuid::Uuid::try_parse(id)
            .map_err(|_| Rejection::new(Code::BadId, "The id of a message is a UUID made by the client."))?;
        let text = MessageText::parse(text)?.into_string();
        let said = Said { user: user.name.clone(), text };
        let draft = Draft {
            author: user.id.clone(),
            client_id: Some(id.to_string()),
            channel: None,
            lasting: true,
            body: serde_json::to_string(&said).expect("strings are always JSON"),
        };
        let mut appended = self.hub.publish(&TopicName::Room(room.clone()), vec![draft]).await?;
        let first = appended.pop().expect("one draft gives one entry");
        Ok((message_of(&first.record), first.first))
    }

    /// "I am typing", to those who are in the room; so must be who types.
    pub fn typing(&self, room: &RoomId, user: &User) -> Result<(), Rejection> {
        match self.presence.note_typing(room, &user.id) {
            None => return Err(Rejection::new(Code::NotJoined, "Join the room first.")),
            Some(false) => return Ok(()),
            Some(true) => {}
        }
        let frame =
            ServerFrame::Typing { room: room.clone(), user: user.name.clone(), user_id: user.id.clone() };
        self.hub.whisper(&TopicName::Room(room.clone()), encode_frame(&frame));
        Ok(())
    }

    /// Who is there and who is typing.
    pub fn presence_state(&self, room: &RoomId) -> PresenceState {
        // The name first: what changes in between is told once more by the next poll.
        let seen = self.presence.version(room);
        PresenceState { members: self.presence.members(room), typing: self.presence.typing(room), seen }
    }

    /// A page after a cursor that is also answered when somebody comes, goes or types: a room for who has neither a
    /// socket nor a stream. Somebody is seen in the room until a moment after the answer.
    pub async fn poll(
        &self,
        room: &RoomId,
        user: Option<&User>,
        query: PageQuery,
        limit: usize,
        seen: &str,
    ) -> Result<(Page, PresenceState), Error> {
        let _guard = user.map(|user| self.presence.enter_for_poll(room, user));
        let is_news = || self.presence.version(room) != seen;
        let topic = TopicName::Room(room.clone());
        let page = self.hub.page_unless(&topic, query, Filter::default(), limit, is_news).await?;
        Ok((page, self.presence_state(room)))
    }

    /// Ends the being there of those who have stopped polling, until `stop`.
    pub async fn sweep(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.presence.sweep();
        }
        self.presence.clear();
    }

    /// The JSON of the whole list of people, for a reader that missed changes.
    pub fn members_json(&self, room: &RoomId) -> String {
        encode_frame(&ServerFrame::Members { room: room.clone(), members: self.presence.members(room) })
    }

    /// A page of the room's history as plain data, for a page that is rendered here.
    pub async fn history(
        &self,
        room: &RoomId,
        query: PageQuery,
        limit: usize,
    ) -> Result<protocol::chat::Page, Error> {
        let page = self.page(room, query, limit).await?;
        Ok(protocol::chat::Page {
            messages: page.decode()?,
            cursor: page.cursor,
            more: page.more,
            reset: page.reset,
        })
    }

    /// A page of the room's history.
    pub async fn page(&self, room: &RoomId, query: PageQuery, limit: usize) -> Result<Page, Error> {
        Ok(self.hub.page(&TopicName::Room(room.clone()), query, Filter::default(), limit).await?)
    }
}

/// The frame that tells a reader of a room that its cursor is now this one.
pub fn reset_frame(room: RoomId, cursor: Cursor) -> ServerFrame {
    ServerFrame::Reset { room, epoch: cursor.epoch, offset: cursor.offset }
}

/// The text of a frame.
pub fn encode_frame(frame: &ServerFrame) -> String {
    serde_json::to_string(frame).expect("frames have only string keys")
}

/// The JSON of an entry of `room` as its readers get it: a `message` frame.
pub fn encode_message(record: &Record) -> String {
    encode_frame(&ServerFrame::Message(message_of(record)))
}

fn message_of(record: &Record) -> Message {
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
