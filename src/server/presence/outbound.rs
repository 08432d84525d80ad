//! The messages of this node to the others: the people who came to it and left it, collected for a tick; a heartbeat;
//! and, when another node asks, a snapshot of all people on it.
//!
//! Pure. `state` says when, and the caller must send the messages in the order in which they are returned.

use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

use super::{
    message::{NodeMessage, PARTS_MAX, PEOPLE_MAX, Present, RoomChanges},
    roster::Roster,
};
use crate::protocol::name::RoomId;

/// The time between two heartbeats. The next heartbeat shows that a change was lost.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(2);
/// The shortest time between two snapshots, however many nodes ask for one.
const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(1);

/// The messages that this node has to send.
#[derive(Default)]
pub(super) struct Outbound {
    /// The number of the last [`NodeMessage::Changes`].
    number: u64,
    /// The people whose presence on this node has changed since: room and user id.
    changed: HashSet<(RoomId, String)>,
    last_snapshot_id: u64,
    is_snapshot_requested: bool,
    last_snapshot: Option<Instant>,
    last_heartbeat: Option<Instant>,
    has_ended: bool,
}

impl Outbound {
    /// Notes that a person came to this node, left it, or has another name on it.
    pub(super) fn note_change(&mut self, room: &RoomId, user_id: &str) {
        // After the end nothing would take it out again.
        if !self.has_ended {
            self.changed.insert((room.clone(), user_id.to_owned()));
        }
    }

    /// Sends a snapshot soon.
    pub(super) fn request_snapshot(&mut self) {
        self.is_snapshot_requested = true;
    }

    /// Returns true if the last message was taken: no other may follow it.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The messages that are due at a tick.
    pub(super) fn take_due(&mut self, roster: &Roster, now: Instant) -> Vec<NodeMessage> {
        let is_due = |last: Option<Instant>, interval| {
            last.is_none_or(|at| now.saturating_duration_since(at) >= interval)
        };
        let mut messages = self.take_changes(roster);
        if self.is_snapshot_requested && is_due(self.last_snapshot, SNAPSHOT_INTERVAL) {
            self.is_snapshot_requested = false;
            self.last_snapshot = Some(now);
            messages.extend(self.snapshot(roster));
        }
        if is_due(self.last_heartbeat, HEARTBEAT_INTERVAL) {
            self.last_heartbeat = Some(now);
            messages.push(NodeMessage::Heartbeat { number: self.number });
        }
        messages
    }

    /// A typing indicator, after the change that the others must know before it: that the user is on this node.
    pub(super) fn typing(
        &mut self,
        room: &RoomId,
        user_id: &str,
        at: i64,
        roster: &Roster,
    ) -> Vec<NodeMessage> {
        let key = (room.clone(), user_id.to_owned());
        let mut messages = if self.changed.contains(&key) { self.take_changes(roster) } else { Vec::new() };
        messages.push(NodeMessage::Typing { room: key.0, user: key.1, at });
        messages
    }

    /// The last message.
    pub(super) fn end(&mut self) -> NodeMessage {
        self.has_ended = true;
        self.changed.clear();
        NodeMessage::Gone
    }

    /// The present state of all people who changed; a person who changed twice in a tick is announced once.
    fn take_changes(&mut self, roster: &Roster) -> Vec<NodeMessage> {
        let changed: Vec<_> = self.changed.drain().collect();
        // Memory for a thousand people who came at once is not kept.
        self.changed.shrink_to(64);
        let parts = changed.chunks(PEOPLE_MAX).map(|part| {
            let mut rooms: BTreeMap<RoomId, RoomChanges> = BTreeMap::new();
            for (room, id) in part {
                let changes = rooms.entry(room.clone()).or_default();
                match roster.local_name(room, id) {
                    Some(name) => changes.joined.push(Present::new(id, name)),
                    None => changes.left.push(id.clone()),
                }
            }
            self.number += 1;
            NodeMessage::Changes { number: self.number, rooms }
        });
        parts.collect()
    }

    /// All people on this node, in parts. The changes must have been taken before.
    fn snapshot(&mut self, roster: &Roster) -> Vec<NodeMessage> {
        self.last_snapshot_id += 1;
        let local: Vec<_> = roster.local().take(PEOPLE_MAX * PARTS_MAX as usize).collect();
        let parts = local.len().div_ceil(PEOPLE_MAX).max(1); // an empty node sends one part, too
        let part = |index: usize| {
            let mut rooms: BTreeMap<RoomId, Vec<Present>> = BTreeMap::new();
            for (room, id, name) in local.iter().skip(index * PEOPLE_MAX).take(PEOPLE_MAX) {
                rooms.entry((*room).clone()).or_default().push(Present::new(id, name));
            }
            NodeMessage::Snapshot {
                number: self.number,
                snapshot_id: self.last_snapshot_id,
                part: index as u32,
                parts: parts as u32,
                rooms,
            }
        };
        (0..parts).map(part).collect()
    }
}
