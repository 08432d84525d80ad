//! Push notifications: what is for a person reaches the devices on which no page is open (Web Push: RFC 8030, 8291, 8292).
//! The routes and pages register devices; `server` runs the sending, which takes from the queue of `chat`.
//!
//! * `devices`: the devices and the settings of people
//! * `rules`: the rules by which people are told of events of the feed
//! * `events`: queues the events that somebody has a rule for, on one node at a time; `event_pushes` sends them
//! * `consumer`: takes messages from the queue of `chat` and decides who is told, on that node, too
//! * `queue`: works off what stands in the queues (`queued`)
//! * `delivery`: sends a push, again if it has to
//! * `open_page`, `open_page_events`: what a page that is open shows by itself
//! * `payload`, `encryption`, `vapid`: what is sent
//! * `quiet`: quiet hours
//!
//! Nothing readable may leave for a push service: texts and names only encrypted, no name in a header.

mod consumer;
mod delivery;
mod devices;
mod encryption;
mod event_pushes;
mod events;
mod open_page;
mod open_page_events;
mod payload;
#[cfg(test)]
mod properties;
mod queue;
mod queued;
pub mod quiet;
mod rules;
mod vapid;

use std::sync::Arc;

use anyhow::Context;
use parking_lot::Mutex;

use self::{
    delivery::{Lanes, Turns},
    queue::InFlight,
    vapid::VapidKey,
};
pub use self::{
    devices::{Device, NewDevice, NotificationSettings},
    open_page_events::EventNotifications,
    payload::Payload,
    quiet::QuietHours,
    rules::FeedRule,
};
use super::{
    auth::{Auth, Identity},
    chat::Chat,
    clock::Clock,
    cluster::lease::Lease,
    config::{Config, PushSettings, tls},
    error::Error,
    feed::Feed,
    limits::RateLimits,
    observability::metrics::Metrics,
    outgoing::client::Client,
    store::directory::{DocumentStore, id_prefix_of},
};
use crate::protocol::{
    cursor::Cursor,
    problem::{Code, Rejection},
};

/// Sends push notifications, and keeps the devices that get them.
pub struct Notifier {
    chat: Arc<Chat>,
    feed: Arc<Feed>,
    auth: Arc<Auth>,
    documents: Arc<dyn DocumentStore>,
    clock: Arc<Clock>,
    limits: Arc<RateLimits>,
    metrics: Arc<Metrics>,
    settings: PushSettings,
    contact: Option<String>,
    key: VapidKey,
    client: Client,
    lanes: Lanes,
    turns: Turns,
    lease: Lease,
    in_flight: InFlight,
    events_in_flight: InFlight,
    /// The end of the feed at which this node has found nothing more to push.
    seen: Mutex<Option<Cursor>>,
}

impl Notifier {
    /// Reads the key for push services, or makes it.
    ///
    /// # Errors
    /// The document store cannot be used.
    pub async fn open(
        config: &Config,
        (chat, feed, auth): (Arc<Chat>, Arc<Feed>, Arc<Auth>),
        documents: Arc<dyn DocumentStore>,
        clock: Arc<Clock>,
        (limits, metrics): (Arc<RateLimits>, Arc<Metrics>),
        is_shared: bool,
    ) -> anyhow::Result<Self> {
        let settings = config.push.clone();
        let key = VapidKey::open(&*documents).await?;
        let tls = tls::client_config(None).context("the system's authorities cannot be read")?;
        let client = Client::new(tls, settings.push_networks.clone());
        let url = config.public_url.as_ref().map(|url| url.as_str().to_owned());
        let contact = settings.push_contact.clone().or(url.filter(|url| url.starts_with("https:")));
        Ok(Self {
            chat,
            feed,
            auth,
            documents: documents.clone(),
            clock,
            limits,
            metrics,
            settings,
            contact,
            key,
            client,
            lanes: Lanes::default(),
            turns: Turns::default(),
            lease: Lease::new("pushes", documents, is_shared),
            in_flight: InFlight::default(),
            events_in_flight: InFlight::default(),
            seen: Mutex::default(),
        })
    }

    /// The key that a browser subscribes with, in base64url. `None`: the setting turns pushes off.
    pub fn public_key(&self) -> Option<String> {
        (!self.settings.no_push).then(|| self.key.public().to_owned())
    }

    fn check_on(&self) -> Result<(), Rejection> {
        match self.settings.no_push {
            true => {
                Err(Rejection::new(Code::NotAllowed, "This server sends no push notifications (--no-push)."))
            }
            false => Ok(()),
        }
    }

    /// Sends a push to all devices of the user, so that they see whether pushes come. Returns the number of devices; the
    /// sending goes on after that.
    pub async fn test(self: &Arc<Self>, who: &Identity) -> Result<usize, Error> {
        self.check_on()?;
        let devices = self.devices(&who.user.id).await?;
        let (count, prefix) = (devices.len(), id_prefix_of(&who.user.id));
        for (id, device) in devices {
            let (notifier, key) = (self.clone(), format!("{prefix}{id}"));
            tokio::spawn(async move {
                let now_ms = notifier.clock.wall_ms();
                let payload = Payload::of_test(device.language(), now_ms);
                notifier.send_once(&key, &device, payload).await;
            });
        }
        Ok(count)
    }
}
