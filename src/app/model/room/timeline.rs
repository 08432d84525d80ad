//! The timeline of the room: messages from the log, the divider of unread ones, then drafts.

use std::sync::Arc;

use super::{Missing, RoomModel, drafts::Draft};
use crate::protocol::{
    chat::{Message, MessagePage},
    cursor::{Cursor, Offset},
};

/// The most messages that stay on the page; loading older ones raises it. Beyond it the oldest leave the page, and can
/// be loaded again.
pub(super) const MESSAGES_MAX: usize = 1_000;

/// Messages of one author stand under one head while each follows the one before it within this time. It is counted
/// from the message before, not from the head, so that it does not depend on where the loaded messages begin.
pub(super) const GROUP_MS: i64 = 5 * 60 * 1_000;

/// Returns true if `message` stands under the head of `previous`, the message before it.
pub fn continues(message: &Message, previous: &Message) -> bool {
    let is_same_author = (&message.user_id, &message.user) == (&previous.user_id, &previous.user);
    is_same_author && (0..GROUP_MS).contains(&(message.timestamp - previous.timestamp))
}

/// An item of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimelineItem {
    /// A message of the log.
    Message(Arc<Message>),
    /// A message that is not in the log yet.
    Draft(Draft),
    /// Stands before the messages that were sent while this reader was away.
    Divider,
}

impl RoomModel {
    /// The messages, oldest first, then the drafts.
    pub fn timeline(&self) -> Vec<TimelineItem> {
        let item = |message: &Arc<Message>| TimelineItem::Message(message.clone());
        if self.is_detached() {
            return self.shown().iter().map(item).collect();
        }
        let seen = self.unread_state.seen().map_or(self.messages.len(), |seen| {
            self.messages.partition_point(|message| message.offset <= seen)
        });
        let (seen, unread) = self.messages.split_at(seen);
        // One's own messages, perhaps from another window, are not news.
        let has_news = unread.iter().any(|message| !self.is_me(&message.user_id));
        let drafts = self.drafts.iter().cloned().map(TimelineItem::Draft);
        seen.iter()
            .map(item)
            .chain(has_news.then_some(TimelineItem::Divider))
            .chain(unread.iter().map(item))
            .chain(drafts)
            .collect()
    }

    /// The message before the one at `offset`, if it is loaded.
    pub fn previous(&self, offset: Offset) -> Option<&Arc<Message>> {
        let index = self.shown().partition_point(|message| message.offset < offset);
        self.shown().get(index.checked_sub(1)?)
    }

    /// Returns true if a draft that is shown at `now_ms` stands under the head of what is above it.
    pub fn draft_continues(&self, id: &str, now_ms: i64) -> bool {
        let is_first = self.drafts.first().is_none_or(|first| first.id == id);
        let follows = |last: &Arc<Message>| {
            self.is_me(&last.user_id) && (0..GROUP_MS).contains(&(now_ms - last.timestamp))
        };
        !is_first || self.messages.last().is_some_and(follows)
    }

    /// Starts over from the newest messages, after a reset.
    pub fn reload(&mut self, page: MessagePage) {
        self.forget_place();
        // Messages that arrived after the page was read stay: without them there would be a gap.
        let is_newer = |message: &Arc<Message>| {
            page.cursor.epoch == self.cursor.epoch && message.offset > page.cursor.offset
        };
        let newer: Vec<_> = self.messages.iter().filter(|message| is_newer(message)).cloned().collect();
        if newer.is_empty() {
            self.cursor = page.cursor;
        }
        self.messages = page.messages.into_iter().map(Arc::new).chain(newer).collect();
        self.more = page.more;
        self.remove_sent_drafts();
    }

    /// The cursor before which older messages are loaded.
    pub fn oldest(&self) -> Cursor {
        let offset = self.shown().first().map_or(self.cursor.offset + 1, |message| message.offset);
        Cursor { epoch: self.cursor.epoch.clone(), offset }
    }

    /// Puts a page of older messages above the others.
    pub fn prepend(&mut self, page: MessagePage) {
        if page.cursor.epoch != self.cursor.epoch {
            return; // it was requested before a reset
        }
        let Some(page) = self.prepend_to_window(page) else { return };
        self.messages_max += page.messages.len();
        let oldest = self.messages.first().map_or(Offset::MAX, |message| message.offset);
        let is_adjacent = page.messages.last().is_none_or(|last| last.offset + 1 >= oldest);
        if !self.messages.is_empty() && !is_adjacent {
            return; // older messages have left the page since: with these there would be a gap
        }
        let older = page.messages.into_iter().filter(|message| message.offset < oldest).map(Arc::new);
        self.messages.splice(0..0, older);
        self.more = page.more;
    }

    /// The reader has scrolled away from the newest message, or is back at it.
    pub fn set_reading_back(&mut self, is_reading_back: bool) {
        self.is_reading_back = is_reading_back;
    }

    pub(super) fn apply_message(&mut self, message: Message) -> Missing {
        if message.offset > self.cursor.offset + 1 {
            return Missing::Entries; // offsets are consecutive
        }
        self.remove_draft_of(&message);
        self.end_typing(&message.user_id);
        if message.offset <= self.cursor.offset {
            return Missing::Nothing;
        }
        self.cursor.offset = message.offset;
        self.messages.push(Arc::new(message));
        let surplus = self.messages.len().saturating_sub(self.messages_max);
        if surplus > 0 && !self.is_reading_back {
            self.messages.drain(..surplus);
            self.more = true;
        }
        self.note_caught_up();
        Missing::Nothing
    }

    /// Moves the cursor over an entry that a newer build wrote. Beyond a gap it moves nothing, and asks for nothing: it
    /// may be no entry of the log, and the next message asks for what is missing.
    pub(super) fn apply_unreadable(&mut self, offset: Offset) {
        self.is_outdated = true;
        if offset == self.cursor.offset + 1 {
            self.cursor.offset = offset;
            self.note_caught_up();
        }
    }

    pub(super) fn apply_reset(&mut self, cursor: Cursor) {
        self.messages.clear();
        self.forget_place();
        self.cursor = cursor;
        self.unread_state.mark_read();
        // Their offsets belonged to the old log.
        self.drafts.iter_mut().for_each(|draft| draft.stored = None);
        (self.more, self.was_reset) = (false, true);
    }
}
