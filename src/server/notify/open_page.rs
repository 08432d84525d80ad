//! The notification of a message that an open page shows by itself (`public/page_notifications.js`). The route
//! `/api/user/notification` asks. The rules are those of pushes, and so is the tag: a device that gets both shows one. It
//! must never say more of a room than its history would to the same person.

use super::{Notifier, payload::Payload};
use crate::{
    app::i18n::Language,
    protocol::{cursor::Offset, name::RoomId},
    server::{chat::QueuedPush, store::StoreError},
};

impl Notifier {
    /// The notification of the message at `offset`, or of the newest one of the room. `None`: it is not for this person, or not
    /// any more.
    pub async fn for_open_page(
        &self,
        user_id: &str,
        room: &RoomId,
        offset: Option<Offset>,
        language: Language,
    ) -> Result<Option<Payload>, StoreError> {
        // Asked first, so that a room that they may not enter is not even read.
        if self.chat.mark_in_room(user_id, room).await?.is_none() {
            return Ok(None);
        }
        let Some(push) = self.chat.push_of(room, offset).await? else { return Ok(None) };
        let push = QueuedPush { told: vec![user_id.to_owned()], ..push };
        let Some(reason) = self.reason_for(&push, user_id).await? else { return Ok(None) };
        let message = self.chat.pushed_message(&push).await?;
        Ok(message.map(|message| Payload::of_message(&push, &message, reason, language)))
    }
}
