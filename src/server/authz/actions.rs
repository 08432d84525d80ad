//! The log of what administrators, owners and moderators did: who, what, when, where and to whom. Whoever changes something
//! writes it in the same transaction, or before the answer; the pages of administrators and owners read it.
//!
//! An action is a document, which no node has in memory. It never has a text of a message.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Rights;
use crate::{
    protocol::{name::RoomId, session::User},
    server::{
        auth::Actor,
        clock::now_ms,
        error::Error,
        store::{
            StoreError,
            directory::{Kind, Mutation, Precondition},
        },
    },
};

/// Actions that are kept whatever their age: some megabytes. Beyond it the oldest go.
const ACTIONS_MAX: usize = 20_000;

/// A deed. The words are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// A room was renamed or described.
    ChangeRoom,
    /// A room was archived.
    ArchiveRoom,
    /// A room was taken out of the archive.
    RestoreRoom,
    /// A room was removed.
    RemoveRoom,
    /// Somebody became a moderator.
    AddModerator,
    /// Somebody is no moderator any more.
    RemoveModerator,
    /// Somebody was muted.
    Mute,
    /// A mute was taken back.
    Unmute,
    /// A message of somebody else was deleted.
    DeleteMessage,
    /// The reports of a message were dismissed.
    DismissReports,
    /// Somebody was let into a private room.
    AddMember,
    /// Somebody was removed from a private room.
    RemoveMember,
    /// Somebody became an administrator.
    MakeAdministrator,
    /// Somebody is no administrator any more.
    UnmakeAdministrator,
    /// An account was blocked.
    BlockPerson,
    /// An account was unblocked.
    UnblockPerson,
    /// An account was removed.
    RemovePerson,
    /// A link for a new password was made.
    ResetPassword,
    /// An invitation was made.
    Invite,
    /// The readers of a channel were set.
    LimitChannel,
    /// A channel was opened to everybody.
    OpenChannel,
    /// A publisher was created.
    AddPublisher,
    /// A publisher was removed.
    RemovePublisher,
    /// A webhook of a room was created.
    AddHook,
    /// A webhook of a room was removed.
    RemoveHook,
    /// The template of a webhook or a publisher was set or removed.
    SetTemplate,
    /// A heartbeat was made or changed.
    SetHeartbeat,
    /// A heartbeat was removed.
    RemoveHeartbeat,
    /// An outgoing webhook was made.
    AddOutgoing,
    /// An outgoing webhook was removed.
    RemoveOutgoing,
    /// Something else that a newer version of this program knows.
    #[serde(other)]
    Unknown,
}

/// The stored document of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// The user who did it.
    pub by: User,
    /// The deed.
    pub deed: Deed,
    /// The room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// To whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<User>,
    /// The new name of a room, the end of a mute, the offset of a message, a channel, the name of a publisher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Action {
    /// An action of now.
    pub fn new(by: &Actor, deed: Deed) -> Self {
        Self { at: now_ms(), by: by.user(), deed, room: None, to: None, detail: None }
    }

    /// An action of now in a room.
    pub fn in_room(by: &Actor, deed: Deed, room: &RoomId) -> Self {
        Self { room: Some(room.clone()), ..Self::new(by, deed) }
    }

    /// The same, done to somebody.
    #[must_use]
    pub fn to(self, user: &User) -> Self {
        Self { to: Some(user.clone()), ..self }
    }

    /// The same with a detail.
    #[must_use]
    pub fn with(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// The mutation that writes it, for the transaction of what was done.
    pub fn written(&self) -> Mutation {
        // The order of the ids is that of the times.
        let id = format!("{:014}-{}", self.at.max(0), Uuid::new_v4().simple());
        Mutation::put(Kind::Action, id, Precondition::Anything, self)
    }
}

impl Rights {
    /// Writes an action that has a transaction of its own.
    pub async fn note_action(&self, action: &Action) -> Result<(), Error> {
        self.documents.grant(vec![action.written()]).await?;
        Ok(())
    }

    /// The newest `limit` actions before an id, those in these rooms only if some are named, each with its id; the newest
    /// first.
    pub async fn actions(
        &self,
        room: Option<&RoomId>,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Action)>, StoreError> {
        let mut found = self.documents.read_all::<Action>(Kind::Action, "").await?;
        found.retain(|(id, action)| {
            before.is_none_or(|before| id.as_str() < before)
                && room.is_none_or(|room| action.room.as_ref() == Some(room))
        });
        found.reverse();
        found.truncate(limit);
        Ok(found)
    }

    /// Removes the actions from before a time, and the oldest of those that are too many.
    pub async fn forget_actions(&self, before_ms: i64) -> Result<usize, StoreError> {
        let all = self.documents.list(Kind::Action, "").await?;
        let oldest = format!("{:014}", before_ms.max(0));
        let surplus = all.len().saturating_sub(ACTIONS_MAX);
        let is_old = |index: usize, id: &str| index < surplus || id < oldest.as_str();
        let old: Vec<_> = all
            .into_iter()
            .enumerate()
            .filter(|(index, (id, _))| is_old(*index, id))
            .map(|(_, (id, _))| Mutation::remove(Kind::Action, id, Precondition::Anything))
            .collect();
        let count = old.len();
        if count > 0 {
            self.documents.grant(old).await?;
        }
        Ok(count)
    }
}
