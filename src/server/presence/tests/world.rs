//! A simulation: nodes in one thread, with a clock that the test moves and links that lose, hold and repeat messages.
//!
//! It checks at every event that a reader can follow: a user joins only if absent, and leaves only if present.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use crate::{
    protocol::{name::RoomId, session::User},
    server::presence::{PresenceEvent, RoomEvent, TICK, message::NodeMessage, state::State},
};

/// The lead of the wall clock of each node over that of the node before it.
const SKEW_MS: i64 = 3_000;

/// A user in a room: the room and the user's id.
pub(super) type Membership = (RoomId, String);

pub(super) struct World {
    pub(super) nodes: BTreeMap<usize, Node>,
    links: BTreeMap<(usize, usize), Link>,
    begun: Instant,
    pub(super) now: Instant,
    started: usize,
    /// All messages, each with its sender.
    pub(super) sent: Vec<(usize, NodeMessage)>,
}

pub(super) struct Node {
    pub(super) state: State,
    pub(super) connections: Vec<(RoomId, User)>,
    pub(super) is_reachable: bool,
    /// The names of the users who are present by the events that a reader here got.
    pub(super) seen: BTreeMap<Membership, String>,
    /// The number of events in which a user joined or left.
    pub(super) events: usize,
}

/// From one node to another.
#[derive(Default)]
struct Link {
    waiting: VecDeque<String>,
    delivered: Vec<String>,
    is_held: bool,
    /// The number of the next messages that do not arrive.
    losing: usize,
}

impl World {
    pub(super) fn new(nodes: usize) -> Self {
        let now = Instant::now();
        let mut world = Self {
            nodes: BTreeMap::new(),
            links: BTreeMap::new(),
            begun: now,
            now,
            started: 0,
            sent: Vec::new(),
        };
        (0..nodes).for_each(|_| world.start());
        world
    }

    pub(super) fn start(&mut self) {
        let mut state = State::new(&name_of(self.started), true);
        state.on_subscribed();
        let (connections, seen) = (Vec::new(), BTreeMap::new());
        self.nodes.insert(self.started, Node { state, connections, is_reachable: true, seen, events: 0 });
        self.started += 1;
    }

    /// Kills a node. The messages that it has sent still arrive.
    pub(super) fn kill(&mut self, node: usize) {
        self.nodes.remove(&node);
        self.links.retain(|(_, to), _| *to != node);
    }

    pub(super) fn stop(&mut self, node: usize) {
        let last = self.nodes.get_mut(&node).and_then(|node| node.state.end());
        self.send(node, last);
        self.kill(node);
    }

    pub(super) fn enter(&mut self, node: usize, room: &RoomId, user: &User) {
        let now_ms = self.now_ms(node);
        let Some(node) = self.nodes.get_mut(&node) else { return };
        let event = node.state.enter(room, user, now_ms);
        node.connections.push((room.clone(), user.clone()));
        node.read(event);
    }

    pub(super) fn leave(&mut self, node: usize, which: usize) {
        let Some(node) = self.nodes.get_mut(&node).filter(|node| !node.connections.is_empty()) else {
            return;
        };
        let (room, user) = node.connections.swap_remove(which % node.connections.len());
        let event = node.state.leave(&room, &user.id);
        node.read(event);
    }

    /// Sends a typing indicator to a node. Returns true if the user is in the room.
    pub(super) fn note_typing(&mut self, node: usize, room: &RoomId, user_id: &str) -> bool {
        let (now, now_ms) = (self.now, self.now_ms(node));
        let here = self.nodes.get_mut(&node).expect("it runs");
        let Some(noted) = here.state.note_typing(room, user_id, now_ms, now) else { return false };
        if let Some((event, messages)) = noted {
            here.read([event]);
            self.send(node, messages);
        }
        true
    }

    /// Cuts the node off from the others.
    pub(super) fn cut(&mut self, node: usize) {
        if let Some(node) = self.nodes.get_mut(&node) {
            node.is_reachable = false;
        }
        let links = self.links.iter_mut().filter(|((_, to), _)| *to == node);
        links.for_each(|(_, link)| link.waiting.clear());
    }

    pub(super) fn mend(&mut self, node: usize) {
        if let Some(node) = self.nodes.get_mut(&node).filter(|node| !node.is_reachable) {
            node.is_reachable = true;
            node.state.on_subscribed();
        }
    }

    pub(super) fn mend_all(&mut self) {
        let nodes: Vec<_> = self.nodes.keys().copied().collect();
        nodes.into_iter().for_each(|node| self.mend(node));
        self.links.values_mut().for_each(|link| (link.is_held, link.losing) = (false, 0));
    }

    /// Makes messages arrive later, or at once again.
    pub(super) fn hold(&mut self, from: usize, to: usize, is_held: bool) {
        self.links.entry((from, to)).or_default().is_held = is_held;
    }

    /// Loses the next messages.
    pub(super) fn lose(&mut self, from: usize, to: usize, count: usize) {
        self.links.entry((from, to)).or_default().losing = count;
    }

    /// Delivers the last messages once more.
    pub(super) fn repeat(&mut self, from: usize, to: usize, count: usize) {
        let link = self.links.entry((from, to)).or_default();
        let again: Vec<_> = link.delivered[link.delivered.len().saturating_sub(count)..].to_vec();
        again.iter().for_each(|message| self.deliver(from, to, message));
    }

    /// Ticks one node.
    pub(super) fn tick(&mut self, node: usize) {
        let now = self.now;
        let Some(here) = self.nodes.get_mut(&node) else { return };
        let (events, messages) = here.state.tick(now);
        here.read(events);
        self.send(node, messages);
    }

    /// Moves the time on for all nodes but `still`, which stands still.
    pub(super) fn pass_without(&mut self, time: Duration, still: Option<usize>) {
        for _ in 0..time.as_millis() / TICK.as_millis() {
            self.now += TICK;
            let nodes: Vec<_> = self.nodes.keys().copied().filter(|node| Some(*node) != still).collect();
            nodes.into_iter().for_each(|node| self.tick(node));
            self.arrive(still);
        }
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.pass_without(time, None);
    }

    fn arrive(&mut self, still: Option<usize>) {
        let links: Vec<_> = self.links.keys().copied().filter(|(_, to)| Some(*to) != still).collect();
        for (from, to) in links {
            let link = self.links.entry((from, to)).or_default();
            if link.is_held {
                continue;
            }
            let arrived: Vec<_> = link.waiting.drain(..).collect();
            link.delivered.extend(arrived.iter().cloned());
            arrived.iter().for_each(|message| self.deliver(from, to, message));
        }
    }

    fn deliver(&mut self, from: usize, to: usize, message: &str) {
        let now = self.now;
        if let Some(node) = self.nodes.get_mut(&to).filter(|node| node.is_reachable) {
            let events = node.state.on_message(&name_of(from), message, now).expect("ours can be read");
            node.read(events);
        }
    }

    fn send(&mut self, from: usize, messages: impl IntoIterator<Item = NodeMessage>) {
        for message in messages {
            let text = message.encode();
            self.sent.push((from, message));
            if !self.nodes.get(&from).is_some_and(|node| node.is_reachable) {
                continue;
            }
            let others: Vec<_> = self
                .nodes
                .iter()
                .filter(|(to, node)| **to != from && node.is_reachable)
                .map(|(to, _)| *to)
                .collect();
            for to in others {
                let link = self.links.entry((from, to)).or_default();
                match link.losing.checked_sub(1) {
                    Some(left) => link.losing = left,
                    None => link.waiting.push_back(text.clone()),
                }
            }
        }
    }

    fn now_ms(&self, node: usize) -> i64 {
        (self.now - self.begun).as_millis() as i64 + node as i64 * SKEW_MS
    }

    /// The users who are really present.
    fn truth(&self) -> BTreeSet<Membership> {
        let connections = self.nodes.values().flat_map(|node| &node.connections);
        connections.map(|(room, user)| (room.clone(), user.id.clone())).collect()
    }

    /// Fails unless every node knows the users who are really present, and all nodes give them the same names.
    pub(super) fn check_agreement(&self) {
        let truth = self.truth();
        let rooms: BTreeSet<_> = truth.iter().map(|(room, _)| room).collect();
        let first = self.nodes.values().next();
        for (number, node) in &self.nodes {
            assert!(node.seen.keys().eq(&truth), "node {number}: {:?} but {truth:?}", node.seen);
            assert_eq!(first.map(|first| &first.seen), Some(&node.seen), "node {number} differs");
            for room in &rooms {
                let members = node.state.roster().members(room).into_iter().map(|user| (user.id, user.name));
                let seen = node.seen.iter().filter(|((seen, _), _)| seen == *room);
                assert!(members.eq(seen.map(|((_, id), name)| (id.clone(), name.clone()))));
                let version = |node: &Node| node.state.roster().version(room, self.now);
                assert_eq!(first.map(version), Some(version(node)), "node {number} in {room}");
            }
        }
    }
}

impl Node {
    /// Follows the events as a reader of this node does.
    fn read(&mut self, events: impl IntoIterator<Item = RoomEvent>) {
        for RoomEvent { room, user, event } in events {
            let membership = (room, user.id);
            match event {
                PresenceEvent::Joined => {
                    let known = self.seen.insert(membership.clone(), user.name.clone());
                    assert_ne!(known, Some(user.name), "{membership:?} came and was there");
                    self.events += 1;
                }
                PresenceEvent::Left => {
                    let known = self.seen.remove(&membership);
                    assert_eq!(
                        known,
                        Some(user.name),
                        "{membership:?} went under another name or was not there"
                    );
                    self.events += 1;
                }
                PresenceEvent::Typing => {
                    assert!(self.seen.contains_key(&membership), "{membership:?} types and is not there")
                }
            }
        }
    }
}

fn name_of(node: usize) -> String {
    format!("node-{node}")
}
