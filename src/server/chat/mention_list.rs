//! The list of the messages that mention a user, of all rooms that they may enter now. The API and the page of mentions ask
//! for it by [`Chat`]. It must never show a message whose mention was taken back, or a room that the user has left.

use std::{cmp::Reverse, collections::HashMap};

use super::{Chat, encoding::message_of, marks};
use crate::{
    protocol::{
        cursor::Offset,
        mention_list::{MentionPage, MentionPlace, MentioningMessage},
        name::RoomId,
    },
    server::{
        auth::Identity,
        error::Error,
        store::{Bounds, State, TopicName},
    },
};

/// The rooms that are looked through, those in which something changed for the user last: each may have a hundred mentions.
const ROOMS_MAX: usize = 100;

/// The mentions in one room.
struct RoomMentions {
    room: RoomId,
    /// Ascending.
    offsets: Vec<Offset>,
    /// Up to here they are read.
    read: Offset,
}

impl Chat {
    /// The newest messages that mention the user, newest first; with `before` those that are older.
    pub async fn mentions(
        &self,
        who: &Identity,
        before: Option<&MentionPlace>,
        limit: usize,
    ) -> Result<MentionPage, Error> {
        let mut found = Vec::new();
        for room in self.mentions_by_room(who).await? {
            let records =
                self.hub.store().read_each(&TopicName::Room(room.room.clone()), &room.offsets).await?;
            // The user may have left the room meanwhile.
            if self.rights.check_entry(&room.room, Some(who)).is_ok() {
                let messages = records.iter().map(message_of).filter(|message| !message.deleted);
                found.extend(
                    messages
                        .map(|message| (MentionPlace::of(&message), message.offset <= room.read, message)),
                );
            }
        }
        found.retain(|(place, ..)| before.is_none_or(|before| place < before));
        found.sort_by(|(one, ..), (other, ..)| other.cmp(one));
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| has_more).map(|(place, ..)| place.clone());
        let mentions = found.into_iter().map(|(_, read, message)| MentioningMessage { message, read });
        Ok(MentionPage { mentions: mentions.collect(), next })
    }

    async fn mentions_by_room(&self, who: &Identity) -> Result<Vec<RoomMentions>, Error> {
        let store = self.hub.store();
        let (_, mut states) = store.states(&marks::log_of(who)?).await?;
        states.sort_by_key(|state| Reverse(state.offset));
        let rooms = states.iter().filter(|state| marks::has_mentions(state));
        let rooms = rooms.filter_map(|state| Some((RoomId::parse(&state.key).ok()?, state)));
        let rooms = rooms.filter(|(room, _)| self.rights.may_enter(room, Some(who)));
        let rooms: Vec<(RoomId, &State)> = rooms.take(ROOMS_MAX).collect();
        let topics: Vec<_> = rooms.iter().map(|(room, _)| TopicName::Room(room.clone())).collect();
        let bounds: HashMap<TopicName, Bounds> = store.bounds_of(&topics).await?.into_iter().collect();
        let rooms = topics.iter().zip(rooms).filter_map(|(topic, (room, state))| {
            let (offsets, read) = marks::all_mentions(state, bounds.get(topic)?);
            Some(RoomMentions { room, offsets, read })
        });
        Ok(rooms.collect())
    }
}
