//! What is heard from other nodes, handed to whom it is meant for by the line it came on. `state` makes it.

use std::sync::Arc;

use super::{backplane::Hear, topic::Topics};

/// See the module.
pub(super) struct Ears {
    /// The lines of topics: entries.
    pub(super) topics: Arc<Topics>,
}

impl Hear for Ears {
    fn hear(&self, line: &str, _node: &str, message: &str) {
        self.topics.hear(line, message);
    }

    fn listening(&self, line: &str) {
        self.topics.listening(line);
    }
}
