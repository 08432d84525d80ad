//! The lease of a work that one of several nodes does: `notify` sends pushes, `feed` watches heartbeats and
//! publishes what was scheduled, and `outgoing` delivers to webhooks while they hold theirs. A node that ends gives it up; one that dies loses it after a while. Clocks are not compared: another node takes
//! over once it has seen the same lease for long enough.
//!
//! Two nodes may hold it for a moment when one was stopped and goes on. So the work must be one that can be done twice.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::server::store::{
    StoreError,
    directory::{DocumentStore, Kind, Mutation, Precondition},
};

/// Interval between renewals.
const RENEWED_EVERY: Duration = Duration::from_secs(5);
/// A node that has not renewed it for so long does not count on it any more.
const HELD_FOR: Duration = Duration::from_secs(15);
/// A lease that did not change for so long is another node's no more. Longer than [`HELD_FOR`], as reads take time.
const LOST_AFTER: Duration = Duration::from_secs(20);

/// The stored document. It differs at each renewal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredLease {
    node: String,
    turn: u64,
}

#[derive(Default)]
struct State {
    /// The lease of this node, and when it was renewed.
    own: Option<(StoredLease, Instant)>,
    /// The lease of another node, and when it was seen first.
    other: Option<(StoredLease, Instant)>,
}

/// The lease as this node knows it.
pub struct Lease {
    work: &'static str,
    documents: Arc<dyn DocumentStore>,
    is_shared: bool,
    node: String,
    state: Mutex<State>,
}

impl Lease {
    /// The lease of a work with this name. A server that is alone always holds it: the store lets no other one in.
    pub fn new(work: &'static str, documents: Arc<dyn DocumentStore>, is_shared: bool) -> Self {
        Self { work, documents, is_shared, node: Uuid::new_v4().to_string(), state: Mutex::default() }
    }

    /// Returns true if there may be other nodes.
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Returns true if this node holds the lease. Takes or renews it if it can.
    pub async fn hold(&self) -> Result<bool, StoreError> {
        if !self.is_shared {
            return Ok(true);
        }
        let state = &mut *self.state.lock().await;
        if let Some((_, at)) = &state.own
            && at.elapsed() < RENEWED_EVERY
        {
            return Ok(true);
        }
        let asked_at = Instant::now();
        match self.try_hold(state, asked_at).await {
            Ok(is_held) => Ok(is_held),
            Err(error) => match &state.own {
                Some((_, at)) if at.elapsed() < HELD_FOR => Ok(true),
                _ => Err(error),
            },
        }
    }

    async fn try_hold(&self, state: &mut State, asked_at: Instant) -> Result<bool, StoreError> {
        let found = self.documents.read_to_change::<StoredLease>(Kind::Lease, self.work).await?;
        let (turn, unchanged) = match found {
            None => (0, Precondition::Absent),
            Some((lease, unchanged)) if lease.node == self.node => (lease.turn, unchanged),
            Some((lease, unchanged)) => {
                state.own = None;
                let since =
                    state.other.as_ref().filter(|(seen, _)| *seen == lease).map_or(asked_at, |(_, at)| *at);
                let turn = lease.turn;
                state.other = Some((lease, since));
                if since.elapsed() < LOST_AFTER {
                    return Ok(false);
                }
                (turn, unchanged)
            }
        };
        let own = StoredLease { node: self.node.clone(), turn: turn + 1 };
        let put = Mutation::put(Kind::Lease, self.work, unchanged, &own);
        let is_held = self.documents.grant(vec![put]).await?.is_committed();
        state.own = is_held.then_some((own, asked_at));
        Ok(is_held)
    }

    /// Gives the lease up, so that another node goes on at once.
    pub async fn give_up(&self) {
        let Some((own, _)) = self.state.lock().await.own.take() else { return };
        let is_own = Precondition::Is(serde_json::to_string(&own).expect("plain data is serialized"));
        let given_up = self.documents.grant(vec![Mutation::remove(Kind::Lease, self.work, is_own)]).await;
        if let Err(error) = given_up {
            tracing::debug!(work = self.work, %error, "cannot give up a lease; another node takes over in a while");
        }
    }
}
