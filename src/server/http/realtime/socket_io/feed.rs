//! The namespace `/events`: the feed. The CONNECT names the channels and the position; after it a client only listens.
//! `session` drives it. It must never publish: programs do that by HTTP.

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
        http::realtime::{
            catch_up::{Interruption, read_updates},
            websocket::LAST_MAX,
        },
        log::{
            hub::{StartFrom, Subscribed},
            subscription::Subscription,
            topic::{Update, Wakeup},
        },
        state::AppState,
        store::{Channels, StoreError},
    },
};

/// A client's subscription to the feed.
pub(super) struct Feed {
    state: AppState,
    identity: Identity,
    channels: Channels,
    wakeup: Arc<Wakeup>,
    subscription: Subscription,
}

impl Feed {
    /// Follows the feed as the CONNECT says. Returns the first packets with it.
    pub(super) async fn follow(
        state: &AppState,
        identity: Identity,
        request: FollowFeed,
        wakeup: Arc<Wakeup>,
    ) -> Result<(Self, Outbox), Error> {
        let start = match (request.after, request.last) {
            (Some(after), _) => StartFrom::After(after.parse()?),
            (None, Some(last)) => StartFrom::Last(last.min(LAST_MAX) as usize),
            (None, None) => StartFrom::New,
        };
        // A list without names asks for no channel in particular.
        let named = request.channels.map(|list| list.into_iter().filter(|name| !name.trim().is_empty()));
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

    /// Follows the feed again from the same cursor: other channels than before are readable.
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
        let message = "The feed is read-only here; publish with POST /api/events/{channel}.";
        let rejection = Rejection::new(Code::UnknownFrame, message);
        outbox.push(Outgoing::rejection(received.ack, None, rejection));
    }

    async fn read(&mut self, outbox: &mut Outbox) -> Result<bool, StoreError> {
        let updates = match read_updates(&mut self.subscription, &self.state.metrics).await {
            Ok(Some(updates)) => updates,
            Ok(None) => return Ok(false),
            Err(Interruption::Evicted) => {
                self.follow_anew(outbox).await?;
                return Ok(true);
            }
            Err(Interruption::Failed(error)) => return Err(error),
        };
        for update in updates.in_order() {
            match update {
                Update::Entry(entry) => {
                    let cursor = self.subscription.cursor_at(entry.offset);
                    outbox.push(payload::entry(&entry.encoded.json(), &cursor));
                }
                Update::Reset(cursor) => outbox.push(reset(cursor)),
                // The feed has no ephemeral frames.
                Update::Ephemeral(_) | Update::EphemeralsMissed => {}
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
