//! The pinned messages of a room. The route and the pages call it by [`Chat`]; `changes` pins and unpins them.

use super::{Chat, changes::PIN, encoding::message_of};
use crate::{
    protocol::{chat::Message, name::RoomId, pin::Pins},
    server::{auth::Identity, error::Error, store::TopicName},
};

/// The pinned messages that are listed: more than anybody reads, and two screens of a wide window.
const PINS_MAX: usize = 100;

impl Chat {
    /// The newest pinned messages, for a caller who may enter the room.
    pub async fn pins(&self, room: &RoomId, who: Option<&Identity>) -> Result<Pins<Message>, Error> {
        let topic = TopicName::Room(room.clone());
        // The head first: a change in between is heard, and folded once more.
        let as_of = self.hub.store().bounds(&topic).await?.head;
        let pinned = self.hub.store().tagged(&topic, PIN, PINS_MAX).await?;
        self.rights.check_entry(room, who)?;
        Ok(Pins { pins: pinned.iter().map(message_of).collect(), as_of })
    }
}
