//! The other nodes: how far this one has followed what each of them says, whom to ask for what was missed, and who has
//! fallen silent. Pure; `state` calls it, and what is heard ends in its [`Rooms`].
//!
//! Each node numbers its changes. They may be lost, and after a reconnection come twice, but what one node says comes
//! in its order: a number that does not follow is a gap, and then the node is asked for everybody who is in on it.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use super::{
    News,
    room::PeerKey,
    rooms::{Rooms, Roster},
    subject::{Changed, Message, NODES_MAX, PARTS_MAX, PEOPLE_MAX, Present, Unusable},
};
use crate::protocol::name::RoomId;

/// A node that was not heard for so long is gone. Four words of it are missed by then.
const SILENCE_MAX: Duration = Duration::from_secs(8);
/// How soon a node is asked again.
const QUESTION_INTERVAL: Duration = Duration::from_secs(1);
/// A tick that comes later than this was held up, and so was hearing: the others' silence then was ours.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Most places of people in rooms that are held of one node: as many as it can tell.
const PLACES_MAX: usize = PEOPLE_MAX * PARTS_MAX as usize;

/// See the module.
#[derive(Default)]
pub(super) struct Peers {
    /// By their names.
    known: HashMap<String, Peer>,
    last_key: PeerKey,
    /// Everybody is to be asked.
    asks_all: bool,
    asked_all: Option<Instant>,
    ticked: Option<Instant>,
}

struct Peer {
    key: PeerKey,
    heard: Instant,
    /// The number of its changes that was taken last; `None` until it has told everybody who is in on it.
    taken: Option<u64>,
    /// Something of it was missed.
    is_behind: bool,
    asked: Option<Instant>,
    whole: Option<Collected>,
}

/// The parts of a roster that have come so far.
struct Collected {
    snapshot_id: u64,
    next: u32,
    roster: Roster,
}

impl Peers {
    /// Another node said this.
    pub(super) fn hear(
        &mut self,
        node: &str,
        message: Message,
        rooms: &mut Rooms,
        now: Instant,
    ) -> Result<Vec<News>, Unusable> {
        if message == Message::Gone {
            return Ok(self.known.remove(node).map_or_else(Vec::new, |peer| rooms.forget(peer.key)));
        }
        let peer = self.peer(node, now)?;
        peer.heard = now;
        match message {
            Message::Changes { number, rooms: changed } => return peer.change(number, changed, rooms),
            Message::Snapshot { number, snapshot_id, part, parts, rooms: told } => {
                let is_last = part + 1 == parts;
                if peer.collect(number, snapshot_id, part, told) && is_last {
                    return Ok(peer.replace(number, rooms));
                }
            }
            Message::Typing { room, user, at } => {
                let heard = rooms.sign(&room, &user, |typing| typing.hear(&user, at, now));
                return Ok(heard.flatten().into_iter().map(|((), news)| news).collect());
            }
            // Also one that goes back: what was taken last was not this node's then, or came twice, which costs a
            // question.
            Message::Heartbeat { number } => peer.is_behind = peer.taken != Some(number),
            Message::SyncRequest { .. } | Message::Gone => {}
        }
        Ok(Vec::new())
    }

    fn peer(&mut self, node: &str, now: Instant) -> Result<&mut Peer, Unusable> {
        if !self.known.contains_key(node) {
            if self.known.len() >= NODES_MAX {
                return Err(Unusable::TooMany("nodes"));
            }
            self.last_key += 1;
            self.known.insert(node.to_owned(), Peer::new(self.last_key, now));
        }
        Ok(self.known.get_mut(node).expect("it is there or was put there"))
    }

    /// Everything that was said may have been missed.
    pub(super) fn ask_all(&mut self) {
        self.asks_all = true;
    }

    /// What there is to ask now: one question for each node and second.
    pub(super) fn question(&mut self, now: Instant) -> Option<Message> {
        let is_due = |asked: Option<Instant>| {
            asked.is_none_or(|at| now.saturating_duration_since(at) >= QUESTION_INTERVAL)
        };
        if self.asks_all && is_due(self.asked_all) {
            self.asks_all = false;
            self.asked_all = Some(now);
            self.known.values_mut().for_each(|peer| peer.asked = Some(now));
            return Some(Message::SyncRequest { nodes: Vec::new() });
        }
        let mut nodes = Vec::new();
        for (name, peer) in &mut self.known {
            if peer.is_behind && is_due(peer.asked) {
                peer.asked = Some(now);
                nodes.push(name.clone());
            }
        }
        (!nodes.is_empty()).then_some(Message::SyncRequest { nodes })
    }

    /// Forgets those who are silent. To be called at each tick.
    pub(super) fn forget(&mut self, rooms: &mut Rooms, now: Instant) -> Vec<News> {
        let since = self.ticked.replace(now).map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        if since > PAUSE_MAX {
            self.known.values_mut().for_each(|peer| peer.heard = (peer.heard + since).min(now));
        }
        let is_silent = |peer: &Peer| now.saturating_duration_since(peer.heard) >= SILENCE_MAX;
        let silent = self.known.extract_if(|_, peer| is_silent(peer));
        silent.flat_map(|(_, peer)| rooms.forget(peer.key)).collect()
    }
}

impl Peer {
    /// It is heard for the first time: what it said before was missed.
    fn new(key: PeerKey, now: Instant) -> Self {
        Self { key, heard: now, taken: None, is_behind: true, asked: None, whole: None }
    }

    fn change(
        &mut self,
        number: u64,
        changed: BTreeMap<RoomId, Changed>,
        rooms: &mut Rooms,
    ) -> Result<Vec<News>, Unusable> {
        match self.taken {
            Some(taken) if number <= taken => return Ok(Vec::new()), // it came twice
            Some(taken) if number == taken + 1 => {}
            _ => {
                self.is_behind = true;
                return Ok(Vec::new());
            }
        }
        let came: usize = changed.values().map(|room| room.came.len()).sum();
        if rooms.count(self.key) + came > PLACES_MAX {
            return Err(Unusable::TooMany("people on one node"));
        }
        self.taken = Some(number);
        let mut news = Vec::new();
        for (room, Changed { came, went }) in changed {
            let came = came.into_iter().map(|person| (Some(person.name()), person.0));
            for (name, id) in went.into_iter().map(|id| (None, id)).chain(came) {
                news.extend(rooms.note(self.key, &room, &id, name));
            }
        }
        Ok(news)
    }

    /// Takes a part of its roster and returns whether it is the next one.
    fn collect(
        &mut self,
        number: u64,
        snapshot_id: u64,
        part: u32,
        rooms: BTreeMap<RoomId, Vec<Present>>,
    ) -> bool {
        // Others asked for it, or it came twice.
        if !self.is_behind && self.taken.is_some_and(|taken| taken >= number) {
            return false;
        }
        if part == 0 {
            self.whole = Some(Collected { snapshot_id, next: 0, roster: Roster::new() });
        }
        let whole =
            self.whole.as_mut().filter(|whole| whole.snapshot_id == snapshot_id && whole.next == part);
        let Some(whole) = whole else { return false };
        whole.next += 1;
        for (room, people) in rooms {
            let people = people.into_iter().map(|person| (person.name(), person.0));
            whole.roster.entry(room).or_default().extend(people.map(|(name, id)| (id, name)));
        }
        true
    }

    fn replace(&mut self, number: u64, rooms: &mut Rooms) -> Vec<News> {
        self.taken = Some(number);
        self.is_behind = false;
        let roster = self.whole.take().map(|whole| whole.roster).unwrap_or_default();
        rooms.replace(self.key, roster)
    }
}
