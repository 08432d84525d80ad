//! When the reader was not there: looking elsewhere, or cut off. What is said meanwhile is new to them.

use crate::protocol::cursor::{Cursor, Offset};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UnreadState {
    looks_away: bool,
    is_cut_off: bool,
    /// The last offset before the last absence. None when nothing was missed.
    seen: Option<Offset>,
    /// Since then the reader has been there.
    was_there: bool,
}

impl UnreadState {
    /// The last that was seen before something was missed.
    pub(super) fn seen(&self) -> Option<Offset> {
        self.seen
    }

    pub(super) fn is_away(&self) -> bool {
        self.looks_away || self.is_cut_off
    }

    /// The connection is lost.
    pub(super) fn is_cut_off(&mut self, cursor: &Cursor) {
        self.leave(cursor);
        self.is_cut_off = true;
    }

    /// The connection has brought all that was missed.
    pub(super) fn is_connected(&mut self, cursor: &Cursor) {
        if std::mem::take(&mut self.is_cut_off) {
            self.come_back(cursor);
        }
        self.was_there |= !self.looks_away;
    }

    /// The page is looked at, or not any more.
    pub(super) fn is_looking(&mut self, is_looking: bool, cursor: &Cursor) {
        if is_looking && std::mem::take(&mut self.looks_away) {
            self.come_back(cursor);
            self.was_there |= !self.is_cut_off;
        } else if !is_looking {
            self.leave(cursor);
            self.looks_away = true;
        }
    }

    /// This was seen in an earlier visit, and nothing after it.
    pub(super) fn saw(&mut self, offset: Offset) {
        (self.seen, self.was_there) = (Some(offset), false);
    }

    /// Everything is seen.
    pub(super) fn end(&mut self) {
        self.seen = None;
    }

    fn leave(&mut self, cursor: &Cursor) {
        // Who leaves without having been there has not seen anything more.
        if !self.is_away() && (self.was_there || self.seen.is_none()) {
            (self.seen, self.was_there) = (Some(cursor.offset), false);
        }
    }

    fn come_back(&mut self, cursor: &Cursor) {
        if !self.is_away() && self.seen == Some(cursor.offset) {
            self.seen = None;
        }
    }
}
