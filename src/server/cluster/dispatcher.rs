//! Hands what other nodes say to the part of the server that the subject belongs to. `state` puts it together; the backplane
//! calls it. It knows no message.

use std::{collections::HashMap, sync::Arc};

use super::backplane::Hear;

/// Handlers by subject, and one for the subjects of topics, which are not known beforehand.
pub(crate) struct Dispatcher {
    by_subject: HashMap<&'static str, Arc<dyn Hear>>,
    others: Arc<dyn Hear>,
}

impl Dispatcher {
    /// Hands everything to `others`.
    pub(crate) fn new(others: Arc<dyn Hear>) -> Self {
        Self { by_subject: HashMap::new(), others }
    }

    /// Hands what is said on `subject` to `handler`.
    pub(crate) fn with(mut self, subject: &'static str, handler: Arc<dyn Hear>) -> Self {
        self.by_subject.insert(subject, handler);
        self
    }

    fn handler(&self, subject: &str) -> &dyn Hear {
        &**self.by_subject.get(subject).unwrap_or(&self.others)
    }
}

impl Hear for Dispatcher {
    fn hear(&self, line: &str, node: &str, message: &str) {
        self.handler(line).hear(line, node, message);
    }

    fn listening(&self, line: &str) {
        self.handler(line).listening(line);
    }
}
