//! The unread messages of all rooms, as the sidebar and the page's title show them. The server counts; `sync` puts in what
//! it says. It must never count by itself: deleted messages and answers in threads do not count.

use crate::protocol::{
    cursor::Cursor,
    mark::{RoomLevel, UNREAD_MAX, UserRoom},
    name::RoomId,
};

/// The rooms that the user has marked, and the one that they read now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// By id.
    rooms: Vec<UserRoom>,
    /// The room whose newest message is in view.
    reading: Option<RoomId>,
}

/// The counts of one room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnreadCount {
    /// The unread messages of others, at most [`UNREAD_MAX`].
    pub messages: u64,
    /// The unread mentions of the user.
    pub mentions: u64,
    /// The level of the room.
    pub level: RoomLevel,
    /// They are direct messages, so all of them are mentions.
    pub direct: bool,
}

impl UnreadCount {
    /// The number that counts in the title.
    pub fn number(self) -> u64 {
        match self.level {
            RoomLevel::All => self.messages,
            RoomLevel::Mentions => self.mentions,
            RoomLevel::Nothing => 0,
        }
    }
}

/// A count as it is shown.
pub fn unread_text(count: u64) -> String {
    if count >= UNREAD_MAX { format!("{}+", UNREAD_MAX - 1) } else { count.to_string() }
}

/// The title of a page with the number of unread messages before it.
pub fn titled(total: u64, title: &str) -> String {
    match total {
        0 => title.to_owned(),
        total => format!("({}) {title}", unread_text(total)),
    }
}

impl Unread {
    /// The rooms as the server has counted them for a page.
    pub fn new(rooms: Vec<UserRoom>) -> Self {
        let mut unread = Self::default();
        unread.replace(rooms);
        unread
    }

    /// Puts in all rooms, counted anew.
    pub fn replace(&mut self, mut rooms: Vec<UserRoom>) {
        rooms.sort_by(|one, other| one.mark.room.cmp(&other.mark.room));
        self.rooms = rooms;
    }

    /// Puts in some rooms, counted anew.
    pub fn apply(&mut self, rooms: Vec<UserRoom>) {
        for room in rooms {
            match self.index(&room.mark.room) {
                Ok(index) => self.rooms[index] = room,
                Err(index) => self.rooms.insert(index, room),
            }
        }
    }

    /// The user sees the newest message of this room; `None`: of no room.
    pub fn read(&mut self, room: Option<RoomId>) {
        self.reading = room;
    }

    /// The counts of a room. What comes into the room that is being read is read.
    pub fn count(&self, room: &RoomId) -> UnreadCount {
        let Some(known) = self.room(room).filter(|_| self.reading.as_ref() != Some(room)) else {
            return UnreadCount::default();
        };
        UnreadCount {
            messages: known.unread,
            // Direct messages are for the user, whatever they say.
            mentions: if known.direct { known.unread } else { known.mark.mentions.len() as u64 },
            level: known.mark.level,
            direct: known.direct,
        }
    }

    /// The one number of the title and the app's badge.
    pub fn total(&self) -> u64 {
        self.rooms.iter().map(|room| self.count(&room.mark.room).number()).sum()
    }

    /// The unread mentions of the user in all rooms. Direct messages are none: they have rows of their own.
    pub fn mentions(&self) -> u64 {
        self.rooms.iter().filter(|room| !room.direct).map(|room| self.count(&room.mark.room).mentions).sum()
    }

    /// The position up to which the user has read a room, and its generation.
    pub fn mark_of(&self, room: &RoomId) -> (Option<&Cursor>, u64) {
        self.room(room).map_or((None, 0), |room| (room.mark.read.as_ref(), room.mark.generation))
    }

    /// The presence of the other person of direct messages: `here`, `away` or nothing.
    pub fn presence_of(&self, room: &RoomId) -> String {
        self.room(room).map_or_else(String::new, |room| room.presence.clone())
    }

    /// The level of a room.
    pub fn level_of(&self, room: &RoomId) -> RoomLevel {
        self.room(room).map_or(RoomLevel::All, |room| room.mark.level)
    }

    fn room(&self, room: &RoomId) -> Option<&UserRoom> {
        self.rooms.get(self.index(room).ok()?)
    }

    fn index(&self, room: &RoomId) -> Result<usize, usize> {
        self.rooms.binary_search_by(|known| known.mark.room.cmp(room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::mark::RoomMark;

    fn id(room: &str) -> RoomId {
        RoomId::parse(room).expect("fine")
    }

    fn room(name: &str, unread: u64, mentions: usize, level: RoomLevel) -> UserRoom {
        let mentions = (1..=mentions as u64).collect();
        let mark = RoomMark { room: id(name), read: "e:7".parse().ok(), generation: 3, level, mentions };
        UserRoom { mark, head: 200, unread, direct: false, presence: String::new() }
    }

    #[test]
    fn a_room_counts_by_its_level_and_the_one_being_read_not_at_all() {
        let mut unread = Unread::new(vec![
            room("b", 100, 2, RoomLevel::All),
            room("a", 5, 1, RoomLevel::Mentions),
            room("c", 7, 3, RoomLevel::Nothing),
        ]);
        assert_eq!(unread.total(), 101);
        let quiet = UnreadCount { messages: 7, mentions: 3, level: RoomLevel::Nothing, direct: false };
        assert_eq!((unread.count(&id("c")), quiet.number()), (quiet, 0));
        unread.read(Some(id("b")));
        assert_eq!((unread.total(), unread.count(&id("b"))), (1, UnreadCount::default()));
        unread.apply(vec![room("d", 2, 0, RoomLevel::All), room("a", 0, 0, RoomLevel::All)]);
        assert_eq!(unread.total(), 2);
        unread.read(None);
        assert_eq!(unread.total(), 102);
        assert_eq!(unread.mark_of(&id("d")), ("e:7".parse().ok().as_ref(), 3));
        assert_eq!(unread.mark_of(&id("x")), (None, 0));
    }

    #[test]
    fn direct_messages_count_as_mentions_unless_they_are_muted() {
        let direct = |level| UserRoom { direct: true, ..room("d", 4, 1, level) };
        let total = |level| Unread::new(vec![direct(level)]).total();
        assert_eq!(RoomLevel::ALL.map(total), [4, 4, 0]);
        let both = Unread::new(vec![direct(RoomLevel::All), room("e", 9, 2, RoomLevel::All)]);
        assert_eq!(
            (both.count(&id("d")).mentions, both.mentions()),
            (4, 2),
            "the list of mentions has no direct messages"
        );
    }

    #[test]
    fn from_the_bound_on_a_count_says_more() {
        assert_eq!([0, 1, 99, 100].map(unread_text), ["0", "1", "99", "99+"]);
    }
}
