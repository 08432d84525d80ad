//! Presence: the users who are in each room now, and those who are typing there. A guard value holds a user in a room;
//! dropping it leaves.
//!
//! The chat calls it and passes on its events to the readers. A user may be in a room with several connections; only
//! the first and the last of them are events. Between two polls a user has no connection: their guard lingers.
//!
//! A user is present while connected through at least one node. Every node knows who is present on every other, and
//! nothing of it is stored: nodes announce who came and who left on the backplane's subject `presence`. A node that
//! stops says so, and its users leave at once. **A node that was killed, or cannot be reached any more, is noticed
//! within 10 s**: until then its users are shown, and if it comes back before, readers see no change. The same bound
//! holds for knowing all users after the nodes can reach each other again.
//!
//! `state` is all of this as a pure state machine: `roster` holds the users in each room on all nodes together (with
//! `typing_indicators`), `outbound` the messages of this node, `peers` the progress of the others, and `message` is the
//! format between them. It never sees the backplane; this file connects both under one lock.

mod guards;
mod message;
mod outbound;
mod peers;
mod roster;
mod signs;
mod state;
mod typing_indicators;

use std::{
    collections::HashSet,
    sync::{Arc, Once},
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use self::{guards::Lingering, message::NodeMessage, state::State};
pub use self::{
    guards::{PollGuard, PresenceGuard},
    message::SUBJECT,
    signs::{SIGNS_SUBJECT, Signs},
};
use super::{
    clock::now_ms,
    cluster::backplane::{Backplane, MessageHandler},
};
use crate::protocol::{name::RoomId, session::User};

/// The time for which changes are collected for the other nodes: too short for a person to notice, and a thousand
/// people who return within it are one message.
const TICK: Duration = Duration::from_millis(100);

/// An event of one user in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PresenceEvent {
    /// The user came, or has another name now.
    Joined,
    /// The user left with their last connection.
    Left,
    /// The user is typing.
    Typing,
}

/// An event for the readers of a room.
#[derive(Debug, PartialEq, Eq)]
struct RoomEvent {
    room: RoomId,
    user: User,
    event: PresenceEvent,
}

/// Passes an event to the readers of a room. Called under the lock, so that readers get a `Joined` and a `Left` of the
/// same moment in the order in which they happened. It must be quick and must not call [`Presence`].
type Notify = Box<dyn Fn(&RoomId, &User, PresenceEvent) + Send + Sync>;

/// The users in every room.
pub struct Presence {
    notify: Notify,
    backplane: Arc<dyn Backplane>,
    state: Mutex<State>,
    lingering: Lingering,
    /// Ends [`Presence::exchange`].
    closed: CancellationToken,
    warned: Once,
}

impl Presence {
    /// Presence on this node. It calls `notify` for every event.
    pub fn new(
        backplane: Arc<dyn Backplane>,
        notify: impl Fn(&RoomId, &User, PresenceEvent) + Send + Sync + 'static,
    ) -> Self {
        let state = Mutex::new(State::new(backplane.node(), backplane.is_shared()));
        let (lingering, closed, warned) = (Lingering::default(), CancellationToken::new(), Once::new());
        Self { notify: Box::new(notify), backplane, state, lingering, closed, warned }
    }

    /// Puts a user into a room until the guard is dropped.
    pub fn enter(self: &Arc<Self>, room: &RoomId, user: &User) -> PresenceGuard {
        let mut state = self.lock();
        let event = state.enter(room, user, now_ms());
        self.notify_readers(event);
        drop(state);
        PresenceGuard { presence: self.clone(), room: room.clone(), user_id: user.id.clone() }
    }

    fn leave(&self, room: &RoomId, user_id: &str) {
        let mut state = self.lock();
        let event = state.leave(room, user_id);
        self.notify_readers(event);
    }

    /// Puts a user into a room for a poll: after the guard is dropped they stay for 10 s, for their next poll.
    pub fn enter_for_poll(self: &Arc<Self>, room: &RoomId, user: &User) -> PollGuard {
        PollGuard(Some(self.enter(room, user)))
    }

    /// The user with this name in any room; `None` unless there is exactly one.
    pub fn find(&self, name: &str) -> Option<User> {
        self.lock().roster().find(name)
    }

    /// The rooms in which a user is, with their name in each.
    pub fn of_user(&self, user_id: &str) -> Vec<(RoomId, User)> {
        self.lock().roster().of_user(user_id)
    }

    /// All users in the room, in the order of their ids.
    pub fn members(&self, room: &RoomId) -> Vec<User> {
        self.lock().roster().members(room)
    }

    /// Those of the users in the room of whom this is true. Called under the lock: it must not call [`Presence`].
    pub fn members_that(&self, room: &RoomId, is_meant: impl Fn(&str) -> bool) -> Vec<String> {
        let members = self.lock().roster().members(room);
        members.into_iter().map(|user| user.id).filter(|id| is_meant(id)).collect()
    }

    /// The ids of all users who are in rooms.
    pub fn ids(&self) -> HashSet<String> {
        self.lock().roster().ids()
    }

    /// A text that names the state of a room, its users and typing indicators: the same on every node that knows the
    /// same. Cheap.
    pub fn version(&self, room: &RoomId) -> String {
        self.lock().roster().version(room, Instant::now())
    }

    /// Records that a user is typing, and announces it unless it comes too soon after the last time. Returns false if
    /// the user is not in the room.
    #[must_use]
    pub fn note_typing(&self, room: &RoomId, user_id: &str) -> bool {
        let mut state = self.lock();
        let Some(noted) = state.note_typing(room, user_id, now_ms(), Instant::now()) else { return false };
        if let Some((event, messages)) = noted {
            self.notify_readers([event]);
            self.publish_all(messages);
        }
        true
    }

    /// The users who have been typing in the last 4 s, in the order of their ids.
    pub fn typing(&self, room: &RoomId) -> Vec<User> {
        self.lock().roster().typing(room, Instant::now())
    }

    /// Removes users whose next poll did not come in time. To be called about every second.
    pub fn sweep(&self) {
        self.lingering.sweep();
    }

    /// Removes all users who are between two polls: the server stops.
    pub fn clear(&self) {
        self.lingering.clear();
    }

    /// Exchanges messages with the other nodes until [`Presence::close`]. The readers of this node get the events of
    /// this node without it. Returns at once on a server without other nodes.
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
        let (events, messages) = state.tick(now);
        self.notify_readers(events);
        self.publish_all(messages);
    }

    /// Announces to the other nodes that no user is on this node any more. To be called when all connections have ended
    /// and before the backplane is closed.
    pub fn close(&self) {
        self.closed.cancel();
        let mut state = self.lock();
        let last = state.end();
        self.publish_all(last);
    }

    /// To be called under the lock only: readers rely on the order of the events.
    fn notify_readers(&self, events: impl IntoIterator<Item = RoomEvent>) {
        for RoomEvent { room, user, event } in events {
            (self.notify)(&room, &user, event);
        }
    }

    /// To be called under the lock only: the other nodes rely on the order of the messages.
    fn publish_all(&self, messages: impl IntoIterator<Item = NodeMessage>) {
        for message in messages {
            self.backplane.publish(SUBJECT, message.encode());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

/// Takes the messages on [`SUBJECT`] and ignores the other subjects.
impl MessageHandler for Presence {
    fn on_message(&self, subject: &str, node: &str, message: &str) {
        if subject != SUBJECT {
            return;
        }
        let mut state = self.lock();
        match state.on_message(node, message, Instant::now()) {
            Ok(events) => self.notify_readers(events),
            // Once: a node that sends one such message may send many.
            Err(error) => self.warned.call_once(|| {
                tracing::warn!(node, %error, "ignoring a node's malformed presence messages; logged once per node");
            }),
        }
    }

    fn on_subscribed(&self, subject: &str) {
        if subject == SUBJECT {
            self.lock().on_subscribed();
        }
    }
}

#[cfg(test)]
mod tests;
