//! A room as a page shows it: what was said, what this person is sending, and who is there.

mod draft;
mod people;
mod timeline_item;
mod unread_state;

use std::sync::Arc;

pub use self::{
    draft::{Draft, DraftState, Kept, Reading, Refusal},
    people::{Movement, Typing},
    timeline_item::TimelineItem,
};
use self::{
    people::{by_name, sorted},
    unread_state::UnreadState,
};
use crate::protocol::{
    chat::{ClientFrame, Message, Page, Room, ServerFrame},
    cursor::{Cursor, Offset},
    problem::Code,
    session::User,
    text::MessageText,
};

/// Messages that stay on the page; reading back raises it. Above it the oldest go, and can be asked for again.
const MESSAGES_KEPT: usize = 1_000;

/// What a frame showed to be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// All is well.
    Nothing,
    /// Entries between the cursor and the frame: follow again from the cursor.
    Entries,
    /// The room could not be followed, for a while.
    Room,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomModel {
    /// The room.
    pub room: Room,
    me: User,
    cursor: Cursor,
    /// The newest offset that the connection in use has told; `None` until it has.
    head: Option<Offset>,
    unread_state: UnreadState,
    messages: Vec<Arc<Message>>,
    drafts: Vec<Draft>,
    members: Vec<User>,
    /// What moved last among the others.
    pub movement: Option<Movement>,
    typing: Option<Typing>,
    /// Older messages can be asked for.
    pub more: bool,
    messages_kept: usize,
    /// The reader is not at the newest message: nothing may move under their eyes.
    is_reading_back: bool,
    /// The log lost what this page had not seen.
    pub was_reset: bool,
    /// Why the room cannot be followed.
    pub problem: Option<Code>,
}

impl RoomModel {
    /// The room as the server rendered it for `me`, with what was kept of an earlier view of it.
    pub fn new(room: Room, me: User, page: Page, members: Vec<User>, kept: Kept) -> Self {
        let mut model = Self {
            room,
            me,
            cursor: page.cursor,
            head: None,
            unread_state: UnreadState::default(),
            messages: page.messages.into_iter().map(Arc::new).collect(),
            drafts: kept.drafts,
            members: sorted(members),
            movement: None,
            typing: None,
            more: page.more,
            messages_kept: MESSAGES_KEPT,
            is_reading_back: false,
            was_reset: kept.was_reset,
            problem: None,
        };
        // A draft may have become a message while the room was not shown.
        for message in model.messages.clone() {
            model.end_draft(&message);
        }
        model
    }

    /// Starts anew from the newest messages, after a reset.
    pub fn reload(&mut self, page: Page) {
        // What has come since the page was made stays: going back behind it would leave a hole.
        let is_newer = |message: &Arc<Message>| {
            page.cursor.epoch == self.cursor.epoch && message.offset > page.cursor.offset
        };
        let newer: Vec<_> = self.messages.iter().filter(|message| is_newer(message)).cloned().collect();
        if newer.is_empty() {
            self.cursor = page.cursor;
        }
        self.messages = page.messages.into_iter().map(Arc::new).chain(newer).collect();
        self.more = page.more;
        for message in self.messages.clone() {
            self.end_draft(&message);
        }
    }

    /// What is to be kept when this view of the room goes. `text` stands in the composer, `reading` is in view.
    pub fn keep(&self, text: String, reading: Option<Reading>) -> Kept {
        Kept { drafts: self.drafts.clone(), text, was_reset: self.was_reset, reading }
    }

    /// What was said, then what is being sent.
    pub fn lines(&self) -> Vec<TimelineItem> {
        let seen = self.unread_state.seen().map_or(self.messages.len(), |seen| {
            self.messages.partition_point(|message| message.offset <= seen)
        });
        let (seen, new) = self.messages.split_at(seen);
        // What one said oneself, in another window perhaps, is no news.
        let is_news = new.iter().any(|message| !self.is_me(&message.user_id));
        let line = |message: &Arc<Message>| TimelineItem::Message(message.clone());
        let drafts = self.drafts.iter().cloned().map(TimelineItem::Draft);
        seen.iter()
            .map(line)
            .chain(is_news.then_some(TimelineItem::Divider))
            .chain(new.iter().map(line))
            .chain(drafts)
            .collect()
    }

    /// Everything up to here is on the page.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// What this person is sending.
    pub fn drafts(&self) -> &[Draft] {
        &self.drafts
    }

    /// How many drafts wait to be acknowledged.
    pub fn unsent(&self) -> usize {
        self.drafts
            .iter()
            .filter(|draft| draft.state == DraftState::Pending && draft.stored.is_none())
            .count()
    }

    /// Takes back what an earlier page had not sent, oldest first: an id and a text each.
    pub fn restore(&mut self, unsent: Vec<(String, String)>) {
        let is_new = |(id, _): &(String, String)| {
            let is_said = |message: &Arc<Message>| message.id == *id && self.is_me(&message.user_id);
            !self.messages.iter().any(is_said) && !self.drafts.iter().any(|draft| draft.id == *id)
        };
        let unsent: Vec<_> = unsent.into_iter().filter(is_new).collect();
        self.drafts.splice(0..0, unsent.into_iter().map(|(id, text)| Draft::pending(id, text)));
    }

    /// A connection is open; where the room's end is, it will say.
    pub fn reconnect(&mut self) {
        self.head = None;
    }

    /// The connection is lost: what comes from now on comes late.
    pub fn disconnect(&mut self) {
        self.head = None;
        self.unread_state.is_cut_off(&self.cursor);
    }

    /// Whether everything that the connection in use told of is on the page.
    pub fn is_caught_up(&self) -> bool {
        self.head.is_some_and(|head| self.cursor.offset >= head)
    }

    /// The page is looked at, or not any more.
    pub fn look(&mut self, is_looked_at: bool) {
        self.unread_state.is_looking(is_looked_at, &self.cursor);
    }

    /// Whether somebody looks at the page and it shows the newest: then all is seen.
    pub fn is_attended(&self) -> bool {
        !self.unread_state.is_away() && self.is_caught_up() && !self.is_reading_back
    }

    /// Where the reader was when they left the room the last time.
    pub fn return_to(&mut self, seen: &Cursor) {
        if seen.epoch == self.cursor.epoch && seen.offset < self.cursor.offset {
            self.unread_state.saw(seen.offset);
        }
    }

    /// The reader has moved away from the newest message, or is back at it.
    pub fn read_back(&mut self, is_reading_back: bool) {
        self.is_reading_back = is_reading_back;
    }

    /// Everybody in the room.
    pub fn members(&self) -> &[User] {
        &self.members
    }

    /// Whether this is the page's own person.
    pub fn is_me(&self, user_id: &str) -> bool {
        self.me.id == user_id
    }

    /// The id the page's own person has.
    pub fn my_id(&self) -> &str {
        &self.me.id
    }

    /// The name the page's own person has.
    pub fn my_name(&self) -> &str {
        &self.me.name
    }

    /// The last sign of somebody typing, until their message or their leaving ends it.
    pub fn typing(&self) -> Option<&Typing> {
        self.typing.as_ref()
    }

    /// The frames to say when the connection opens: follow from the cursor, then what is still unsaid.
    pub fn greeting(&self) -> Vec<ClientFrame> {
        let room = self.room.id.to_string();
        let join = ClientFrame::Join { room, after: Some(self.cursor.to_string()), last: None };
        let pending = self.drafts.iter().filter(|draft| draft.state == DraftState::Pending);
        std::iter::once(join).chain(pending.map(|draft| self.post_frame(draft))).collect()
    }

    /// Adds a draft and returns the frame that sends it.
    pub fn post(&mut self, id: String, text: MessageText) -> ClientFrame {
        let draft = Draft::pending(id, text.into_string());
        let frame = self.post_frame(&draft);
        self.drafts.push(draft);
        // Whoever answers has read what is there; cut off, they cannot have.
        if !self.unread_state.is_away() {
            self.unread_state.end();
        }
        frame
    }

    /// Sends a failed draft again.
    pub fn retry(&mut self, id: &str) -> Option<ClientFrame> {
        let index = self.drafts.iter().position(|draft| draft.id == id)?;
        self.drafts[index].state = DraftState::Pending;
        Some(self.post_frame(&self.drafts[index]))
    }

    /// The first draft that was refused for coming too soon, to be written again. Not before all that was said is
    /// here: a draft that was sent twice, and refused the second time only, is among it.
    pub fn too_soon(&self) -> Option<&Draft> {
        self.drafts.iter().find(|draft| draft.is_too_soon()).filter(|_| self.is_caught_up())
    }

    /// Drops a failed draft.
    pub fn discard(&mut self, id: &str) {
        self.drafts.retain(|draft| draft.id != id);
    }

    fn post_frame(&self, draft: &Draft) -> ClientFrame {
        ClientFrame::Post { room: self.room.id.to_string(), id: draft.id.clone(), text: draft.text.clone() }
    }

    /// The cursor before which older messages are to be asked for.
    pub fn oldest(&self) -> Cursor {
        let offset = self.messages.first().map_or(self.cursor.offset + 1, |message| message.offset);
        Cursor { epoch: self.cursor.epoch.clone(), offset }
    }

    /// Puts a page of older messages above the others.
    pub fn prepend(&mut self, page: Page) {
        if page.cursor.epoch != self.cursor.epoch {
            return; // it was asked for before a reset
        }
        self.messages_kept += page.messages.len();
        let oldest = self.messages.first().map_or(Offset::MAX, |message| message.offset);
        let reaches = page.messages.last().is_none_or(|last| last.offset + 1 >= oldest);
        if !self.messages.is_empty() && !reaches {
            return; // older ones have left the page since: these would leave a hole
        }
        let older = page.messages.into_iter().filter(|message| message.offset < oldest).map(Arc::new);
        self.messages.splice(0..0, older);
        self.more = page.more;
    }

    /// Takes a frame. Frames of other rooms are not ours.
    pub fn apply(&mut self, frame: ServerFrame, now_ms: i64) -> Missing {
        match frame {
            ServerFrame::Message(message) if message.room == self.room.id => {
                return self.apply_message(message);
            }
            ServerFrame::Joined { room, members, head, .. } if room == self.room.id => {
                self.problem = None;
                self.members = sorted(members);
                self.head = Some(head);
                self.note_caught_up();
            }
            ServerFrame::Members { room, members } if room == self.room.id => {
                self.members = sorted(members);
            }
            ServerFrame::Reset { room, epoch, offset } if room == self.room.id => {
                self.messages.clear();
                self.cursor = Cursor { epoch, offset };
                self.unread_state.end();
                // Their places were in the old log.
                self.drafts.iter_mut().for_each(|draft| draft.stored = None);
                (self.more, self.was_reset) = (false, true);
            }
            ServerFrame::UserJoined { room, user, user_id } if room == self.room.id => {
                self.apply_joined(user, user_id)
            }
            ServerFrame::UserLeft { room, user, user_id } if room == self.room.id => {
                self.members.retain(|member| member.id != user_id);
                self.end_typing(&user_id);
                self.movement = Some(Movement::Left(user));
            }
            ServerFrame::Typing { room, user, user_id } if room == self.room.id && user_id != self.me.id => {
                self.typing = Some(Typing { user: User { id: user_id, name: user }, at_ms: now_ms });
            }
            // Its room was not open when it came. It is sent again with the next opening.
            ServerFrame::Rejected { id: Some(_), code: Code::NotJoined, .. } => {}
            ServerFrame::Rejected { id: Some(id), code, retry_after_ms, .. } => {
                if let Some(draft) = self.drafts.iter_mut().find(|draft| draft.id == id) {
                    draft.state = DraftState::Failed(Refusal { code, wait_ms: retry_after_ms });
                }
            }
            ServerFrame::Rejected { room: Some(room), code, .. } if room == self.room.id.as_str() => {
                self.problem = Some(code);
                if matches!(code, Code::Unavailable | Code::TooManyRequests) {
                    return Missing::Room;
                }
            }
            ServerFrame::Posted { room, id, offset, .. } if room == self.room.id => {
                self.apply_posted(&id, offset)
            }
            _ => {}
        }
        Missing::Nothing
    }

    /// The draft is safe. It stays in sight until its message comes, which may have been before this.
    fn apply_posted(&mut self, id: &str, offset: Offset) {
        if offset <= self.cursor.offset {
            self.discard(id);
        } else if let Some(draft) = self.drafts.iter_mut().find(|draft| draft.id == id) {
            draft.stored = Some(offset);
        }
    }

    /// Another person's message cannot end a draft by its id; its place in the log can, which is the server's word.
    fn end_draft(&mut self, message: &Message) {
        let is_mine = message.user_id == self.me.id;
        self.drafts
            .retain(|draft| draft.stored != Some(message.offset) && !(is_mine && draft.id == message.id));
    }

    fn apply_message(&mut self, message: Message) -> Missing {
        if message.offset > self.cursor.offset + 1 {
            return Missing::Entries; // offsets have no holes
        }
        self.end_draft(&message);
        self.end_typing(&message.user_id);
        if message.offset <= self.cursor.offset {
            return Missing::Nothing;
        }
        self.cursor.offset = message.offset;
        self.messages.push(Arc::new(message));
        let surplus = self.messages.len().saturating_sub(self.messages_kept);
        if surplus > 0 && !self.is_reading_back {
            self.messages.drain(..surplus);
            self.more = true;
        }
        self.note_caught_up();
        Missing::Nothing
    }

    fn note_caught_up(&mut self) {
        if self.is_caught_up() {
            self.unread_state.is_connected(&self.cursor);
        }
    }

    fn end_typing(&mut self, user_id: &str) {
        self.typing.take_if(|typing| typing.user.id == user_id);
    }

    fn apply_joined(&mut self, name: String, id: String) {
        let known = self.members.iter_mut().find(|member| member.id == id);
        let is_news = known.is_none() && id != self.me.id;
        match known {
            Some(member) => member.name.clone_from(&name),
            None => self.members.push(User { id, name: name.clone() }),
        }
        self.members.sort_unstable_by(by_name);
        if is_news {
            self.movement = Some(Movement::Joined(name));
        }
    }
}

#[cfg(test)]
mod tests;
