//! The backplane of a server that is alone: nobody hears, nobody is heard.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Allowance, Backplane, MessageHandler, Unreachable};
use crate::server::config::Rate;

/// See the module.
pub struct Local(watch::Sender<bool>);

impl Local {
    /// One node without others.
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

    /// Nobody else takes of it: what the caller counts by itself is all there is.
    async fn allow(&self, _: &str, _: Rate) -> Result<Allowance, Unreachable> {
        Ok(Allowance::Taken)
    }

    fn connectivity(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }

    async fn close(&self) {}
}
