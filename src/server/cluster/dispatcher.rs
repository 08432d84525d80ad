//! Dispatch of other nodes' messages to the handler of their subject. `state` registers the handlers, and the backplane
//! calls the dispatcher, which never looks into a message.

use std::{collections::HashMap, sync::Arc};

use super::backplane::MessageHandler;

/// Handlers by subject, and one for the subjects of topics, which are not known beforehand.
pub(crate) struct Dispatcher {
    by_subject: HashMap<&'static str, Arc<dyn MessageHandler>>,
    others: Arc<dyn MessageHandler>,
}

impl Dispatcher {
    /// A dispatcher that hands the messages of all subjects to `others`.
    pub(crate) fn new(others: Arc<dyn MessageHandler>) -> Self {
        Self { by_subject: HashMap::new(), others }
    }

    /// Hands the messages of `subject` to `handler`.
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
