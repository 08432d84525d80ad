//! The chat without a socket: a stream or polls for each joined room, and a request for each frame that is sent. Its
//! owner sends and receives the frames of the socket.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use serde::{Deserialize, Serialize};

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
        chat::{ClientFrame, ServerFrame},
        cursor::{Cursor, Offset},
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
    /// Posts and changes without an answer. One request at a time, so that they are stored in order.
    posts: RefCell<VecDeque<Post>>,
    is_posting: Cell<bool>,
    says_unread: Cell<bool>,
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
            says_unread: Cell::new(false),
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
            ClientFrame::Post { room, message } => {
                let url = format!("/api/rooms/{}/messages", page::encode(room));
                self.0.post(Post { room: room.clone(), id: message.id.clone(), url, body: to_json(message) });
            }
            ClientFrame::Change { room, target, change } => {
                let url = format!("/api/rooms/{}/messages/{target}/changes", page::encode(room));
                self.0.post(Post { room: room.clone(), id: change.id.clone(), url, body: to_json(change) });
            }
            ClientFrame::Typing { room } => {
                self.0.send_and_forget(&format!("/api/rooms/{}/typing", page::encode(room)), String::new());
            }
            ClientFrame::Ping => self.ping(),
            ClientFrame::Mark(mark) => self.0.send_and_forget("/api/user/marks", to_json(mark)),
            // The stream or the polls of each room say it.
            ClientFrame::Unread => self.0.says_unread.set(true),
            ClientFrame::Follow { .. } => {} // no page follows the log: the counts are enough for it
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

/// A post or a change on its way.
struct Post {
    room: String,
    id: String,
    url: String,
    body: String,
}

fn to_json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("plain data")
}

impl State {
    fn join(&self, room: &str, after: Option<&str>) {
        let (Ok(id), Some(Ok(cursor))) = (RoomId::parse(room), after.map(str::parse::<Cursor>)) else {
            return;
        };
        // This transport has reported its opening; that of a room is no news, its data are.
        let sink = self.sink.without_open();
        let unread = self.says_unread.get();
        let reader: Option<Box<dyn TransportHandle>> = match self.read_by {
            ReadBy::Stream => {
                let room = page::encode(room);
                let url = format!("/api/rooms/{room}/events?heartbeat=true&unread={unread}&after={cursor}");
                Stream::open(&url, ServerFrame::parse, sink).map(|stream| Box::new(stream) as _)
            }
            ReadBy::Poll(pace) => {
                Some(Box::new(Poll::start(RoomSource::new(id, cursor, unread), pace, sink)))
            }
        };
        if let Some(reader) = reader {
            self.leave(room);
            self.rooms.borrow_mut().push((room.to_owned(), reader));
        }
    }

    /// Sends what is not repeated when it is lost.
    fn send_and_forget(&self, url: &str, body: String) {
        let (url, signal) = (url.to_owned(), Some(self.abort.signal()));
        spawn_local(async move { drop(fetch::post(&url, &body, signal, ANSWER_MS).await) });
    }

    fn post(self: &Rc<Self>, post: Post) {
        self.posts.borrow_mut().push_back(post);
        start_posting(self);
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
        while let Some(Post { room, id, url, body }) = next_post(&weak) {
            // Without a signal: a post that was sent on leaving the page shall arrive.
            let response = fetch::post(&url, &body, None, ANSWER_MS).await;
            let Some(state) = weak.upgrade() else { return };
            match response.and_then(|response| frame_of(&response, &room, &id)) {
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

fn next_post(weak: &Weak<State>) -> Option<Post> {
    weak.upgrade()?.posts.borrow_mut().pop_front()
}

/// The members of a stored message or change that its author needs.
#[derive(Deserialize)]
struct Stored {
    offset: Offset,
    timestamp: i64,
}

/// The answer to a post as a frame. `None`: it tells nothing about the post.
fn frame_of(response: &Response, room: &str, id: &str) -> Option<ServerFrame> {
    if response.is_success() {
        let Stored { offset, timestamp } = serde_json::from_str(&response.body).ok()?;
        let room = RoomId::parse(room).ok()?;
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
