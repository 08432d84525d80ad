//! Messages between the nodes on [`super::SUBJECT`]. The directory replica sends and receives them. No message may
//! carry a secret: [`Change`] has none.

use serde::{Deserialize, Serialize};

use crate::server::store::directory::Change;

/// A message between nodes, as JSON.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum NodeMessage {
    /// The sender made this change.
    Changed(Change),
    /// The sender is alive and has applied all changes up to this number.
    Applied(u64),
    /// The sender shuts down.
    Gone,
}

impl NodeMessage {
    pub(super) fn encode(&self) -> String {
        serde_json::to_string(self).expect("messages have only string keys")
    }

    /// `None`: the message is of no known kind.
    pub(super) fn decode(message: &str) -> Option<Self> {
        serde_json::from_str(message).ok()
    }
}
