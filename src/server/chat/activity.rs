//! Activity: the rooms that have something new, for the pages of people who do not read them now. `posting`, `changes`,
//! `rooms` and `marks` note it, live connections follow it and count anew what is unread.
//!
//! It is a hint and must never be more: it may come late or not at all, and never says what is new. What is unread is
//! counted from the store. Changes are collected for a moment, so that a thousand messages wake each connection a few times.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;

use super::newest::Moment;
use crate::{
    protocol::name::RoomId,
    server::{
        auth::Identity,
        cluster::backplane::{Backplane, MessageHandler},
        log::topic::Wakeup,
        store::State,
    },
};

/// The name of the subject between nodes.
pub const SUBJECT: &str = "activity";

/// The time for which changes are collected: a count in a sidebar may be late by as much, and each connection is woken no
/// more than four times a second, however much is said.
const TICK: Duration = Duration::from_millis(250);

/// Beyond this number of rooms all are counted anew: a list of more costs as much as counting them.
const ROOMS_MAX: usize = 200;

/// The rooms that have something new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum ActiveRooms {
    /// None.
    #[default]
    None,
    /// These.
    Some(BTreeSet<RoomId>),
    /// Any room may.
    All,
}

impl ActiveRooms {
    /// One room.
    fn one(room: &RoomId) -> Self {
        Self::Some(BTreeSet::from([room.clone()]))
    }

    fn add(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::All, _) | (_, Self::None) => {}
            (Self::None, other) => *self = other.clone(),
            (Self::Some(_), Self::All) => *self = Self::All,
            (Self::Some(rooms), Self::Some(other)) => rooms.extend(other.iter().cloned()),
        }
        if matches!(self, Self::Some(rooms) if rooms.len() > ROOMS_MAX) {
            *self = Self::All;
        }
    }
}

/// A message to the other nodes. Without rooms: any room may have something new.
#[derive(Debug, Serialize, Deserialize)]
struct NodeMessage {
    /// Only this user is told. `None`: everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    rooms: BTreeSet<RoomId>,
    /// The list of rooms has changed, and nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    list: bool,
}

/// The activity of all rooms, and who follows it on this node.
pub struct Activity {
    backplane: Arc<dyn Backplane>,
    /// By user id.
    followers: Mutex<HashMap<String, Vec<Arc<Slot>>>>,
    collected: Mutex<ActiveRooms>,
    noted: Notify,
    /// Since something was told of any room.
    moment: Mutex<Arc<Moment>>,
}

/// One connection.
struct Slot {
    wakeup: Arc<Wakeup>,
    news: Mutex<News>,
    /// The list of rooms has changed.
    list: AtomicBool,
}

/// The news that a connection was told and has not taken yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    pub(super) rooms: ActiveRooms,
    /// The user's marks may have changed.
    pub(super) has_marks: bool,
}

impl Slot {
    fn add(&self, rooms: &ActiveRooms, has_marks: bool) {
        let mut news = self.news.lock();
        news.rooms.add(rooms);
        news.has_marks |= has_marks || *rooms == ActiveRooms::All;
        self.wakeup.notify();
    }

    fn note_list(&self) {
        self.list.store(true, Relaxed);
        self.wakeup.notify();
    }
}

/// A connection that follows the activity for its user. Dropping it ends that.
pub struct ActivityFollower {
    activity: Arc<Activity>,
    who: Identity,
    slot: Arc<Slot>,
    /// The stored states of rooms that something happened in, until the user marks something.
    states: Mutex<HashMap<RoomId, Option<State>>>,
}

impl ActivityFollower {
    /// The user.
    pub(super) fn who(&self) -> &Identity {
        &self.who
    }

    /// The rooms that have something new since the last call.
    pub(super) fn take(&self) -> ActiveRooms {
        let News { rooms, has_marks } = mem::take(&mut *self.slot.news.lock());
        let mut states = self.states.lock();
        if has_marks || states.len() > ROOMS_MAX {
            states.clear();
        }
        rooms
    }

    /// All rooms are to be counted again, as at first: what was taken was not used.
    pub(super) fn begin_anew(&self) {
        self.slot.add(&ActiveRooms::All, true);
        self.slot.note_list();
    }

    /// The present moment.
    pub(super) fn moment(&self) -> Arc<Moment> {
        let mut moment = self.activity.moment.lock();
        if moment.is_over() {
            *moment = Arc::default();
        }
        moment.clone()
    }

    /// The stored state of this room in the user's log, as it was kept with [`ActivityFollower::keep`].
    pub(super) fn state(&self, room: &RoomId) -> Option<Option<State>> {
        self.states.lock().get(room).cloned()
    }

    /// Keeps what was read, unless the user has marked something since the last [`ActivityFollower::take`].
    pub(super) fn keep(&self, room: &RoomId, state: Option<State>) {
        if !self.slot.news.lock().has_marks {
            self.states.lock().insert(room.clone(), state);
        }
    }

    /// Returns true if the list of rooms has changed since the last call.
    pub(super) fn take_list(&self) -> bool {
        self.slot.list.swap(false, Relaxed)
    }
}

impl Drop for ActivityFollower {
    fn drop(&mut self) {
        let mut followers = self.activity.followers.lock();
        if let Some(slots) = followers.get_mut(&self.who.user.id) {
            slots.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
            if slots.is_empty() {
                followers.remove(&self.who.user.id);
            }
        }
    }
}

impl Activity {
    /// Activity on this node, told to the others over `backplane`.
    pub fn new(backplane: Arc<dyn Backplane>) -> Self {
        Self {
            backplane,
            followers: Mutex::default(),
            collected: Mutex::default(),
            noted: Notify::new(),
            moment: Mutex::default(),
        }
    }

    /// Follows it for a user. `wakeup` is notified when there is something, at first at once: then all rooms are to be
    /// counted.
    pub fn follow(self: &Arc<Self>, who: &Identity, wakeup: Arc<Wakeup>) -> ActivityFollower {
        let slot = Arc::new(Slot { wakeup, news: Mutex::default(), list: AtomicBool::new(false) });
        self.followers.lock().entry(who.user.id.clone()).or_default().push(slot.clone());
        slot.add(&ActiveRooms::All, true);
        ActivityFollower { activity: self.clone(), who: who.clone(), slot, states: Mutex::default() }
    }

    /// Notes that a room has something new. Everybody is told within a moment.
    pub fn note(&self, room: &RoomId) {
        self.collected.lock().add(&ActiveRooms::one(room));
        self.noted.notify_one();
    }

    /// Notes that a room has changed for one user: they have read it, on whatever device. They are told at once.
    pub fn note_for(&self, user_id: &str, room: &RoomId) {
        let rooms = ActiveRooms::one(room);
        self.tell(Some(user_id), &rooms);
        self.publish(Some(user_id.to_owned()), &rooms);
    }

    /// Notes that the list of rooms has changed, for everybody or for one user: a room has another name, or who may write
    /// in it. They are told at once. All nodes must have the change already.
    pub fn note_list(&self, user_id: Option<&str>) {
        self.tell_list(user_id);
        if self.backplane.is_shared() {
            let message =
                NodeMessage { user: user_id.map(str::to_owned), rooms: BTreeSet::new(), list: true };
            let message = serde_json::to_string(&message).expect("plain data is serialized");
            self.backplane.publish(SUBJECT, message);
        }
    }

    fn tell_list(&self, user_id: Option<&str>) {
        let followers = self.followers.lock();
        match user_id {
            Some(user_id) => followers.get(user_id).into_iter().flatten().for_each(|slot| slot.note_list()),
            None => followers.values().flatten().for_each(|slot| slot.note_list()),
        }
    }

    /// Notes that a room has changed for one user, as every node notices by itself.
    pub(super) fn note_here(&self, user_id: &str, room: &RoomId) {
        self.tell(Some(user_id), &ActiveRooms::one(room));
    }

    /// Tells what is collected, to the followers and to the other nodes, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        self.backplane.subscribe(SUBJECT);
        while stop.run_until_cancelled(self.noted.notified()).await.is_some() {
            // The collected rooms are announced even if the server stops meanwhile.
            stop.run_until_cancelled(sleep(TICK)).await;
            let rooms = mem::take(&mut *self.collected.lock());
            self.tell(None, &rooms);
            self.publish(None, &rooms);
        }
    }

    fn tell(&self, user_id: Option<&str>, rooms: &ActiveRooms) {
        let has_marks = user_id.is_some();
        // First: whoever is told must not count in what was read before.
        match (user_id, rooms) {
            (Some(_), ActiveRooms::Some(rooms)) => self.moment.lock().forget(rooms),
            _ => *self.moment.lock() = Arc::default(),
        }
        let followers = self.followers.lock();
        match user_id {
            Some(user_id) => {
                followers.get(user_id).into_iter().flatten().for_each(|slot| slot.add(rooms, has_marks));
            }
            None => followers.values().flatten().for_each(|slot| slot.add(rooms, has_marks)),
        }
    }

    fn publish(&self, user: Option<String>, rooms: &ActiveRooms) {
        let rooms = match rooms {
            ActiveRooms::None => return,
            ActiveRooms::Some(rooms) => rooms.clone(),
            ActiveRooms::All => BTreeSet::new(),
        };
        if self.backplane.is_shared() {
            let message = NodeMessage { user, rooms, list: false };
            let message = serde_json::to_string(&message).expect("plain data is serialized");
            self.backplane.publish(SUBJECT, message);
        }
    }
}

/// Takes the messages on [`SUBJECT`].
impl MessageHandler for Activity {
    fn on_message(&self, _: &str, node: &str, message: &str) {
        match serde_json::from_str::<NodeMessage>(message) {
            Ok(NodeMessage { user, list: true, .. }) => self.tell_list(user.as_deref()),
            Ok(NodeMessage { user, rooms, .. }) => {
                let is_all = rooms.is_empty() || rooms.len() > ROOMS_MAX;
                let rooms = if is_all { ActiveRooms::All } else { ActiveRooms::Some(rooms) };
                self.tell(user.as_deref(), &rooms);
            }
            Err(error) => tracing::debug!(node, %error, "ignoring a node's malformed message of activity"),
        }
    }

    fn on_subscribed(&self, _: &str) {
        // Messages before may be lost.
        self.tell(None, &ActiveRooms::All);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{protocol::session::User, server::cluster::backplane::Local};

    fn room(id: &str) -> RoomId {
        RoomId::parse(id).expect("fine")
    }

    fn user(id: &str) -> Identity {
        Identity {
            user: User { id: id.to_owned(), name: id.to_owned() },
            session: None,
            is_admin: false,
            rooms: None,
            channels: Vec::new(),
            expires_at: u64::MAX,
            is_stale: false,
        }
    }

    fn some(ids: &[&str]) -> ActiveRooms {
        ActiveRooms::Some(ids.iter().map(|id| room(id)).collect())
    }

    fn activity() -> Arc<Activity> {
        Arc::new(Activity::new(Arc::new(Local::new())))
    }

    #[tokio::test(start_paused = true)]
    async fn what_happens_within_a_moment_is_told_once_to_everybody() {
        let (activity, stop) = (activity(), CancellationToken::new());
        let (alice, bob) = (Arc::new(Wakeup::default()), Arc::new(Wakeup::default()));
        let (of_alice, of_bob) =
            (activity.follow(&user("a"), alice.clone()), activity.follow(&user("b"), bob.clone()));
        alice.notified().await;
        assert_eq!((of_alice.take(), of_alice.take()), (ActiveRooms::All, ActiveRooms::None));
        bob.notified().await;
        assert_eq!(of_bob.take(), ActiveRooms::All);
        let (running, stopped) = (activity.clone(), stop.clone());
        let task = tokio::spawn(async move { running.run(stopped).await });
        for id in ["x", "y", "x"] {
            activity.note(&room(id));
        }
        alice.notified().await;
        bob.notified().await;
        assert_eq!((of_alice.take(), of_bob.take()), (some(&["x", "y"]), some(&["x", "y"])));
        stop.cancel();
        task.await.expect("it ends");
    }

    #[tokio::test]
    async fn what_concerns_one_user_is_told_to_all_their_connections_at_once_and_to_nobody_else() {
        let activity = activity();
        let wakeup = || Arc::new(Wakeup::default());
        let (first, second, other) = (
            activity.follow(&user("a"), wakeup()),
            activity.follow(&user("a"), wakeup()),
            activity.follow(&user("b"), wakeup()),
        );
        for follower in [&first, &second, &other] {
            follower.take();
        }
        activity.note_for("a", &room("x"));
        assert_eq!(
            (first.take(), second.take(), other.take()),
            (some(&["x"]), some(&["x"]), ActiveRooms::None)
        );
        drop(first);
        activity.note_for("a", &room("x"));
        assert_eq!(second.take(), some(&["x"]));
        drop((second, other));
        assert!(activity.followers.lock().is_empty(), "nobody is kept who is gone");
    }

    #[test]
    fn many_rooms_are_all_and_a_node_that_was_away_counts_anew() {
        let activity = activity();
        let follower = activity.follow(&user("a"), Arc::default());
        follower.take();
        for number in 0..=ROOMS_MAX {
            activity.note_for("a", &room(&format!("r{number}")));
        }
        assert_eq!(follower.take(), ActiveRooms::All);
        activity.on_message(SUBJECT, "n", r#"{"rooms":["x"]}"#);
        activity.on_message(SUBJECT, "n", r#"{"user":"b","rooms":["z"]}"#);
        activity.on_message(SUBJECT, "n", r#"{"user":"a","rooms":["y"]}"#);
        activity.on_message(SUBJECT, "n", "[]");
        assert_eq!(follower.take(), some(&["x", "y"]));
        activity.on_subscribed(SUBJECT);
        assert_eq!(follower.take(), ActiveRooms::All);
    }
}
