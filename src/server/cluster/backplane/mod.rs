//! Between nodes: named lines on which every node says what the others should hear soon, and allowances that all of them
//! draw on. Topics, presence, rights and rate limits say and hear here; what a message means is theirs to know.
//!
//! What is told is a hint. It may come late, twice or not at all, and nothing may depend on it: whoever listens has a
//! truth to ask when a line is heard anew ([`MessageHandler::on_subscribed`]). It never sees the store.

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

/// What a node says to the others, and what they share.
#[async_trait]
pub trait Backplane: Send + Sync + 'static {
    /// This node's name among the nodes: random, and another one after each start.
    fn node(&self) -> &str;

    /// Whether there may be other nodes at all.
    fn is_shared(&self) -> bool;

    /// Says who hears what is told. Before this nothing is told or heard; to be called once. `installation` is the
    /// same for all nodes on one database, and for no others.
    fn attach(&self, installation: &str, handler: Arc<dyn MessageHandler>);

    /// Says something to every other node that listens to the line, in the order of the calls. Never waits: when the
    /// others cannot be reached, or too much waits already, it is not said.
    fn publish(&self, subject: &str, message: String);

    /// From now on hears the line, see [`MessageHandler::on_subscribed`]. Is counted: as many [`Backplane::unsubscribe`] end it.
    fn subscribe(&self, subject: &str);

    /// Needs the line no more.
    fn unsubscribe(&self, subject: &str);

    /// Takes one of the allowance that all nodes have together under this key.
    async fn allow(&self, key: &str, rate: Rate) -> Result<Allowance, Unreachable>;

    /// Whether the others can be reached, now and whenever that changes. Alone: always.
    fn connectivity(&self) -> watch::Receiver<bool>;

    /// Says what waits to be said, for a moment, and ends.
    async fn close(&self);
}

/// Hears what other nodes say. Called by one task, in the order in which it came; must be quick and must not wait.
pub trait MessageHandler: Send + Sync + 'static {
    /// `node` said this on the line. Never called for what this node said itself.
    fn on_message(&self, subject: &str, node: &str, message: &str);

    /// From now on the line is heard, for the first time or again. What was said before may have been missed: ask the
    /// truth.
    fn on_subscribed(&self, subject: &str);
}

/// What came of [`Backplane::allow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// One was there and is taken.
    Taken,
    /// None is left for so long.
    UsedUp(Duration),
}

/// The others cannot be reached now. Whoever asked goes by what it knows itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Redis cannot be reached")]
pub struct Unreachable;
