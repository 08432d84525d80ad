//! Attempts: one try of one transport each. An attempt reports and does not come back by itself;
//! [`super::connection`] decides what is tried next.

pub(super) mod feed_poll;
pub(super) mod long_poll;
pub(super) mod room_poll;
pub(super) mod room_requests;
pub(super) mod sse;
pub(super) mod websocket;

use std::rc::Rc;

use crate::protocol::{
    chat::{ClientFrame, ServerFrame},
    feed::Event,
};

/// What is heard.
#[derive(Clone, Debug, PartialEq)]
pub enum ReceivedData {
    /// A frame of the chat.
    Frame(ServerFrame),
    /// An event of the feed.
    Event(Event),
}

/// What an attempt reports.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TransportEvent {
    /// It can be spoken to.
    Open,
    /// Something was heard.
    ReceivedData(ReceivedData),
    /// A request was answered, which says nothing about whether anything can be heard.
    Answered(ReceivedData),
    /// A sign of life.
    Alive,
    /// It has ended, and when to come back if the server said so, in milliseconds.
    Lost(Option<u32>),
}

/// Where an attempt reports to. Reports after the attempt was dropped are ignored.
pub(super) type EventSink = Rc<dyn Fn(TransportEvent)>;

/// One try of one transport. Dropping it ends it, at the latest when what runs now is done (by a microtask).
pub(super) trait Attempt {
    /// Says a frame. What must not be lost is said again when the next attempt is open.
    fn say(&self, _frame: &ClientFrame) {}

    /// Asks for a sign of life. Where the server sends them by itself there is nothing to ask.
    fn ping(&self) {}
}
