//! Outgoing webhooks: what is published to channels of the feed, or written in a room, is posted to an address. The routes
//! manage them; `server` runs the delivery. `notify` shares the client.
//!
//! * `webhook`: the stored documents
//! * `delivery`: the consumer, whose cursor moves when the receiver has taken what stands before it
//! * `client`, `endpoint`: one request, to an address that may be called
//!
//! Each entry is delivered in order and at least once: a receiver that is away for as long as the history is kept misses
//! nothing, and is told if it did.

pub mod client;
mod delivery;
pub mod endpoint;
mod webhook;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use anyhow::Context;
use base64::{Engine, prelude::BASE64_STANDARD};
use ipnet::IpNet;
use parking_lot::Mutex;
use tokio::sync::Notify;

pub use self::webhook::{Delivery, NewWebhook, Source, Webhook};
use self::{client::Client, endpoint::Endpoint};
use super::{
    auth::{Actor, Submission},
    authz::{Action, Deed, Rights},
    clock::Clock,
    cluster::lease::Lease,
    config::tls,
    error::Error,
    log::hub::Hub,
    store::{
        StoreError,
        directory::{DocumentStore, Kind, Mutation, Precondition},
    },
};
use crate::protocol::{
    cursor::{Cursor, Offset},
    problem::{Code, Rejection},
};

/// Most webhooks of an installation: all of them are read whenever something is to be delivered.
const WEBHOOKS_MAX: usize = 100;
/// The outgoing webhooks of this installation.
pub struct Outgoing {
    hub: Hub,
    rights: Arc<Rights>,
    documents: Arc<dyn DocumentStore>,
    clock: Arc<Clock>,
    client: Client,
    lease: Lease,
    changed: Notify,
    in_flight: Mutex<HashSet<String>>,
    /// Of a webhook its stored cursor, and the one up to which nothing after it is for the webhook.
    passed: Mutex<HashMap<String, (Cursor, Cursor)>>,
}

impl Outgoing {
    /// The webhooks in `documents`, which may also be at hosts in the networks `inner`.
    ///
    /// # Errors
    /// The system's authorities cannot be read.
    pub fn open(
        hub: Hub,
        rights: Arc<Rights>,
        documents: Arc<dyn DocumentStore>,
        clock: Arc<Clock>,
        inner: Vec<IpNet>,
        is_shared: bool,
    ) -> anyhow::Result<Self> {
        let tls = tls::client_config(None).context("the system's authorities cannot be read")?;
        Ok(Self {
            hub,
            rights,
            lease: Lease::new("webhooks", documents.clone(), is_shared),
            documents,
            clock,
            client: Client::new(tls, inner),
            changed: Notify::new(),
            in_flight: Mutex::default(),
            passed: Mutex::default(),
        })
    }

    /// All of them, the newest last.
    pub async fn list(&self) -> Result<Vec<Webhook>, StoreError> {
        let found = self.documents.read_all::<Webhook>(Kind::Outgoing, "").await?;
        let mut webhooks: Vec<_> = found.into_iter().map(|(_, webhook)| webhook).collect();
        webhooks.sort_by_key(|webhook| webhook.created_at);
        Ok(webhooks)
    }

    /// The one with an id.
    pub async fn find(&self, id: &str) -> Result<Option<Webhook>, StoreError> {
        self.documents.read(Kind::Outgoing, id).await
    }

    /// The state of its delivery.
    pub async fn delivery(&self, webhook: &Webhook) -> Result<Delivery, Error> {
        Ok(self.documents.read(Kind::OutgoingDelivery, &webhook.id).await?.unwrap_or_default())
    }

    /// Makes a webhook, for what comes from now on. Returns it; its secret is not told again. The same submission makes
    /// one.
    pub async fn add(&self, by: &Actor, new: NewWebhook, submission: &Submission) -> Result<Webhook, Error> {
        let NewWebhook { url, source, values } = new;
        let (id, secret) = submission.halves();
        if let Some(made) = self.find(id).await? {
            return Ok(made);
        }
        let endpoint = Endpoint::parse(&url, self.client.inner())?;
        if let Err(error) = endpoint.addresses(self.client.inner()).await {
            tracing::info!(host = endpoint.host(), %error, "rejected a webhook");
            let message = "This server cannot call the host of this address: it is not found, or in an inner \
                           network that --webhook-networks does not name.";
            return Err(Rejection::new(Code::BadRequest, message).into());
        }
        if self.list().await?.len() >= WEBHOOKS_MAX {
            let message =
                format!("This server has at most {WEBHOOKS_MAX} outgoing webhooks; remove one first.");
            return Err(Rejection::new(Code::NotAllowed, message).into());
        }
        let webhook = Webhook {
            id: id.to_owned(),
            url,
            source,
            values,
            secret: format!("whsec_{}", BASE64_STANDARD.encode(secret)),
            by: by.user(),
            created_at: self.clock.wall_ms(),
        };
        let delivery = Delivery { cursor: Some(self.end(&webhook).await?), ..Delivery::default() };
        let action = self.action(by, Deed::AddOutgoing, &webhook);
        let put = Mutation::put(Kind::Outgoing, &webhook.id, Precondition::Absent, &webhook);
        let begun = Mutation::put(Kind::OutgoingDelivery, &webhook.id, Precondition::Absent, &delivery);
        let once = Mutation::put(Kind::Submission, id, Precondition::Absent, &self.clock.wall_ms());
        if self.documents.grant(vec![once, put, begun, action.written()]).await?.is_committed() {
            self.changed.notify_one();
            return Ok(webhook);
        }
        // The same form was sent before, or at the same moment.
        let removed = || {
            let message =
                "This form was already sent, and the webhook has been removed since. Open the page again.";
            Rejection::new(Code::BadLink, message)
        };
        Ok(self.find(id).await?.ok_or_else(removed)?)
    }

    /// Removes a webhook. Nothing is sent to it any more, but for a request that is under way.
    pub async fn remove(&self, by: &Actor, webhook: &Webhook) -> Result<(), Error> {
        let mut mutations = removal(webhook);
        mutations.push(self.action(by, Deed::RemoveOutgoing, webhook).written());
        self.documents.grant(mutations).await?;
        Ok(())
    }

    /// Delivers again what stands after an offset, and at once what waits for the next attempt.
    pub async fn replay(&self, webhook: &Webhook, after: Option<Offset>) -> Result<Delivery, Error> {
        let end = self.end(webhook).await?;
        let known = self.delivery(webhook).await?.cursor;
        let cursor = match after {
            Some(after) if after > end.offset => {
                let message = format!("There is nothing after {after}: the newest offset is {}.", end.offset);
                return Err(Rejection::new(Code::BadRequest, message).into());
            }
            Some(offset) => Cursor { epoch: end.epoch, offset },
            None => known.unwrap_or(end),
        };
        let delivery = Delivery { cursor: Some(cursor), ..Delivery::default() };
        let put = Mutation::put(Kind::OutgoingDelivery, &webhook.id, Precondition::Present, &delivery);
        self.documents.grant(vec![put]).await?;
        self.changed.notify_one();
        Ok(delivery)
    }

    /// The newest offset of what a webhook follows.
    pub async fn head(&self, webhook: &Webhook) -> Result<Offset, StoreError> {
        Ok(self.end(webhook).await?.offset)
    }

    async fn end(&self, webhook: &Webhook) -> Result<Cursor, StoreError> {
        let bounds = self.hub.store().bounds(&webhook.source.topic()).await?;
        Ok(Cursor { epoch: bounds.epoch, offset: bounds.head })
    }

    fn action(&self, by: &Actor, deed: Deed, webhook: &Webhook) -> Action {
        let host = Endpoint::parse(&webhook.url, self.client.inner());
        let host = host.map(|endpoint| endpoint.host().to_owned()).unwrap_or_default();
        match &webhook.source {
            Source::Room { room } => Action::in_room(by, deed, room),
            Source::Feed { .. } => Action::new(by, deed),
        }
        .with(host)
    }
}

fn removal(webhook: &Webhook) -> Vec<Mutation> {
    [Kind::Outgoing, Kind::OutgoingDelivery]
        .map(|kind| Mutation::remove(kind, &webhook.id, Precondition::Anything))
        .into()
}
