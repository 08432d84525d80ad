//! The newest messages of rooms, read once for all who count what is unread: a message in a room that a thousand people
//! follow would otherwise be counted a thousand times in the store. `activity` begins a new moment whenever something
//! happens in a room; within one nothing has. A count that these messages cannot give is left to the store.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::{
    protocol::{cursor::Offset, mark::UNREAD_MAX, name::RoomId},
    server::store::{Bounds, NewestCounted, Store, StoreError, TopicName},
};

/// The messages of a room that are read: twice as many as are counted, because one's own do not count.
const MESSAGES_MAX: usize = 2 * UNREAD_MAX as usize;
/// The rooms of a moment that are kept. Beyond this they are read again.
const ROOMS_MAX: usize = 200;

/// The newest messages of a room.
#[derive(Debug)]
pub(super) struct NewestMessages {
    /// The bounds of the room's log.
    pub(super) bounds: Bounds,
    /// The offset and the author of each, newest first.
    messages: Vec<(Offset, String)>,
}

impl NewestMessages {
    /// The number of messages after an offset that others than `author` wrote, at most [`UNREAD_MAX`]; `None` if these
    /// messages do not go back as far.
    pub(super) fn count_after(&self, after: Offset, author: &str) -> Option<u64> {
        let newer = self.messages.iter().take_while(|(offset, _)| *offset > after);
        let count = newer.filter(|(_, by)| by != author).count() as u64;
        let goes_back = self.messages.len() < MESSAGES_MAX
            || self.messages.last().is_some_and(|(oldest, _)| *oldest <= after);
        (goes_back || count >= UNREAD_MAX).then_some(count.min(UNREAD_MAX))
    }
}

type Cell = Arc<OnceCell<Option<Arc<NewestMessages>>>>;

/// The age at which a moment is over, whatever happens: retention removes messages and tells nobody.
const AGE_MAX: Duration = Duration::from_secs(1);

/// A moment in which nothing happens in any room.
pub(super) struct Moment {
    began: Instant,
    rooms: Mutex<HashMap<RoomId, Cell>>,
}

impl Default for Moment {
    fn default() -> Self {
        Self { began: Instant::now(), rooms: Mutex::default() }
    }
}

impl Moment {
    /// Returns true if a new one must begin.
    pub(super) fn is_over(&self) -> bool {
        self.began.elapsed() > AGE_MAX
    }

    /// The newest messages of a room; `None` if it has no log.
    pub(super) async fn newest(
        &self,
        store: &dyn Store,
        room: &RoomId,
    ) -> Result<Option<Arc<NewestMessages>>, StoreError> {
        let read = async || {
            let found = store.newest_counted(&TopicName::Room(room.clone()), MESSAGES_MAX).await?;
            Ok(found.map(|NewestCounted { bounds, entries }| {
                Arc::new(NewestMessages { bounds, messages: entries })
            }))
        };
        self.cell(room).get_or_try_init(read).await.cloned()
    }

    /// Something happened in these rooms, which only some people are told.
    pub(super) fn forget(&self, rooms: &BTreeSet<RoomId>) {
        self.rooms.lock().retain(|room, _| !rooms.contains(room));
    }

    fn cell(&self, room: &RoomId) -> Cell {
        let mut rooms = self.rooms.lock();
        if rooms.len() >= ROOMS_MAX && !rooms.contains_key(room) {
            rooms.clear();
        }
        rooms.entry(room.clone()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::cursor::Epoch;

    /// Messages at these offsets, oldest first; those at even ones are bob's.
    fn messages(offsets: impl DoubleEndedIterator<Item = Offset>) -> NewestMessages {
        let author = |offset: Offset| if offset.is_multiple_of(2) { "bob" } else { "alice" };
        let messages = offsets.rev().map(|offset| (offset, author(offset).to_owned())).collect();
        NewestMessages {
            bounds: Bounds { epoch: Epoch::parse("e").expect("fine"), floor: 0, head: 1_000 },
            messages,
        }
    }

    #[test]
    fn the_messages_of_others_after_an_offset_are_counted() {
        let few = messages(1..=10);
        assert_eq!(few.count_after(0, "alice"), Some(5));
        assert_eq!(few.count_after(7, "alice"), Some(2));
        assert_eq!(few.count_after(10, "alice"), Some(0));
        assert_eq!(few.count_after(0, "carol"), Some(10));
        assert_eq!(messages(1..=150).count_after(0, "carol"), Some(100), "more are not told apart");
    }

    #[test]
    fn what_is_before_the_oldest_of_many_is_left_to_the_store() {
        let many = messages(801..=1_000);
        assert_eq!(many.count_after(801, "alice"), Some(100));
        assert_eq!(many.count_after(803, "alice"), Some(99));
        assert_eq!(many.count_after(500, "carol"), Some(100));
        let mut own = messages(801..=1_000);
        own.messages.iter_mut().for_each(|(_, author)| *author = "alice".to_owned());
        assert_eq!(own.count_after(801, "alice"), Some(0));
        assert_eq!(own.count_after(800, "alice"), None, "others may have said something before");
    }
}
