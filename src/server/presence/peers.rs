//! The other nodes: the last change that this node has taken from each of them, the nodes to ask for a snapshot, and
//! the nodes that have gone silent. Pure; `state` calls it, and the messages end in its [`Roster`].
//!
//! Each node numbers its changes. They may be lost, and arrive twice after a reconnection, but the messages of one node
//! arrive in its order. A number that does not follow the last one is a gap; then this node asks the other for a
//! snapshot of all people on it.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use super::{
    RoomEvent,
    message::{InvalidMessage, NODES_MAX, NodeMessage, PARTS_MAX, PEOPLE_MAX, Present, RoomChanges},
    roster::{PeerKey, PeerRoster, Roster},
};
use crate::protocol::name::RoomId;

/// A node that was silent for so long is gone. It has missed four heartbeats by then.
const SILENCE_MAX: Duration = Duration::from_secs(8);
/// The shortest time between two sync requests to the same node.
const SYNC_REQUEST_INTERVAL: Duration = Duration::from_secs(1);
/// A tick that comes later than this was held up, and so were incoming messages: the silence of the others was ours.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Most people in rooms that this node holds of one other node: as many as a snapshot can carry.
const PEER_PEOPLE_MAX: usize = PEOPLE_MAX * PARTS_MAX as usize;

/// The other nodes.
#[derive(Default)]
pub(super) struct Peers {
    /// By their names.
    known: HashMap<String, Peer>,
    last_key: PeerKey,
    /// All nodes are to be asked for a snapshot.
    must_request_all: bool,
    last_request_to_all: Option<Instant>,
    last_tick: Option<Instant>,
}

struct Peer {
    key: PeerKey,
    last_message: Instant,
    /// The number of the last changes that were taken; `None` until a snapshot was.
    number: Option<u64>,
    /// This node has missed messages of the peer.
    is_behind: bool,
    last_request: Option<Instant>,
    partial: Option<PartialSnapshot>,
}

/// The parts of a snapshot that have arrived so far.
struct PartialSnapshot {
    snapshot_id: u64,
    next_part: u32,
    roster: PeerRoster,
}

impl Peers {
    /// Takes a message from another node.
    pub(super) fn on_message(
        &mut self,
        node: &str,
        message: NodeMessage,
        roster: &mut Roster,
        now: Instant,
    ) -> Result<Vec<RoomEvent>, InvalidMessage> {
        if message == NodeMessage::Gone {
            return Ok(self.known.remove(node).map_or_else(Vec::new, |peer| roster.remove_peer(peer.key)));
        }
        let peer = self.peer(node, now)?;
        peer.last_message = now;
        match message {
            NodeMessage::Changes { number, rooms } => return peer.apply(number, rooms, roster),
            NodeMessage::Snapshot { number, snapshot_id, part, parts, rooms } => {
                let is_last = part + 1 == parts;
                if peer.collect(number, snapshot_id, part, rooms) && is_last {
                    return Ok(peer.finish_snapshot(number, roster));
                }
            }
            NodeMessage::Typing { room, user, at } => {
                let recorded =
                    roster.record_typing(&room, &user, |typing| typing.record_remote(&user, at, now));
                return Ok(recorded.flatten().into_iter().map(|((), event)| event).collect());
            }
            // Also a number that goes back: then the last number taken was not this node's, or the heartbeat arrived
            // twice, which costs one request.
            NodeMessage::Heartbeat { number } => peer.is_behind = peer.number != Some(number),
            NodeMessage::SyncRequest { .. } | NodeMessage::Gone => {}
        }
        Ok(Vec::new())
    }

    fn peer(&mut self, node: &str, now: Instant) -> Result<&mut Peer, InvalidMessage> {
        if !self.known.contains_key(node) {
            if self.known.len() >= NODES_MAX {
                return Err(InvalidMessage::TooMany("nodes"));
            }
            self.last_key += 1;
            self.known.insert(node.to_owned(), Peer::new(self.last_key, now));
        }
        Ok(self.known.get_mut(node).expect("it is there or was put there"))
    }

    /// Asks all nodes for a snapshot soon: any message may have been missed.
    pub(super) fn request_all(&mut self) {
        self.must_request_all = true;
    }

    /// The sync request that is due now: at most one a second to each node.
    pub(super) fn take_sync_request(&mut self, now: Instant) -> Option<NodeMessage> {
        let is_due = |last: Option<Instant>| {
            last.is_none_or(|at| now.saturating_duration_since(at) >= SYNC_REQUEST_INTERVAL)
        };
        if self.must_request_all && is_due(self.last_request_to_all) {
            self.must_request_all = false;
            self.last_request_to_all = Some(now);
            self.known.values_mut().for_each(|peer| peer.last_request = Some(now));
            return Some(NodeMessage::SyncRequest { nodes: Vec::new() });
        }
        let mut nodes = Vec::new();
        for (name, peer) in &mut self.known {
            if peer.is_behind && is_due(peer.last_request) {
                peer.last_request = Some(now);
                nodes.push(name.clone());
            }
        }
        (!nodes.is_empty()).then_some(NodeMessage::SyncRequest { nodes })
    }

    /// Removes the nodes that have gone silent. To be called at each tick.
    pub(super) fn remove_silent(&mut self, roster: &mut Roster, now: Instant) -> Vec<RoomEvent> {
        let last_tick = self.last_tick.replace(now);
        let since = last_tick.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        if since > PAUSE_MAX {
            self.known.values_mut().for_each(|peer| peer.last_message = (peer.last_message + since).min(now));
        }
        let is_silent = |peer: &Peer| now.saturating_duration_since(peer.last_message) >= SILENCE_MAX;
        let silent = self.known.extract_if(|_, peer| is_silent(peer));
        silent.flat_map(|(_, peer)| roster.remove_peer(peer.key)).collect()
    }
}

impl Peer {
    /// A node whose first message arrives now: its earlier messages were missed.
    fn new(key: PeerKey, now: Instant) -> Self {
        Self { key, last_message: now, number: None, is_behind: true, last_request: None, partial: None }
    }

    /// Applies changes if their number follows the last one.
    fn apply(
        &mut self,
        number: u64,
        rooms: BTreeMap<RoomId, RoomChanges>,
        roster: &mut Roster,
    ) -> Result<Vec<RoomEvent>, InvalidMessage> {
        match self.number {
            Some(last) if number <= last => return Ok(Vec::new()), // it arrived twice
            Some(last) if number == last + 1 => {}
            _ => {
                self.is_behind = true;
                return Ok(Vec::new());
            }
        }
        let joined: usize = rooms.values().map(|room| room.joined.len()).sum();
        if roster.count(self.key) + joined > PEER_PEOPLE_MAX {
            return Err(InvalidMessage::TooMany("people on one node"));
        }
        self.number = Some(number);
        let mut events = Vec::new();
        for (room, RoomChanges { joined, left }) in rooms {
            let joined = joined.into_iter().map(|person| (Some(person.name()), person.0));
            for (name, id) in left.into_iter().map(|id| (None, id)).chain(joined) {
                events.extend(roster.set_remote(self.key, &room, &id, name));
            }
        }
        Ok(events)
    }

    /// Takes a part of a snapshot and returns true if it is the next one.
    fn collect(
        &mut self,
        number: u64,
        snapshot_id: u64,
        part: u32,
        rooms: BTreeMap<RoomId, Vec<Present>>,
    ) -> bool {
        // Other nodes asked for it, or it arrived twice.
        if !self.is_behind && self.number.is_some_and(|last| last >= number) {
            return false;
        }
        if part == 0 {
            self.partial = Some(PartialSnapshot { snapshot_id, next_part: 0, roster: PeerRoster::new() });
        }
        let is_next =
            |partial: &&mut PartialSnapshot| partial.snapshot_id == snapshot_id && partial.next_part == part;
        let Some(partial) = self.partial.as_mut().filter(is_next) else { return false };
        partial.next_part += 1;
        for (room, people) in rooms {
            let people = people.into_iter().map(|person| (person.name(), person.0));
            partial.roster.entry(room).or_default().extend(people.map(|(name, id)| (id, name)));
        }
        true
    }

    /// Replaces the people of the peer by the collected snapshot.
    fn finish_snapshot(&mut self, number: u64, roster: &mut Roster) -> Vec<RoomEvent> {
        self.number = Some(number);
        self.is_behind = false;
        let snapshot = self.partial.take().map(|partial| partial.roster).unwrap_or_default();
        roster.replace_peer(self.key, snapshot)
    }
}
