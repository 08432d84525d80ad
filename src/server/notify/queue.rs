//! The queues of pushes: documents of messages and of events, each of which is worked off by a task of its own and removed when
//! its pushes are with the push services or given up. `consumer` and `events` start them, on the node that holds the lease.
//!
//! It acts at least once: a server that ends between a push and the removal sends the push again, with the same topic and
//! tag, so a device shows one.

use std::{collections::HashSet, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::sleep;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Notifier,
    delivery::Urgency,
    devices::{Device, NotificationSettings},
    payload::Payload,
    queued::Queued,
};
use crate::{
    app::model::unread::Unread,
    protocol::session::User,
    server::{
        auth::Identity,
        error::Error,
        store::{
            StoreError,
            directory::{Kind, Mutation, Precondition},
        },
    },
};

/// Interval at which the queue is read where other nodes add to it. It is one small query.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Interval at which a server that is alone reads it although it added nothing: what failed is tried again.
const POLL_INTERVAL_ALONE: Duration = Duration::from_secs(15);
/// Time after the stop in which requests that are under way may be answered: their pushes are not sent once more then.
const STOPPED_AFTER: Duration = Duration::from_secs(1);
/// Messages, and events, that are on their way at the same time. Each is a task that waits most of the time. So many that a
/// push service which answers nothing for `--push-retry` does not keep the others from being sent.
const IN_FLIGHT_MAX: usize = 10_000;

/// The documents that are on their way, by the ids of the documents in a queue.
#[derive(Default)]
pub(super) struct InFlight(Mutex<HashSet<String>>);

impl Notifier {
    /// The interval at which the queues are read although nothing was added here.
    pub(super) fn poll_interval(&self) -> Duration {
        if self.lease.is_shared() { POLL_INTERVAL } else { POLL_INTERVAL_ALONE }
    }

    /// Starts what is in a queue and not on its way.
    pub(super) async fn start_queued(
        self: &Arc<Self>,
        kind: Kind,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        for (id, body) in self.documents.list(kind, "").await? {
            let mut in_flight = self.in_flight(kind).0.lock();
            if in_flight.len() >= IN_FLIGHT_MAX {
                break;
            }
            if !in_flight.insert(id.clone()) {
                continue;
            }
            let (notifier, stop) = (self.clone(), stop.clone());
            tasks.spawn(async move {
                notifier.work_off(kind, &id, body, &stop).await;
                notifier.in_flight(kind).0.lock().remove(&id);
            });
        }
        Ok(())
    }

    fn in_flight(&self, kind: Kind) -> &InFlight {
        if kind == Kind::PushEvent { &self.events_in_flight } else { &self.in_flight }
    }

    /// Sends the pushes of a document in a queue and removes it. What is not done in time after the `stop` stays in it.
    async fn work_off(&self, kind: Kind, id: &str, body: String, stop: &CancellationToken) {
        let wait = async {
            match Queued::parse(kind, &body) {
                Ok(Queued::Message(push)) => self.wait_for_readers(&push).await,
                Ok(Queued::Event(event)) => self.wait_for_word(&event).await,
                Err(_) => {}
            }
        };
        if stop.run_until_cancelled(wait).await.is_none() {
            return;
        }
        let worked_off = async {
            // A word has a newer event perhaps, of which it then tells as well.
            let Some(body) = self.documents.get(kind, id).await? else { return Ok(()) };
            match Queued::parse(kind, &body) {
                Ok(queued) => self.push(&queued).await?,
                Err(error) => tracing::error!(id, %error, "cannot read what is in the queue of pushes"),
            }
            let remove = Mutation::remove(kind, id, Precondition::Is(body));
            self.documents.grant(vec![remove]).await.map(drop)
        };
        let cut = async {
            stop.cancelled().await;
            sleep(STOPPED_AFTER).await;
        };
        tokio::select! {
            worked_off = worked_off => if let Err(error) = worked_off {
                tracing::warn!(%error, "cannot send the pushes of a message or an event yet; retrying");
                stop.run_until_cancelled(sleep(POLL_INTERVAL)).await;
            },
            () = cut => {}
        }
    }

    async fn push(&self, queued: &Queued) -> Result<(), StoreError> {
        match queued {
            Queued::Message(push) => self.push_message(queued, push).await,
            Queued::Event(event) => self.push_event(queued, event).await,
        }
    }

    /// Returns true if something with this time is too old to be pushed.
    pub(super) fn is_late(&self, timestamp: i64) -> bool {
        let age_ms = self.clock.wall_ms().saturating_sub(timestamp);
        u128::try_from(age_ms).unwrap_or_default() > self.settings.push_age.0.as_millis()
    }

    /// The number for the app's icon: the one that the person's pages have in their titles.
    pub(super) async fn badge_of(&self, user_id: &str) -> Result<u64, StoreError> {
        let who = Identity::of(User { id: user_id.to_owned(), name: String::new() });
        match self.chat.marked_rooms(&who).await {
            Ok(rooms) => Ok(Unread::new(rooms).total()),
            // A person who can have no marks has nothing unread.
            Err(Error::Rejected(_)) => Ok(0),
            Err(Error::Store(error)) => Err(error),
        }
    }

    /// Sends a push to a device.
    pub(super) async fn push_to(
        &self,
        queued: &Queued,
        payload: Payload,
        urgency: Urgency,
        (key, device): (String, Device),
    ) -> Result<(), StoreError> {
        self.deliver(&key, &device, payload, urgency, Some(queued)).await
    }

    /// Returns true if it is a quiet hour of a person with these settings.
    pub(super) fn is_quiet_in(&self, settings: &NotificationSettings) -> bool {
        settings.quiet.as_ref().is_some_and(|quiet| quiet.contain(self.clock.wall_ms()))
    }
}
