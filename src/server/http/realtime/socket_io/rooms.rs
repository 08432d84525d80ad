//! The namespace `/`: the rooms. A client follows each room it joined by a subscription of its own; the engine's own
//! rooms are not used.

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
        name::RoomId,
        problem::{Code, Rejection},
        socket_io::{ClientEvent, InRoom, JoinRoom, NewMessage},
    },
    server::{
        auth::Identity,
        chat::{Chat, Joined},
        error::Error,
        http::realtime::{
            catch_up::not_a_member,
            websocket::{JOINS_MAX, LAST_MAX},
        },
        log::{
            hub::StartFrom,
            subscription::{Batch, Subscription},
            topic::{Ephemerals, Wakeup},
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

/// See the module.
pub(super) struct Rooms {
    chat: Arc<Chat>,
    metrics: Arc<Metrics>,
    identity: Identity,
    wakeup: Arc<Wakeup>,
    following: Vec<JoinedRoom>,
    /// Whose turn it is to be read, counted on without end.
    turn: usize,
}

impl Rooms {
    pub(super) fn new(state: &AppState, identity: Identity, wakeup: Arc<Wakeup>) -> Self {
        let (chat, metrics) = (state.chat.clone(), state.metrics.clone());
        Self { chat, metrics, identity, wakeup, following: Vec::new(), turn: 0 }
    }

    async fn act(&mut self, event: ClientEvent, ack: Option<i64>, outbox: &mut Outbox) {
        let done = match event {
            ClientEvent::JoinRoom(join) => return self.join(join, ack, outbox).await,
            ClientEvent::LeaveRoom(InRoom { room }) => self.leave(&room).map_err(Error::from),
            ClientEvent::Message(message) => self.post(message).await,
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
        let place = self.following.iter().position(|following| following.room == room);
        if place.is_none() && self.following.len() >= JOINS_MAX {
            let message = format!("One connection follows at most {JOINS_MAX} rooms; leave one first.");
            return Err(Rejection::new(Code::TooManyJoins, message).into());
        }
        let Joined { frame, recovered, subscription, presence } =
            self.chat.join(room.as_str(), Some(&self.identity), start, self.wakeup.clone()).await?;
        let cursor = subscription.cursor();
        let reset = (!recovered).then(|| payload::reset(&room, &cursor));
        let following = JoinedRoom { room, subscription, _presence: presence };
        match place {
            Some(place) => self.following[place] = following,
            None => self.following.push(following),
        }
        // There may be something to replay, for which nobody rings.
        self.wakeup.ring();
        Ok((payload::joined(&frame, &cursor), reset))
    }

    fn leave(&mut self, room: &str) -> Result<Value, Rejection> {
        let place = self.place(room)?;
        let JoinedRoom { room, .. } = self.following.remove(place);
        Ok(json!({ "room": room }))
    }

    /// As in the seed, who says something need not have joined; the right to enter the room suffices.
    async fn post(&self, message: NewMessage) -> Result<Value, Error> {
        let room = self.chat.room(&message.room, Some(&self.identity)).await?;
        let id = message.id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let (stored, _) = self.chat.post(&room, &self.identity.user, &id, &message.text).await?;
        // The client's own spelling of the id, so that it finds its draft.
        Ok(json!({ "room": room, "id": id, "offset": stored.offset, "timestamp": stored.timestamp }))
    }

    async fn typing(&self, room: &str) -> Result<Value, Rejection> {
        let room = &self.following[self.place(room)?].room;
        self.chat.typing(room, &self.identity.user).await?;
        Ok(json!({ "room": room }))
    }

    fn place(&self, room: &str) -> Result<usize, Rejection> {
        let id = self.chat.id_of(room)?;
        let place = self.following.iter().position(|following| following.room == id);
        place.ok_or_else(|| Rejection::new(Code::NotJoined, "Join the room first."))
    }

    /// Reads one batch of the room in this place.
    async fn read_room(&mut self, place: usize, outbox: &mut Outbox) -> Result<bool, StoreError> {
        let JoinedRoom { room, subscription, .. } = &mut self.following[place];
        let mut has_read = true;
        match subscription.ephemerals() {
            Ephemerals::Frames(frames) => {
                has_read = !frames.is_empty();
                frames.iter().for_each(|frame| outbox.push(payload::publish_ephemeral(room, &frame.json())));
            }
            Ephemerals::Missed => {
                outbox.push(payload::publish_ephemeral(room, self.chat.members_json(room).as_bytes()))
            }
        }
        match subscription.read().await? {
            Batch::Idle => return Ok(has_read),
            Batch::Entries(entries) => {
                self.metrics.count_deliveries(entries.len());
                for entry in entries {
                    let epoch = subscription.cursor_at(entry.offset).epoch;
                    outbox.push(payload::message(room, &entry.encoded.json(), &epoch));
                }
            }
            Batch::Reset(cursor) => outbox.push(payload::reset(room, &cursor)),
            Batch::Evicted => {
                outbox.push(Outgoing::refusal(None, Some(room), not_a_member()));
                self.following.remove(place);
            }
        }
        Ok(true)
    }
}

impl Follower for Rooms {
    async fn answer(&mut self, received: Received, outbox: &mut Outbox) {
        let ack = received.ack;
        match received.parse() {
            Ok(event) => self.act(event, ack, outbox).await,
            Err(rejection) => outbox.push(Outgoing::refusal(ack, None, rejection)),
        }
    }

    /// One room after the other, so that a loud one does not keep the others waiting.
    async fn read(&mut self, outbox: &mut Outbox) -> Result<bool, StoreError> {
        for _ in 0..self.following.len() {
            self.turn = self.turn.wrapping_add(1);
            if self.read_room(self.turn % self.following.len(), outbox).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_open(&self, room: &RoomId) -> bool {
        let following = self.following.iter().find(|following| following.room == *room);
        following.is_some_and(|following| !following.subscription.is_evicted())
    }
}
