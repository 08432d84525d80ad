//! What a chat means: rooms, joining, posting. Knows no transport; the chat socket, the HTTP routes and the pages
//! call it. It never trusts a name or an id of a person that does not come from their session.

mod frame;
mod known_rooms;
pub(crate) mod room_id;

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

pub use self::frame::{encode_frame, encode_message, reset_frame};
use self::{
    frame::{Said, change_frame, message_of},
    known_rooms::KnownRooms,
    room_id::{id_key, id_of_name},
};
use super::{
    auth::{Identity, Submission},
    authz::Rights,
    cluster::backplane::Backplane,
    error::Error,
    limits::RateLimits,
    log::{
        hub::{Hub, Page, PageQuery, StartFrom, Subscribed},
        subscription::Subscription,
        topic::Wakeup,
    },
    presence::{Presence, PresenceGuard},
    store::{Filter, NewEntry, RoomCreation, TopicName},
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

/// The rooms of this server.
pub struct Chat {
    hub: Hub,
    presence: Arc<Presence>,
    rights: Arc<Rights>,
    limits: Arc<RateLimits>,
    max_rooms: usize,
    known: KnownRooms,
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
    pub async fn open(
        hub: Hub,
        rights: Arc<Rights>,
        limits: Arc<RateLimits>,
        backplane: Arc<dyn Backplane>,
        max_rooms: usize,
    ) -> Result<Self, Error> {
        let whisperer = hub.clone();
        let tell = move |room: &RoomId, user: &User, change| {
            let topic = TopicName::Room(room.clone());
            whisperer.publish_ephemeral(&topic, encode_frame(&change_frame(room, user, change)));
        };
        let presence = Arc::new(Presence::new(backplane, tell));
        let chat = Self { hub, presence, rights, limits, max_rooms, known: KnownRooms::default() };
        let rooms = chat.hub.store().rooms().await?;
        if rooms.is_empty() {
            for name in FIRST_ROOMS.into_iter().take(max_rooms) {
                // Another node may be making them too.
                let room = Room { id: id_of_name(name)?, name: name.to_owned() };
                chat.hub.store().create_room(room, max_rooms).await?;
            }
        }
        Ok(chat)
    }

    /// The rooms that they may enter, in the order the rooms were made.
    pub async fn rooms(&self, who: Option<&Identity>) -> Result<Vec<Room>, Error> {
        self.rights.check_reader(who)?;
        let mut rooms = self.read_rooms().await?;
        rooms.retain(|room| self.rights.may_enter(&room.id, who));
        Ok(rooms)
    }

    /// Makes a room, which is theirs. Into a private one only those come whom they let in.
    pub async fn create_room(&self, who: &Identity, name: &str, is_private: bool) -> Result<Room, Error> {
        self.create_room_once(who, name, is_private, None).await
    }

    /// The same by a form: what it made before is its answer.
    pub async fn create_room_once(
        &self,
        who: &Identity,
        name: &str,
        is_private: bool,
        submission: Option<&Submission>,
    ) -> Result<Room, Error> {
        let name = parse_name(name)?;
        let room = Room { id: id_of_name(&name)?, name };
        if submission.is_some() {
            self.rights.catch_up().await?;
        }
        if self.rights.was_made_by(&room.id, who, submission) {
            return self.make_room(room.clone()).await.or_else(|error| unless_there(error, room));
        }
        self.limits.room(&who.user).await?;
        // The first rooms are nobody's: to claim one would take it from everybody.
        let key = id_key(room.id.as_str());
        let rooms = self.read_rooms().await?;
        if let Some(known) = rooms.into_iter().find(|known| id_key(known.id.as_str()) == key) {
            if submission.is_some() {
                // The same form may have made it in this moment.
                self.rights.catch_up().await?;
                if self.rights.was_made_by(&room.id, who, submission) {
                    return Ok(room);
                }
            }
            return Err(exists(
                &room.id,
                Some(known).filter(|known| self.rights.may_enter(&known.id, Some(who))),
            ));
        }
        // A token that is good for some rooms only does not get further by making one.
        if !self.rights.may_enter(&room.id, Some(who)) {
            return Err(exists(&room.id, None));
        }
        // Theirs already: it was not known whether the room was made, and they try again.
        let is_claimed = self.rights.owns(&room.id, who) && self.rights.is_private(&room.id) == is_private;
        if !is_claimed && !self.rights.claim_by(&room.id, &who.user, is_private, submission).await? {
            // The same form may have claimed it in this moment.
            self.rights.catch_up().await?;
            if !self.rights.was_made_by(&room.id, who, submission) {
                return Err(exists(&room.id, None));
            }
        }
        let made = self.make_room(room.clone()).await;
        // After a fault of the store the room may be there: without its claim it would be everybody's.
        // One that is there, although it was claimed, was made by the same person in the same moment. Only the first rooms
        // are made without a claim.
        let is_refused = match &made {
            Err(Error::Rejected(rejection)) => {
                rejection.code != Code::RoomExists || FIRST_ROOMS.contains(&room.id.as_str())
            }
            Ok(_) | Err(Error::Store(_)) => false,
        };
        if is_refused {
            self.rights.disclaim(&room.id, &who.user).await?;
        }
        if self.rights.was_made_by(&room.id, who, submission) {
            return made.or_else(|error| unless_there(error, room));
        }
        made
    }

    async fn make_room(&self, room: Room) -> Result<Room, Error> {
        match self.hub.store().create_room(room.clone(), self.max_rooms).await? {
            RoomCreation::Created => Ok(room),
            RoomCreation::Exists => Err(exists(&room.id, None)),
            RoomCreation::Full => {
                let message = format!("This server takes at most {} rooms (--max-rooms).", self.max_rooms);
                Err(Rejection::new(Code::TooManyRooms, message).into())
            }
        }
    }

    /// The room of this id, in whatever form the id is written, if there is one and they may enter it.
    pub async fn room(&self, id: &str, who: Option<&Identity>) -> Result<RoomId, Error> {
        let asked = RoomId::parse(id)?;
        if let Some(known) = self.known.find(&asked) {
            self.rights.check_entry(&known, who)?;
            return Ok(known);
        }
        self.rights.check_reader(who)?;
        self.read_rooms().await?;
        let unknown =
            || Rejection::new(Code::UnknownRoom, "There is no such room, or it is not open to you.");
        let known = self.known.find(&asked).ok_or_else(unknown)?;
        self.rights.check_entry(&known, who)?;
        Ok(known)
    }

    /// The id of a room that was seen before, in whatever form it is written here. Another id stays as it is.
    pub fn id_of(&self, written: &str) -> Result<RoomId, Rejection> {
        let asked = RoomId::parse(written)?;
        Ok(self.known.find(&asked).unwrap_or(asked))
    }

    /// All rooms. Of one that another node has just made the rights are known as well: they were written before it.
    async fn read_rooms(&self) -> Result<Vec<Room>, Error> {
        let rooms = self.hub.store().rooms().await?;
        if !self.known.has_all(&rooms) {
            self.rights.catch_up().await?;
            self.known.note(&rooms);
        }
        Ok(rooms)
    }

    /// Who is in the room.
    pub fn members(&self, room: &RoomId) -> Vec<User> {
        self.presence.members(room)
    }

    /// Follows a room. Somebody is seen in it, nobody (`None`) only reads.
    pub async fn join(
        &self,
        room: &str,
        who: Option<&Identity>,
        start: StartFrom,
        wakeup: Arc<Wakeup>,
    ) -> Result<Joined, Error> {
        // First, so that asking for rooms that are none is limited, too.
        if let Some(identity) = who {
            self.limits.join(&identity.user).await?;
        }
        let room = self.room(room, who).await?;
        let topic = TopicName::Room(room.clone());
        let Subscribed { mut subscription, recovered } =
            self.hub.subscribe(&topic, start, Filter::default(), wakeup).await?;
        if let Some(identity) = who {
            subscription.set_owner(identity.user.id.as_str().into());
        }
        // Once more, now that it would be found by whoever takes the right away.
        self.rights.check_entry(&room, who)?;
        let presence = who.map(|identity| self.presence.enter(&room, &identity.user));
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
        self.limits.message(user).await?;
        let said = Said { user: user.name.clone(), text };
        let draft = NewEntry {
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
    pub async fn typing(&self, room: &RoomId, user: &User) -> Result<(), Rejection> {
        self.limits.typing(user).await?;
        if self.presence.note_typing(room, &user.id) {
            Ok(())
        } else {
            Err(Rejection::new(Code::NotJoined, "Join the room first."))
        }
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
        who: Option<&Identity>,
        query: PageQuery,
        limit: usize,
        seen: &str,
    ) -> Result<(Page, PresenceState), Error> {
        let guard = who.map(|identity| self.presence.enter_for_poll(room, &identity.user));
        let is_news = || self.presence.version(room) != seen;
        let topic = TopicName::Room(room.clone());
        let page = self.hub.page_unless(&topic, query, Filter::default(), limit, is_news).await?;
        // What came while they waited may not be for them any more.
        if let Err(rejection) = self.rights.check_entry(room, who) {
            if let Some(guard) = guard {
                guard.leave();
            }
            return Err(rejection.into());
        }
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

    /// Who is in, for what other nodes say of it and to speak with them.
    pub fn presence(&self) -> &Arc<Presence> {
        &self.presence
    }

    /// The JSON of the whole list of people, for a reader that missed changes.
    pub fn members_json(&self, room: &RoomId) -> String {
        encode_frame(&ServerFrame::Members { room: room.clone(), members: self.presence.members(room) })
    }

    /// A page of the room's history as plain data, for a page that is rendered here.
    pub async fn history(
        &self,
        room: &RoomId,
        who: Option<&Identity>,
        query: PageQuery,
        limit: usize,
    ) -> Result<protocol::chat::Page, Error> {
        let page = self.page(room, who, query, limit).await?;
        Ok(protocol::chat::Page {
            messages: page.decode()?,
            cursor: page.cursor,
            more: page.more,
            reset: page.reset,
        })
    }

    /// A page of the room's history, for who entered it.
    pub async fn page(
        &self,
        room: &RoomId,
        who: Option<&Identity>,
        query: PageQuery,
        limit: usize,
    ) -> Result<Page, Error> {
        let page = self.hub.page(&TopicName::Room(room.clone()), query, Filter::default(), limit).await?;
        // What came while they waited may not be for them any more.
        self.rights.check_entry(room, who)?;
        Ok(page)
    }

    /// Somebody of this name who is in a room now: how people are found where they have no accounts. The name has to
    /// be one person's only.
    pub fn find_present(&self, name: &str) -> Option<User> {
        self.presence.find(name)
    }
}

/// The room, if it is only refused because it is there.
fn unless_there(error: Error, room: Room) -> Result<Room, Error> {
    match error {
        Error::Rejected(Rejection { code: Code::RoomExists, .. }) => Ok(room),
        other => Err(other),
    }
}

/// The refusal of a room whose address is taken, by `known` where the caller may know which room that is.
fn exists(id: &RoomId, known: Option<Room>) -> Error {
    let message = match known {
        Some(Room { name, .. }) => {
            format!("The room \"{name}\" has the address {id} already; choose another name.")
        }
        None => format!("A room with the address {id} is there already; choose another name."),
    };
    Rejection::new(Code::RoomExists, message).into()
}
