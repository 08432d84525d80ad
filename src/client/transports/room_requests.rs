//! The chat without a socket: a stream or polls for each joined room, and a request for each frame that is sent. Its
//! owner sends and receives the frames of the socket.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use super::{
    EventSink, TransportEvent, TransportHandle,
    long_poll::{Pace, Poll},
    room_poll::RoomSource,
    sse::Stream,
};
use crate::{
    client::{
        dom::{
            fetch::{self, Abort, Response},
            page,
        },
        executor::spawn_local,
    },
    protocol::{
        chat::{ClientFrame, Message, NewMessage, ServerFrame},
        cursor::Cursor,
        name::RoomId,
        problem::{Code, Problem},
    },
};

/// The time limit of a post.
const ANSWER_MS: u32 = 15_000;

/// The way to read the rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadBy {
    Stream,
    Poll(Pace),
}

/// The joined rooms and the posts on their way.
pub(crate) struct RoomRequests(Rc<State>);

struct State {
    read_by: ReadBy,
    sink: EventSink<ServerFrame>,
    rooms: RefCell<Vec<(String, Box<dyn TransportHandle>)>>,
    /// Posts without an answer. One request at a time, so that they are stored in order.
    posts: RefCell<VecDeque<(String, NewMessage)>>,
    is_posting: Cell<bool>,
    abort: Abort,
}

impl RoomRequests {
    pub(crate) fn open(read_by: ReadBy, sink: EventSink<ServerFrame>) -> Self {
        let state = Rc::new(State {
            read_by,
            sink,
            rooms: RefCell::default(),
            posts: RefCell::default(),
            is_posting: Cell::new(false),
            abort: Abort::new(),
        });
        let weak = Rc::downgrade(&state);
        // There is nothing to connect: it is open as soon as its owner has it.
        spawn_local(async move {
            if let Some(state) = weak.upgrade() {
                state.sink.report(TransportEvent::Open);
            }
        });
        Self(state)
    }
}

impl TransportHandle for RoomRequests {
    fn send(&self, frame: &ClientFrame) {
        match frame {
            ClientFrame::Join { room, after, .. } => self.0.join(room, after.as_deref()),
            ClientFrame::Leave { room } => self.0.leave(room),
            ClientFrame::Post { room, id, text } => {
                let post = NewMessage { id: id.clone(), text: text.clone() };
                self.0.posts.borrow_mut().push_back((room.clone(), post));
                start_posting(&self.0);
            }
            ClientFrame::Typing { room } => {
                let (url, signal) =
                    (format!("/api/rooms/{}/typing", page::encode(room)), Some(self.0.abort.signal()));
                // Typing is ephemeral: a lost request is not repeated.
                spawn_local(async move { drop(fetch::post(&url, "", signal, ANSWER_MS).await) });
            }
            ClientFrame::Ping => self.ping(),
            // The cookie authenticates every request.
            ClientFrame::Auth { .. } => {}
        }
    }

    /// The rooms have heartbeats of their own. With no room joined, nothing can be missing.
    fn ping(&self) {
        if self.0.rooms.borrow().is_empty() {
            let report = self.0.sink.to_report();
            spawn_local(async move { _ = report(TransportEvent::Alive) });
        }
    }
}

impl State {
    fn join(&self, room: &str, after: Option<&str>) {
        let (Ok(id), Some(Ok(cursor))) = (RoomId::parse(room), after.map(str::parse::<Cursor>)) else {
            return;
        };
        // This transport has reported its opening; that of a room is no news, its data are.
        let sink = self.sink.without_open();
        let reader: Option<Box<dyn TransportHandle>> = match self.read_by {
            ReadBy::Stream => {
                let url = format!("/api/rooms/{}/events?heartbeat=true&after={cursor}", page::encode(room));
                Stream::open(&url, ServerFrame::parse, sink).map(|stream| Box::new(stream) as _)
            }
            ReadBy::Poll(pace) => Some(Box::new(Poll::start(RoomSource::new(id, cursor), pace, sink))),
        };
        if let Some(reader) = reader {
            self.leave(room);
            self.rooms.borrow_mut().push((room.to_owned(), reader));
        }
    }

    fn leave(&self, room: &str) {
        self.rooms.borrow_mut().retain(|(known, _)| known != room);
    }
}

/// Sends the waiting posts, one after the other, unless that is happening already.
fn start_posting(state: &Rc<State>) {
    if state.is_posting.replace(true) {
        return;
    }
    let weak = Rc::downgrade(state);
    spawn_local(async move {
        while let Some((room, post)) = next_post(&weak) {
            let body = serde_json::to_string(&post).expect("plain data");
            let url = format!("/api/rooms/{}/messages", page::encode(&room));
            // Without a signal: a post that was sent on leaving the page shall arrive.
            let response = fetch::post(&url, &body, None, ANSWER_MS).await;
            let Some(state) = weak.upgrade() else { return };
            match response.and_then(|response| frame_of(&response, &room, &post.id)) {
                Some(frame) => state.sink.answer(frame),
                // It may have been stored or not. The owner sends it again, with the same id, after reconnecting.
                None => return state.sink.report(TransportEvent::Lost(None)),
            }
        }
        if let Some(state) = weak.upgrade() {
            state.is_posting.set(false);
        }
    });
}

fn next_post(weak: &Weak<State>) -> Option<(String, NewMessage)> {
    weak.upgrade()?.posts.borrow_mut().pop_front()
}

/// The answer to a post as a frame. `None`: it tells nothing about the post.
fn frame_of(response: &Response, room: &str, id: &str) -> Option<ServerFrame> {
    if response.is_success() {
        let Message { room, offset, timestamp, .. } = serde_json::from_str(&response.body).ok()?;
        return Some(ServerFrame::Posted { room, id: id.to_owned(), offset, timestamp });
    }
    let (room, id) = (Some(room.to_owned()), Some(id.to_owned()));
    let (code, message, retry_after_ms) = match serde_json::from_str(&response.body) {
        Ok(Problem { code, detail, retry_after_ms, .. }) => (code, detail, retry_after_ms),
        // A proxy rejects it, and would reject it again.
        Err(_) if (400..500).contains(&response.status) => (Code::Unavailable, String::new(), None),
        Err(_) => return None,
    };
    Some(ServerFrame::Rejected { room, id, code, message, retry_after_ms })
}
