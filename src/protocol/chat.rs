//! Rooms: the frames of the chat socket and the bodies of `/api/rooms`. Server and browser use them; members that
//! programs send are parsed by [`ClientFrame::parse`].

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error},
};
use serde_json::value::RawValue;

use super::{
    change::{ChangeKind, MessageChanged, NewChange, Reaction},
    cursor::{AFTER_NAMES, Cursor, Epoch, Offset, looks_like_cursor},
    file::NamedFile,
    mark::{MarkChanged, Marked, NewMark, RoomLevel, RoomMark, UserRoom},
    members::{Members, parse_json},
    mention::GroupMention,
    name::RoomId,
    problem::{Code, MISSING, Rejection, UNKNOWN_TYPE},
    publication::TEXT_NAMES,
    session::User,
    thread::ThreadSummary,
};

/// A room in the list of rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// The id in addresses and frames.
    pub id: RoomId,
    /// The name as shown to people.
    pub name: String,
    /// The room's purpose, in one line. Empty: nobody has said it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub topic: String,
    /// It can be read, and nobody writes there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
}

impl Room {
    /// A room as it is made.
    pub fn new(id: RoomId, name: String) -> Self {
        Self { id, name, topic: String::new(), archived: false }
    }
}

/// A message as every reader gets it. `user` and `user_id` come from the author's session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The room it was posted to.
    pub room: RoomId,
    /// Its offset in the room.
    pub offset: Offset,
    /// The UUID from its author's client.
    pub id: String,
    /// The author's name at the time of the post.
    pub user: String,
    /// The author's id.
    pub user_id: String,
    /// The text, at most [`super::text::MESSAGE_MAX_CHARACTERS`] characters; empty if the message was deleted.
    pub text: String,
    /// The text's Markdown as HTML; `None`: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// The time at which the server accepted it, in milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// The offset of the newest change that is in it already; 0: it was never changed. A change at or below it is ignored.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rev: Offset,
    /// Its text was edited.
    #[serde(default, skip_serializing_if = "is_default")]
    pub edited: bool,
    /// It was deleted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deleted: bool,
    /// The reactions, at most [`super::change::REACTIONS_MAX`], in the order in which they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
    /// It is pinned to the room.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pinned: bool,
    /// The offset of the message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Offset>,
    /// The offset of the first message of the thread that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Offset>,
    /// The people whom the text mentions, at most [`super::mention::MENTIONED_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<User>,
    /// The groups that the text mentions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupMention>,
}

/// Returns true if a member has the value that its absence stands for.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A page of messages, oldest first, each with every change that was stored when it was read. Its members mean the same as those of [`super::feed::EntryPage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePage {
    /// The messages, ascending by offset.
    pub messages: Vec<Message>,
    /// The cursor from which to read on.
    pub cursor: Cursor,
    /// More messages exist in the direction that was read.
    pub more: bool,
    /// The requested cursor could not be honoured.
    pub reset: bool,
    /// The room's head when the messages were read: every change up to it is in them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub as_of: Offset,
    /// The reactions of who asks, where the first people of a reaction do not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_reactions: Vec<OwnReaction>,
    /// The messages that those of the page answer and that are not on it, as far as they are retained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quoted: Vec<Message>,
    /// The threads that begin on the page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub threads: Vec<ThreadSummary>,
}

/// A reaction to a message by the user who asks for a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnReaction {
    /// The offset of the message.
    #[serde(rename = "ref")]
    pub target: Offset,
    /// The emoji.
    pub emoji: String,
}

impl MessagePage {
    /// Returns true if no entry is missing between an earlier page and this one.
    pub fn follows_on(&self, earlier: &Self) -> bool {
        let first = self.messages.first().map_or(self.cursor.offset + 1, |first| first.offset);
        earlier.cursor.offset + 1 >= first
    }
}

/// A frame from a client, on which `server/http/realtime/websocket/frames.rs` acts. Fields are as written; the server
/// parses them and rejects each fault with its own code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ClientFrame {
    /// Join a room: follow it from a cursor, from the newest `last` messages, or from now.
    Join {
        /// The room's id.
        room: String,
        /// Deliver the entries after this cursor.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        /// Deliver this many of the newest messages.
        #[serde(skip_serializing_if = "Option::is_none")]
        last: Option<u32>,
    },
    /// Leave a room: stop following it.
    Leave {
        /// The room's id.
        room: String,
    },
    /// Post a message.
    Post {
        /// The room's id.
        room: String,
        /// The message.
        #[serde(flatten)]
        message: NewMessage,
    },
    /// Change a message.
    Change {
        /// The room's id.
        room: String,
        /// The offset of the message.
        #[serde(rename = "ref")]
        target: Offset,
        /// The change.
        #[serde(flatten)]
        change: NewChange,
    },
    /// "I am typing", at most every few seconds.
    Typing {
        /// The room's id.
        room: String,
    },
    /// Mark a room: what was read of it, or what the user is told of it.
    Mark(NewMark),
    /// Follow the user's own log: their marks, from whichever device they come.
    Follow {
        /// Deliver the marks after this cursor; without it, those from now on.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// Ask what is unread in the rooms, now and whenever it changes.
    Unread,
    /// Authenticate a socket whose request had no header, or renew the token of the same person.
    Auth {
        /// A JWT.
        token: String,
    },
    /// Answered by `pong`.
    Ping,
}

impl ClientFrame {
    /// Every `type` that a client may send.
    pub const TYPES: [&str; 10] =
        ["join", "leave", "post", "change", "typing", "mark", "follow", "unread", "auth", "ping"];

    /// Parses a frame. Rejects broken JSON, an unknown `type` and wrong fields with different codes.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let value = parse_json(text, "frame")?;
        let mut members = Members::of(value, "frame", Code::UnknownFrame).map_err(|_| unknown_frame())?;
        let kind = members.text(&["type"]).ok().flatten().unwrap_or_default().to_ascii_lowercase();
        let what = Self::TYPES.into_iter().find(|known| *known == kind).ok_or_else(unknown_frame)?;
        let mut members = members.named(what, Code::BadFrame);
        Ok(match what {
            "join" => {
                let room = members.required_text(&["room"])?;
                let (after, last) = (members.text(&AFTER_NAMES)?, members.count("last")?);
                members.reject_unknown(&["room", "after", "last"], looks_like_cursor)?;
                Self::Join { room, after, last }
            }
            "leave" => Self::Leave { room: members.required_text(&["room"])? },
            "post" => Self::Post {
                room: members.required_text(&["room"])?,
                message: NewMessage::from_members(&mut members)?,
            },
            "change" => {
                let (room, target) = (members.required_text(&["room"])?, members.required_offset("ref")?);
                Self::Change { room, target, change: NewChange::from_members(&mut members)? }
            }
            "typing" => Self::Typing { room: members.required_text(&["room"])? },
            "mark" => Self::Mark(NewMark::from_members(&mut members)?),
            "follow" => {
                let after = members.text(&AFTER_NAMES)?;
                members.reject_unknown(&["after"], looks_like_cursor)?;
                Self::Follow { after }
            }
            "unread" => Self::Unread,
            "auth" => Self::Auth { token: members.required_text(&["token"])? },
            _ => Self::Ping,
        })
    }
}

fn unknown_frame() -> Rejection {
    let types = ClientFrame::TYPES.join(", ");
    Rejection::new(Code::UnknownFrame, format!("A frame is an object whose type is one of: {types}."))
}

/// A frame from the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", try_from = "FrameMembers")]
pub enum ServerFrame {
    /// The room was joined: the entries after `offset` follow.
    Joined {
        /// The room.
        room: RoomId,
        /// Its epoch.
        epoch: Epoch,
        /// The offset from which the room is followed.
        offset: Offset,
        /// The requested cursor was honoured: nothing is missing.
        recovered: bool,
        /// The room's newest offset: a reader at this offset has caught up.
        head: Offset,
        /// Everyone who is present in the room.
        members: Vec<User>,
        /// The ids of those who are away.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        away: Vec<String>,
    },
    /// A message was posted.
    Message(Message),
    /// A message was changed.
    MessageChanged(MessageChanged),
    /// The post or the change with this id is durable.
    Posted {
        /// The room.
        room: RoomId,
        /// The client's id of the post or the change.
        id: String,
        /// Its offset in the room.
        offset: Offset,
        /// The time at which the server accepted it.
        timestamp: i64,
    },
    /// A frame was rejected; the socket stays open.
    Rejected {
        /// The room of the frame, as the client wrote it.
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        /// The id of the post or the change, if the frame was one.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The reason.
        code: Code,
        /// The reason in a sentence.
        message: String,
        /// The wait before a retry in milliseconds, if a retry can help.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// A user joined.
    UserJoined {
        /// The room.
        room: RoomId,
        /// Their name.
        user: String,
        /// Their id.
        user_id: String,
    },
    /// A user left.
    UserLeft {
        /// The room.
        room: RoomId,
        /// Their name.
        user: String,
        /// Their id.
        user_id: String,
    },
    /// The whole presence of the room, for a reader that missed single changes.
    Members {
        /// The room.
        room: RoomId,
        /// Everyone who is present.
        members: Vec<User>,
        /// The ids of those who are away.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        away: Vec<String>,
    },
    /// A user who is present went away, or came back: there was no sign of them for a while, on any of their devices.
    UserAway {
        /// The room.
        room: RoomId,
        /// Their name.
        user: String,
        /// Their id.
        user_id: String,
        /// False: they came back.
        away: bool,
    },
    /// A user is typing.
    Typing {
        /// The room.
        room: RoomId,
        /// Their name.
        user: String,
        /// Their id.
        user_id: String,
    },
    /// Entries after the reader's cursor are gone; the room goes on after `offset`.
    Reset {
        /// The room.
        room: RoomId,
        /// Its epoch.
        epoch: Epoch,
        /// Every retained entry after this offset follows.
        offset: Offset,
    },
    /// The user's own log is followed: the marks after `offset` follow.
    Followed {
        /// Its epoch.
        epoch: Epoch,
        /// The offset from which it is followed.
        offset: Offset,
        /// Its newest offset: a reader at this offset has caught up.
        head: Offset,
    },
    /// A mark of the user, perhaps from another device: the state of a room as it is now.
    Mark(MarkChanged),
    /// The mark with this id is durable, or changed nothing.
    Marked(Marked),
    /// Marks after the reader's cursor are gone: the reader takes the whole state anew (`GET /api/user`). The log goes
    /// on after `offset`.
    UserReset {
        /// Its epoch.
        epoch: Epoch,
        /// Every retained mark after this offset follows.
        offset: Offset,
    },
    /// The state of rooms, of those in which something was said or read. It is a hint, and has no offset: `UserRoom::unread`
    /// is counted anew each time.
    Unread {
        /// The rooms, of those that the user may enter.
        rooms: Vec<UserRoom>,
        /// The list of rooms has changed: one was renamed, described, archived, taken back or removed.
        #[serde(default, skip_serializing_if = "is_default")]
        list: bool,
    },
    /// The answer to `ping`.
    Pong,
    /// An entry that only a newer build can read; it never travels.
    #[serde(skip)]
    Unreadable(UnreadableEntry),
}

/// The position of an entry that a newer build wrote in a way that this one does not know.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct UnreadableEntry {
    /// The room.
    pub room: RoomId,
    /// Its offset in the room.
    pub offset: Offset,
}

/// The members of every frame, side by side as they are on the wire: one derived reader serves all types, as in
/// [`super::feed`].
#[derive(Deserialize)]
struct FrameMembers {
    r#type: String,
    room: Option<RoomId>,
    epoch: Option<Epoch>,
    offset: Option<Offset>,
    recovered: Option<bool>,
    head: Option<Offset>,
    members: Option<Vec<User>>,
    /// Ids in lists of people, and whether somebody is away.
    away: Option<Box<RawValue>>,
    id: Option<String>,
    user: Option<String>,
    user_id: Option<String>,
    text: Option<String>,
    html: Option<String>,
    timestamp: Option<i64>,
    #[serde(default)]
    rev: Offset,
    #[serde(default)]
    edited: bool,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    reactions: Vec<Reaction>,
    #[serde(default)]
    pinned: bool,
    reply_to: Option<Offset>,
    thread: Option<Offset>,
    r#ref: Option<Offset>,
    kind: Option<ChangeKind>,
    reaction: Option<Reaction>,
    read: Option<Cursor>,
    #[serde(default)]
    generation: u64,
    #[serde(default)]
    level: RoomLevel,
    /// Offsets in a mark, and people in a message.
    mentions: Option<Box<RawValue>>,
    #[serde(default)]
    groups: Vec<GroupMention>,
    #[serde(default)]
    rooms: Vec<UserRoom>,
    #[serde(default)]
    list: bool,
    code: Option<Code>,
    message: Option<String>,
    retry_after_ms: Option<u64>,
}

/// The list in a member whose type depends on that of the frame.
fn list_in<T: DeserializeOwned>(member: Option<Box<RawValue>>) -> Result<Vec<T>, &'static str> {
    member.map_or(Ok(Vec::new()), |list| serde_json::from_str(list.get()).map_err(|_| MISSING))
}

impl TryFrom<FrameMembers> for ServerFrame {
    type Error = &'static str;

    fn try_from(frame: FrameMembers) -> Result<Self, Self::Error> {
        let FrameMembers { room, members, id, retry_after_ms, .. } = frame;
        let (epoch, offset) = (frame.epoch.ok_or(MISSING), frame.offset.ok_or(MISSING));
        let (user, user_id) = (frame.user.ok_or(MISSING), frame.user_id.ok_or(MISSING));
        let (members, timestamp) = (members.ok_or(MISSING), frame.timestamp.ok_or(MISSING));
        if frame.r#type == "rejected" {
            let (code, message) = (frame.code.ok_or(MISSING)?, frame.message.ok_or(MISSING)?);
            return Ok(Self::Rejected { room: room.map(String::from), id, code, message, retry_after_ms });
        }
        if frame.r#type == "pong" {
            return Ok(Self::Pong);
        }
        match &*frame.r#type {
            "followed" => {
                let head = frame.head.ok_or(MISSING)?;
                return Ok(Self::Followed { epoch: epoch?, offset: offset?, head });
            }
            "unread" => return Ok(Self::Unread { rooms: frame.rooms, list: frame.list }),
            "user-reset" => return Ok(Self::UserReset { epoch: epoch?, offset: offset? }),
            _ => {}
        }
        let room = room.ok_or(MISSING)?;
        Ok(match &*frame.r#type {
            "mark" | "marked" => {
                let FrameMembers { read, generation, level, .. } = frame;
                let mentions = list_in(frame.mentions)?;
                let mark = RoomMark { room, read, generation, level, mentions };
                match id {
                    None => Self::Mark(MarkChanged { offset: offset?, timestamp: timestamp?, mark }),
                    Some(id) => {
                        Self::Marked(Marked { id, offset: offset.ok(), timestamp: timestamp.ok(), mark })
                    }
                }
            }
            "joined" => Self::Joined {
                room,
                epoch: epoch?,
                offset: offset?,
                recovered: frame.recovered.ok_or(MISSING)?,
                head: frame.head.ok_or(MISSING)?,
                members: members?,
                away: list_in(frame.away)?,
            },
            "message" => Self::Message(Message {
                room,
                offset: offset?,
                id: id.ok_or(MISSING)?,
                user: user?,
                user_id: user_id?,
                text: frame.text.ok_or(MISSING)?,
                html: frame.html,
                timestamp: timestamp?,
                rev: frame.rev,
                edited: frame.edited,
                deleted: frame.deleted,
                reactions: frame.reactions,
                pinned: frame.pinned,
                reply_to: frame.reply_to,
                thread: frame.thread,
                mentions: list_in(frame.mentions)?,
                groups: frame.groups,
            }),
            "message-changed" => Self::MessageChanged(MessageChanged {
                room,
                offset: offset?,
                target: frame.r#ref.ok_or(MISSING)?,
                id: id.ok_or(MISSING)?,
                kind: frame.kind.ok_or(MISSING)?,
                user: user?,
                user_id: user_id?,
                timestamp: timestamp?,
                text: frame.text,
                html: frame.html,
                reaction: frame.reaction,
                thread: frame.thread,
                mentions: list_in(frame.mentions)?,
                groups: frame.groups,
            }),
            "posted" => Self::Posted { room, id: id.ok_or(MISSING)?, offset: offset?, timestamp: timestamp? },
            "user-joined" => Self::UserJoined { room, user: user?, user_id: user_id? },
            "user-left" => Self::UserLeft { room, user: user?, user_id: user_id? },
            "typing" => Self::Typing { room, user: user?, user_id: user_id? },
            "members" => Self::Members { room, members: members?, away: list_in(frame.away)? },
            "user-away" => {
                let away = frame.away.is_some_and(|away| away.get() == "true");
                Self::UserAway { room, user: user?, user_id: user_id?, away }
            }
            "reset" => Self::Reset { room, epoch: epoch?, offset: offset? },
            _ => return Err(UNKNOWN_TYPE),
        })
    }
}

impl ServerFrame {
    /// The known types that carry an `offset` and are no entries of the room: they say where a reader is, or are of the
    /// user's own log, so one that cannot be read must not move a cursor.
    const POSITIONS: [&str; 5] = ["joined", "posted", "reset", "mark", "marked"];

    /// Parses a frame. One with an offset that this build cannot read is [`Self::Unreadable`].
    pub fn parse(text: &str) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Kind {
            r#type: String,
        }
        serde_json::from_str(text).or_else(|error| {
            let kind = serde_json::from_str::<Kind>(text).map(|kind| kind.r#type);
            let is_position = kind.is_ok_and(|kind| Self::POSITIONS.contains(&kind.as_str()));
            match serde_json::from_str(text) {
                Ok(entry) if !is_position => Ok(Self::Unreadable(entry)),
                _ => Err(error),
            }
        })
    }
}

/// An item of a page of messages or changes as a browser reads it: that of a newer build is [`ServerFrame::Unreadable`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolledEntry(pub ServerFrame);

impl<'de> Deserialize<'de> for PolledEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <Box<RawValue>>::deserialize(deserializer)?;
        let frame = ServerFrame::parse(json.get()).map_err(D::Error::custom)?;
        frame.entry_offset().map(|_| Self(frame)).ok_or_else(|| D::Error::custom(UNKNOWN_TYPE))
    }
}

impl ServerFrame {
    /// The offset of an entry of the room's log; `None` for the other frames.
    pub fn entry_offset(&self) -> Option<Offset> {
        match self {
            Self::Message(Message { offset, .. })
            | Self::MessageChanged(MessageChanged { offset, .. })
            | Self::Unreadable(UnreadableEntry { offset, .. }) => Some(*offset),
            _ => None,
        }
    }
}

/// The answer to a poll with `seen`, as a browser reads it: [`Polled`] with entries that it may not know.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PolledEntries {
    /// The messages, ascending by offset, each with every change that was stored when it was read.
    pub messages: Vec<PolledEntry>,
    /// The changes, ascending by offset.
    #[serde(default)]
    pub changes: Vec<PolledEntry>,
    /// The cursor from which to read on.
    pub cursor: Cursor,
    /// More entries exist.
    pub more: bool,
    /// The requested cursor could not be honoured.
    pub reset: bool,
    /// Everyone who is present in the room.
    pub members: Vec<User>,
    /// The ids of those who are away.
    #[serde(default)]
    pub away: Vec<String>,
    /// The users who were typing in the last seconds.
    pub typing: Vec<User>,
    /// The id of this state, as in [`PresenceState`].
    pub seen: String,
    /// The unread counts, if they were asked for and have changed.
    #[serde(default)]
    pub unread: Option<ServerFrame>,
    /// The word for the counts.
    #[serde(default)]
    pub unread_seen: String,
}

impl PolledEntries {
    /// Takes the entries in the order of the log.
    pub fn take_entries(&mut self) -> Vec<ServerFrame> {
        let mut entries: Vec<_> =
            self.messages.drain(..).chain(self.changes.drain(..)).map(|entry| entry.0).collect();
        entries.sort_by_key(ServerFrame::entry_offset);
        entries
    }
}

/// The whole presence of a room, with typing. Polls carry it, because they receive no single changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceState {
    /// Everyone who is present in the room.
    pub members: Vec<User>,
    /// The ids of those who are away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub away: Vec<String>,
    /// The users who were typing in the last seconds.
    pub typing: Vec<User>,
    /// The id of this state: a poll that sends it as `seen` is also answered when the state has changed.
    pub seen: String,
}

/// The answer to a poll with `seen`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Polled {
    /// The messages.
    #[serde(flatten)]
    pub page: MessagePage,
    /// The presence of the room.
    #[serde(flatten)]
    pub presence: PresenceState,
}

/// The request for a message: the body of `POST /api/rooms/{room}/messages`, and, beside the room, the members of a client
/// frame and of an event of Socket.IO.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMessage {
    /// A UUID from the client; posting it again returns the first entry.
    pub id: String,
    /// The text.
    pub text: String,
    /// The offset of the message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Offset>,
    /// The offset of a message of the thread that it is to be in. An answer to a message of a thread is in that thread also
    /// without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Offset>,
    /// Files that its author uploaded to the room, at most [`super::file::FILES_MAX`]. With some the text may be empty. The
    /// browser half sends none: public/files.js posts such messages.
    #[serde(default, skip_serializing)]
    pub files: Vec<NamedFile>,
}

impl NewMessage {
    /// Takes the members of a message.
    pub fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let id = members.required_text(&["id"])?;
        let (files, text) = files_and_text(members)?;
        Ok(Self { id, text, reply_to: members.offset("reply_to")?, thread: members.offset("thread")?, files })
    }
}

/// Takes the files and the text of a message. One without files has a text.
pub(super) fn files_and_text(members: &mut Members) -> Result<(Vec<NamedFile>, String), Rejection> {
    let files = NamedFile::list_from(members)?;
    let text = match files.is_empty() {
        true => members.required_text(&TEXT_NAMES)?,
        false => members.text(&TEXT_NAMES)?.unwrap_or_default(),
    };
    Ok((files, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_frame_is_a_known_type() {
        for frame in [
            r#"{"type":"join","room":"general"}"#,
            r#"{"type":"leave","room":"general"}"#,
            r#"{"type":"post","room":"general","id":"1","text":"hi"}"#,
            r#"{"type":"typing","room":"general"}"#,
            r#"{"type":"ping"}"#,
        ] {
            ClientFrame::parse(frame).expect(frame);
        }
    }

    #[test]
    fn an_optional_member_that_is_null_or_empty_is_absent() {
        let plain = ClientFrame::Join { room: "general".into(), after: None, last: None };
        for members in [r#""after":null"#, r#""after":"""#, r#""after":" ","last":null"#, r#""last":"""#] {
            let frame = format!(r#"{{"type":"join","room":"general",{members}}}"#);
            assert_eq!(ClientFrame::parse(&frame), Ok(plain.clone()), "{members}");
        }
        let wrong = ClientFrame::parse(r#"{"type":"join","room":"general","last":"many"}"#);
        assert_eq!(wrong.expect_err("no number").code, Code::BadFrame);
    }

    #[test]
    fn a_bad_frame_is_rejected_with_its_own_code() {
        for (frame, code) in [
            ("{", Code::BadJson),
            ("[]", Code::UnknownFrame),
            (r#"{"type":"dance"}"#, Code::UnknownFrame),
            (r#"{"type":7}"#, Code::UnknownFrame),
            (r#"{"type":"join"}"#, Code::BadFrame),
            (r#"{"type":"post","room":"general","id":1,"text":"hi"}"#, Code::BadFrame),
        ] {
            assert_eq!(ClientFrame::parse(frame).expect_err(frame).code, code, "{frame}");
        }
    }

    #[test]
    fn a_deeply_nested_frame_is_rejected() {
        for deep in ["[".repeat(60_000), r#"{"a":"#.repeat(10_000)] {
            assert_eq!(ClientFrame::parse(&deep).expect_err("too deep").code, Code::BadJson);
        }
    }

    #[test]
    fn an_entry_of_a_newer_build_is_known_by_its_offset() {
        let position = |offset| {
            ServerFrame::Unreadable(UnreadableEntry { room: RoomId::parse("general").expect("fine"), offset })
        };
        for frame in [
            r#"{"type":"change","ref":3,"room":"general","offset":7,"kind":"pin"}"#,
            r#"{"type":"message","room":"general","offset":7,"blocks":[]}"#,
        ] {
            assert_eq!(ServerFrame::parse(frame).expect(frame), position(7), "{frame}");
        }
        for frame in [
            r#"{"type":"joined","room":"general","offset":7,"head":9}"#,
            r#"{"type":"posted","room":"general","offset":7}"#,
            r#"{"type":"reset","room":"general","offset":7}"#,
            r#"{"type":"mark","room":"general","offset":7}"#,
            r#"{"type":"marked","room":7,"offset":7}"#,
            r#"{"type":"rooms-changed"}"#,
            "[]",
        ] {
            ServerFrame::parse(frame).expect_err("no entry");
        }
    }

    #[test]
    fn the_frames_of_marks_survive_the_wire() {
        let room = RoomId::parse("general").expect("fine");
        let read = "e:5".parse().ok();
        let mark = RoomMark { room, read, generation: 2, level: RoomLevel::Mentions, mentions: vec![7, 9] };
        let epoch = Epoch::parse("u").expect("fine");
        let marked = |offset, timestamp| Marked { id: "1".into(), offset, timestamp, mark: mark.clone() };
        for frame in [
            ServerFrame::Mark(MarkChanged { offset: 3, timestamp: 4, mark: mark.clone() }),
            ServerFrame::Marked(marked(Some(3), Some(4))),
            ServerFrame::Marked(marked(None, None)),
            ServerFrame::Followed { epoch: epoch.clone(), offset: 3, head: 5 },
            ServerFrame::UserReset { epoch, offset: 3 },
            ServerFrame::Unread {
                rooms: vec![UserRoom {
                    mark: mark.clone(),
                    head: 9,
                    unread: 2,
                    direct: true,
                    presence: "away".into(),
                }],
                list: false,
            },
            ServerFrame::Unread { rooms: Vec::new(), list: true },
        ] {
            let text = serde_json::to_string(&frame).expect("plain data");
            assert_eq!(ServerFrame::parse(&text).expect(&text), frame, "{text}");
            assert_eq!(frame.entry_offset(), None, "an offset of the user's log is none of the room's");
        }
    }

    #[test]
    fn a_polled_page_keeps_the_messages_beside_those_of_a_newer_build() {
        let page = r#"{"messages":[{"room":"general","offset":1,"ref":1,"kind":"pin"},{"type":"message",
            "room":"general","offset":2,"id":"1","user":"a","user_id":"u","text":"hi","timestamp":5}],
            "cursor":"e:2","more":false,"reset":false,"members":[],"typing":[],"seen":"1"}"#;
        let mut page: PolledEntries = serde_json::from_str(page).expect("well formed");
        let entries = page.take_entries();
        assert_eq!(entries.iter().filter_map(ServerFrame::entry_offset).collect::<Vec<_>>(), [1, 2]);
        assert!(matches!(&entries[..], [ServerFrame::Unreadable(_), ServerFrame::Message(_)]));
    }

    #[test]
    fn server_frames_carry_the_seeds_words() {
        let room = RoomId::parse("general").expect("fine");
        let frame = ServerFrame::UserJoined { room, user: "alice".into(), user_id: "u1".into() };
        let text = serde_json::to_string(&frame).expect("plain data");
        assert_eq!(text, r#"{"type":"user-joined","room":"general","user":"alice","user_id":"u1"}"#);
    }
}
