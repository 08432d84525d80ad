//! The timeline of the room: messages from the log, the divider of unread ones, then drafts.

use std::sync::Arc;

use super::{Answered, DraftState, Missing, PendingChange, RoomModel, drafts::Draft, link_view::WAITING_MAX};
use crate::protocol::{
    change::ChangeKind,
    chat::{Message, MessagePage},
    cursor::{Cursor, Offset},
    thread::ThreadSummary,
};

/// The most messages that a page keeps for a reader at the newest. The oldest leave the page, and can be loaded again.
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
    Message(ShownMessage),
    /// A message that is not in the log yet.
    Draft(Draft),
    /// Stands before the messages that were sent while this reader was away.
    Divider,
}

/// A message as the timeline shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownMessage {
    /// The message, as the log's changes have left it.
    pub message: Arc<Message>,
    /// The message above it, if it is loaded.
    pub previous: Option<Arc<Message>>,
    /// The number of hidden messages between the two.
    pub hidden_above: usize,
    /// A change of the user's own that is on its way, or was rejected.
    pub pending: Option<PendingChange>,
    /// The message that it answers.
    pub answered: Option<Answered>,
    /// The thread that begins with it, in the room.
    pub thread: Option<ThreadSummary>,
    /// It stays when it is deleted: a thread begins with it.
    is_root: bool,
}

impl ShownMessage {
    /// Returns true if it was deleted, or the user is deleting it.
    fn is_hidden(&self) -> bool {
        let is_being_deleted = |pending: &PendingChange| {
            (pending.kind, pending.state) == (ChangeKind::Delete, DraftState::Pending)
        };
        let is_deleted = self.message.deleted || self.pending.as_ref().is_some_and(is_being_deleted);
        is_deleted && !self.is_root
    }
}

impl RoomModel {
    /// The messages that are not deleted, oldest first, then the drafts.
    pub fn timeline(&self) -> Vec<TimelineItem> {
        let is_detached = self.is_detached();
        let seen = self.unread_state.seen().filter(|_| !is_detached);
        let mut items = Vec::with_capacity(self.messages.len() + self.drafts.len() + 1);
        let (mut previous, mut hidden_above) = (None::<Arc<Message>>, 0);
        let mut has_divider = false;
        for message in self.shown() {
            let pending = self.pending_change(message.offset).cloned();
            let answered = message.reply_to.map(|target| self.answered(target));
            let thread = self.thread_of(message.offset).filter(|_| self.thread.is_none()).cloned();
            let is_root = thread.is_some() || self.thread == Some(message.offset);
            let (message, previous_shown) = (message.clone(), previous.clone());
            let shown = ShownMessage {
                message,
                previous: previous_shown,
                hidden_above,
                pending,
                answered,
                thread,
                is_root,
            };
            if shown.is_hidden() {
                hidden_above += 1;
                continue;
            }
            // One's own messages, perhaps from another window, are not news.
            let message = shown.message.clone();
            let is_unread = seen.is_some_and(|seen| message.offset > seen);
            if is_unread && !has_divider && self.has_news(message.offset) {
                has_divider = true;
                items.push(TimelineItem::Divider);
            }
            (previous, hidden_above) = (Some(message), 0);
            items.push(TimelineItem::Message(shown));
        }
        if is_detached {
            return items;
        }
        let drafts = self.drafts.iter().filter(|draft| draft.thread.is_none());
        items.extend(drafts.cloned().map(TimelineItem::Draft));
        items
    }

    /// The message that stands above the one at `offset`, if it is loaded.
    pub fn previous(&self, offset: Offset) -> Option<&Arc<Message>> {
        let shown = self.shown();
        let index = shown.partition_point(|message| message.offset < offset);
        shown[..index].iter().rfind(|message| !message.deleted)
    }

    /// Returns true if there are messages of others from this offset on.
    fn has_news(&self, from: Offset) -> bool {
        let from = self.messages.partition_point(|message| message.offset < from);
        self.messages[from..].iter().any(|message| !message.deleted && !self.is_me(&message.user_id))
    }

    /// The number of messages after this offset that are on the page, with those below a window of earlier ones.
    pub fn messages_after(&self, offset: Offset) -> usize {
        let from = self.messages.partition_point(|message| message.offset <= offset);
        self.messages[from..].iter().filter(|message| !message.deleted).count()
    }

    /// The newest message; 0: there is none.
    pub(super) fn newest(&self) -> Offset {
        self.messages.last().map_or(0, |message| message.offset)
    }

    /// Returns true if entries before this one are missing. Offsets are consecutive, but for those up to a loss that a
    /// reset has told of.
    pub(super) fn is_beyond_gap(&self, offset: Offset) -> bool {
        offset > self.cursor.offset.max(self.cursor.epoch.told_loss()) + 1
    }

    /// Returns true if a draft that is shown at `now_ms` stands under the head of what is above it.
    pub fn draft_continues(&self, id: &str, now_ms: i64) -> bool {
        let is_first =
            self.drafts.iter().find(|draft| draft.thread.is_none()).is_none_or(|first| first.id == id);
        let follows = |last: &Arc<Message>| {
            self.is_me(&last.user_id) && (0..GROUP_MS).contains(&(now_ms - last.timestamp))
        };
        !is_first || self.messages.iter().rfind(|message| !message.deleted).is_some_and(follows)
    }

    /// Starts over from the newest messages, after a reset.
    pub fn reload(&mut self, mut page: MessagePage) {
        self.close_link();
        // Messages that arrived after the page was read stay: without them there would be a gap.
        let is_newer = |message: &Arc<Message>| {
            page.cursor.epoch == self.cursor.epoch && message.offset > page.cursor.offset
        };
        let newer: Vec<_> = self.messages.iter().filter(|message| is_newer(message)).cloned().collect();
        if page.cursor.epoch != self.cursor.epoch {
            self.heard_changes.clear();
            self.own_reactions.clear();
            self.quoted.clear();
            self.forget_threads();
        }
        self.take_own_reactions(&page);
        self.take_quoted(&mut page);
        self.take_threads(&mut page);
        let Some(messages) = self.heard_changes.fold_into(page.messages, page.as_of) else {
            self.more = true; // by request
            return;
        };
        // The changes that were heard since the page was read are in it now.
        if page.cursor.epoch != self.cursor.epoch || page.cursor.offset > self.cursor.offset {
            self.cursor = page.cursor;
        }
        self.messages = messages.into_iter().chain(newer).collect();
        self.more = page.more;
        self.remove_sent_drafts();
    }

    /// The cursor before which older messages are loaded.
    pub fn oldest(&self) -> Cursor {
        let offset = self.shown().first().map_or(self.cursor.offset + 1, |message| message.offset);
        Cursor { epoch: self.cursor.epoch.clone(), offset }
    }

    /// Puts a page of the messages before `before` above the others.
    pub fn prepend(&mut self, mut page: MessagePage, before: &Cursor) {
        if page.cursor.epoch != self.cursor.epoch {
            return; // it was requested before a reset
        }
        self.take_quoted(&mut page);
        let Some(mut page) = self.prepend_to_window(page, before) else { return };
        let oldest = self.messages.first().map_or(Offset::MAX, |message| message.offset);
        if before.offset < oldest && !self.messages.is_empty() {
            return; // older messages have left the page since: with these there would be a gap
        }
        self.take_threads(&mut page);
        let Some(older) = self.heard_changes.fold_into(page.messages, page.as_of) else { return };
        let older = older.into_iter().filter(|message| message.offset < oldest);
        self.messages.splice(0..0, older);
        self.more = page.more;
        self.open_window_of_earliest();
    }

    /// The reader has scrolled away from the newest message, or is back at it.
    pub fn set_reading_back(&mut self, is_reading_back: bool) {
        self.is_reading_back = is_reading_back;
    }

    pub(super) fn apply_message(&mut self, message: Message) -> Missing {
        if self.is_beyond_gap(message.offset) {
            return Missing::Entries;
        }
        self.remove_draft_of(&message);
        self.end_typing(&message.user_id);
        if message.offset <= self.cursor.offset {
            return Missing::Nothing;
        }
        self.cursor.offset = message.offset;
        self.note_answer(&message);
        if !self.shows(&message) {
            self.note_caught_up();
            return Missing::Nothing;
        }
        self.messages.push(Arc::new(message));
        // Nothing leaves under the eyes of a reader further up, unless a window of earlier messages is shown to them.
        if !self.is_reading_back || self.is_detached() {
            self.trim_newest();
        }
        self.note_caught_up();
        Missing::Nothing
    }

    /// Keeps the newest messages, and lets the others go.
    pub(super) fn trim_newest(&mut self) {
        let most = if self.is_detached() { WAITING_MAX } else { MESSAGES_MAX };
        let surplus = self.messages.len().saturating_sub(most);
        self.messages.drain(..surplus);
        self.more |= surplus > 0;
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
        self.close_link();
        self.cursor = cursor;
        self.heard_changes.clear();
        self.own_reactions.clear();
        self.quoted.clear();
        self.forget_threads();
        self.unread_state.mark_read();
        // Their offsets belonged to the old log.
        self.drafts.iter_mut().for_each(|draft| draft.stored = None);
        (self.more, self.was_reset) = (false, true);
    }
}
