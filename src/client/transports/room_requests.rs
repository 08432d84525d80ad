//! The chat without a socket: a stream or polls for each room that is followed, and a request for each thing that is
//! said. To whoever uses it, it speaks and hears the socket's frames.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use wasm_bindgen_futures::spawn_local;

use super::{
    Attempt, EventSink, ReceivedData, TransportEvent,
    long_poll::{Pace, Poll},
    room_poll::RoomQuestion,
    sse::{Stream, read_frame},
};
use crate::{
    client::dom::{
        fetch::{self, Abort, Answer},
        page,
    },
    protocol::{
        chat::{ClientFrame, Message, NewMessage, ServerFrame},
        cursor::Cursor,
        name::RoomId,
        problem::{Code, Problem},
    },
};

/// How long an answer to a post may take.
const ANSWER_MS: u32 = 15_000;

/// How the rooms are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    Stream,
    Poll(Pace),
}

/// See the module.
pub(crate) struct RoomRequests(Rc<State>);

struct State {
    follow: Follow,
    tell: EventSink,
    rooms: RefCell<Vec<(String, Box<dyn Attempt>)>>,
    /// What was said and not answered, in order: one request at a time, so that they are stored in order.
    posts: RefCell<VecDeque<(String, NewMessage)>>,
    is_posting: Cell<bool>,
    abort: Abort,
}

impl RoomRequests {
    pub(crate) fn open(follow: Follow, tell: EventSink) -> Self {
        let state = Rc::new(State {
            follow,
            tell: tell.clone(),
            rooms: RefCell::default(),
            posts: RefCell::default(),
            is_posting: Cell::new(false),
            abort: Abort::new(),
        });
        let weak = Rc::downgrade(&state);
        // There is nothing to connect: it is open as soon as whoever opened it has it.
        spawn_local(async move {
            if weak.upgrade().is_some() {
                tell(TransportEvent::Open);
            }
        });
        Self(state)
    }
}

impl Attempt for RoomRequests {
    fn say(&self, frame: &ClientFrame) {
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
                // A sign of typing that is lost is not missed.
                spawn_local(async move { drop(fetch::post(&url, "", signal, ANSWER_MS).await) });
            }
            ClientFrame::Ping => self.ping(),
            // The cookie says who it is.
            ClientFrame::Auth { .. } => {}
        }
    }

    /// The rooms have signs of life of their own. Where none is followed, nothing is missing.
    fn ping(&self) {
        if self.0.rooms.borrow().is_empty() {
            let tell = self.0.tell.clone();
            spawn_local(async move { tell(TransportEvent::Alive) });
        }
    }
}

impl State {
    fn join(&self, room: &str, after: Option<&str>) {
        let (Ok(id), Some(Ok(cursor))) = (RoomId::parse(room), after.map(str::parse::<Cursor>)) else {
            return;
        };
        // The rooms' own openings are no news; that something is heard is.
        let tell = self.tell.clone();
        let tell: EventSink = Rc::new(move |told| {
            if told != TransportEvent::Open {
                tell(told);
            }
        });
        let source: Option<Box<dyn Attempt>> = match self.follow {
            Follow::Stream => {
                let url = format!("/api/rooms/{}/events?heartbeat=true&after={cursor}", page::encode(room));
                Stream::open(&url, read_frame, tell).map(|stream| Box::new(stream) as _)
            }
            Follow::Poll(pace) => {
                Some(Box::new(Poll::start(Box::new(RoomQuestion::new(id, cursor)), pace, tell)))
            }
        };
        if let Some(source) = source {
            self.leave(room);
            self.rooms.borrow_mut().push((room.to_owned(), source));
        }
    }

    fn leave(&self, room: &str) {
        self.rooms.borrow_mut().retain(|(known, _)| known != room);
    }
}

/// Sends what waits, one after the other, until nothing does.
fn start_posting(state: &Rc<State>) {
    if state.is_posting.replace(true) {
        return;
    }
    let weak = Rc::downgrade(state);
    spawn_local(async move {
        while let Some((room, post)) = next_post(&weak) {
            let body = serde_json::to_string(&post).expect("plain data");
            let url = format!("/api/rooms/{}/messages", page::encode(&room));
            // Not ended with us: what was said on leaving the page shall arrive.
            let answer = fetch::post(&url, &body, None, ANSWER_MS).await;
            let Some(state) = weak.upgrade() else { return };
            match answer.and_then(|answer| frame_of(&answer, &room, &post.id)) {
                Some(frame) => (state.tell)(TransportEvent::Answered(ReceivedData::Frame(frame))),
                // Nobody knows whether it was stored. It is sent again, with the same id, when we are back.
                None => return (state.tell)(TransportEvent::Lost(None)),
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

/// The answer to a post as a frame; `None` when it says nothing about the post.
fn frame_of(answer: &Answer, room: &str, id: &str) -> Option<ServerFrame> {
    if answer.is_success() {
        let Message { room, offset, timestamp, .. } = serde_json::from_str(&answer.body).ok()?;
        return Some(ServerFrame::Posted { room, id: id.to_owned(), offset, timestamp });
    }
    let (room, id) = (Some(room.to_owned()), Some(id.to_owned()));
    let (code, message, retry_after_ms) = match serde_json::from_str(&answer.body) {
        Ok(Problem { code, detail, retry_after_ms, .. }) => (code, detail, retry_after_ms),
        // Somebody on the way will not have it, and would not have it the next time.
        Err(_) if (400..500).contains(&answer.status) => (Code::Unavailable, String::new(), None),
        Err(_) => return None,
    };
    Some(ServerFrame::Rejected { room, id, code, message, retry_after_ms })
}
