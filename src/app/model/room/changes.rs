//! Changes of messages on the page: those that the room's log brings, and the user's own that are not acknowledged yet.
//! [`RoomModel::apply`] calls it with each change, and the components with what the user does.
//!
//! Whatever order pages and changes come in, a message must end as the store has it: a change at or below the message's
//! `rev` is in it already and does nothing.

use std::{collections::VecDeque, sync::Arc};

use super::{Draft, DraftState, Missing, RejectionReason, RoomModel};
use crate::protocol::{
    change::{ChangeKind, MessageChanged, NewChange},
    chat::{ClientFrame, Message},
    cursor::Offset,
    problem::Code,
};

/// The changes that stay in memory for pages that were read before them. More than come while a page is on its way; a
/// page that is older than the oldest of them is not taken.
const HEARD_MAX: usize = 1_000;

/// The newest changes that the page has heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HeardChanges {
    changes: VecDeque<MessageChanged>,
    /// The newest change that is not kept any more.
    dropped: Offset,
}

impl HeardChanges {
    fn add(&mut self, change: MessageChanged) {
        self.changes.push_back(change);
        if self.changes.len() > HEARD_MAX {
            self.dropped = self.changes.pop_front().map_or(0, |change| change.offset);
        }
    }

    /// Folds the changes into messages of a page that was read as of this offset. `None`: some of them are not kept.
    pub(super) fn fold_into(&self, messages: Vec<Message>, as_of: Offset) -> Option<Vec<Arc<Message>>> {
        if as_of < self.dropped {
            return None;
        }
        let folded = |mut message: Message| {
            self.changes.iter().for_each(|change| fold(&mut message, change));
            Arc::new(message)
        };
        Some(messages.into_iter().map(folded).collect())
    }

    /// Those after this offset.
    pub(super) fn after(&self, offset: Offset) -> impl Iterator<Item = &MessageChanged> {
        self.changes.iter().filter(move |change| change.offset > offset)
    }

    /// Forgets all: they belong to another epoch.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Folds a change into its message, as `server/chat/changes.rs` does in the store. Ignores those of other messages and
/// those that are in it.
fn fold(message: &mut Message, change: &MessageChanged) {
    if change.target != message.offset || change.offset <= message.rev {
        return;
    }
    message.rev = change.offset;
    match (change.kind, &change.text, &change.reaction) {
        (ChangeKind::Edit, Some(text), _) => {
            message.text.clone_from(text);
            message.html.clone_from(&change.html);
            message.mentions.clone_from(&change.mentions);
            message.groups.clone_from(&change.groups);
            message.edited = true;
        }
        (ChangeKind::Delete, ..) => {
            message.text.clear();
            message.reactions.clear();
            message.html = None;
            message.mentions.clear();
            message.groups.clear();
            (message.deleted, message.edited, message.pinned) = (true, false, false);
        }
        (ChangeKind::React | ChangeKind::Unreact, _, Some(reaction)) => {
            reaction.put_into(&mut message.reactions);
        }
        (ChangeKind::Pin, ..) => message.pinned = true,
        (ChangeKind::Unpin, ..) => message.pinned = false,
        _ => {} // one that the server could not read
    }
}

pub(super) fn index_of(messages: &[Arc<Message>], offset: Offset) -> Option<usize> {
    messages.binary_search_by_key(&offset, |message| message.offset).ok()
}

fn fold_in(messages: &mut [Arc<Message>], change: &MessageChanged) {
    if let Some(index) = index_of(messages, change.target) {
        fold(Arc::make_mut(&mut messages[index]), change);
    }
}

/// A change of the page's own user that is not among the changes that came, or was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingChange {
    /// The client's id: sending it again changes nothing twice.
    pub id: String,
    /// The offset of the message.
    pub target: Offset,
    /// The kind.
    pub kind: ChangeKind,
    /// The new text, of an edit.
    pub text: Option<String>,
    /// The emoji, of a reaction.
    pub emoji: Option<String>,
    /// Pending or rejected.
    pub state: DraftState,
}

impl RoomModel {
    /// The message at this offset, if it is shown.
    pub fn message(&self, offset: Offset) -> Option<&Arc<Message>> {
        let shown = self.shown();
        shown.get(index_of(shown, offset)?)
    }

    /// The newest message of the page's own user that is not deleted.
    pub fn last_own(&self) -> Option<&Arc<Message>> {
        self.messages.iter().rev().find(|message| self.is_me(&message.user_id) && !message.deleted)
    }

    /// The user's change of this message that is on its way or was rejected: the newest one. Reactions are apart, see
    /// [`RoomModel::reactions`].
    pub fn pending_change(&self, target: Offset) -> Option<&PendingChange> {
        let mut newest = self.pending_changes.iter().rev();
        newest.find(|pending| pending.target == target && !pending.is_reaction_of(target))
    }

    /// Changes a message and returns the frame that sends it. It is shown at once.
    pub fn change(&mut self, target: Offset, change: NewChange) -> ClientFrame {
        let NewChange { id, kind, text, emoji } = change;
        // A rejected one is replaced: the user tries again, or does something else.
        self.discard_change(target);
        let pending = PendingChange { id, target, kind, text, emoji, state: DraftState::Pending };
        let frame = self.change_frame(&pending);
        self.pending_changes.push(pending);
        frame
    }

    /// Drops the user's rejected changes of a message.
    pub fn discard_change(&mut self, target: Offset) {
        self.pending_changes
            .retain(|pending| pending.target != target || pending.state == DraftState::Pending);
    }

    pub(super) fn pending_change_frames(&self) -> impl Iterator<Item = ClientFrame> {
        let pending = self.pending_changes.iter().filter(|pending| pending.state == DraftState::Pending);
        pending.map(|pending| self.change_frame(pending))
    }

    fn change_frame(&self, pending: &PendingChange) -> ClientFrame {
        let PendingChange { id, target, kind, text, emoji, .. } = pending.clone();
        let change = NewChange { id, kind, text, emoji };
        ClientFrame::Change { room: self.room.id.to_string(), target, change }
    }

    /// Takes a change from the log.
    pub(super) fn apply_changed(&mut self, change: MessageChanged) -> Missing {
        if self.is_beyond_gap(change.offset) {
            return Missing::Entries;
        }
        if self.is_me(&change.user_id) {
            self.pending_changes.retain(|pending| pending.id != change.id);
        }
        if change.offset <= self.cursor.offset {
            return Missing::Nothing;
        }
        self.cursor.offset = change.offset;
        fold_in(&mut self.messages, &change);
        if let Some(messages) = self.window_messages() {
            fold_in(messages, &change);
        }
        self.apply_to_pins(&change);
        self.note_own_reaction(&change);
        let quoted = self.quoted.iter_mut().find(|(offset, _)| *offset == change.target);
        if let Some((_, Some(message))) = quoted {
            fold(Arc::make_mut(message), &change);
        }
        self.note_deletion(&change);
        self.heard_changes.add(change);
        self.note_caught_up();
        Missing::Nothing
    }

    /// A change was acknowledged. It stays until it comes, which may have been before this.
    pub(super) fn apply_posted_change(&mut self, id: &str, offset: Offset) {
        if offset <= self.cursor.offset {
            self.pending_changes.retain(|pending| pending.id != id);
        }
    }

    pub(super) fn apply_rejected_change(&mut self, id: &str, reason: RejectionReason) {
        let Some(index) = self.pending_changes.iter().position(|pending| pending.id == id) else { return };
        match reason.code {
            Code::NotJoined => {} // it is sent again with the next join
            // The message is gone, which is all that a deletion wants. The text of an edit stays, as a draft.
            Code::MessageDeleted | Code::UnknownMessage => {
                let PendingChange { id, text, .. } = self.pending_changes.remove(index);
                let state = DraftState::Failed(reason);
                self.drafts.extend(text.map(|text| Draft { state, ..Draft::pending(id, text) }));
            }
            _ => self.pending_changes[index].state = DraftState::Failed(reason),
        }
    }
}
