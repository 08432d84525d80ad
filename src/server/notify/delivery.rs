//! Delivers one push to one device: signs and encrypts it, sends it, and again while the push service is in trouble. A device
//! that its service does not know any more is removed.
//!
//! Requests to one service go through a lane of its own: a slow one delays nobody else.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use hyper::{
    StatusCode,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, Semaphore, SemaphorePermit};

use super::{Notifier, devices::Device, payload::Payload, queued::Queued};
use crate::server::{
    outgoing::{
        client::{Answer, RequestError},
        endpoint::{Endpoint, HostError},
    },
    store::StoreError,
};

/// Requests to one service at the same time.
const AT_ONCE: usize = 16;
/// Requests that wait for their turn at one service, beyond which a push is given up: with the time of a request they would
/// wait for longer than the push is of use.
const WAITING_MAX: usize = 10_000;
/// Most attempts at one push.
const ATTEMPTS_MAX: u32 = 8;
/// The wait after the first attempt; each later one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait that is not the service's wish.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// The importance of a push (RFC 8030, 5.3): `high` wakes a device that saves power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    High,
    Normal,
}

/// The end of one attempt.
enum Outcome {
    Sent,
    /// It was read meanwhile, or the device signed out.
    Unwanted,
    /// The service does not know the device any more.
    Gone,
    /// Later perhaps, and not before the time that the service names.
    Later(Option<Duration>, String),
    /// Never.
    Rejected(String),
}

/// The lanes of all services that are in use, by origin.
#[derive(Default)]
pub(super) struct Lanes(Mutex<HashMap<String, Arc<Lane>>>);

struct Lane {
    permits: Semaphore,
    waiting: AtomicUsize,
}

impl Lanes {
    /// The lane of a service. Those that nobody uses are forgotten, as whoever has a browser names services.
    fn of(&self, origin: &str) -> Arc<Lane> {
        let mut lanes = self.0.lock();
        lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        let new = || Arc::new(Lane { permits: Semaphore::new(AT_ONCE), waiting: AtomicUsize::new(0) });
        lanes.entry(origin.to_owned()).or_insert_with(new).clone()
    }
}

impl Lane {
    /// A turn; `None`: too many wait for one.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        if self.waiting.fetch_add(1, Relaxed) >= WAITING_MAX {
            self.waiting.fetch_sub(1, Relaxed);
            return None;
        }
        let _waiting = Waiting(&self.waiting);
        self.permits.acquire().await.ok()
    }
}

/// One who waits, also if their task ends.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// The turns at which pushes with the same tag are sent to a device: the newest has to come last.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<String, Arc<AsyncMutex<()>>>>);

impl Turns {
    /// The turn of a tag at a device. Those that nobody waits for are forgotten.
    fn of(&self, key: &str, tag: &str) -> Arc<AsyncMutex<()>> {
        let mut turns = self.0.lock();
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        turns.entry(format!("{key} {tag}")).or_default().clone()
    }
}

impl Notifier {
    /// Sends a push, once for a test; that of a message or an event again until it is sent, is not wanted any more, or the
    /// time for it is over. Errors: whether it is wanted cannot be read.
    pub(super) async fn deliver(
        &self,
        key: &str,
        device: &Device,
        mut payload: Payload,
        urgency: Urgency,
        queued: Option<&Queued>,
    ) -> Result<(), StoreError> {
        let started_at = Instant::now();
        for attempt in 1..=ATTEMPTS_MAX {
            if attempt > 1 {
                payload = payload.with_badge(self.badge_of(&device.user_id).await?);
            }
            let (asked, cause) = match self.attempt(key, device, &payload, urgency, queued).await? {
                Outcome::Unwanted => return Ok(()),
                Outcome::Sent => {
                    self.metrics.count_push_sent();
                    return Ok(());
                }
                Outcome::Gone => return self.drop_device(key, device).await,
                Outcome::Rejected(cause) => {
                    self.give_up(device, &cause);
                    return Ok(());
                }
                Outcome::Later(asked, cause) => (asked, cause),
            };
            // Somewhere in the second half of it, so that what failed together does not come together again.
            let longest = FIRST_WAIT.saturating_mul(1 << (attempt - 1)).min(LONGEST_WAIT);
            let wait = longest.mul_f64(0.5 + 0.5 * chance()).max(asked.unwrap_or_default());
            let is_over = queued.is_none() || started_at.elapsed() + wait > self.settings.push_retry.0;
            if is_over || attempt == ATTEMPTS_MAX {
                self.give_up(device, &cause);
                return Ok(());
            }
            tracing::debug!(service = device.service(), cause, ?wait, "trying a push again");
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// Sends a push of a test.
    pub(super) async fn send_once(&self, key: &str, device: &Device, payload: Payload) {
        if let Err(error) = self.deliver(key, device, payload, Urgency::High, None).await {
            tracing::warn!(%error, "cannot remove a device that gets no more pushes");
        }
    }

    /// One attempt in the service's lane.
    async fn attempt(
        &self,
        key: &str,
        device: &Device,
        payload: &Payload,
        urgency: Urgency,
        queued: Option<&Queued>,
    ) -> Result<Outcome, StoreError> {
        let Ok(endpoint) = Endpoint::parse(device.endpoint(), self.client.inner()) else {
            return Ok(Outcome::Rejected("its address is not accepted any more".to_owned()));
        };
        let turn = queued.filter(|queued| queued.may_be_replaced()).map(|_| self.turns.of(key, &payload.tag));
        let _alone = match &turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let lane = self.lanes.of(&endpoint.origin());
        let Some(_turn) = lane.turn().await else {
            return Ok(Outcome::Rejected("too many pushes wait for this service".to_owned()));
        };
        // Each attempt asks again: it may have been read, or the device signed out.
        if let Some(queued) = queued
            && !self.is_wanted(queued, key, device).await?
        {
            return Ok(Outcome::Unwanted);
        }
        let Some(body) = device.encrypt(&payload.to_json()) else {
            return Ok(Outcome::Rejected("its key cannot be used".to_owned()));
        };
        let headers = self.headers(&endpoint, &device.user_id, payload, urgency);
        Ok(outcome_of(self.client.post(&endpoint, headers, body).await))
    }

    fn headers(&self, endpoint: &Endpoint, user_id: &str, payload: &Payload, urgency: Urgency) -> HeaderMap {
        let now = u64::try_from(self.clock.wall_ms() / 1_000).unwrap_or_default();
        let value = |text: String| HeaderValue::try_from(text).expect("base64, digits and an ASCII origin");
        let age = self.settings.push_age.0.as_secs();
        let urgency = match urgency {
            Urgency::High => "high",
            Urgency::Normal => "normal",
        };
        let topic = self.key.topic(&format!("{user_id} {}", payload.tag));
        let mut headers = HeaderMap::new();
        let authorization = self.key.authorization(&endpoint.origin(), self.contact.as_deref(), now);
        headers.insert(AUTHORIZATION, value(authorization));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert("ttl", value(payload.seconds_left(age, now).to_string()));
        headers.insert("urgency", HeaderValue::from_static(urgency));
        headers.insert("topic", value(topic));
        headers
    }

    async fn drop_device(&self, key: &str, device: &Device) -> Result<(), StoreError> {
        self.metrics.count_push_subscription_dropped();
        tracing::debug!(service = device.service(), "a push service does not know a device any more");
        self.remove_device(key, device).await
    }

    fn give_up(&self, device: &Device, cause: &str) {
        self.metrics.count_push_failed();
        tracing::warn!(service = device.service(), cause, "gave up a push");
    }
}

fn outcome_of(answered: Result<Answer, RequestError>) -> Outcome {
    let (status, retry_after) = match answered {
        Ok(Answer { status, retry_after }) => (status, retry_after),
        Err(error @ RequestError::Host(HostError::Inner(_))) => return Outcome::Rejected(error.to_string()),
        Err(error) => return Outcome::Later(None, error.to_string()),
    };
    let cause = format!("the service answered {status}");
    match status {
        status if status.is_success() => Outcome::Sent,
        StatusCode::NOT_FOUND | StatusCode::GONE => Outcome::Gone,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Outcome::Later(retry_after, cause),
        status if status.is_server_error() => Outcome::Later(retry_after, cause),
        // Redirects too: they are not followed, as they could lead anywhere.
        _ => Outcome::Rejected(cause),
    }
}

/// A random number from 0 to 1.
fn chance() -> f64 {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX)
}
