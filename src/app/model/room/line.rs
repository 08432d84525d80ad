//! The lines of the talk, as they are drawn.

use std::sync::Arc;

use super::draft::Draft;
use crate::protocol::chat::Message;

/// One line of the talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// In the log.
    Message(Arc<Message>),
    /// Not there yet.
    Draft(Draft),
    /// Before what was said while this reader was away.
    Divider,
}

impl Line {
    /// Changes when the line has to be drawn anew.
    pub fn key(&self) -> String {
        match self {
            // After a new numbering another message may have this offset.
            Self::Message(message) => format!("{}@{}", message.offset, message.timestamp),
            Self::Draft(draft) => format!("{} {:?}", draft.id, draft.state),
            Self::Divider => "divider".to_owned(),
        }
    }
}
