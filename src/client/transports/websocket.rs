//! The chat by a WebSocket (RFC 6455). One task owns the socket: it delivers incoming frames, sends outgoing ones, and
//! closes the socket when the [`Socket`] is dropped.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    task::Poll,
};

use futures_channel::mpsc::{self, UnboundedReceiver, UnboundedSender};
use futures_util::{SinkExt, StreamExt, future::select};
use gloo_net::websocket::{self, State, WebSocketError, futures::WebSocket};
use gloo_timers::future::TimeoutFuture;

use super::{EventSink, TransportEvent, TransportHandle};
use crate::{
    client::{dom::page, executor::spawn_local},
    protocol::chat::{ClientFrame, ServerFrame},
};

/// A socket that is no longer wanted is closed at the latest after this time: a slow network needs seconds for the
/// handshake.
const HANDSHAKE_MS: u32 = 10_000;

/// An open socket, or one that is being opened.
pub(crate) struct Socket {
    /// The task ends when this is dropped.
    outgoing: UnboundedSender<String>,
    is_open: Rc<Cell<bool>>,
}

impl Socket {
    /// Connects to `path` of this page's server. `None`: the browser rejects the address.
    pub(crate) fn open(path: &str, sink: EventSink<ServerFrame>) -> Option<Self> {
        let socket = WebSocket::open(&page::socket_url(path)).ok()?;
        let (outgoing, queue) = mpsc::unbounded();
        let is_open = Rc::new(Cell::new(false));
        let task = Task { socket, queue, is_open: is_open.clone(), sink };
        spawn_local(task.run());
        Some(Self { outgoing, is_open })
    }
}

impl TransportHandle for Socket {
    /// Drops the frame unless the socket is open: its owner sends its frames at `Open`.
    fn send(&self, frame: &ClientFrame) {
        if self.is_open.get() {
            let text = serde_json::to_string(frame).expect("frames have only string keys");
            // Without its task the socket is closed, which was reported.
            drop(self.outgoing.unbounded_send(text));
        }
    }

    fn ping(&self) {
        self.send(&ClientFrame::Ping);
    }
}

struct Task {
    socket: WebSocket,
    queue: UnboundedReceiver<String>,
    is_open: Rc<Cell<bool>>,
    sink: EventSink<ServerFrame>,
}

/// The next thing for the task to do.
enum Step {
    Opened,
    Received(Option<Result<websocket::Message, WebSocketError>>),
    Send(Option<String>),
}

impl Task {
    async fn run(mut self) {
        use websocket::Message;
        loop {
            match self.next().await {
                Step::Opened => {
                    self.is_open.set(true);
                    self.sink.report(TransportEvent::Open);
                }
                Step::Received(Some(Ok(Message::Text(text)))) => receive(&self.sink, &text),
                // An error only announces that the close follows. The protocol has no binary frames.
                Step::Received(Some(Err(WebSocketError::ConnectionError) | Ok(Message::Bytes(_)))) => {}
                Step::Received(Some(Err(WebSocketError::ConnectionClose(event)))) => {
                    return self.lose(retry_after(&event.reason));
                }
                Step::Received(_) => return self.lose(None),
                Step::Send(Some(text)) => {
                    // A socket that is about to close loses the frame, and its close is about to be reported. Browsers log
                    // an error for a frame that is given to it all the same.
                    if matches!(self.socket.state(), State::Open) {
                        drop(self.socket.send(Message::Text(text)).await);
                    }
                }
                Step::Send(None) => return self.close().await,
            }
        }
    }

    /// Closes the socket, after the handshake if that is about to end: browsers warn of a socket that is closed before.
    /// A page that is left closes it without a warning, by itself.
    async fn close(mut self) {
        let handshake = pin!(poll_fn(|context| self.socket.poll_ready_unpin(context)));
        select(handshake, TimeoutFuture::new(HANDSHAKE_MS)).await;
        // 1000: normal closure. Closing a closed socket is no error.
        drop(self.socket.close(Some(1000), None));
    }

    fn next(&mut self) -> impl Future<Output = Step> {
        let Self { socket, queue, is_open, .. } = self;
        poll_fn(move |context| {
            // A failed socket is ready too; then its close is read.
            let is_ready = !is_open.get() && socket.poll_ready_unpin(context).is_ready();
            if is_ready && matches!(socket.state(), State::Open) {
                return Poll::Ready(Step::Opened);
            }
            if let Poll::Ready(received) = socket.poll_next_unpin(context) {
                return Poll::Ready(Step::Received(received));
            }
            queue.poll_next_unpin(context).map(Step::Send)
        })
    }

    fn lose(self, retry_after_ms: Option<u32>) {
        self.is_open.set(false);
        self.sink.report(TransportEvent::Lost(retry_after_ms));
    }
}

fn receive(sink: &EventSink<ServerFrame>, text: &str) {
    match ServerFrame::parse(text) {
        Ok(frame) => sink.receive(frame),
        Err(error) => page::warn(&format!("a frame of the chat cannot be read ({error}): {text}")),
    }
}

/// The milliseconds after which to reconnect. A server that stops closes with the reason `retry MS`.
fn retry_after(reason: &str) -> Option<u32> {
    reason.strip_prefix("retry ")?.parse().ok()
}
