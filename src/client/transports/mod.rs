//! The transports: a WebSocket, server-sent events and polls. A transport reports its events and delivers what it
//! reads; it never reconnects. [`super::connection`] opens them and decides which one is next.

pub(super) mod feed_poll;
pub(super) mod long_poll;
pub(super) mod room_poll;
pub(super) mod room_requests;
pub(super) mod sse;
pub(super) mod websocket;

use std::rc::Rc;

use crate::protocol::chat::ClientFrame;

/// An event of a transport. It carries no data, so that the connection's state machine is compiled once for all types
/// of data; [`EventSink`] delivers the data beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TransportEvent {
    /// Frames can be sent.
    Open,
    /// A frame of the chat or an event of the feed was read.
    Received,
    /// A request was answered, which does not prove that anything can be received.
    Answered,
    /// A heartbeat arrived.
    Alive,
    /// It has ended; with the milliseconds after which to reconnect, if the server named them.
    Lost(Option<u32>),
}

/// Takes the events of one transport. Returns true while that transport is the one in use: only then may its data be
/// delivered.
pub(super) type Report = Rc<dyn Fn(TransportEvent) -> bool>;

/// The destination of a transport's events and data. It ignores those of a transport that was dropped.
pub(super) struct EventSink<T> {
    report: Report,
    deliver: Rc<dyn Fn(T)>,
}

// By hand: a derived one would ask for `T: Clone`.
impl<T> Clone for EventSink<T> {
    fn clone(&self) -> Self {
        Self { report: self.report.clone(), deliver: self.deliver.clone() }
    }
}

impl<T> EventSink<T> {
    pub(super) fn new(report: Report, deliver: Rc<dyn Fn(T)>) -> Self {
        Self { report, deliver }
    }

    /// The half that knows nothing of `T`.
    pub(super) fn to_report(&self) -> Report {
        self.report.clone()
    }

    /// The same sink without [`TransportEvent::Open`].
    pub(super) fn without_open(&self) -> Self {
        let report = self.report.clone();
        let report = move |event| event != TransportEvent::Open && report(event);
        Self { report: Rc::new(report), deliver: self.deliver.clone() }
    }

    pub(super) fn report(&self, event: TransportEvent) {
        (self.report)(event);
    }

    /// Delivers what the transport has read, which proves that it works.
    pub(super) fn receive(&self, data: T) {
        self.deliver_after(TransportEvent::Received, data);
    }

    /// Delivers the answer to a request, which proves nothing.
    pub(super) fn answer(&self, data: T) {
        self.deliver_after(TransportEvent::Answered, data);
    }

    fn deliver_after(&self, event: TransportEvent, data: T) {
        if (self.report)(event) {
            (self.deliver)(data);
        }
    }
}

/// An open transport, or one that is being opened. Dropping it closes it, at the latest when the running task is done
/// (by a microtask).
pub(super) trait TransportHandle {
    /// Sends a frame. A frame that must not be lost is sent again when the next transport is open.
    fn send(&self, _frame: &ClientFrame) {}

    /// Asks for a heartbeat. Does nothing where the server sends heartbeats by itself.
    fn ping(&self) {}
}
