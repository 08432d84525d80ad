//! Joining a room: the subscription to its log, and presence in it. The sockets and streams call it by [`Chat`].
//!
//! It must never return a subscription to a caller who may not enter the room.

use std::sync::Arc;

use super::Chat;
use crate::{
    protocol::{chat::ServerFrame, cursor::Cursor},
    server::{
        auth::Identity,
        error::Error,
        log::{
            hub::{StartFrom, Subscribed},
            subscription::Subscription,
            topic::Wakeup,
        },
        presence::PresenceGuard,
        store::{Filter, TopicName},
    },
};

/// A joined room. Dropping it leaves the room.
pub struct Joined {
    /// The frame to send before anything else of the room.
    pub frame: ServerFrame,
    /// False if the cursor could not be honoured; a `reset` follows.
    pub recovered: bool,
    /// The subscription to the room's log.
    pub subscription: Subscription,
    /// The presence in the room; `None` for an anonymous reader.
    pub presence: Option<PresenceGuard>,
}

impl Chat {
    /// Joins a room. An authenticated user is present in it; an anonymous one (`None`) only reads.
    pub async fn join(
        &self,
        room: &str,
        who: Option<&Identity>,
        start: StartFrom,
        wakeup: Arc<Wakeup>,
    ) -> Result<Joined, Error> {
        // First, so that requests for rooms that do not exist are limited, too.
        if let Some(identity) = who {
            self.limits.join(&identity.user).await?;
        }
        let room = self.room(room, who).await?;
        let topic = TopicName::Room(room.clone());
        let Subscribed { mut subscription, recovered } =
            self.hub.subscribe(&topic, start, Filter::default(), wakeup).await?;
        if let Some(identity) = who {
            subscription.set_owner(identity.user.id.as_str().into());
        }
        // Once more: from now on a revocation finds the subscription, but one before this would have missed it.
        self.rights.check_entry(&room, who)?;
        let presence = who.map(|identity| self.presence.enter(&room, &identity.user));
        if let Some(identity) = who {
            self.note_person_soon(&identity.user);
        }
        // The members are read after the ephemeral frames so far are skipped. An event in between is sent twice, which
        // changes nothing, and none is missed.
        subscription.skip_ephemerals();
        let (members, away) = (self.presence.members(&room), self.away_in(&room));
        let (Cursor { epoch, offset }, head) = (subscription.cursor(), subscription.head());
        let frame = ServerFrame::Joined { room, epoch, offset, recovered, head, members, away };
        Ok(Joined { frame, recovered, subscription, presence })
    }
}
