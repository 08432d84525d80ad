//! The backplane of a server that is alone: it has no other nodes, so it drops what it publishes and receives nothing.
//! `state` creates it when no Redis is configured.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Allowance, Backplane, MessageHandler, Unreachable};
use crate::server::config::Rate;

/// A backplane without other nodes.
pub struct Local(watch::Sender<bool>);

impl Local {
    /// A backplane that is always connected.
    pub fn new() -> Self {
        Self(watch::Sender::new(true))
    }
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Backplane for Local {
    fn node(&self) -> &'static str {
        "alone"
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn attach(&self, _: &str, _: Arc<dyn MessageHandler>) {}

    fn publish(&self, _: &str, _: String) {}

    fn subscribe(&self, _: &str) {}

    fn unsubscribe(&self, _: &str) {}

    /// Always grants: no other node draws on the allowance, so the caller's own count is the whole count.
    async fn allow(&self, _: &str, _: Rate) -> Result<Allowance, Unreachable> {
        Ok(Allowance::Taken)
    }

    fn connectivity(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }

    async fn close(&self) {}
}
