//! The pinned messages of a room. The route and the pages call it by [`Chat`]; `changes` pins and unpins them.

use super::{Chat, changes::PIN, encoding::message_of};
use crate::{
    protocol::{chat::Message, name::RoomId},
    server::{auth::Identity, error::Error, store::TopicName},
};

/// The pinned messages that are listed: more than anybody reads, and two screens of a wide window.
const PINS_MAX: usize = 100;

impl Chat {
    /// The newest pinned messages, those first that were pinned last, for a caller who may enter the room.
    pub async fn pins(&self, room: &RoomId, who: Option<&Identity>) -> Result<Vec<Message>, Error> {
        let pinned = self.hub.store().tagged(&TopicName::Room(room.clone()), PIN, PINS_MAX).await?;
        self.rights.check_entry(room, who)?;
        Ok(pinned.iter().map(message_of).collect())
    }
}
