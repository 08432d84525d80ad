//! The stored documents of outgoing webhooks: what each is, and how far it has come.

use serde::{Deserialize, Serialize};

use crate::{
    protocol::{cursor::Cursor, name::RoomId, session::User},
    server::{auth::Pattern, store::TopicName},
};

/// The log that a webhook follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// The messages of a room, and their changes.
    Room {
        /// The room.
        room: RoomId,
    },
    /// The entries of channels of the feed.
    Feed {
        /// The channels, or patterns of them.
        channels: Vec<Pattern>,
    },
}

impl Source {
    /// The log in which it stands.
    pub fn topic(&self) -> TopicName {
        match self {
            Self::Feed { .. } => TopicName::Feed,
            Self::Room { room } => TopicName::Room(room.clone()),
        }
    }
}

/// A webhook that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWebhook {
    /// The address.
    pub url: String,
    /// The log that it follows.
    pub source: Source,
    /// Measured values, too: there are many.
    pub values: bool,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// The address.
    pub url: String,
    /// The log that it follows.
    #[serde(flatten)]
    pub source: Source,
    /// Measured values, too.
    #[serde(default)]
    pub values: bool,
    /// The secret of its signatures, as Standard Webhooks write it. Lists leave it empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub secret: String,
    /// The user who made it.
    pub by: User,
    /// When, in milliseconds since the Unix epoch.
    pub created_at: i64,
}

/// The state of the delivery. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Everything up to here was delivered, or is not for the webhook.
    pub cursor: Option<Cursor>,
    /// The last delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<i64>,
    /// The first of the attempts that failed since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<i64>,
    /// Their number.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
    /// The reason why the last one failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The time of the next attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
