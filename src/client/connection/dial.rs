//! The two connections: the chat's and the feed's, and the meaning of each transport for them.

use std::rc::Rc;

use super::{Connection, ConnectionEvent, preference::Purpose};
use crate::{
    client::transports::{
        EventSink, TransportHandle,
        feed_poll::FeedSource,
        long_poll::{Pace, Poll},
        room_requests::{ReadBy, RoomRequests},
        sse::Stream,
        websocket::Socket,
    },
    protocol::{
        chat::{ClientFrame, ServerFrame},
        cursor::Cursor,
        feed::Event,
        transport::Transport,
    },
};

impl Connection<ServerFrame> {
    /// Connects to the chat. After each opening the rooms have to be joined.
    pub fn to_chat(
        on_frame: impl Fn(ServerFrame) + 'static,
        on_event: impl Fn(ConnectionEvent) + 'static,
    ) -> Self {
        let on_frame: Rc<dyn Fn(ServerFrame)> = Rc::new(on_frame);
        let dial = move |transport, pace, report| -> Option<Box<dyn TransportHandle>> {
            let sink = EventSink::new(report, on_frame.clone());
            let read_by = match (transport, pace) {
                (Transport::Socket, _) => return Some(Box::new(Socket::open("/ws", sink)?)),
                (Transport::Stream, Pace::Long) => ReadBy::Stream,
                (Transport::Stream | Transport::Poll, pace) => ReadBy::Poll(pace),
            };
            Some(Box::new(RoomRequests::open(read_by, sink)))
        };
        Self::open(Purpose::Chat, Box::new(dial), on_event)
    }

    /// Sends a frame if the connection is open. A frame that must not be lost is sent again after the next opening.
    pub fn send(&self, frame: &ClientFrame) {
        if let Some(transport) = &self.state.borrow().transport {
            transport.send(frame);
        }
    }
}

impl Connection<Event> {
    /// Connects to the feed, or to a channel of it. Each opening starts from the value of `cursor` at that time. It says what
    /// is unread in the rooms, if `says_unread`.
    pub fn to_feed(
        channel: Option<String>,
        says_unread: bool,
        cursor: impl Fn() -> Option<Cursor> + 'static,
        on_feed_event: impl Fn(Event) + 'static,
        on_event: impl Fn(ConnectionEvent) + 'static,
    ) -> Self {
        let on_feed_event: Rc<dyn Fn(Event)> = Rc::new(on_feed_event);
        // A channel's name needs no encoding.
        let filter = channel.map_or_else(String::new, |channel| format!("&channel={channel}"));
        let dial = move |transport, pace, report| -> Option<Box<dyn TransportHandle>> {
            let (cursor, sink) = (cursor()?, EventSink::new(report, on_feed_event.clone()));
            match (transport, pace) {
                (Transport::Socket | Transport::Stream, Pace::Long) => {
                    let query = format!("heartbeat=true&unread={says_unread}&after={cursor}{filter}");
                    let url = format!("/api/events?{query}");
                    Some(Box::new(Stream::open(&url, Event::parse, sink)?))
                }
                (_, pace) => {
                    let source = FeedSource::new(cursor, filter.clone(), says_unread);
                    Some(Box::new(Poll::start(source, pace, sink)))
                }
            }
        };
        Self::open(Purpose::Feed, Box::new(dial), on_event)
    }
}
