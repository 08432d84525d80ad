//! A room as a page shows it: what was said, what this person is sending, and who is there.

use std::sync::Arc;

use crate::protocol::{
    chat::{ClientFrame, Message, Page, Room, ServerFrame},
    cursor::{Cursor, Offset},
    problem::{Code, Rejection},
    session::User,
    text::MessageText,
};

/// A sign of somebody typing. The page shows it for a while; a newer one has another time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typing {
    /// Who.
    pub user: User,
    /// When it came, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// Messages that stay on the page; "show earlier" raises it. Above it the oldest go, and can be asked for again.
const MESSAGES_KEPT: usize = 500;

/// Whether a draft is still on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftState {
    /// Sent, not yet acknowledged.
    Pending,
    /// Refused, for this reason.
    Failed(Code),
}

/// A message that this person has sent and that has no place in the log yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The client's id: posting it again stores nothing twice.
    pub id: String,
    /// As it was typed.
    pub text: String,
    /// Where it stands.
    pub state: DraftState,
    /// Its place in the log, once it is acknowledged; its message, which replaces it, is on its way.
    stored: Option<Offset>,
}

/// What outlives the view of a room: the page keeps it while another room or page is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Not in the log yet.
    pub drafts: Vec<Draft>,
    /// What stands in the composer.
    pub text: String,
    /// The log lost what this page had not seen.
    pub was_reset: bool,
}

/// One line of the talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// In the log.
    Message(Arc<Message>),
    /// Not there yet.
    Draft(Draft),
}

impl Line {
    /// Changes when the line has to be drawn anew.
    pub fn key(&self) -> String {
        match self {
            Self::Message(message) => message.offset.to_string(),
            Self::Draft(draft) => format!("{} {:?}", draft.id, draft.state),
        }
    }
}

/// The last coming or going.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Movement {
    /// This name came in.
    Joined(String),
    /// This name left.
    Left(String),
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomModel {
    /// The room.
    pub room: Room,
    me: User,
    cursor: Cursor,
    messages: Vec<Arc<Message>>,
    drafts: Vec<Draft>,
    members: Vec<User>,
    /// What moved last among the others.
    pub movement: Option<Movement>,
    typing: Option<Typing>,
    /// Older messages can be asked for.
    pub more: bool,
    messages_kept: usize,
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
            messages: page.messages.into_iter().map(Arc::new).collect(),
            drafts: kept.drafts,
            members,
            movement: None,
            typing: None,
            more: page.more,
            messages_kept: MESSAGES_KEPT,
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
        self.messages = page.messages.into_iter().map(Arc::new).collect();
        (self.cursor, self.more) = (page.cursor, page.more);
        for message in self.messages.clone() {
            self.end_draft(&message);
        }
    }

    /// What is to be kept when this view of the room goes. `text` stands in the composer.
    pub fn keep(&self, text: String) -> Kept {
        Kept { drafts: self.drafts.clone(), text, was_reset: self.was_reset }
    }

    /// What was said, then what is being sent.
    pub fn lines(&self) -> Vec<Line> {
        let messages = self.messages.iter().cloned().map(Line::Message);
        messages.chain(self.drafts.iter().cloned().map(Line::Draft)).collect()
    }

    /// Everybody in the room.
    pub fn members(&self) -> &[User] {
        &self.members
    }

    /// Whether this is the page's own person.
    pub fn is_me(&self, user_id: &str) -> bool {
        self.me.id == user_id
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

    /// Adds a draft and returns the frame that sends it. Refuses what the server would refuse.
    pub fn post(&mut self, id: String, typed: &str) -> Result<ClientFrame, Rejection> {
        let text = MessageText::parse(typed)?.into_string();
        let draft = Draft { id, text, state: DraftState::Pending, stored: None };
        let frame = self.post_frame(&draft);
        self.drafts.push(draft);
        Ok(frame)
    }

    /// Sends a failed draft again.
    pub fn retry(&mut self, id: &str) -> Option<ClientFrame> {
        let index = self.drafts.iter().position(|draft| draft.id == id)?;
        self.drafts[index].state = DraftState::Pending;
        Some(self.post_frame(&self.drafts[index]))
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
        let older = page.messages.into_iter().filter(|message| message.offset < oldest).map(Arc::new);
        self.messages.splice(0..0, older);
        self.more = page.more;
    }

    /// Takes a frame of the socket. Frames of other rooms are not ours.
    pub fn apply(&mut self, frame: ServerFrame, now_ms: i64) {
        match frame {
            ServerFrame::Message(message) if message.room == self.room.id => self.apply_message(message),
            ServerFrame::Joined { room, members, .. } | ServerFrame::Members { room, members }
                if room == self.room.id =>
            {
                self.problem = None;
                self.members = members;
            }
            ServerFrame::Reset { room, epoch, offset } if room == self.room.id => {
                self.messages.clear();
                self.cursor = Cursor { epoch, offset };
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
            ServerFrame::Rejected { id: Some(id), code, .. } => {
                if let Some(draft) = self.drafts.iter_mut().find(|draft| draft.id == id) {
                    draft.state = DraftState::Failed(code);
                }
            }
            ServerFrame::Rejected { room: Some(room), code, .. } if room == self.room.id.as_str() => {
                self.problem = Some(code);
            }
            ServerFrame::Posted { room, id, offset, .. } if room == self.room.id => {
                self.apply_posted(&id, offset)
            }
            _ => {}
        }
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

    fn apply_message(&mut self, message: Message) {
        self.end_draft(&message);
        self.end_typing(&message.user_id);
        if message.offset <= self.cursor.offset {
            return;
        }
        self.cursor.offset = message.offset;
        self.messages.push(Arc::new(message));
        if self.messages.len() > self.messages_kept {
            self.messages.remove(0);
            self.more = true;
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
        if is_news {
            self.movement = Some(Movement::Joined(name));
        }
    }
}

#[cfg(test)]
mod tests;
