//! The consumer of messages: takes those of the queue of `chat`, decides who gets a push, and sends it. It runs on the node
//! that holds the lease. A message that is not in the store any more, or was deleted, is logged and left.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Notifier,
    delivery::Urgency,
    devices::Device,
    payload::{Payload, Reason},
    queue::POLL_INTERVAL,
    queued::Queued,
};
use crate::{
    protocol::mark::RoomLevel,
    server::{
        chat::QueuedPush,
        store::{
            StoreError,
            directory::{Kind, Mutation, Precondition, id_prefix_of},
        },
    },
};

/// Interval between searches for devices whose session has ended by itself.
const SWEEP_INTERVAL: Duration = Duration::from_secs(3_600);

impl Notifier {
    /// Sends pushes until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        if self.settings.no_push {
            return;
        }
        let tasks = TaskTracker::new();
        tokio::join!(self.run_messages(&tasks, &stop), self.run_events(&tasks, &stop));
        tasks.close();
        tasks.wait().await;
        self.lease.give_up().await;
    }

    async fn run_messages(self: &Arc<Self>, tasks: &TaskTracker, stop: &CancellationToken) {
        let mut swept_at: Option<Instant> = None;
        while !stop.is_cancelled() {
            if let Err(error) = self.take(tasks, &mut swept_at, stop).await {
                tracing::warn!(%error, "cannot read the queue of pushes; retrying");
                stop.run_until_cancelled(sleep(POLL_INTERVAL)).await;
            }
            let wait = async {
                tokio::select! {
                    () = self.chat.push_queue().added() => {}
                    () = sleep(self.poll_interval()) => {}
                }
            };
            stop.run_until_cancelled(wait).await;
        }
    }

    /// Starts the messages that are in the queue and not on their way, if this node holds the lease.
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
        self.start_queued(Kind::PushQueue, tasks, stop).await
    }

    /// Sends the pushes of a message.
    pub(super) async fn push_message(&self, queued: &Queued, push: &QueuedPush) -> Result<(), StoreError> {
        let is_late = self.is_late(push.timestamp);
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
            let urgency = if reason == Reason::EveryMessage { Urgency::Normal } else { Urgency::High };
            let (prefix, badge) = (id_prefix_of(&user_id), self.badge_of(&user_id).await?);
            for (id, device) in self.devices(&user_id).await? {
                let payload = Payload::of_message(push, &message, reason, device.language());
                let payload = payload.with_badge(badge);
                deliveries.push(self.push_to(queued, payload, urgency, (format!("{prefix}{id}"), device)));
            }
        }
        join_all(deliveries).await.into_iter().collect()
    }

    /// Waits until a message is as old as the setting says: an open page may have shown it by then.
    pub(super) async fn wait_for_readers(&self, push: &QueuedPush) {
        let age_ms = self.clock.wall_ms().saturating_sub(push.timestamp);
        // A clock that was set back lets nothing wait for longer than the setting.
        let age = Duration::from_millis(u64::try_from(age_ms).unwrap_or_default());
        sleep_until(Instant::now() + self.settings.push_wait.0.saturating_sub(age)).await;
    }

    /// Returns true if a push is still to be sent to a device. A device whose session has ended is removed.
    pub(super) async fn is_wanted(
        &self,
        queued: &Queued,
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
        match queued {
            Queued::Message(push) => Ok(self.reason_for(push, &device.user_id).await?.is_some()),
            Queued::Event(event) => self.is_event_wanted(event, &device.user_id).await,
        }
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
        if self.is_quiet_in(&settings) {
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
