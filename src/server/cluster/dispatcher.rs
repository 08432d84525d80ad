//! Hands what other nodes say to the part of the server that the subject belongs to. `state` puts it together; the backplane
//! calls it. It knows no message.

use std::{collections::HashMap, sync::Arc};

use super::backplane::MessageHandler;

/// Handlers by subject, and one for the subjects of topics, which are not known beforehand.
pub(crate) struct Dispatcher {
    by_subject: HashMap<&'static str, Arc<dyn MessageHandler>>,
    others: Arc<dyn MessageHandler>,
}

impl Dispatcher {
    /// Hands everything to `others`.
    pub(crate) fn new(others: Arc<dyn MessageHandler>) -> Self {
        Self { by_subject: HashMap::new(), others }
    }

    /// Hands what is said on `subject` to `handler`.
    pub(crate) fn with(mut self, subject: &'static str, handler: Arc<dyn MessageHandler>) -> Self {
        self.by_subject.insert(subject, handler);
        self
    }

    fn handler(&self, subject: &str) -> &dyn MessageHandler {
        &**self.by_subject.get(subject).unwrap_or(&self.others)
    }
}

impl MessageHandler for Dispatcher {
    fn on_message(&self, subject: &str, node: &str, message: &str) {
        self.handler(subject).on_message(subject, node, message);
    }

    fn on_subscribed(&self, subject: &str) {
        self.handler(subject).on_subscribed(subject);
    }
}
