//! The chat over a WebSocket (RFC 6455).

use wasm_bindgen::JsCast;
use web_sys::{CloseEvent, Event, MessageEvent, WebSocket};

use super::{Attempt, Heard, Tell, Told};
use crate::{
    browser::{listener::Listener, page},
    protocol::chat::ClientFrame,
};

/// See the module.
pub(in crate::browser) struct Socket {
    socket: WebSocket,
    _listeners: [Listener; 3],
}

impl Socket {
    /// Connects to `path` of this page's server. `None`: the address is none.
    pub(in crate::browser) fn open(path: &str, tell: Tell) -> Option<Self> {
        let socket = WebSocket::new(&page::socket_url(path)).ok()?;
        let (opened, heard, lost) = (tell.clone(), tell.clone(), tell);
        let listeners = [
            Listener::new(&socket, "open", move |_| opened(Told::Open)),
            Listener::new(&socket, "message", move |event| on_message(&heard, &event)),
            Listener::new(&socket, "close", move |event| lost(Told::Lost(return_after(&event)))),
        ];
        Some(Self { socket, _listeners: listeners })
    }
}

impl Attempt for Socket {
    fn say(&self, frame: &ClientFrame) {
        if self.socket.ready_state() == WebSocket::OPEN {
            let text = serde_json::to_string(frame).expect("frames have only string keys");
            // A socket that is about to close loses it; then its close is about to be told.
            drop(self.socket.send_with_str(&text));
        }
    }

    fn ping(&self) {
        self.say(&ClientFrame::Ping);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Closing what is closed already is no fault. 1000: we want no more.
        drop(self.socket.close_with_code(1000));
    }
}

fn on_message(tell: &Tell, event: &Event) {
    let Some(text) = event.dyn_ref::<MessageEvent>().and_then(|event| event.data().as_string()) else {
        return;
    };
    match serde_json::from_str(&text).map(Heard::Frame) {
        Ok(frame) => tell(Told::Heard(frame)),
        Err(error) => page::warn(&format!("a frame of the chat cannot be read ({error}): {text}")),
    }
}

/// A server that stops says `retry MS`.
fn return_after(event: &Event) -> Option<u32> {
    event.dyn_ref::<CloseEvent>()?.reason().strip_prefix("retry ")?.parse().ok()
}
