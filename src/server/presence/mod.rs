//! Who is in a room now, and who is typing there. Being in is a guard value; dropping it is leaving.
//!
//! The chat calls it and says what to tell the readers: a person may be in with several connections, and only the
//! first and the last of them are news. Between two polls a person has no connection: their guard lingers.
//!
//! A person is in while they are in on any node. Every node knows who is in on every other, and nothing of it is
//! stored: nodes tell each other who came and went on the backplane's line `presence`. A node that stops says so and
//! its people leave at once. **A node that was killed, or cannot be reached any more, is noticed within 10 s**: until then
//! its people are shown, and if it comes back before, nothing changes for anybody. The same bound holds for knowing all
//! who are in after the nodes can reach each other again.
//!
//! `state` is all of this as a pure machine: `rooms` (and in it `room`, `typing`, `name`) is who is where, all nodes
//! together, `outbound` what this node says, `peers` what it heard, `subject` the words between them. It never sees the
//! backplane; this file brings both together, under one lock.

mod guards;
mod name;
mod outbound;
mod peers;
mod room;
mod rooms;
mod state;
mod subject;
mod typing_indicators;

use std::{
    sync::{Arc, Once},
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use self::{guards::Lingering, state::State, subject::Message};
pub use self::{
    guards::{PollGuard, PresenceGuard},
    subject::SUBJECT,
};
use super::{
    clock::now_ms,
    cluster::backplane::{Backplane, MessageHandler},
};
use crate::protocol::{name::RoomId, session::User};

/// How long comings and goings are collected for the other nodes: not to be noticed by a person, and a thousand people
/// who return in it are one message.
const TICK: Duration = Duration::from_millis(100);

/// What there is to tell of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceEvent {
    /// Came, or has another name now.
    Joined,
    /// Went with the last connection.
    Left,
    /// Gave a sign of typing.
    Typing,
}

/// Something to tell the readers of a room.
#[derive(Debug, PartialEq, Eq)]
struct News {
    room: RoomId,
    user: User,
    change: PresenceEvent,
}

/// Called under the lock, so that a coming and a going of the same moment are told in the order in which they
/// happened. It must be quick and must not come back here.
type Tell = Box<dyn Fn(&RoomId, &User, PresenceEvent) + Send + Sync>;

/// Who is in which room.
pub struct Presence {
    tell: Tell,
    backplane: Arc<dyn Backplane>,
    state: Mutex<State>,
    lingering: Lingering,
    /// Ends [`Presence::exchange`].
    closed: CancellationToken,
    complained: Once,
}

impl Presence {
    /// `tell` is called for every change.
    pub fn new(
        backplane: Arc<dyn Backplane>,
        tell: impl Fn(&RoomId, &User, PresenceEvent) + Send + Sync + 'static,
    ) -> Self {
        let state = Mutex::new(State::new(backplane.node(), backplane.is_shared()));
        let (lingering, closed, complained) = (Lingering::default(), CancellationToken::new(), Once::new());
        Self { tell: Box::new(tell), backplane, state, lingering, closed, complained }
    }

    /// Lets somebody in until the guard is dropped.
    pub fn enter(self: &Arc<Self>, room: &RoomId, user: &User) -> PresenceGuard {
        let mut state = self.lock();
        let news = state.enter(room, user, now_ms());
        self.tell_all(news);
        drop(state);
        PresenceGuard { presence: self.clone(), room: room.clone(), user_id: user.id.clone() }
    }

    fn leave(&self, room: &RoomId, user_id: &str) {
        let mut state = self.lock();
        let news = state.leave(room, user_id);
        self.tell_all(news);
    }

    /// Lets somebody in who polls: when the guard is dropped they stay for a moment, for their next poll.
    pub fn enter_for_poll(self: &Arc<Self>, room: &RoomId, user: &User) -> PollGuard {
        PollGuard(Some(self.enter(room, user)))
    }

    /// The one person of this name in any room.
    pub fn find(&self, name: &str) -> Option<User> {
        self.lock().rooms().find(name)
    }

    /// Everybody in the room, in the order of their ids.
    pub fn members(&self, room: &RoomId) -> Vec<User> {
        self.lock().rooms().members(room)
    }

    /// Names the state of a room: who is there and who is typing. The same on every node that knows the same. Cheap.
    pub fn version(&self, room: &RoomId) -> String {
        self.lock().rooms().version(room, Instant::now())
    }

    /// Takes a sign of typing, and tells it if it does not come too soon. False: the person is not in the room.
    #[must_use]
    pub fn note_typing(&self, room: &RoomId, user_id: &str) -> bool {
        let mut state = self.lock();
        let Some(given) = state.give_sign(room, user_id, now_ms(), Instant::now()) else { return false };
        if let Some((news, messages)) = given {
            self.tell_all([news]);
            self.say_all(messages);
        }
        true
    }

    /// Who has been typing in the last seconds, in the order of their ids.
    pub fn typing(&self, room: &RoomId) -> Vec<User> {
        self.lock().rooms().typing(room, Instant::now())
    }

    /// Lets those go who lingered long enough. To be called about every second.
    pub fn sweep(&self) {
        self.lingering.sweep();
    }

    /// Lets all go who linger: the server ends.
    pub fn clear(&self) {
        self.lingering.clear();
    }

    /// Speaks with the other nodes until [`Presence::close`]. What happens here is told here without it. Nothing to do
    /// for a server that is alone.
    pub async fn exchange(&self) {
        if !self.backplane.is_shared() {
            return;
        }
        self.backplane.subscribe(SUBJECT);
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.closed.run_until_cancelled(ticks.tick()).await.is_some() {
            self.tick(Instant::now());
        }
    }

    fn tick(&self, now: Instant) {
        let mut state = self.lock();
        let (news, messages) = state.tick(now);
        self.tell_all(news);
        self.say_all(messages);
    }

    /// Says to the other nodes that nobody is in here any more. To be called when all connections have ended and before
    /// the backplane is closed.
    pub fn close(&self) {
        self.closed.cancel();
        let mut state = self.lock();
        let last = state.end();
        self.say_all(last);
    }

    /// Only under the lock, see [`Tell`].
    fn tell_all(&self, news: impl IntoIterator<Item = News>) {
        for News { room, user, change } in news {
            (self.tell)(&room, &user, change);
        }
    }

    /// Only under the lock: the others go by the order.
    fn say_all(&self, messages: impl IntoIterator<Item = Message>) {
        for message in messages {
            self.backplane.publish(SUBJECT, message.encode());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

/// Takes what is said on [`SUBJECT`], and leaves the other lines alone.
impl MessageHandler for Presence {
    fn on_message(&self, subject: &str, node: &str, message: &str) {
        if subject != SUBJECT {
            return;
        }
        let mut state = self.lock();
        match state.hear(node, message, Instant::now()) {
            Ok(news) => self.tell_all(news),
            // Once: whoever says such things may say many.
            Err(error) => self.complained.call_once(|| {
                tracing::warn!(node, %error, "what a node says about presence is ignored; this is logged once");
            }),
        }
    }

    fn on_subscribed(&self, subject: &str) {
        if subject == SUBJECT {
            self.lock().listening();
        }
    }
}

#[cfg(test)]
mod tests;
