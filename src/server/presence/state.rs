//! All that a node knows and does about presence, as a pure state machine: it has no lock, no clock and no backplane.
//! Connections and messages go in; events for the readers and messages for the other nodes come out.
//!
//! [`super::Presence`] calls it.

use std::time::Instant;

use super::{
    RoomEvent,
    message::{InvalidMessage, NodeMessage},
    outbound::Outbound,
    peers::Peers,
    roster::{LocalChange, Roster},
    typing_indicators::TypingIndicators,
};
use crate::protocol::{name::RoomId, session::User};

/// The state of presence on one node.
pub(super) struct State {
    /// This node's name.
    node: String,
    /// True if there are other nodes.
    is_shared: bool,
    roster: Roster,
    peers: Peers,
    outbound: Outbound,
}

impl State {
    pub(super) fn new(node: &str, is_shared: bool) -> Self {
        let (roster, peers, outbound) = (Roster::default(), Peers::default(), Outbound::default());
        Self { node: node.to_owned(), is_shared, roster, peers, outbound }
    }

    /// The users in all rooms.
    pub(super) fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Counts a connection of a user to this node.
    pub(super) fn enter(&mut self, room: &RoomId, user: &User, now_ms: i64) -> Option<RoomEvent> {
        let change = self.roster.add_connection(room, user, now_ms);
        self.note(room, &user.id, change)
    }

    /// Counts a connection of a user to this node as closed.
    pub(super) fn leave(&mut self, room: &RoomId, user_id: &str) -> Option<RoomEvent> {
        let change = self.roster.remove_connection(room, user_id);
        self.note(room, user_id, change)
    }

    fn note(&mut self, room: &RoomId, user_id: &str, change: LocalChange) -> Option<RoomEvent> {
        if change.is_news_to_peers && self.is_shared {
            self.outbound.note_change(room, user_id);
        }
        change.event
    }

    /// Records a typing indicator that a user sent to this node. `None`: the user is not in the room. `Some(None)`: it
    /// came too soon after the last one to be announced.
    pub(super) fn note_typing(
        &mut self,
        room: &RoomId,
        user_id: &str,
        now_ms: i64,
        now: Instant,
    ) -> Option<Option<(RoomEvent, Vec<NodeMessage>)>> {
        let record = |typing: &mut TypingIndicators| typing.record_local(user_id, now_ms, now);
        let Some((at, event)) = self.roster.record_typing(room, user_id, record)? else { return Some(None) };
        let messages = self.is_shared.then(|| self.outbound.typing(room, user_id, at, &self.roster));
        Some(Some((event, messages.unwrap_or_default())))
    }

    /// Takes a message from another node.
    pub(super) fn on_message(
        &mut self,
        node: &str,
        text: &str,
        now: Instant,
    ) -> Result<Vec<RoomEvent>, InvalidMessage> {
        let message = NodeMessage::parse(text)?;
        if let NodeMessage::SyncRequest { nodes } = &message
            && (nodes.is_empty() || nodes.contains(&self.node))
        {
            self.outbound.request_snapshot();
        }
        self.peers.on_message(node, message, &mut self.roster, now)
    }

    /// This node receives the subject from now on. It may have missed messages before, and so may the other nodes.
    pub(super) fn on_subscribed(&mut self) {
        self.peers.request_all();
        self.outbound.request_snapshot();
    }

    /// Does what is due now. To be called about every [`super::TICK`].
    pub(super) fn tick(&mut self, now: Instant) -> (Vec<RoomEvent>, Vec<NodeMessage>) {
        let events = self.peers.remove_silent(&mut self.roster, now);
        // A tick may have been on its way when the node stopped.
        if self.outbound.has_ended() {
            return (events, Vec::new());
        }
        let mut messages = self.outbound.take_due(&self.roster, now);
        messages.extend(self.peers.take_sync_request(now));
        (events, messages)
    }

    /// The node's last message, after which it must send none.
    pub(super) fn end(&mut self) -> Option<NodeMessage> {
        self.is_shared.then(|| self.outbound.end())
    }
}
