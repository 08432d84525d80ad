//! The consumer: takes messages from the queue of `chat`, decides who gets a push, and removes a message from the queue when
//! its pushes are with the push services or given up. It runs on the node that holds the lease.
//!
//! It acts at least once: a server that ends between a push and the removal sends the push again, with the same topic and
//! tag, so a device shows one. A message that is not in the store any more, or was deleted, is logged and left.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Notifier,
    delivery::Urgency,
    devices::Device,
    payload::{Payload, Reason},
};
use crate::{
    protocol::mark::RoomLevel,
    server::{
        chat::{PushedMessage, QueuedPush},
        store::{
            StoreError,
            directory::{Kind, Mutation, Precondition, id_prefix_of},
        },
    },
};

/// Interval at which the queue is read where other nodes add to it. It is one small query.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Interval at which a server that is alone reads it although it added nothing: what failed is tried again.
const POLL_INTERVAL_ALONE: Duration = Duration::from_secs(15);
/// Time after the stop in which requests that are under way may be answered: their pushes are not sent once more then.
const STOPPED_AFTER: Duration = Duration::from_secs(1);
/// Interval between searches for devices whose session has ended by itself.
const SWEEP_INTERVAL: Duration = Duration::from_secs(3_600);
/// Messages that are on their way at the same time. Each is a task that waits most of the time. So many that a push service
/// which answers nothing for `--push-retry` does not keep the others from being sent.
const IN_FLIGHT_MAX: usize = 10_000;

/// The messages that are on their way, by the ids of their documents.
#[derive(Default)]
pub(super) struct InFlight(Mutex<HashSet<String>>);

impl Notifier {
    /// Sends pushes until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        if self.settings.no_push {
            return;
        }
        let tasks = TaskTracker::new();
        let mut swept_at: Option<Instant> = None;
        let interval = if self.lease.is_shared() { POLL_INTERVAL } else { POLL_INTERVAL_ALONE };
        while !stop.is_cancelled() {
            if let Err(error) = self.take(&tasks, &mut swept_at, &stop).await {
                tracing::warn!(%error, "cannot read the queue of pushes; retrying");
                stop.run_until_cancelled(sleep(POLL_INTERVAL)).await;
            }
            let wait = async {
                tokio::select! {
                    () = self.chat.push_queue().added() => {}
                    () = sleep(interval) => {}
                }
            };
            stop.run_until_cancelled(wait).await;
        }
        tasks.close();
        tasks.wait().await;
        self.lease.give_up().await;
    }

    /// Starts what is in the queue and not on its way, if this node holds the lease.
    async fn take(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        swept_at: &mut Option<Instant>,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        if !self.lease.hold().await? {
            return Ok(());
        }
        if swept_at.is_none_or(|at| at.elapsed() > SWEEP_INTERVAL) {
            self.sweep().await?;
            *swept_at = Some(Instant::now());
        }
        for (id, body) in self.documents.list(Kind::PushQueue, "").await? {
            let mut in_flight = self.in_flight.0.lock();
            if in_flight.len() >= IN_FLIGHT_MAX {
                break;
            }
            if !in_flight.insert(id.clone()) {
                continue;
            }
            let (notifier, stop) = (self.clone(), stop.clone());
            tasks.spawn(async move {
                notifier.work_off(&id, &body, &stop).await;
                notifier.in_flight.0.lock().remove(&id);
            });
        }
        Ok(())
    }

    /// Sends the pushes of a message and removes it from the queue. What is not done in time after the `stop` stays in it.
    async fn work_off(&self, id: &str, body: &str, stop: &CancellationToken) {
        let push = serde_json::from_str::<QueuedPush>(body);
        if let Ok(push) = &push
            && stop.run_until_cancelled(self.wait_for_readers(push)).await.is_none()
        {
            return;
        }
        let worked_off = async {
            match push {
                Ok(push) => self.push(&push).await?,
                Err(error) => tracing::error!(id, %error, "cannot read a message in the queue of pushes"),
            }
            let is_same = Precondition::Is(body.to_owned());
            self.documents.grant(vec![Mutation::remove(Kind::PushQueue, id, is_same)]).await
        };
        let cut = async {
            stop.cancelled().await;
            sleep(STOPPED_AFTER).await;
        };
        tokio::select! {
            worked_off = worked_off => if let Err(error) = worked_off {
                tracing::warn!(%error, "cannot send the pushes of a message yet; retrying");
                stop.run_until_cancelled(sleep(POLL_INTERVAL)).await;
            },
            () = cut => {}
        }
    }

    async fn push(&self, push: &QueuedPush) -> Result<(), StoreError> {
        let age_ms = self.clock.wall_ms().saturating_sub(push.timestamp);
        let is_late = u128::try_from(age_ms).unwrap_or_default() > self.settings.push_age.0.as_millis();
        let Some(message) = self.chat.pushed_message(push).await?.filter(|_| !is_late) else {
            tracing::info!(room = %push.room, offset = push.offset, "a message is gone or too old to be pushed");
            return Ok(());
        };
        let mut people: HashSet<String> = push.told.iter().cloned().collect();
        if push.is_new {
            people.extend(self.who_wants_all().await?);
        }
        let mut deliveries = Vec::new();
        for user_id in people {
            let Some(reason) = self.reason_for(push, &user_id).await? else { continue };
            let prefix = id_prefix_of(&user_id);
            for (id, device) in self.devices(&user_id).await? {
                deliveries.push(self.push_to(push, &message, reason, (format!("{prefix}{id}"), device)));
            }
        }
        join_all(deliveries).await.into_iter().collect()
    }

    /// Waits until a message is as old as the setting says: an open page may have shown it by then.
    async fn wait_for_readers(&self, push: &QueuedPush) {
        let age_ms = self.clock.wall_ms().saturating_sub(push.timestamp);
        // A clock that was set back lets nothing wait for longer than the setting.
        let age = Duration::from_millis(u64::try_from(age_ms).unwrap_or_default());
        sleep_until(Instant::now() + self.settings.push_wait.0.saturating_sub(age)).await;
    }

    async fn push_to(
        &self,
        push: &QueuedPush,
        message: &PushedMessage,
        reason: Reason,
        (key, device): (String, Device),
    ) -> Result<(), StoreError> {
        let payload = Payload::of_message(push, message, reason, device.language());
        let urgency = if reason == Reason::EveryMessage { Urgency::Normal } else { Urgency::High };
        self.deliver(&key, &device, &payload, urgency, Some(push)).await
    }

    /// Returns true if a push is still to be sent to a device. A device whose session has ended is removed.
    pub(super) async fn is_wanted(
        &self,
        push: &QueuedPush,
        key: &str,
        device: &Device,
    ) -> Result<bool, StoreError> {
        if self.documents.get(Kind::PushSubscription, key).await?.is_none() {
            return Ok(false);
        }
        if !self.auth.is_signed_in(&device.user_id, device.session.as_deref()).await? {
            self.remove_device(key, device).await?;
            return Ok(false);
        }
        Ok(self.reason_for(push, &device.user_id).await?.is_some())
    }

    /// The reason why a person gets a push of a message now; `None`: they get none.
    pub(super) async fn reason_for(
        &self,
        push: &QueuedPush,
        user_id: &str,
    ) -> Result<Option<Reason>, StoreError> {
        let Some(mark) = self.chat.mark_in_room(user_id, &push.room).await? else { return Ok(None) };
        let is_read = mark.read.as_ref().is_some_and(|read| read.offset >= push.offset);
        if user_id == push.author || is_read || mark.level == RoomLevel::Nothing {
            return Ok(None);
        }
        let settings = self.settings_of(user_id).await?;
        if settings.quiet.is_some_and(|quiet| quiet.contain(self.clock.wall_ms())) {
            return Ok(None);
        }
        let is_told = push.told.iter().any(|id| id == user_id);
        if is_told && self.chat.is_direct_for(&push.room, user_id) {
            return Ok(Some(Reason::Direct));
        }
        if is_told && mark.mentions.binary_search(&push.offset).is_ok() {
            return Ok(Some(Reason::Mention));
        }
        let wants_all = settings.every_message && push.is_new && mark.level == RoomLevel::All;
        Ok((wants_all && mark.read.is_some()).then_some(Reason::EveryMessage))
    }

    /// Removes devices whose session has ended by itself, and what is left of those that are gone.
    async fn sweep(&self) -> Result<(), StoreError> {
        let mut keys = HashSet::new();
        for (key, device) in self.documents.read_all::<Device>(Kind::PushSubscription, "").await? {
            match self.auth.is_signed_in(&device.user_id, device.session.as_deref()).await? {
                true => drop(keys.insert(key)),
                false => self.remove_device(&key, &device).await?,
            }
        }
        for (hash, body) in self.documents.list(Kind::PushEndpoint, "").await? {
            let key = serde_json::from_str::<String>(&body).unwrap_or_default();
            if !keys.contains(&key) {
                // Unless it was registered at this moment.
                let gone = Mutation::check(Kind::PushSubscription, key, Precondition::Absent);
                let remove = Mutation::remove(Kind::PushEndpoint, hash, Precondition::Is(body));
                self.documents.grant(vec![gone, remove]).await?;
            }
        }
        Ok(())
    }
}
