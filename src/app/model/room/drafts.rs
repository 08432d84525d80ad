//! The drafts of the page's own user: messages that are sent and not acknowledged yet, or rejected.

use std::{
    fmt::{self, Display, Formatter},
    sync::Arc,
};

use super::{PendingChange, RoomModel};
use crate::{
    app::model::number::decimal,
    protocol::{
        chat::{ClientFrame, Message, NewMessage},
        cursor::Offset,
        problem::Code,
        text::MessageText,
    },
};

/// The state of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftState {
    /// Sent, not yet acknowledged.
    Pending,
    /// Rejected, for this reason.
    Failed(RejectionReason),
}

/// The reason of a rejection, and the wait before a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RejectionReason {
    /// The reason.
    pub code: Code,
    /// Milliseconds after the rejection until a retry can succeed, if known.
    pub retry_after_ms: Option<u64>,
}

impl RejectionReason {
    /// A rejection for this reason; the wait is not known.
    pub fn new(code: Code) -> Self {
        Self { code, retry_after_ms: None }
    }
}

/// A message of this user that has no offset in the log yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The client's id: posting it again stores nothing twice.
    pub id: String,
    /// The text as it was typed.
    pub text: String,
    /// Pending or rejected.
    pub state: DraftState,
    /// The offset of the message that it answers.
    pub reply_to: Option<Offset>,
    /// The first message of the thread that it is to be in.
    pub thread: Option<Offset>,
    /// Its offset, once it is acknowledged; its message, which replaces it, is on its way.
    pub(super) stored: Option<Offset>,
}

impl Draft {
    /// A message on its way.
    pub fn pending(id: String, text: String) -> Self {
        Self { id, text, state: DraftState::Pending, reply_to: None, thread: None, stored: None }
    }

    /// The same as an answer to the message at `reply_to`, in a thread.
    pub fn answering(self, reply_to: Option<Offset>, thread: Option<Offset>) -> Self {
        Self { reply_to, thread, ..self }
    }

    fn is_rate_limited(&self) -> bool {
        matches!(self.state, DraftState::Failed(RejectionReason { code: Code::TooManyRequests, .. }))
    }
}

/// The state of a room's view that is saved while another room or page is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SavedView {
    /// Messages that are not in the log yet.
    pub drafts: Vec<Draft>,
    /// Changes that are not in the log yet.
    pub pending_changes: Vec<PendingChange>,
    /// The text in the composer.
    pub text: String,
    /// A reset removed entries that this page had not seen.
    pub was_reset: bool,
    /// The position in the timeline, unless that was the newest message.
    pub scroll_position: Option<ScrollPosition>,
}

/// A reader's position above the newest message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScrollPosition {
    /// The first message in view …
    pub offset: Offset,
    /// … and its distance from the top of the view, in CSS pixels.
    pub top_px: f64,
    /// The newest message when the reader left the end: what came since is new to them.
    pub head: Offset,
}

impl ScrollPosition {
    /// Parses a stored position; the inverse of `to_string`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let offset = parts.next()?.parse().ok()?;
        // It has one decimal. `parse` of an f64 would add 12 kB to the browser's download.
        let tenths: i32 = parts.next()?.replacen('.', "", 1).parse().ok()?;
        Some(Self { offset, top_px: f64::from(tenths) / 10.0, head: parts.next()?.parse().ok()? })
    }
}

impl Display for ScrollPosition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { offset, top_px, head } = self;
        write!(f, "{offset} {} {head}", decimal(*top_px, 1))
    }
}

impl RoomModel {
    /// The drafts, oldest first.
    pub fn drafts(&self) -> &[Draft] {
        &self.drafts
    }

    /// The number of drafts that wait for their acknowledgement.
    pub fn unsent(&self) -> usize {
        self.drafts
            .iter()
            .filter(|draft| draft.state == DraftState::Pending && draft.stored.is_none())
            .count()
    }

    /// Restores the drafts that an earlier page had not sent, oldest first.
    pub fn restore(&mut self, unsent: Vec<Draft>) {
        let is_new = |Draft { id, .. }: &Draft| {
            let is_sent = |message: &Arc<Message>| message.id == *id && self.is_me(&message.user_id);
            !self.messages.iter().any(is_sent) && !self.drafts.iter().any(|draft| draft.id == *id)
        };
        let unsent: Vec<_> = unsent.into_iter().filter(is_new).collect();
        self.drafts.splice(0..0, unsent);
    }

    /// Adds a draft and returns the frame that sends it.
    pub fn post(&mut self, id: String, text: MessageText) -> ClientFrame {
        self.answer(id, text, None, None)
    }

    /// Adds a draft that answers the message at `reply_to`, in a thread, and returns the frame that sends it.
    pub fn answer(
        &mut self,
        id: String,
        text: MessageText,
        reply_to: Option<Offset>,
        thread: Option<Offset>,
    ) -> ClientFrame {
        let draft = Draft::pending(id, text.into_string()).answering(reply_to, thread);
        let frame = self.post_frame(&draft);
        self.drafts.push(draft);
        if thread.is_some() {
            return frame; // the room stays as it is
        }
        self.leave_window();
        // An answer shows that the user has read everything; offline they cannot have.
        if !self.unread_state.is_away() {
            self.unread_state.mark_read();
        }
        frame
    }

    /// Sends a failed draft again.
    pub fn retry(&mut self, id: &str) -> Option<ClientFrame> {
        let index = self.drafts.iter().position(|draft| draft.id == id)?;
        self.drafts[index].state = DraftState::Pending;
        Some(self.post_frame(&self.drafts[index]))
    }

    /// The first draft of the room or of a thread that the rate limit rejected, to be put back into the composer. `None` until the page has caught
    /// up: a draft that was sent twice, and rejected the second time only, is among the messages to come.
    pub fn rate_limited(&self, thread: Option<Offset>) -> Option<&Draft> {
        let rejected = |draft: &&Draft| draft.thread == thread && draft.is_rate_limited();
        self.drafts.iter().find(rejected).filter(|_| self.is_caught_up())
    }

    /// Drops a failed draft.
    pub fn discard(&mut self, id: &str) {
        self.drafts.retain(|draft| draft.id != id);
    }

    pub(super) fn pending_posts(&self) -> impl Iterator<Item = ClientFrame> {
        let pending = self.drafts.iter().filter(|draft| draft.state == DraftState::Pending);
        pending.map(|draft| self.post_frame(draft))
    }

    fn post_frame(&self, draft: &Draft) -> ClientFrame {
        let Draft { id, text, reply_to, thread, .. } = draft.clone();
        let message = NewMessage { id, text, reply_to, thread, files: Vec::new() };
        ClientFrame::Post { room: self.room.id.to_string(), message }
    }

    /// The draft is durable. It stays visible until its message arrives, which may have been before this.
    pub(super) fn apply_posted(&mut self, id: &str, offset: Offset) {
        if offset <= self.cursor.offset {
            self.discard(id);
        } else if let Some(draft) = self.drafts.iter_mut().find(|draft| draft.id == id) {
            draft.stored = Some(offset);
        }
    }

    pub(super) fn apply_rejected_post(&mut self, id: &str, reason: RejectionReason) {
        if reason.code == Code::NotJoined {
            return; // the room was not joined when it arrived: it is sent again with the next join
        }
        if let Some(draft) = self.drafts.iter_mut().find(|draft| draft.id == id) {
            draft.state = DraftState::Failed(reason);
        }
    }

    /// Removes the draft that became `message`. An id alone counts only on one's own message, because other users
    /// choose theirs; the offset comes from the server.
    pub(super) fn remove_draft_of(&mut self, message: &Message) {
        let is_mine = message.user_id == self.me.id;
        self.drafts
            .retain(|draft| draft.stored != Some(message.offset) && !(is_mine && draft.id == message.id));
    }

    /// Removes every draft that is among the messages.
    pub(super) fn remove_sent_drafts(&mut self) {
        for message in self.messages.clone() {
            self.remove_draft_of(&message);
        }
    }
}
