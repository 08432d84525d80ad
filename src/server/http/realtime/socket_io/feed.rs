//! The namespace `/events`: the feed. What to follow is said with the CONNECT; after it a client only listens.

use std::sync::Arc;

use serde_json::json;

use super::{
    inbox::Received,
    outbox::{Outbox, Outgoing},
    payload,
    session::Follower,
};
use crate::{
    protocol::{
        cursor::Cursor,
        name::RoomId,
        problem::{Code, Rejection},
        socket_io::FollowFeed,
    },
    server::{
        auth::Identity,
        clock::now_ms,
        error::Error,
        feed::parse_channels,
        http::realtime::websocket::LAST_MAX,
        log::{
            hub::{StartFrom, Subscribed},
            subscription::{Batch, Subscription},
            topic::Wakeup,
        },
        state::AppState,
        store::{Channels, StoreError},
    },
};

/// See the module.
pub(super) struct Feed {
    state: AppState,
    identity: Identity,
    channels: Channels,
    wakeup: Arc<Wakeup>,
    subscription: Subscription,
}

impl Feed {
    /// Follows the feed as the CONNECT says. With it, what the client is told first.
    pub(super) async fn follow(
        state: &AppState,
        identity: Identity,
        how: FollowFeed,
        wakeup: Arc<Wakeup>,
    ) -> Result<(Self, Outbox), Error> {
        let start = match (how.after, how.last) {
            (Some(after), _) => StartFrom::After(after.parse()?),
            (None, Some(last)) => StartFrom::Last(last.min(LAST_MAX) as usize),
            (None, None) => StartFrom::New,
        };
        // A list of nothing asks for no channel in particular.
        let named = how.channels.map(|list| list.into_iter().filter(|name| !name.trim().is_empty()));
        let named = named.map(|names| names.collect::<Vec<_>>().join(",")).filter(|names| !names.is_empty());
        let channels = parse_channels(named.as_deref())?;
        let Subscribed { subscription, recovered } =
            state.feed.subscribe(start, Some(&identity), channels.clone(), wakeup.clone()).await?;
        let (cursor, head) = (subscription.cursor(), subscription.readable_head().await?);
        let connected = json!({
            "timestamp": now_ms(), "head": head, "cursor": cursor, "recovered": recovered,
        });
        let mut outbox = Outbox::default();
        outbox.push(Outgoing::event(None, "connected", connected));
        if !recovered {
            outbox.push(reset(&cursor));
        }
        Ok((Self { state: state.clone(), identity, channels, wakeup, subscription }, outbox))
    }

    /// Other channels than before are readable: goes on from the same place.
    async fn follow_anew(&mut self, outbox: &mut Outbox) -> Result<(), StoreError> {
        let start = StartFrom::After(self.subscription.cursor());
        let (who, channels, wakeup) = (Some(&self.identity), self.channels.clone(), self.wakeup.clone());
        let Subscribed { subscription, recovered } =
            self.state.feed.subscribe(start, who, channels, wakeup).await?;
        if !recovered {
            outbox.push(reset(&subscription.cursor()));
        }
        self.subscription = subscription;
        Ok(())
    }
}

impl Follower for Feed {
    async fn answer(&mut self, received: Received, outbox: &mut Outbox) {
        let message = "The feed is only read here; publish by POST /api/events/{channel}.";
        let rejection = Rejection::new(Code::UnknownFrame, message);
        outbox.push(Outgoing::refusal(received.ack, None, rejection));
    }

    async fn read(&mut self, outbox: &mut Outbox) -> Result<bool, StoreError> {
        match self.subscription.read().await? {
            Batch::Idle => return Ok(false),
            Batch::Evicted => self.follow_anew(outbox).await?,
            Batch::Reset(cursor) => outbox.push(reset(&cursor)),
            Batch::Entries(entries) => {
                self.state.metrics.count_deliveries(entries.len());
                for entry in entries {
                    let cursor = self.subscription.cursor_at(entry.offset);
                    outbox.push(payload::entry(&entry.encoded.json(), &cursor));
                }
            }
        }
        Ok(true)
    }

    fn is_open(&self, _: &RoomId) -> bool {
        true
    }
}

fn reset(cursor: &Cursor) -> Outgoing {
    Outgoing::event(None, "reset", json!({ "cursor": cursor, "timestamp": now_ms() }))
}
