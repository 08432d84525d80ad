//! The reactions of messages as the page shows them: those of the log, and on top of them the user's own that are on
//! their way. The reactions' component reads them, and `sync`'s pages and changes keep what is known of the user's own.
//!
//! A change that is sent twice, or that another tab has made already, must count once: whoever reacts is one of the
//! people of a reaction or is not.

use super::{DraftState, PendingChange, RoomModel};
use crate::protocol::{
    change::{ChangeKind, MessageChanged, Reaction},
    chat::{MessagePage, OwnReaction},
    cursor::Offset,
};

/// A reaction to a message, as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownReaction {
    /// The emoji.
    pub emoji: String,
    /// The number of people, with the user.
    pub count: u64,
    /// The names of the first of the others.
    pub others: Vec<String>,
    /// The user is one of them.
    pub is_mine: bool,
}

impl ShownReaction {
    /// The people of whom only the number is known.
    pub fn unnamed(&self) -> u64 {
        self.count.saturating_sub(self.others.len() as u64 + u64::from(self.is_mine))
    }

    /// The user reacts, or takes it back. What is so already stays.
    fn set_mine(&mut self, is_mine: bool) {
        match (self.is_mine, is_mine) {
            (false, true) => self.count += 1,
            (true, false) => self.count = self.count.saturating_sub(1),
            _ => {}
        }
        self.is_mine = is_mine;
    }
}

/// Returns true for a reaction that comes or goes.
fn is_reaction(kind: ChangeKind) -> bool {
    matches!(kind, ChangeKind::React | ChangeKind::Unreact)
}

impl PendingChange {
    /// Returns true if it is a reaction of this message.
    pub(super) fn is_reaction_of(&self, target: Offset) -> bool {
        self.target == target && is_reaction(self.kind)
    }
}

impl RoomModel {
    /// The reactions of a message, in their order, with those of the user that are on their way.
    pub fn reactions(&self, target: Offset) -> Vec<ShownReaction> {
        let stored = self.message(target).map(|message| message.reactions.as_slice()).unwrap_or_default();
        let mut shown: Vec<_> = stored.iter().map(|reaction| self.shown_reaction(target, reaction)).collect();
        for pending in self.pending_reactions(target).filter(|pending| pending.state == DraftState::Pending) {
            let emoji = pending.emoji.as_deref().unwrap_or_default();
            let index = shown.iter().position(|reaction| reaction.emoji == emoji).unwrap_or_else(|| {
                shown.push(ShownReaction { emoji: emoji.to_owned(), ..ShownReaction::default() });
                shown.len() - 1
            });
            shown[index].set_mine(pending.kind == ChangeKind::React);
        }
        shown.retain(|reaction| reaction.count > 0);
        shown
    }

    /// The reaction of a message with this emoji; one of nobody if there is none.
    pub fn reaction(&self, target: Offset, emoji: &str) -> ShownReaction {
        self.reactions(target).into_iter().find(|reaction| reaction.emoji == emoji).unwrap_or_default()
    }

    /// Another value whenever the reactions of a message may be shown differently. `None`: there is nothing to show.
    pub fn reactions_version(&self, target: Offset) -> Option<u64> {
        let message = self.message(target)?;
        let pending = self.pending_reactions(target).count() as u64;
        if message.reactions.is_empty() && pending == 0 {
            return None;
        }
        let failed = self.rejected_reactions(target).len() as u64;
        if pending > 0 && failed == 0 && self.reactions(target).is_empty() {
            return None;
        }
        let own = self.own_reactions.iter().filter(|own| own.target == target).count() as u64;
        Some(message.rev << 24 | (pending & 0xff) << 16 | (failed & 0xff) << 8 | own & 0xff)
    }

    /// The user's reactions to a message that were rejected.
    pub fn rejected_reactions(&self, target: Offset) -> Vec<PendingChange> {
        let is_rejected = |pending: &&PendingChange| pending.state != DraftState::Pending;
        self.pending_reactions(target).filter(is_rejected).cloned().collect()
    }

    fn pending_reactions(&self, target: Offset) -> impl Iterator<Item = &PendingChange> {
        self.pending_changes.iter().filter(move |pending| pending.is_reaction_of(target))
    }

    fn shown_reaction(&self, target: Offset, Reaction { emoji, count, users }: &Reaction) -> ShownReaction {
        let others = users.iter().filter(|user| !self.is_me(&user.id));
        let others: Vec<_> = others.map(|user| user.name.clone()).collect();
        let is_known = || self.own_reactions.iter().any(|own| own.target == target && own.emoji == *emoji);
        let is_mine = others.len() < users.len() || is_known();
        ShownReaction { emoji: emoji.clone(), count: *count, others, is_mine }
    }

    /// Takes the user's own reactions from a page, and those that were heard since it was read.
    pub(super) fn take_own_reactions(&mut self, page: &MessagePage) {
        if page.own_reactions.is_empty() && self.own_reactions.is_empty() {
            return;
        }
        let is_in_page = |own: &OwnReaction| page.messages.iter().any(|message| message.offset == own.target);
        self.own_reactions.retain(|own| !is_in_page(own));
        self.own_reactions.extend(page.own_reactions.iter().cloned());
        let heard: Vec<_> = self.heard_changes.after(page.as_of).cloned().collect();
        heard.iter().for_each(|change| self.note_own_reaction(change));
    }

    /// Notes a reaction of the user that the first of its people do not show.
    pub(super) fn note_own_reaction(&mut self, change: &MessageChanged) {
        let (true, Some(reaction)) = (self.is_me(&change.user_id), &change.reaction) else { return };
        self.own_reactions.retain(|own| own.target != change.target || own.emoji != reaction.emoji);
        let is_named = reaction.users.iter().any(|user| self.is_me(&user.id));
        if change.kind == ChangeKind::React && !is_named {
            let own = OwnReaction { target: change.target, emoji: reaction.emoji.clone() };
            self.own_reactions.push(own);
        }
    }
}
