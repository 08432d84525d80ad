//! The namespace `/`: the rooms. A client follows each room it joined by a subscription of its own. `session` drives
//! it. It must never use the engine's own rooms: they know no offsets and no rights.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    inbox::Received,
    outbox::{Outbox, Outgoing},
    payload,
    session::{Follower, tell},
};
use crate::{
    protocol::{
        chat::NewMessage,
        mark::NewMark,
        name::RoomId,
        problem::{Code, Rejection},
        socket_io::{ChangeMessage, ClientEvent, FollowUser, InRoom, JoinRoom, SendMessage},
    },
    server::{
        auth::Identity,
        chat::{ActivityFollower, Chat, FollowedUser, Joined},
        error::Error,
        http::realtime::{
            catch_up::{Interruption, read_updates},
            websocket::{JOINS_MAX, LAST_MAX},
        },
        log::{
            hub::StartFrom,
            subscription::Subscription,
            topic::{Update, Wakeup},
        },
        observability::metrics::Metrics,
        presence::PresenceGuard,
        state::AppState,
        store::StoreError,
    },
};

/// A room the client follows. Dropping it leaves the room.
struct JoinedRoom {
    room: RoomId,
    subscription: Subscription,
    _presence: Option<PresenceGuard>,
}

/// The rooms that one client follows, and the actions of its events.
pub(super) struct Rooms {
    chat: Arc<Chat>,
    metrics: Arc<Metrics>,
    identity: Identity,
    wakeup: Arc<Wakeup>,
    joined: Vec<JoinedRoom>,
    /// The user's own log, if the client follows it.
    user_log: Option<Subscription>,
    /// Set if the client wants to know what is unread.
    activity: Option<ActivityFollower>,
    /// The number of the last read, counted on without end: it chooses the next room.
    turn: usize,
}

impl Rooms {
    pub(super) fn new(state: &AppState, identity: Identity, wakeup: Arc<Wakeup>) -> Self {
        let (chat, metrics) = (state.chat.clone(), state.metrics.clone());
        Self { chat, metrics, identity, wakeup, joined: Vec::new(), user_log: None, activity: None, turn: 0 }
    }

    async fn act(&mut self, event: ClientEvent, ack: Option<i64>, outbox: &mut Outbox) {
        let done = match event {
            ClientEvent::JoinRoom(join) => return self.join(join, ack, outbox).await,
            ClientEvent::Follow(FollowUser { after }) => return self.follow_user(after, ack, outbox).await,
            ClientEvent::Unread => return self.follow_unread(ack, outbox).await,
            ClientEvent::Mark(mark) => self.mark(mark).await,
            ClientEvent::LeaveRoom(InRoom { room }) => self.leave(&room).map_err(Error::from),
            ClientEvent::Message(message) => self.post(message).await,
            ClientEvent::Change(change) => self.change(change).await,
            ClientEvent::Typing(InRoom { room }) => self.typing(&room).await.map_err(Error::from),
        };
        tell(outbox, ack, done);
    }

    async fn join(&mut self, join: JoinRoom, ack: Option<i64>, outbox: &mut Outbox) {
        match self.follow(join).await {
            Ok((answer, reset)) => {
                tell(outbox, ack, Ok(answer));
                reset.into_iter().for_each(|reset| outbox.push(reset));
            }
            Err(error) => tell(outbox, ack, Err(error)),
        }
    }

    /// Follows a room; joining one again starts anew from the given cursor.
    async fn follow(&mut self, join: JoinRoom) -> Result<(Value, Option<Outgoing>), Error> {
        let start = match (join.after, join.last) {
            (Some(after), _) => StartFrom::After(after.parse()?),
            (None, Some(last)) => StartFrom::Last(last.min(LAST_MAX) as usize),
            (None, None) => StartFrom::New,
        };
        let room = self.chat.room(&join.room, Some(&self.identity)).await?;
        let index = self.joined.iter().position(|joined| joined.room == room);
        if index.is_none() && self.joined.len() >= JOINS_MAX {
            let message = format!("One connection can join at most {JOINS_MAX} rooms; leave one first.");
            return Err(Rejection::new(Code::TooManyJoins, message).into());
        }
        let Joined { frame, recovered, subscription, presence } =
            self.chat.join(room.as_str(), Some(&self.identity), start, self.wakeup.clone()).await?;
        let cursor = subscription.cursor();
        let reset = (!recovered).then(|| payload::reset(&room, &cursor));
        let joined = JoinedRoom { room, subscription, _presence: presence };
        match index {
            Some(index) => self.joined[index] = joined,
            None => self.joined.push(joined),
        }
        // There may be entries to replay, which nothing announces.
        self.wakeup.notify();
        Ok((payload::joined(&frame, &cursor), reset))
    }

    fn leave(&mut self, room: &str) -> Result<Value, Rejection> {
        let index = self.index_of(room)?;
        let JoinedRoom { room, .. } = self.joined.remove(index);
        Ok(json!({ "room": room }))
    }

    /// As in the seed, an author need not have joined: the right to enter the room suffices.
    async fn post(&self, message: SendMessage) -> Result<Value, Error> {
        let room = self.chat.room(&message.room, Some(&self.identity)).await?;
        let SendMessage { text, id, reply_to, thread, files, .. } = message;
        let id = id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let message = NewMessage { id: id.clone(), text, reply_to, thread, files };
        let (stored, _) = self.chat.post(&room, &self.identity, message).await?;
        // The client's own spelling of the id, so that it finds its draft.
        Ok(json!({ "room": room, "id": id, "offset": stored.offset, "timestamp": stored.timestamp }))
    }

    async fn change(&self, message: ChangeMessage) -> Result<Value, Error> {
        let ChangeMessage { room, target, change } = message;
        let room = self.chat.room(&room, Some(&self.identity)).await?;
        let id = change.id.clone();
        let (changed, _) = self.chat.change(&room, &self.identity, target, change).await?;
        Ok(json!({ "room": room, "id": id, "offset": changed.offset, "timestamp": changed.timestamp }))
    }

    async fn mark(&self, mark: NewMark) -> Result<Value, Error> {
        let (marked, _) = self.chat.mark(&self.identity, mark).await?;
        Ok(payload::marked(marked))
    }

    /// Follows the user's own log; doing it again starts anew from the given cursor.
    async fn follow_user(&mut self, after: Option<String>, ack: Option<i64>, outbox: &mut Outbox) {
        let start = after.map_or(Ok(StartFrom::New), |after| after.parse().map(StartFrom::After));
        let followed = match start {
            Ok(start) => self.chat.follow_user(&self.identity, start, self.wakeup.clone()).await,
            Err(rejection) => Err(Error::from(rejection)),
        };
        let FollowedUser { frame, recovered, subscription } = match followed {
            Ok(followed) => followed,
            Err(error) => return tell(outbox, ack, Err(error)),
        };
        let cursor = subscription.cursor();
        tell(outbox, ack, Ok(payload::joined(&frame, &cursor)));
        if !recovered {
            outbox.push(payload::user_reset(&cursor));
        }
        self.user_log = Some(subscription);
        // There may be marks to replay, which nothing announces.
        self.wakeup.notify();
    }

    /// Says what is unread, and goes on doing so. A client that asked for no answer hears it as an event.
    async fn follow_unread(&mut self, ack: Option<i64>, outbox: &mut Outbox) {
        let activity = self.chat.activity().follow(&self.identity, self.wakeup.clone());
        match self.chat.unread(&activity).await {
            Ok((rooms, list)) if ack.is_some() => tell(outbox, ack, Ok(payload::counts(rooms, list))),
            Ok((rooms, list)) => outbox.push(payload::unread(rooms, list)),
            Err(error) => return tell(outbox, ack, Err(error.into())),
        }
        self.activity = Some(activity);
    }

    /// Says what is unread in the rooms that have something new. Returns false if there was nothing.
    async fn read_unread(&self, outbox: &mut Outbox) -> Result<bool, StoreError> {
        let Some(activity) = &self.activity else { return Ok(false) };
        let (rooms, list) = self.chat.unread(activity).await?;
        let has_news = list || !rooms.is_empty();
        if has_news {
            outbox.push(payload::unread(rooms, list));
        }
        Ok(has_news)
    }

    /// Reads one batch of the user's own log. Returns false if there was nothing.
    async fn read_user_log(&mut self, outbox: &mut Outbox) -> Result<bool, StoreError> {
        let Some(subscription) = &mut self.user_log else { return Ok(false) };
        let updates = match read_updates(subscription, &self.metrics).await {
            Ok(Some(updates)) => updates,
            Ok(None) => return Ok(false),
            // Nobody is evicted from their own log.
            Err(Interruption::Evicted) => {
                self.user_log = None;
                return Ok(false);
            }
            Err(Interruption::Failed(error)) => return Err(error),
        };
        for update in updates.in_order() {
            match update {
                Update::Entry(entry) => {
                    let epoch = subscription.cursor_at(entry.offset).epoch;
                    outbox.push(payload::mark(&entry.encoded.json(), &epoch));
                }
                Update::Reset(cursor) => outbox.push(payload::user_reset(cursor)),
                Update::Ephemeral(_) | Update::EphemeralsMissed => {}
            }
        }
        Ok(true)
    }

    async fn typing(&self, room: &str) -> Result<Value, Rejection> {
        let room = &self.joined[self.index_of(room)?].room;
        self.chat.typing(room, &self.identity.user).await?;
        Ok(json!({ "room": room }))
    }

    fn index_of(&self, room: &str) -> Result<usize, Rejection> {
        let id = self.chat.id_of(room)?;
        let index = self.joined.iter().position(|joined| joined.room == id);
        index.ok_or_else(|| Rejection::new(Code::NotJoined, "Join the room first."))
    }

    /// Reads one batch of the room with this index. Returns false if there was nothing.
    async fn read_room(&mut self, index: usize, outbox: &mut Outbox) -> Result<bool, StoreError> {
        let JoinedRoom { room, subscription, .. } = &mut self.joined[index];
        let updates = match read_updates(subscription, &self.metrics).await {
            Ok(Some(updates)) => updates,
            Ok(None) => return Ok(false),
            Err(Interruption::Evicted) => {
                outbox.push(Outgoing::rejection(None, Some(room), self.chat.eviction_from(room)));
                self.joined.remove(index);
                return Ok(true);
            }
            Err(Interruption::Failed(error)) => return Err(error),
        };
        for update in updates.in_order() {
            outbox.push(match update {
                Update::Ephemeral(frame) => payload::ephemeral(room, &frame.json()),
                Update::EphemeralsMissed => payload::ephemeral(room, self.chat.members_json(room).as_bytes()),
                Update::Entry(entry) => {
                    let epoch = subscription.cursor_at(entry.offset).epoch;
                    payload::message(room, &entry.encoded.json(), &epoch)
                }
                Update::Reset(cursor) => payload::reset(room, cursor),
            });
        }
        Ok(true)
    }
}

impl Follower for Rooms {
    async fn answer(&mut self, received: Received, outbox: &mut Outbox) {
        let ack = received.ack;
        match received.parse() {
            Ok(event) => self.act(event, ack, outbox).await,
            Err(rejection) => outbox.push(Outgoing::rejection(ack, None, rejection)),
        }
    }

    /// Reads one room after the other, so that a busy one does not keep the others waiting.
    async fn read(&mut self, outbox: &mut Outbox) -> Result<bool, StoreError> {
        // A person marks less than others say, and what is unread is told a few times a second at most.
        if self.read_user_log(outbox).await? || self.read_unread(outbox).await? {
            return Ok(true);
        }
        for _ in 0..self.joined.len() {
            self.turn = self.turn.wrapping_add(1);
            if self.read_room(self.turn % self.joined.len(), outbox).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_open(&self, room: &RoomId) -> bool {
        let joined = self.joined.iter().find(|joined| joined.room == *room);
        joined.is_some_and(|joined| !joined.subscription.is_evicted())
    }
}
