//! Webhooks of rooms: programs that post to a room by an address with a token. The routes and pages call it by [`Chat`].
//!
//! Whoever may change the room makes and removes them. A webhook posts as a program of its own: it is no person, so it is in no
//! list of people and has no card.

use uuid::{Builder, Uuid};

use super::Chat;
use crate::{
    protocol::{
        chat::{Message, NewMessage},
        name::{RoomId, parse_name},
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        auth::{Actor, Identity, SigningSecret, Submission, hash},
        authz::{Action, Deed, Hook},
        error::Error,
    },
};

/// A message of a webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookMessage {
    /// The name of its author, if it is not the webhook's.
    pub name: Option<String>,
    /// The text, in the Markdown of messages.
    pub text: String,
    /// Messages with the same text here are one thread, which begins with the first of them.
    pub thread_key: Option<String>,
    /// Makes it safe to send it again: a message with the same text here is stored once.
    pub key: Option<String>,
}

impl Chat {
    /// The webhooks of a room, for those who may change it.
    pub async fn hooks(&self, room: &RoomId, by: &Actor) -> Result<Vec<Hook>, Error> {
        self.check_manager(room, by)?;
        Ok(self.rights.hooks(room).await?)
    }

    /// A webhook of a room, for those who may change it. Errors: [`Code::NotFound`] for an unknown id.
    pub async fn hook(&self, room: &RoomId, by: &Actor, id: &str) -> Result<Hook, Error> {
        let known = self.hooks(room, by).await?.into_iter().find(|hook| hook.id == id);
        Ok(known.ok_or_else(|| Rejection::new(Code::NotFound, "This webhook does not exist."))?)
    }

    /// Creates a webhook. Returns it with its token, which cannot be read again.
    pub async fn make_hook(
        &self,
        room: &RoomId,
        by: &Actor,
        name: &str,
        secret: Option<SigningSecret>,
        submission: &Submission,
    ) -> Result<(Hook, String), Error> {
        self.check_manager(room, by)?;
        self.rights.check_open_to_writing(room)?;
        let name = parse_name(name)?;
        self.limits.message(&by.user()).await?;
        let action = Action::in_room(by, Deed::AddHook, room).with(name.clone());
        self.rights.make_hook(room, by.user(), (name, secret), submission, action.written()).await
    }

    /// Removes a webhook. Errors: [`Code::NotFound`] for an unknown id.
    pub async fn remove_hook(&self, room: &RoomId, by: &Actor, id: &str) -> Result<(), Error> {
        self.check_manager(room, by)?;
        let known = self.rights.hooks(room).await?.into_iter().find(|hook| hook.id == id);
        let name = known.map(|hook| hook.name).unwrap_or_default();
        let action = Action::in_room(by, Deed::RemoveHook, room).with(name);
        match self.rights.remove_hook(room, id, action.written()).await? {
            true => Ok(()),
            false => Err(Rejection::new(Code::NotFound, "This webhook does not exist.").into()),
        }
    }

    /// Posts a message of a webhook. Returns when it is durable; `bool` is false if one with this key was posted before.
    pub async fn post_by_hook(&self, hook: &Hook, message: HookMessage) -> Result<(Message, bool), Error> {
        let HookMessage { name, text, thread_key, key } = message;
        // A name that people could not have is no reason to lose the message.
        let name = name.and_then(|name| parse_name(&name).ok()).unwrap_or_else(|| hook.name.clone());
        let who = Identity::of(User::of_hook(&hook.id, name));
        let id = key.map_or_else(Uuid::new_v4, |key| uuid_of(&[&hook.id, &key])).to_string();
        let new = |thread| NewMessage { id: id.clone(), text: text.clone(), thread, ..NewMessage::default() };
        let Some(thread_key) = thread_key else { return self.post(&hook.room, &who, new(None)).await };
        if let Some(root) = self.rights.hook_thread(hook, &thread_key).await? {
            match self.post(&hook.room, &who, new(Some(root))).await {
                // Its beginning was removed or deleted.
                Err(Error::Rejected(Rejection {
                    code: Code::UnknownMessage | Code::MessageDeleted, ..
                })) => {}
                posted => return posted,
            }
        }
        // Noted after the post: a server that ends in between loses a thread and no message. Two that begin it in the same
        // moment are two beginnings.
        let (message, is_new) = self.post(&hook.room, &who, new(None)).await?;
        self.rights.begin_hook_thread(hook, &thread_key, message.offset).await?;
        Ok((message, is_new))
    }
}

/// The UUID for some texts (RFC 9562, version 8).
fn uuid_of(texts: &[&str]) -> Uuid {
    let hash = hash(&serde_json::to_string(texts).expect("texts are JSON"));
    let half = Uuid::try_parse(hash.get(..32).unwrap_or_default()).expect("32 hexadecimal digits");
    Builder::from_custom_bytes(half.into_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_one_id_and_others_another_one() {
        let id = uuid_of(&["a", "b"]);
        assert_eq!((id, id.get_version_num()), (uuid_of(&["a", "b"]), 8));
        assert_ne!(id, uuid_of(&["ab", ""]));
    }
}
