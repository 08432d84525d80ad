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
        clock::now_ms,
        error::Error,
        feed::Channels,
        hub::{Start, Subscribed},
        metrics::Metrics,
        routes::chat_socket::LAST_MAX,
        state::AppState,
        store::StoreError,
        subscription::{Batch, Subscription},
        topic::Bell,
    },
};

/// See the module.
pub(super) struct Feed {
    metrics: Arc<Metrics>,
    subscription: Subscription,
}

impl Feed {
    /// Follows the feed as the CONNECT says. With it, what the client is told first.
    pub(super) async fn follow(
        state: &AppState,
        how: FollowFeed,
        bell: Arc<Bell>,
    ) -> Result<(Self, Outbox), Error> {
        let start = match (how.after, how.last) {
            (Some(after), _) => Start::After(after.parse()?),
            (None, Some(last)) => Start::Last(last.min(LAST_MAX) as usize),
            (None, None) => Start::New,
        };
        let channels = Channels::parse(how.channels.map(|list| list.join(",")).as_deref())?;
        let Subscribed { subscription, recovered } = state.feed.subscribe(start, channels, bell).await?;
        let cursor = subscription.cursor();
        let connected = json!({
            "timestamp": now_ms(), "head": subscription.head(), "cursor": cursor, "recovered": recovered,
        });
        let mut outbox = Outbox::default();
        outbox.push(Outgoing::event(None, "connected", connected));
        if !recovered {
            outbox.push(reset(&cursor));
        }
        Ok((Self { metrics: state.metrics.clone(), subscription }, outbox))
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
            // Nobody is evicted from the feed.
            Batch::Idle | Batch::Evicted => return Ok(false),
            Batch::Reset(cursor) => outbox.push(reset(&cursor)),
            Batch::Entries(entries) => {
                self.metrics.count_deliveries(entries.len());
                let epoch = self.subscription.cursor().epoch;
                for entry in entries {
                    let cursor = Cursor { epoch: epoch.clone(), offset: entry.offset };
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
