//! Attempts: one try of one transport each. An attempt reports and does not come back by itself;
//! [`super::connection`] decides what is tried next.

pub(super) mod feed_poll;
pub(super) mod poll;
pub(super) mod room_poll;
pub(super) mod room_requests;
pub(super) mod socket;
pub(super) mod stream;

use std::rc::Rc;

use crate::protocol::chat::ClientFrame;

/// What an attempt reports. `M` is what is heard: a frame of the chat, an event of the feed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told<M> {
    /// It can be spoken to.
    Open,
    /// Something was heard.
    Heard(M),
    /// A request was answered, which says nothing about whether anything can be heard.
    Answered(M),
    /// A sign of life.
    Alive,
    /// It has ended, and when to come back if the server said so, in milliseconds.
    Lost(Option<u32>),
}

/// Where an attempt reports to. Reports after the attempt was dropped are ignored.
pub(super) type Tell<M> = Rc<dyn Fn(Told<M>)>;

/// One try of one transport. Dropping it ends it.
pub(super) trait Attempt {
    /// Says a frame. What must not be lost is said again when the next attempt is open.
    fn say(&self, _frame: &ClientFrame) {}

    /// Asks for a sign of life. Where the server sends them by itself there is nothing to ask.
    fn ping(&self) {}
}
