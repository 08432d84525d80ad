//! The lines of the talk, as they are drawn.

use std::sync::Arc;

use super::draft::Draft;
use crate::protocol::chat::Message;

/// One line of the talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimelineItem {
    /// In the log.
    Message(Arc<Message>),
    /// Not there yet.
    Draft(Draft),
    /// Before what was said while this reader was away.
    Divider,
}
