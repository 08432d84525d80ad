//! The chat over a WebSocket (RFC 6455). One task owns the socket: it tells what comes, sends what it is given, and
//! closes the socket when the [`Socket`] is dropped.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    rc::Rc,
    task::Poll,
};

use futures_channel::mpsc::{self, UnboundedReceiver, UnboundedSender};
use futures_util::{SinkExt, StreamExt};
use gloo_net::websocket::{Message, State, WebSocketError, futures::WebSocket};
use wasm_bindgen_futures::spawn_local;

use super::{Attempt, EventSink, ReceivedData, TransportEvent};
use crate::{client::dom::page, protocol::chat::ClientFrame};

/// See the module.
pub(crate) struct Socket {
    /// The task ends when this is gone.
    outgoing: UnboundedSender<String>,
    is_open: Rc<Cell<bool>>,
}

impl Socket {
    /// Connects to `path` of this page's server. `None`: the address is none.
    pub(crate) fn open(path: &str, tell: EventSink) -> Option<Self> {
        let socket = WebSocket::open(&page::socket_url(path)).ok()?;
        let (outgoing, queue) = mpsc::unbounded();
        let is_open = Rc::new(Cell::new(false));
        let task = Task { socket, queue, is_open: is_open.clone(), tell };
        spawn_local(task.run());
        Some(Self { outgoing, is_open })
    }
}

impl Attempt for Socket {
    /// What is said before it is open, or after, is not sent: whoever holds it says it when it is told `Open`.
    fn say(&self, frame: &ClientFrame) {
        if self.is_open.get() {
            let text = serde_json::to_string(frame).expect("frames have only string keys");
            // Without its task the socket is closed, and that was told.
            drop(self.outgoing.unbounded_send(text));
        }
    }

    fn ping(&self) {
        self.say(&ClientFrame::Ping);
    }
}

struct Task {
    socket: WebSocket,
    queue: UnboundedReceiver<String>,
    is_open: Rc<Cell<bool>>,
    tell: EventSink,
}

/// What a task goes on with.
enum Next {
    Opened,
    ReceivedData(Option<Result<Message, WebSocketError>>),
    Say(Option<String>),
}

impl Task {
    async fn run(mut self) {
        loop {
            match self.next().await {
                Next::Opened => {
                    self.is_open.set(true);
                    (self.tell)(TransportEvent::Open);
                }
                Next::ReceivedData(Some(Ok(Message::Text(text)))) => hear(&self.tell, &text),
                // An error says nothing but that the close follows. Bytes are no frames of ours.
                Next::ReceivedData(Some(Err(WebSocketError::ConnectionError) | Ok(Message::Bytes(_)))) => {}
                Next::ReceivedData(Some(Err(WebSocketError::ConnectionClose(event)))) => {
                    return self.lose(return_after(&event.reason));
                }
                Next::ReceivedData(_) => return self.lose(None),
                // A socket that is about to close loses it; then its close is about to be told.
                Next::Say(Some(text)) => drop(self.socket.send(Message::Text(text)).await),
                // 1000: we want no more. Closing what is closed already is no fault.
                Next::Say(None) => return drop(self.socket.close(Some(1000), None)),
            }
        }
    }

    fn next(&mut self) -> impl Future<Output = Next> {
        let Self { socket, queue, is_open, .. } = self;
        poll_fn(move |context| {
            // It is also ready for more when it has failed; then its close is heard.
            let is_ready = !is_open.get() && socket.poll_ready_unpin(context).is_ready();
            if is_ready && matches!(socket.state(), State::Open) {
                return Poll::Ready(Next::Opened);
            }
            if let Poll::Ready(heard) = socket.poll_next_unpin(context) {
                return Poll::Ready(Next::ReceivedData(heard));
            }
            queue.poll_next_unpin(context).map(Next::Say)
        })
    }

    fn lose(self, return_after_ms: Option<u32>) {
        self.is_open.set(false);
        (self.tell)(TransportEvent::Lost(return_after_ms));
    }
}

fn hear(tell: &EventSink, text: &str) {
    match serde_json::from_str(text).map(ReceivedData::Frame) {
        Ok(frame) => tell(TransportEvent::ReceivedData(frame)),
        Err(error) => page::warn(&format!("a frame of the chat cannot be read ({error}): {text}")),
    }
}

/// A server that stops says `retry MS`.
fn return_after(reason: &str) -> Option<u32> {
    reason.strip_prefix("retry ")?.parse().ok()
}
