//! What nodes say to each other on the line of changes. No secret is in it, see [`Change`].

use serde::{Deserialize, Serialize};

use crate::server::store::directory::Change;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum NodeMessage {
    /// "I made this change."
    Changed(Change),
    /// "I am there, and go by all changes up to this number."
    Applied(u64),
    /// "I end."
    Gone,
}

impl NodeMessage {
    pub(super) fn encode(&self) -> String {
        serde_json::to_string(self).expect("words have only string keys")
    }

    /// `None`: it is none of the words that we know.
    pub(super) fn decode(message: &str) -> Option<Self> {
        serde_json::from_str(message).ok()
    }
}
