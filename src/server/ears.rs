//! What is heard from other nodes, handed to whom it is meant for by the line it came on. `state` makes it.

use std::sync::Arc;

use super::{
    backplane::Hear,
    following::{self, Following},
    presence::{self, Presence},
    topic::Topics,
};

/// See the module.
pub(super) struct Ears {
    /// The lines of topics: entries.
    pub(super) topics: Arc<Topics>,
    /// Who is in on other nodes, and is typing there.
    pub(super) presence: Arc<Presence>,
    /// What other nodes changed in the directory.
    pub(super) following: Arc<Following>,
}

impl Hear for Ears {
    fn hear(&self, line: &str, node: &str, message: &str) {
        match line {
            presence::LINE => self.presence.hear(line, node, message),
            following::LINE => self.following.hear(line, node, message),
            _ => self.topics.hear(line, message),
        }
    }

    fn listening(&self, line: &str) {
        match line {
            presence::LINE => self.presence.listening(line),
            following::LINE => self.following.listening(line),
            _ => self.topics.listening(line),
        }
    }
}
