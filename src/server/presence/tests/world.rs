//! Nodes in one thread, with a clock that is turned by hand and lines that lose, hold and repeat what is said.
//!
//! It checks at every piece of news that a reader could follow: nobody comes who is there, nobody goes who is not.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use crate::{
    protocol::{name::RoomId, session::User},
    server::presence::{News, PresenceEvent, TICK, state::State, subject::Message},
};

/// How much further each node's clock of the day is than that of the node before it.
const SKEW_MS: i64 = 3_000;

pub(super) type Place = (RoomId, String);

pub(super) struct World {
    pub(super) nodes: BTreeMap<usize, Node>,
    lines: BTreeMap<(usize, usize), Line>,
    begun: Instant,
    pub(super) now: Instant,
    started: usize,
    /// Everything that was said, by whom.
    pub(super) said: Vec<(usize, Message)>,
}

pub(super) struct Node {
    pub(super) state: State,
    /// Connections.
    pub(super) seats: Vec<(RoomId, User)>,
    pub(super) is_linked: bool,
    /// What a reader here has been told: the names of those who are in.
    pub(super) seen: BTreeMap<Place, String>,
    /// How often it was told anything of who is in.
    pub(super) told: usize,
}

/// From one node to another.
#[derive(Default)]
struct Line {
    waiting: VecDeque<String>,
    delivered: Vec<String>,
    is_held: bool,
    /// So many of the next do not arrive.
    losing: usize,
}

impl World {
    pub(super) fn new(nodes: usize) -> Self {
        let now = Instant::now();
        let mut world = Self {
            nodes: BTreeMap::new(),
            lines: BTreeMap::new(),
            begun: now,
            now,
            started: 0,
            said: Vec::new(),
        };
        (0..nodes).for_each(|_| world.start());
        world
    }

    pub(super) fn start(&mut self) {
        let mut state = State::new(&name_of(self.started), true);
        state.listening();
        let (seats, seen) = (Vec::new(), BTreeMap::new());
        self.nodes.insert(self.started, Node { state, seats, is_linked: true, seen, told: 0 });
        self.started += 1;
    }

    /// What it has said still arrives.
    pub(super) fn kill(&mut self, node: usize) {
        self.nodes.remove(&node);
        self.lines.retain(|(_, to), _| *to != node);
    }

    pub(super) fn stop(&mut self, node: usize) {
        let last = self.nodes.get_mut(&node).and_then(|node| node.state.end());
        self.say(node, last);
        self.kill(node);
    }

    pub(super) fn enter(&mut self, node: usize, room: &RoomId, user: &User) {
        let now_ms = self.now_ms(node);
        let Some(node) = self.nodes.get_mut(&node) else { return };
        let news = node.state.enter(room, user, now_ms);
        node.seats.push((room.clone(), user.clone()));
        node.read(news);
    }

    pub(super) fn leave(&mut self, node: usize, which: usize) {
        let Some(node) = self.nodes.get_mut(&node).filter(|node| !node.seats.is_empty()) else { return };
        let (room, user) = node.seats.swap_remove(which % node.seats.len());
        let news = node.state.leave(&room, &user.id);
        node.read(news);
    }

    /// Returns whether the person is in the room.
    pub(super) fn sign(&mut self, node: usize, room: &RoomId, user_id: &str) -> bool {
        let (now, now_ms) = (self.now, self.now_ms(node));
        let here = self.nodes.get_mut(&node).expect("it runs");
        let Some(given) = here.state.give_sign(room, user_id, now_ms, now) else { return false };
        if let Some((news, messages)) = given {
            here.read([news]);
            self.say(node, messages);
        }
        true
    }

    /// Between the node and the others nothing comes through.
    pub(super) fn cut(&mut self, node: usize) {
        if let Some(node) = self.nodes.get_mut(&node) {
            node.is_linked = false;
        }
        let lines = self.lines.iter_mut().filter(|((_, to), _)| *to == node);
        lines.for_each(|(_, line)| line.waiting.clear());
    }

    pub(super) fn mend(&mut self, node: usize) {
        if let Some(node) = self.nodes.get_mut(&node).filter(|node| !node.is_linked) {
            node.is_linked = true;
            node.state.listening();
        }
    }

    pub(super) fn mend_all(&mut self) {
        let nodes: Vec<_> = self.nodes.keys().copied().collect();
        nodes.into_iter().for_each(|node| self.mend(node));
        self.lines.values_mut().for_each(|line| (line.is_held, line.losing) = (false, 0));
    }

    /// What is said arrives later, or again at once.
    pub(super) fn hold(&mut self, from: usize, to: usize, is_held: bool) {
        self.lines.entry((from, to)).or_default().is_held = is_held;
    }

    /// The next that are said never arrive.
    pub(super) fn lose(&mut self, from: usize, to: usize, count: usize) {
        self.lines.entry((from, to)).or_default().losing = count;
    }

    /// The last that arrived arrive once more.
    pub(super) fn repeat(&mut self, from: usize, to: usize, count: usize) {
        let line = self.lines.entry((from, to)).or_default();
        let again: Vec<_> = line.delivered[line.delivered.len().saturating_sub(count)..].to_vec();
        again.iter().for_each(|message| self.deliver(from, to, message));
    }

    /// One node's time goes on.
    pub(super) fn tick(&mut self, node: usize) {
        let now = self.now;
        let Some(here) = self.nodes.get_mut(&node) else { return };
        let (news, messages) = here.state.tick(now);
        here.read(news);
        self.say(node, messages);
    }

    /// Time goes on for all of them but `still`.
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
        let lines: Vec<_> = self.lines.keys().copied().filter(|(_, to)| Some(*to) != still).collect();
        for (from, to) in lines {
            let line = self.lines.entry((from, to)).or_default();
            if line.is_held {
                continue;
            }
            let arrived: Vec<_> = line.waiting.drain(..).collect();
            line.delivered.extend(arrived.iter().cloned());
            arrived.iter().for_each(|message| self.deliver(from, to, message));
        }
    }

    fn deliver(&mut self, from: usize, to: usize, message: &str) {
        let now = self.now;
        if let Some(node) = self.nodes.get_mut(&to).filter(|node| node.is_linked) {
            let news = node.state.hear(&name_of(from), message, now).expect("ours can be read");
            node.read(news);
        }
    }

    fn say(&mut self, from: usize, messages: impl IntoIterator<Item = Message>) {
        for message in messages {
            let text = message.encode();
            self.said.push((from, message));
            if !self.nodes.get(&from).is_some_and(|node| node.is_linked) {
                continue;
            }
            let others: Vec<_> = self
                .nodes
                .iter()
                .filter(|(to, node)| **to != from && node.is_linked)
                .map(|(to, _)| *to)
                .collect();
            for to in others {
                let line = self.lines.entry((from, to)).or_default();
                match line.losing.checked_sub(1) {
                    Some(left) => line.losing = left,
                    None => line.waiting.push_back(text.clone()),
                }
            }
        }
    }

    fn now_ms(&self, node: usize) -> i64 {
        (self.now - self.begun).as_millis() as i64 + node as i64 * SKEW_MS
    }

    /// Who is really in.
    fn truth(&self) -> BTreeSet<Place> {
        let seats = self.nodes.values().flat_map(|node| &node.seats);
        seats.map(|(room, user)| (room.clone(), user.id.clone())).collect()
    }

    /// Fails unless every node knows who is really in, and all of them give it the same name.
    pub(super) fn check_agreement(&self) {
        let truth = self.truth();
        let rooms: BTreeSet<_> = truth.iter().map(|(room, _)| room).collect();
        let first = self.nodes.values().next();
        for (number, node) in &self.nodes {
            assert!(node.seen.keys().eq(&truth), "node {number}: {:?} but {truth:?}", node.seen);
            assert_eq!(first.map(|first| &first.seen), Some(&node.seen), "node {number} differs");
            for room in &rooms {
                let members = node.state.rooms().members(room).into_iter().map(|user| (user.id, user.name));
                let seen = node.seen.iter().filter(|((seen, _), _)| seen == *room);
                assert!(members.eq(seen.map(|((_, id), name)| (id.clone(), name.clone()))));
                let version = |node: &Node| node.state.rooms().version(room, self.now);
                assert_eq!(first.map(version), Some(version(node)), "node {number} in {room}");
            }
        }
    }
}

impl Node {
    /// What a reader of this node makes of it.
    fn read(&mut self, news: impl IntoIterator<Item = News>) {
        for News { room, user, change } in news {
            let place = (room, user.id);
            match change {
                PresenceEvent::Joined => {
                    let known = self.seen.insert(place.clone(), user.name.clone());
                    assert_ne!(known, Some(user.name), "{place:?} came and was there");
                    self.told += 1;
                }
                PresenceEvent::Left => {
                    let known = self.seen.remove(&place);
                    assert_eq!(known, Some(user.name), "{place:?} went under another name or was not there");
                    self.told += 1;
                }
                PresenceEvent::Typing => {
                    assert!(self.seen.contains_key(&place), "{place:?} types and is not there")
                }
            }
        }
    }
}

fn name_of(node: usize) -> String {
    format!("node-{node}")
}
