//! The two connections there are, and what each transport means for them.

use super::{Connection, ConnectionEvent, preference::Purpose};
use crate::{
    client::transports::{
        Attempt,
        feed_poll::FeedQuestion,
        long_poll::{Pace, Poll},
        room_requests::{Follow, RoomRequests},
        sse::{Stream, read_event},
        websocket::Socket,
    },
    protocol::{chat::ClientFrame, cursor::Cursor, transport::Transport},
};

impl Connection {
    /// To the chat. After each opening the rooms have to be joined.
    pub fn to_chat(on_event: impl Fn(ConnectionEvent) + 'static) -> Self {
        let dial = |transport, pace, tell| -> Option<Box<dyn Attempt>> {
            let follow = match (transport, pace) {
                (Transport::Socket, _) => return Some(Box::new(Socket::open("/ws", tell)?)),
                (Transport::Stream, Pace::Long) => Follow::Stream,
                (Transport::Stream | Transport::Poll, pace) => Follow::Poll(pace),
            };
            Some(Box::new(RoomRequests::open(follow, tell)))
        };
        Self::open(Purpose::Chat, Box::new(dial), on_event)
    }

    /// Says a frame, if the connection is open. What must not be lost is to be said again after the next opening.
    pub fn say(&self, frame: &ClientFrame) {
        if let Some(attempt) = &self.0.borrow().attempt {
            attempt.say(frame);
        }
    }

    /// To the feed, from the cursor of the moment at each opening.
    pub fn to_feed(
        cursor: impl Fn() -> Option<Cursor> + 'static,
        on_event: impl Fn(ConnectionEvent) + 'static,
    ) -> Self {
        let dial = move |transport, pace, tell| -> Option<Box<dyn Attempt>> {
            let cursor = cursor()?;
            match (transport, pace) {
                (Transport::Socket | Transport::Stream, Pace::Long) => Some(Box::new(Stream::open(
                    &format!("/api/events?heartbeat=true&after={cursor}"),
                    read_event,
                    tell,
                )?)),
                (_, pace) => Some(Box::new(Poll::start(Box::new(FeedQuestion::new(cursor)), pace, tell))),
            }
        };
        Self::open(Purpose::Feed, Box::new(dial), on_event)
    }
}
