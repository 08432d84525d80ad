//! The reactions of who asks for a page of messages: a message names the first people of an emoji only, as a frame is the
//! same for all readers. `reading` and the route of a room's messages call it. The caller has checked that they may enter
//! the room.

use super::Chat;
use crate::{
    protocol::{
        chat::{Message, OwnReaction},
        cursor::Offset,
        name::RoomId,
    },
    server::{
        auth::Identity,
        error::Error,
        log::hub::Page,
        store::{StoreError, TopicName},
    },
};

impl Chat {
    /// The caller's reactions to the messages of a page, where the first people of a reaction do not tell.
    pub async fn own_reactions(
        &self,
        room: &RoomId,
        who: Option<&Identity>,
        page: &Page,
    ) -> Result<Vec<OwnReaction>, Error> {
        let Some(who) = who else { return Ok(Vec::new()) };
        let id = &who.user.id;
        let mut pairs: Vec<(Offset, String)> = Vec::new();
        for entry in page.entries.iter().filter(|entry| entry.change.is_none()) {
            let json = entry.encoded.json();
            // Few messages have reactions: the others are not parsed.
            if !std::str::from_utf8(&json).is_ok_and(|json| json.contains(r#""reactions":["#)) {
                continue;
            }
            let message: Message =
                serde_json::from_slice(&json).map_err(|error| StoreError::Damaged(error.to_string()))?;
            let untold = message.reactions.into_iter().filter(|reaction| {
                reaction.count > reaction.users.len() as u64
                    && reaction.users.iter().all(|user| user.id != *id)
            });
            pairs.extend(untold.map(|reaction| (message.offset, reaction.emoji)));
        }
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        let held = self.hub.store().held(&TopicName::Room(room.clone()), id, pairs).await?;
        Ok(held.into_iter().map(|(target, emoji)| OwnReaction { target, emoji }).collect())
    }
}
