//! A room by polls. [`super::long_poll`] asks for the pages; this module turns them into the frames that a socket would
//! have brought.

use super::long_poll::PollSource;
use crate::{
    client::dom::page,
    protocol::{
        chat::{PolledEntries, ServerFrame},
        cursor::Cursor,
        name::RoomId,
        session::User,
    },
};

/// A room after a cursor, with its presence.
pub(crate) struct RoomSource {
    room: RoomId,
    cursor: Cursor,
    /// The presence state of the last answer.
    seen: String,
    members: Vec<User>,
    away: Vec<String>,
    /// The part of the query that asks what is unread, with the word of the last answer.
    unread: String,
    /// The reader does not know yet that it has caught up.
    is_behind: bool,
}

impl RoomSource {
    pub(crate) fn new(room: RoomId, cursor: Cursor, says_unread: bool) -> Self {
        let unread = format!("&unread={says_unread}");
        let (seen, members, away) = (String::new(), Vec::new(), Vec::new());
        Self { room, cursor, seen, members, away, unread, is_behind: true }
    }

    fn presence(&mut self, members: Vec<User>, away: Vec<String>, typing: Vec<User>) -> Vec<ServerFrame> {
        let has_changed = members != self.members || away != self.away;
        self.members.clone_from(&members);
        self.away.clone_from(&away);
        let room = self.room.clone();
        let members = has_changed.then(|| ServerFrame::Members { room: room.clone(), members, away });
        let typing = typing.into_iter().map(|User { id, name }| ServerFrame::Typing {
            room: room.clone(),
            user: name,
            user_id: id,
        });
        members.into_iter().chain(typing).collect()
    }
}

impl PollSource for RoomSource {
    type Data = ServerFrame;

    fn url(&self, wait_s: u32) -> String {
        let wait_s = if self.is_behind { 0 } else { wait_s };
        let Self { cursor, seen, unread, .. } = self;
        let room = page::encode(self.room.as_str());
        format!("/api/rooms/{room}/messages?after={cursor}&limit=200&wait={wait_s}&seen={seen}{unread}")
    }

    fn read(&mut self, body: &str) -> Option<(Vec<ServerFrame>, bool)> {
        let mut polled: PolledEntries = serde_json::from_str(body).ok()?;
        let entries = polled.take_entries();
        let PolledEntries { cursor, more, reset, members, away, typing, seen, unread, unread_seen, .. } =
            polled;
        let room = self.room.clone();
        let Cursor { epoch, offset } = cursor.clone();
        let mut frames = Vec::new();
        if self.is_behind {
            // Each answer stands for `joined` until there is no more: then the head is known.
            let head = if more { offset + 1 } else { offset };
            let (room, epoch, members, away) = (room.clone(), epoch.clone(), members.clone(), away.clone());
            let offset = self.cursor.offset;
            frames.push(ServerFrame::Joined { room, epoch, offset, recovered: !reset, head, members, away });
            self.is_behind = more;
        }
        if reset {
            let first = entries.first().and_then(ServerFrame::entry_offset);
            let offset = first.map_or(offset, |first| first - 1);
            frames.push(ServerFrame::Reset { room, epoch, offset });
        }
        frames.extend(entries);
        frames.extend(self.presence(members, away, typing));
        frames.extend(unread);
        if !unread_seen.is_empty() {
            self.unread = format!("&unread_seen={unread_seen}");
        }
        (self.cursor, self.seen) = (cursor, seen);
        Some((frames, more))
    }
}
