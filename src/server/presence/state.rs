//! Everything a node knows and does about presence, without its lock, its clock and its line: what happens here and
//! what is heard goes in, news for the readers and messages for the other nodes come out. [`super::Presence`] calls it.

use std::time::Instant;

use super::{
    News,
    outbound::Outbound,
    peers::Peers,
    room::Moved,
    rooms::Rooms,
    subject::{Message, Unusable},
};
use crate::protocol::{name::RoomId, session::User};

/// See the module.
pub(super) struct State {
    /// This node's name.
    node: String,
    /// Whether there are other nodes to speak to.
    is_shared: bool,
    rooms: Rooms,
    peers: Peers,
    outbound: Outbound,
}

impl State {
    pub(super) fn new(node: &str, is_shared: bool) -> Self {
        let (rooms, peers, outbound) = (Rooms::default(), Peers::default(), Outbound::default());
        Self { node: node.to_owned(), is_shared, rooms, peers, outbound }
    }

    /// What is known of all rooms.
    pub(super) fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    /// A connection of theirs came to this node.
    pub(super) fn enter(&mut self, room: &RoomId, user: &User, now_ms: i64) -> Option<News> {
        let moved = self.rooms.enter(room, user, now_ms);
        self.note(room, &user.id, moved)
    }

    /// A connection of theirs went from this node.
    pub(super) fn leave(&mut self, room: &RoomId, user_id: &str) -> Option<News> {
        let moved = self.rooms.leave(room, user_id);
        self.note(room, user_id, moved)
    }

    fn note(&mut self, room: &RoomId, user_id: &str, moved: Moved) -> Option<News> {
        if moved.is_seat_changed && self.is_shared {
            self.outbound.note(room, user_id);
        }
        moved.news
    }

    /// Takes a sign of typing that was given here. `None`: the person is not in the room. `Some(None)`: it came too soon
    /// to be told.
    pub(super) fn give_sign(
        &mut self,
        room: &RoomId,
        user_id: &str,
        now_ms: i64,
        now: Instant,
    ) -> Option<Option<(News, Vec<Message>)>> {
        let given = self.rooms.sign(room, user_id, |typing| typing.give(user_id, now_ms, now))?;
        let Some((at, news)) = given else { return Some(None) };
        let is_shared = self.is_shared;
        let said = is_shared.then(|| self.outbound.typing(room, user_id, at, &self.rooms));
        Some(Some((news, said.unwrap_or_default())))
    }

    /// Another node said this.
    pub(super) fn hear(&mut self, node: &str, text: &str, now: Instant) -> Result<Vec<News>, Unusable> {
        let message = Message::parse(text)?;
        if let Message::SyncRequest { nodes } = &message
            && (nodes.is_empty() || nodes.contains(&self.node))
        {
            self.outbound.ask();
        }
        self.peers.hear(node, message, &mut self.rooms, now)
    }

    /// The line is heard from now on, and what was said before may have been missed, here and by the others.
    pub(super) fn listening(&mut self) {
        self.peers.ask_all();
        self.outbound.ask();
    }

    /// What is due now. To be called about every [`super::TICK`].
    pub(super) fn tick(&mut self, now: Instant) -> (Vec<News>, Vec<Message>) {
        let news = self.peers.forget(&mut self.rooms, now);
        // A tick may have been on its way when the node ended.
        if self.outbound.has_ended() {
            return (news, Vec::new());
        }
        let mut said = self.outbound.speak(&self.rooms, now);
        said.extend(self.peers.question(now));
        (news, said)
    }

    /// The node's last word. Nothing is to be said after it.
    pub(super) fn end(&mut self) -> Option<Message> {
        self.is_shared.then(|| self.outbound.end())
    }
}
