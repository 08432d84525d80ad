//! Unread messages: those that arrive while the reader is away, with the page hidden or the connection lost.

use super::RoomModel;
use crate::protocol::cursor::{Cursor, Offset};

/// The reader's absence, and the last message before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UnreadState {
    is_hidden: bool,
    is_offline: bool,
    /// The last offset before the last absence. `None`: nothing was missed.
    seen: Option<Offset>,
    /// The reader has been present since then.
    was_present: bool,
}

impl UnreadState {
    /// The last offset that was seen before something was missed.
    pub(super) fn seen(&self) -> Option<Offset> {
        self.seen
    }

    pub(super) fn is_away(&self) -> bool {
        self.is_hidden || self.is_offline
    }

    /// The connection is lost.
    pub(super) fn on_disconnected(&mut self, cursor: &Cursor) {
        self.leave(cursor);
        self.is_offline = true;
    }

    /// The connection has brought everything that was missed; the newest message is at `newest`.
    pub(super) fn on_connected(&mut self, newest: Offset) {
        self.is_offline = false;
        self.come_back(newest);
        self.was_present |= !self.is_hidden;
    }

    /// The page became visible or hidden.
    pub(super) fn set_visible(&mut self, is_visible: bool, cursor: &Cursor, newest: Offset) {
        if is_visible && std::mem::take(&mut self.is_hidden) {
            self.come_back(newest);
            self.was_present |= !self.is_offline;
        } else if !is_visible {
            self.leave(cursor);
            self.is_hidden = true;
        }
    }

    /// An earlier visit saw everything up to `offset`, and nothing after it.
    pub(super) fn restore(&mut self, offset: Offset) {
        (self.seen, self.was_present) = (Some(offset), false);
    }

    /// Everything is read.
    pub(super) fn mark_read(&mut self) {
        self.seen = None;
    }

    fn leave(&mut self, cursor: &Cursor) {
        // A reader who leaves without having been present has seen nothing more.
        if !self.is_away() && (self.was_present || self.seen.is_none()) {
            (self.seen, self.was_present) = (Some(cursor.offset), false);
        }
    }

    /// `newest` is the newest message: changes are no news.
    fn come_back(&mut self, newest: Offset) {
        if !self.is_away() && self.seen.is_some_and(|seen| seen >= newest) {
            self.seen = None;
        }
    }
}

impl RoomModel {
    /// A connection is open; it will name the room's head.
    pub fn reconnect(&mut self) {
        self.head = None;
    }

    /// The connection is lost: what arrives from now on was missed.
    pub fn disconnect(&mut self) {
        self.head = None;
        self.unread_state.on_disconnected(&self.cursor);
    }

    /// The page became visible or hidden.
    pub fn set_visible(&mut self, is_visible: bool) {
        self.unread_state.set_visible(is_visible, &self.cursor, self.newest());
    }

    /// Returns true if a reader looks at the newest message: then everything is read.
    pub fn is_read_to_end(&self) -> bool {
        !self.unread_state.is_away() && self.is_caught_up() && !self.is_reading_back
    }

    /// Restores the position up to which an earlier visit had read the room. A page that the browser shows from its cache
    /// may be no newer than that, and what came since follows.
    pub fn restore_read_mark(&mut self, seen: &Cursor) {
        if seen.epoch == self.cursor.epoch && seen.offset <= self.cursor.offset {
            self.unread_state.restore(seen.offset);
        }
    }
}
