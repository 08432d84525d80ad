//! A room as a page shows it: its timeline, the drafts of the page's user, and presence. `sync` feeds it frames, and
//! the room's components draw it. It does no I/O and reads no clock.

mod answers;
mod changes;
mod drafts;
mod link_view;
mod pins;
mod presence;
mod reactions;
mod threads;
mod timeline;
mod unread_state;

use std::sync::Arc;

pub use self::{
    answers::Answered,
    changes::PendingChange,
    drafts::{Draft, DraftState, RejectionReason, SavedView, ScrollPosition},
    link_view::{Linked, ScrollRequest},
    presence::{PresenceChange, Typing},
    reactions::ShownReaction,
    timeline::{ShownMessage, TimelineItem, continues},
};
use self::{changes::HeardChanges, link_view::LinkView, presence::sorted, unread_state::UnreadState};
use crate::protocol::{
    chat::{ClientFrame, Message, MessagePage, OwnReaction, Room, ServerFrame},
    cursor::{Cursor, Offset},
    pin::Pin,
    problem::Code,
    session::User,
};

/// The data that a frame showed to be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Nothing is missing.
    Nothing,
    /// The entries between the cursor and the frame: join again from the cursor.
    Entries,
    /// The room, which could not be joined for now.
    Room,
}

/// The state of one room on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomModel {
    /// The room.
    pub room: Room,
    me: User,
    /// The first message of the thread that it shows in the place of the room.
    thread: Option<Offset>,
    cursor: Cursor,
    /// The newest offset that the connection in use has named; `None` until it has.
    head: Option<Offset>,
    unread_state: UnreadState,
    messages: Vec<Arc<Message>>,
    quoted: answers::Quoted,
    threads: threads::Threads,
    link_view: LinkView,
    drafts: Vec<Draft>,
    pending_changes: Vec<PendingChange>,
    heard_changes: HeardChanges,
    pins: Vec<Pin>,
    missed_pins: u32,
    /// The user's reactions that the first people of a reaction do not show.
    own_reactions: Vec<OwnReaction>,
    members: Vec<User>,
    /// The ids of those who are away.
    pub away: Vec<String>,
    /// The last join or leave of another user.
    pub presence_change: Option<PresenceChange>,
    typing: Option<Typing>,
    /// Older messages can be loaded.
    pub more: bool,
    /// The reader is not at the newest message: nothing may move under their eyes.
    is_reading_back: bool,
    /// A reset removed entries that this page had not seen.
    pub was_reset: bool,
    /// The reason why the room cannot be joined.
    pub problem: Option<Code>,
    /// The room has entries that only a newer build of the page can read.
    pub is_outdated: bool,
}

impl RoomModel {
    /// The room as the server rendered it for `me`, with the state that was saved of an earlier view of it.
    pub fn new(room: Room, me: User, mut page: MessagePage, members: Vec<User>, saved: SavedView) -> Self {
        let mut model = Self {
            room,
            me,
            cursor: page.cursor.clone(),
            head: None,
            unread_state: UnreadState::default(),
            messages: Vec::new(),
            quoted: Vec::new(),
            threads: threads::Threads::default(),
            thread: None,
            link_view: LinkView::default(),
            drafts: saved.drafts,
            pending_changes: saved.pending_changes,
            heard_changes: HeardChanges::default(),
            pins: Vec::new(),
            missed_pins: 0,
            own_reactions: std::mem::take(&mut page.own_reactions),
            members: sorted(members),
            away: Vec::new(),
            presence_change: None,
            typing: None,
            more: page.more,
            is_reading_back: false,
            was_reset: saved.was_reset,
            problem: None,
            is_outdated: false,
        };
        model.take_quoted(&mut page);
        model.take_threads(&mut page);
        model.messages = page.messages.into_iter().map(Arc::new).collect();
        // A draft may have become a message while the room was not shown.
        model.remove_sent_drafts();
        model
    }

    /// The state to save when this view of the room goes. `text` is the composer's.
    pub fn save(&self, text: String, scroll_position: Option<ScrollPosition>) -> SavedView {
        let (drafts, pending_changes) = (self.drafts.clone(), self.pending_changes.clone());
        SavedView { drafts, pending_changes, text, was_reset: self.was_reset, scroll_position }
    }

    /// The position up to which the page has every entry.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Returns true if the page has every entry up to the head that the connection in use has named.
    pub fn is_caught_up(&self) -> bool {
        self.head.is_some_and(|head| self.cursor.offset >= head)
    }

    /// Returns true if `user_id` is the page's own user.
    pub fn is_me(&self, user_id: &str) -> bool {
        self.me.id == user_id
    }

    /// The id of the page's own user.
    pub fn my_id(&self) -> &str {
        &self.me.id
    }

    /// The name of the page's own user.
    pub fn my_name(&self) -> &str {
        &self.me.name
    }

    /// The frames to send when the connection opens: join from the cursor, then post and change what is not acknowledged.
    pub fn resume_frames(&self) -> Vec<ClientFrame> {
        let room = self.room.id.to_string();
        let join = ClientFrame::Join { room, after: Some(self.cursor.to_string()), last: None };
        // A thread hears what its room hears.
        let join = Some(join).filter(|_| self.thread.is_none());
        join.into_iter().chain(self.pending_posts()).chain(self.pending_change_frames()).collect()
    }

    /// Applies a frame. Ignores those of other rooms. `now_ms` is in milliseconds since the Unix epoch.
    pub fn apply(&mut self, frame: ServerFrame, now_ms: i64) -> Missing {
        match frame {
            ServerFrame::Message(message) if message.room == self.room.id => {
                return self.apply_message(message);
            }
            ServerFrame::MessageChanged(change) if change.room == self.room.id => {
                return self.apply_changed(change);
            }
            ServerFrame::Joined { room, members, away, head, .. } if room == self.room.id => {
                self.problem = None;
                self.members = sorted(members);
                self.away = away;
                self.head = Some(head);
                self.note_caught_up();
            }
            ServerFrame::Members { room, members, away } if room == self.room.id => {
                self.members = sorted(members);
                self.away = away;
            }
            ServerFrame::UserAway { room, user_id, away, .. } if room == self.room.id => {
                self.away.retain(|id| *id != user_id);
                if away {
                    self.away.push(user_id);
                }
            }
            ServerFrame::Reset { room, epoch, offset } if room == self.room.id => {
                self.apply_reset(Cursor { epoch, offset });
            }
            ServerFrame::UserJoined { room, user, user_id } if room == self.room.id => {
                self.apply_joined(user, user_id);
            }
            ServerFrame::UserLeft { room, user, user_id } if room == self.room.id => {
                self.apply_left(user, &user_id);
            }
            ServerFrame::Typing { room, user, user_id } if room == self.room.id && user_id != self.me.id => {
                self.typing = Some(Typing { user: User { id: user_id, name: user }, at_ms: now_ms });
            }
            ServerFrame::Rejected { id: Some(id), code, retry_after_ms, .. } => {
                let reason = RejectionReason { code, retry_after_ms };
                self.apply_rejected_post(&id, reason);
                self.apply_rejected_change(&id, reason);
            }
            ServerFrame::Rejected { room: Some(room), code, .. } if room == self.room.id.as_str() => {
                self.problem = Some(code);
                if matches!(code, Code::Unavailable | Code::TooManyRequests) {
                    return Missing::Room;
                }
            }
            ServerFrame::Posted { room, id, offset, .. } if room == self.room.id => {
                self.apply_posted(&id, offset);
                self.apply_posted_change(&id, offset);
            }
            ServerFrame::Unreadable(entry) if entry.room == self.room.id => {
                self.apply_unreadable(entry.offset);
            }
            _ => {}
        }
        Missing::Nothing
    }

    fn note_caught_up(&mut self) {
        if self.is_caught_up() {
            self.unread_state.on_connected(self.newest());
        }
    }
}

#[cfg(test)]
mod reaction_tests;
#[cfg(test)]
mod tests;
