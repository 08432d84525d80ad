//! What this node says to the others: who came to it and went from it, collected for a moment; that it is there; and
//! when it is asked, everybody. Pure; `state` says when, and what it returns is said in this order.

use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

use super::{
    rooms::Rooms,
    subject::{Changed, Message, PARTS_MAX, PEOPLE_MAX, Present},
};
use crate::protocol::name::RoomId;

/// How often it says that it is there. A change that was lost is noticed with the next word.
const WORD_INTERVAL: Duration = Duration::from_secs(2);
/// How often it tells everybody at most, however many ask.
const WHOLE_INTERVAL: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Default)]
pub(super) struct Outbound {
    /// Of the last changes that were said.
    number: u64,
    /// Whose being here has changed since: room and id.
    changed: HashSet<(RoomId, String)>,
    tellings: u64,
    is_asked: bool,
    told_all: Option<Instant>,
    said_word: Option<Instant>,
    has_ended: bool,
}

impl Outbound {
    /// Somebody came to this node, went from it, or has another name on it.
    pub(super) fn note(&mut self, room: &RoomId, user_id: &str) {
        // After the end nobody would take it out again.
        if !self.has_ended {
            self.changed.insert((room.clone(), user_id.to_owned()));
        }
    }

    /// Somebody wants to know everybody.
    pub(super) fn ask(&mut self) {
        self.is_asked = true;
    }

    /// Whether the last word is said: nothing may follow it.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// What there is to say at a tick.
    pub(super) fn speak(&mut self, rooms: &Rooms, now: Instant) -> Vec<Message> {
        let is_due = |last: Option<Instant>, interval| {
            last.is_none_or(|at| now.saturating_duration_since(at) >= interval)
        };
        let mut said = self.changes(rooms);
        if self.is_asked && is_due(self.told_all, WHOLE_INTERVAL) {
            self.is_asked = false;
            self.told_all = Some(now);
            said.extend(self.whole(rooms));
        }
        if is_due(self.said_word, WORD_INTERVAL) {
            self.said_word = Some(now);
            said.push(Message::Heartbeat { number: self.number });
        }
        said
    }

    /// A sign of typing, after what the others have to know before it: that its giver is here.
    pub(super) fn typing(&mut self, room: &RoomId, user_id: &str, at: i64, rooms: &Rooms) -> Vec<Message> {
        let place = (room.clone(), user_id.to_owned());
        let mut said = if self.changed.contains(&place) { self.changes(rooms) } else { Vec::new() };
        said.push(Message::Typing { room: place.0, user: place.1, at });
        said
    }

    /// The last that it says.
    pub(super) fn end(&mut self) -> Message {
        self.has_ended = true;
        self.changed.clear();
        Message::Gone
    }

    /// Says of all who changed how it is now; what changed twice in the moment is told once.
    fn changes(&mut self, rooms: &Rooms) -> Vec<Message> {
        let changed: Vec<_> = self.changed.drain().collect();
        // What a thousand people coming at once took is not kept.
        self.changed.shrink_to(64);
        let parts = changed.chunks(PEOPLE_MAX).map(|part| {
            let mut told: BTreeMap<RoomId, Changed> = BTreeMap::new();
            for (room, id) in part {
                let entry = told.entry(room.clone()).or_default();
                match rooms.seat(room, id) {
                    Some(name) => entry.came.push(Present::new(id, name)),
                    None => entry.went.push(id.clone()),
                }
            }
            self.number += 1;
            Message::Changes { number: self.number, rooms: told }
        });
        parts.collect()
    }

    /// Everybody who is in on this node. The changes must have been said before.
    fn whole(&mut self, rooms: &Rooms) -> Vec<Message> {
        self.tellings += 1;
        let seats: Vec<_> = rooms.seats().take(PEOPLE_MAX * PARTS_MAX as usize).collect();
        let parts = seats.len().div_ceil(PEOPLE_MAX).max(1); // nobody is said, too
        let part = |index: usize| {
            let mut told: BTreeMap<RoomId, Vec<Present>> = BTreeMap::new();
            for (room, id, name) in seats.iter().skip(index * PEOPLE_MAX).take(PEOPLE_MAX) {
                told.entry((*room).clone()).or_default().push(Present::new(id, name));
            }
            Message::Snapshot {
                number: self.number,
                snapshot_id: self.tellings,
                part: index as u32,
                parts: parts as u32,
                rooms: told,
            }
        };
        (0..parts).map(part).collect()
    }
}
