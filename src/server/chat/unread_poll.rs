//! The unread counts for a reader that asks again and again instead of keeping a connection: the counts beside a poll. The
//! routes of polls call it by [`Chat::poll_unread`].
//!
//! Nothing is kept between two polls, which may reach different nodes: each says with a word, the `seen` of the answer
//! before, what its reader knows. The word is made of the counts themselves, so it is the same on every node. It must never
//! name a room that the reader may not enter.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::{ActivityFollower, Chat};
use crate::{
    protocol::{
        chat::ServerFrame,
        mark::{RoomLevel, UserRoom},
        name::RoomId,
    },
    server::{auth::Identity, error::Error, log::topic::Wakeup},
};

/// The time for which changes of the counts are collected before a poll is answered with them: with the time of `activity`
/// about one answer a second, because a request costs both sides more than a frame.
const DELAY: Duration = Duration::from_millis(750);

/// The counts beside one poll.
pub struct UnreadPoll<'a> {
    chat: &'a Chat,
    follower: ActivityFollower,
    wakeup: Arc<Wakeup>,
    /// The word of what the reader knows: that of the counts, and that of the list of rooms.
    seen: Option<(String, String)>,
    rooms: BTreeMap<RoomId, UserRoom>,
    /// The rooms whose state the reader does not know.
    news: BTreeSet<RoomId>,
    /// The word of the list of rooms.
    list: String,
    /// Nothing was counted yet.
    is_new: bool,
    /// A count was begun: if it is so at the beginning of another one, that one was dropped with what it had taken.
    is_counting: bool,
}

/// The answer.
pub struct PolledUnread {
    /// The frame of a socket. `None`: the reader knows it.
    pub frame: Option<ServerFrame>,
    /// The word for the next poll.
    pub seen: String,
}

impl Chat {
    /// Begins to count for a reader who knows what this word says; empty: nothing.
    pub fn poll_unread(&self, who: &Identity, seen: &str) -> UnreadPoll<'_> {
        let wakeup = Arc::new(Wakeup::default());
        UnreadPoll {
            chat: self,
            follower: self.activity().follow(who, wakeup.clone()),
            wakeup,
            // A word that is none of ours is as good as none: its reader gets everything.
            seen: seen.split_once('-').map(|(counts, list)| (counts.to_owned(), list.to_owned())),
            rooms: BTreeMap::new(),
            news: BTreeSet::new(),
            list: String::new(),
            is_new: true,
            is_counting: false,
        }
    }
}

impl UnreadPoll<'_> {
    /// Returns true if the reader knows nothing yet.
    pub fn is_first(&self) -> bool {
        self.seen.is_none()
    }

    /// Counts, and returns true if there is something that the reader does not know.
    async fn has_news(&mut self) -> Result<bool, Error> {
        self.count().await?;
        Ok(self.seen.as_ref() != Some(&self.words()))
    }

    /// Returns a moment after there is something that the reader does not know, also if it came before the poll: in a busy
    /// hour there always is, and each answer brings the next poll. Loses nothing when the future is dropped.
    pub async fn changed(&mut self) -> Result<(), Error> {
        loop {
            while !self.has_news().await? {
                self.wakeup.notified().await;
            }
            sleep(DELAY).await;
            if self.has_news().await? {
                return Ok(());
            }
        }
    }

    /// The answer as of now.
    pub async fn answer(mut self) -> Result<PolledUnread, Error> {
        let has_news = self.has_news().await?;
        let words = self.words();
        let list = self.seen.as_ref().is_some_and(|(_, list)| *list != words.1);
        // The reader may have lost a right since the room was counted.
        let may_enter = |room: &RoomId| self.chat.rights.may_enter(room, Some(self.follower.who()));
        let rooms = self.rooms.iter().filter(|(room, _)| self.news.contains(*room) && may_enter(room));
        let rooms: Vec<_> = rooms.map(|(_, state)| state.clone()).collect();
        let frame = has_news.then_some(ServerFrame::Unread { rooms, list });
        Ok(PolledUnread { frame, seen: format!("{}-{}", words.0, words.1) })
    }

    async fn count(&mut self) -> Result<(), Error> {
        if self.is_counting {
            self.follower.begin_anew();
        }
        self.is_counting = true;
        let (counted, has_list) = self.chat.unread(&self.follower).await?;
        let is_unknown = |room: &UserRoom| !is_marked(room) && !self.rooms.contains_key(&room.mark.room);
        // A room that was made is told like one in which something was said.
        if self.is_new || has_list || counted.iter().any(is_unknown) {
            self.read_list().await?;
        }
        counted.into_iter().for_each(|room| self.take(room));
        if self.is_new && self.seen.as_ref().is_some_and(|(counts, _)| *counts == self.words().0) {
            self.news.clear();
        }
        (self.is_new, self.is_counting) = (false, false);
        Ok(())
    }

    /// Reads the list of rooms, which also says which ones the reader may not enter any more.
    async fn read_list(&mut self) -> Result<(), Error> {
        let (chat, who) = (self.chat, self.follower.who());
        self.list = word_of(&chat.rooms(Some(who)).await?);
        self.rooms.retain(|room, _| chat.rights.may_enter(room, Some(who)));
        Ok(())
    }

    fn take(&mut self, state: UserRoom) {
        let room = state.mark.room.clone();
        let before = self.rooms.get(&room);
        if before.is_some_and(|before| comparable(before) == comparable(&state))
            || (before.is_none() && !is_marked(&state))
        {
            return;
        }
        self.news.insert(room.clone());
        self.rooms.insert(room, state);
    }

    fn words(&self) -> (String, String) {
        let counts: Vec<_> = self.rooms.values().filter(|room| is_marked(room)).map(comparable).collect();
        (word_of(&counts), self.list.clone())
    }
}

/// The state without the head, which one's own messages and changes move as well: no reason to answer.
fn comparable(room: &UserRoom) -> UserRoom {
    UserRoom { head: 0, ..room.clone() }
}

/// Returns true if the user has marked the room, or it is for them whether they have or not.
fn is_marked(UserRoom { mark, direct, .. }: &UserRoom) -> bool {
    *direct
        || mark.read.is_some()
        || mark.generation > 0
        || mark.level != RoomLevel::All
        || !mark.mentions.is_empty()
}

/// A short text that differs where the value does.
fn word_of(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).expect("plain data is serialized");
    Sha256::digest(json)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
