//! Publish and subscribe between nodes, on named subjects, and allowances that all nodes share. Topics, presence,
//! rights and rate limits publish and subscribe here; only they know the contents of a message.
//!
//! A message is a hint. It may come late, twice or not at all, and nothing may depend on it: each subscriber has a
//! source of truth to read after a new subscription ([`MessageHandler::on_subscribed`]). The backplane never sees the
//! store.

mod local;
mod redis;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::watch;

pub use self::{
    local::Local,
    redis::{BadRedisUrl, Redis},
};
use crate::server::config::Rate;

/// Messages to the other nodes, and allowances shared with them.
#[async_trait]
pub trait Backplane: Send + Sync + 'static {
    /// The name of this node: random, and another one after each start.
    fn node(&self) -> &str;

    /// Returns true if there may be other nodes.
    fn is_shared(&self) -> bool;

    /// Sets the handler of received messages. Before this call nothing is sent or received; to be called once.
    /// `installation` is the same for all nodes on one database, and for no others.
    fn attach(&self, installation: &str, handler: Arc<dyn MessageHandler>);

    /// Sends a message to every other node that has subscribed to the subject, in the order of the calls. Never blocks:
    /// drops the message when the other nodes cannot be reached or the queue is full.
    fn publish(&self, subject: &str, message: String);

    /// Subscribes to a subject; [`MessageHandler::on_subscribed`] reports when it takes effect. Subscriptions are
    /// counted: as many calls of [`Backplane::unsubscribe`] end them.
    fn subscribe(&self, subject: &str);

    /// Ends one subscription to a subject.
    fn unsubscribe(&self, subject: &str);

    /// Takes one from the allowance that all nodes share under this key. Answers within 250 ms, or fails with
    /// [`Unreachable`]: every message waits for it.
    async fn allow(&self, key: &str, rate: Rate) -> Result<Allowance, Unreachable>;

    /// True while the other nodes can be reached; the receiver learns of each change. Always true on a server that is
    /// alone.
    fn connectivity(&self) -> watch::Receiver<bool>;

    /// Sends the queued messages, within a short time, and shuts down.
    async fn close(&self);
}

/// A receiver of other nodes' messages. One task calls it, in the order of arrival; it must be quick and must not
/// block.
pub trait MessageHandler: Send + Sync + 'static {
    /// Handles a message that `node` published on the subject. Never called for messages of this node.
    fn on_message(&self, subject: &str, node: &str, message: &str);

    /// Reports that the subscription to the subject is in effect, for the first time or again. Earlier messages may
    /// have been missed: read the source of truth.
    fn on_subscribed(&self, subject: &str);
}

/// The result of [`Backplane::allow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// One was left and is taken.
    Taken,
    /// None is left; the next one comes after this time.
    UsedUp(Duration),
}

/// The other nodes cannot be reached now. The caller goes by its own count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Redis cannot be reached")]
pub struct Unreachable;
