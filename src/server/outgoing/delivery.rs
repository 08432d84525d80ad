//! The consumer of outgoing webhooks, on the node that holds the lease: reads what stands after a webhook's cursor, posts it,
//! and moves the cursor when the receiver has answered with success. One request at a time for each webhook, so nothing is
//! reordered. A receiver that fails is asked again, less and less often, until it takes it.
//!
//! The body is signed as Standard Webhooks (standardwebhooks.com) say.

use std::{sync::Arc, time::Duration};

use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use serde::Serialize;
use serde_json::value::RawValue;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};
use tokio::time::sleep;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Delivery, Outgoing, Source, Webhook,
    client::{Answer, RequestError},
    endpoint::Endpoint,
    removal,
};
use crate::{
    protocol::{cursor::Cursor, name::RoomId},
    server::{
        auth::covers,
        chat, feed,
        store::{
            Filter, Record, Slice, StoreError,
            directory::{Kind, Mutation},
        },
    },
};

/// Time between two looks: what another node stored is found after it.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// Time for the answer to a request that is under way when the server stops: without it the next server sends the same again.
const ANSWER_AT_STOP: Duration = Duration::from_secs(2);
/// Entries of one request.
const BATCH_MAX: usize = 100;
/// Entries that are not for a webhook, after which its cursor is stored all the same: a restart reads as many again.
const PASSED_MAX: u64 = 1_000;
/// The wait after the first failure, in milliseconds; each later one is twice as long …
const FIRST_WAIT_MS: i64 = 1_000;
/// … up to this. Whoever mends the receiver can have it at once.
const LONGEST_WAIT_MS: i64 = 300_000;

/// The body of a request.
#[derive(Serialize)]
struct Body<'a> {
    /// The room; absent: the feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a RoomId>,
    /// The entries, ascending by offset, as every reader gets them.
    entries: Vec<Box<RawValue>>,
    /// The cursor behind them.
    cursor: &'a Cursor,
    /// Entries before these are gone, and were not delivered.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reset: bool,
}

/// The next entries for a webhook.
struct Batch {
    entries: Vec<Record>,
    end: Cursor,
    reset: bool,
    more: bool,
}

impl Outgoing {
    /// Delivers until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        while !stop.is_cancelled() {
            let started = self.start_all(&tasks, &stop).await;
            if let Err(error) = &started {
                tracing::warn!(%error, "cannot read the outgoing webhooks; retrying");
            }
            // A server that is alone hears of its first webhook by itself: until then it reads nothing.
            let is_idle = !self.lease.is_shared() && started.is_ok_and(|webhooks| webhooks == 0);
            let wait = async {
                tokio::select! {
                    () = self.changed.notified() => {}
                    () = sleep(LOOKS_EVERY), if !is_idle => {}
                }
            };
            stop.run_until_cancelled(wait).await;
        }
        tasks.close();
        tasks.wait().await;
        self.lease.give_up().await;
    }

    /// Starts the delivery for each webhook that has none under way. Returns the number of webhooks that are this node's.
    async fn start_all(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<usize, StoreError> {
        if !self.lease.hold().await? {
            self.passed.lock().clear();
            return Ok(0);
        }
        let webhooks = self.list().await?;
        let count = webhooks.len();
        for webhook in webhooks {
            if !self.in_flight.lock().insert(webhook.id.clone()) {
                continue;
            }
            let (outgoing, stop) = (self.clone(), stop.clone());
            tasks.spawn(async move {
                if let Err(error) = outgoing.deliver_all(&webhook, &stop).await {
                    tracing::warn!(%error, "cannot read what an outgoing webhook is to be told; retrying");
                }
                outgoing.in_flight.lock().remove(&webhook.id);
            });
        }
        Ok(count)
    }

    /// Delivers what stands after the webhook's cursor, up to the first failure.
    async fn deliver_all(&self, webhook: &Webhook, stop: &CancellationToken) -> Result<(), StoreError> {
        if let Source::Room { room } = &webhook.source
            && self.rights.is_removed(room)
        {
            self.documents.grant(removal(webhook)).await?;
            return Ok(());
        }
        while self.deliver(webhook, stop).await? {}
        Ok(())
    }

    /// Delivers one batch. Returns true if more follow. A stop ends a request that has no answer after a moment; of one
    /// that has, the cursor is stored.
    async fn deliver(&self, webhook: &Webhook, stop: &CancellationToken) -> Result<bool, StoreError> {
        let known = self.documents.read_to_change::<Delivery>(Kind::OutgoingDelivery, &webhook.id).await?;
        let Some((known, unchanged)) = known else { return Ok(false) };
        if known.next_at.is_some_and(|at| at > self.clock.wall_ms()) {
            return Ok(false);
        }
        let Some(stored) = known.cursor.clone() else { return Ok(false) };
        let batch = self.batch_after(webhook, &stored).await?;
        let Batch { entries, end, reset, more } = &batch;
        if entries.is_empty() && !reset {
            self.passed.lock().insert(webhook.id.clone(), (stored.clone(), end.clone()));
            if end.offset - stored.offset < PASSED_MAX {
                return Ok(*more);
            }
        }
        let next = match entries.is_empty() && !reset {
            true => Delivery { cursor: Some(end.clone()), ..known },
            false => {
                let stopped = async {
                    stop.cancelled().await;
                    sleep(ANSWER_AT_STOP).await;
                };
                tokio::select! {
                    next = self.attempt(webhook, &batch, &stored, known) => next,
                    () = stopped => return Ok(false),
                }
            }
        };
        let is_delivered = next.cursor.as_ref() == Some(end);
        // If it has changed meanwhile, somebody delivers again from elsewhere, or has removed it.
        let put = Mutation::put(Kind::OutgoingDelivery, &webhook.id, unchanged, &next);
        let is_stored = self.documents.grant(vec![put]).await?.is_committed();
        Ok(is_delivered && (*more || !is_stored) && !stop.is_cancelled())
    }

    async fn batch_after(&self, webhook: &Webhook, stored: &Cursor) -> Result<Batch, StoreError> {
        // The entries that were passed count from this cursor only: somebody may deliver again from an earlier one at any moment.
        let passed = self.passed.lock().get(&webhook.id).cloned().filter(|(of, _)| of == stored);
        let start = passed.map_or_else(|| stored.clone(), |(_, to)| to);
        let topic = webhook.source.topic();
        let filter = Filter {
            lasting: !webhook.values && matches!(webhook.source, Source::Feed { .. }),
            ..Filter::default()
        };
        let read = async |after| self.hub.store().read_after(&topic, after, &filter, BATCH_MAX).await;
        let mut slice = read(start.offset).await?;
        let is_other = slice.bounds.epoch != start.epoch;
        if is_other {
            slice = read(0).await?;
        }
        let Slice { bounds, removed, records, more } = slice;
        let reset = is_other || removed > start.offset;
        let offset = records.last().map_or(bounds.head.max(start.offset), |last| last.offset);
        let entries = records.into_iter().filter(|record| is_for(webhook, record)).collect();
        Ok(Batch { entries, end: Cursor { epoch: bounds.epoch, offset }, reset, more })
    }

    /// Posts a batch. Returns what the delivery is then.
    async fn attempt(&self, webhook: &Webhook, batch: &Batch, start: &Cursor, known: Delivery) -> Delivery {
        let now = self.clock.wall_ms();
        let error = match self.post(webhook, batch, start, now).await {
            Ok(Answer { status, .. }) if status.is_success() => {
                return Delivery {
                    cursor: Some(batch.end.clone()),
                    delivered_at: Some(now),
                    ..Delivery::default()
                };
            }
            Ok(Answer { status, .. }) => format!("the receiver answered {status}"),
            Err(error) => error.to_string(),
        };
        let failures = known.failures.saturating_add(1);
        let wait = FIRST_WAIT_MS.saturating_mul(1 << (failures - 1).min(20)).min(LONGEST_WAIT_MS);
        tracing::debug!(webhook = webhook.id, error, wait, "an outgoing webhook failed");
        Delivery {
            failing_since: known.failing_since.or(Some(now)),
            failures,
            error: Some(error),
            next_at: Some(self.clock.wall_ms() + wait),
            ..known
        }
    }

    async fn post(
        &self,
        webhook: &Webhook,
        batch: &Batch,
        start: &Cursor,
        now: i64,
    ) -> Result<Answer, RequestError> {
        let body = Body {
            room: match &webhook.source {
                Source::Room { room } => Some(room),
                Source::Feed { .. } => None,
            },
            entries: batch.entries.iter().map(|record| encoded(webhook, record)).collect(),
            cursor: &batch.end,
            reset: batch.reset,
        };
        let body = serde_json::to_vec(&body).expect("entries are JSON");
        // The same entries have the same id, by which a receiver knows a repeat.
        let id = format!("{}_{start}_{}", webhook.id, batch.end.offset);
        let endpoint = Endpoint::parse(&webhook.url, self.client.inner())
            .map_err(|rejection| RequestError::Connect(std::io::Error::other(rejection.message)))?;
        self.client.post(&endpoint, headers(&webhook.secret, &id, now / 1_000, &body), body).await
    }
}

fn is_for(webhook: &Webhook, record: &Record) -> bool {
    match &webhook.source {
        Source::Room { .. } => true,
        Source::Feed { channels } => {
            record.channel.as_deref().is_some_and(|channel| covers(channels, channel))
        }
    }
}

fn encoded(webhook: &Webhook, record: &Record) -> Box<RawValue> {
    let json = match &webhook.source {
        Source::Room { .. } => chat::encode_entry(record),
        Source::Feed { .. } => feed::encode_entry(record),
    };
    RawValue::from_string(json).expect("entries are JSON")
}

fn headers(secret: &str, id: &str, seconds: i64, body: &[u8]) -> HeaderMap {
    let signed = standardwebhooks::Webhook::new(secret).and_then(|key| key.sign(id, seconds, body));
    let value = |text: String| HeaderValue::try_from(text).expect("base64, digits and ASCII ids");
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static("Idobata"));
    headers.insert(HEADER_WEBHOOK_ID, value(id.to_owned()));
    headers.insert(HEADER_WEBHOOK_TIMESTAMP, value(seconds.to_string()));
    headers.insert(HEADER_WEBHOOK_SIGNATURE, value(signed.expect("our own secret and JSON")));
    headers
}
