//! A WebSocket that comes back: it reconnects with a backoff, at once when the browser is online again or the page is
//! looked at again, and notices a peer that went silent. The caller says after each opening what to say, so it
//! resumes by its own cursor.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use gloo_timers::callback::{Interval, Timeout};
use wasm_bindgen::JsCast;
use web_sys::{MessageEvent, WebSocket};

use super::{backoff::wait_ms, listener::Listener, page};

/// How often we say something. A ping that nothing answered until the next one is due means that the peer is gone;
/// in hidden tabs browsers let a minute pass between the two, so no clock is asked.
const PING_INTERVAL_MS: u32 = 20_000;

/// What the caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketEvent {
    /// It can be written to.
    Open,
    /// A text message came.
    Text(String),
    /// It was lost, and is being sought again.
    Closed,
}

/// See the module. Dropping it closes the socket for good.
pub struct Socket(Rc<RefCell<State>>);

struct State {
    url: String,
    ping: String,
    on_event: Rc<dyn Fn(SocketEvent)>,
    attempt: Option<Attempt>,
    failures: u32,
    /// A ping was sent and nothing has come since.
    is_waiting: bool,
    retry: Option<Timeout>,
    _heartbeat: Interval,
    /// The browser has a network again; the page is looked at again. Either is a reason not to wait any longer.
    _wake: [Option<Listener>; 2],
}

/// One browser socket and its listeners.
struct Attempt {
    socket: WebSocket,
    _listeners: [Listener; 3],
}

impl Drop for Attempt {
    fn drop(&mut self) {
        // Closing what is closed already is no fault. 1000: we want no more.
        drop(self.socket.close_with_code(1000));
    }
}

impl Socket {
    /// Connects to `path` of this page's server. `ping` is what to say as a sign of life.
    pub fn open(path: &str, ping: String, on_event: impl Fn(SocketEvent) + 'static) -> Self {
        let state = Rc::new_cyclic(|weak: &Weak<RefCell<State>>| {
            let heartbeat = weak.clone();
            let wake = |event| {
                let weak = weak.clone();
                page::window_listener(event, move |_| reconnect_now(&weak))
            };
            RefCell::new(State {
                url: page::socket_url(path),
                ping,
                on_event: Rc::new(on_event),
                attempt: None,
                failures: 0,
                is_waiting: false,
                retry: None,
                _heartbeat: Interval::new(PING_INTERVAL_MS, move || beat(&heartbeat)),
                _wake: ["online", "visibilitychange"].map(wake),
            })
        });
        connect(&Rc::downgrade(&state));
        Self(state)
    }

    /// Sends a text. False: the socket is not open; after the next [`SocketEvent::Open`] it can be said again.
    pub fn send(&self, text: &str) -> bool {
        send(&self.0, text)
    }
}

fn send(state: &RefCell<State>, text: &str) -> bool {
    let state = state.borrow();
    let open = state.attempt.as_ref().filter(|attempt| attempt.socket.ready_state() == WebSocket::OPEN);
    open.is_some_and(|attempt| attempt.socket.send_with_str(text).is_ok())
}

fn connect(weak: &Weak<RefCell<State>>) {
    let Some(state) = weak.upgrade() else { return };
    let url = state.borrow().url.clone();
    let Ok(socket) = WebSocket::new(&url) else {
        // Only an address that is none gets here; trying it again would not mend it.
        return;
    };
    let (opened, heard, lost) = (weak.clone(), weak.clone(), weak.clone());
    let listeners = [
        Listener::new(&socket, "open", move |_| on_open(&opened)),
        Listener::new(&socket, "message", move |event| on_message(&heard, &event)),
        Listener::new(&socket, "close", move |_| on_close(&lost)),
    ];
    let mut state = state.borrow_mut();
    state.retry = None;
    state.is_waiting = false;
    state.attempt = Some(Attempt { socket, _listeners: listeners });
}

fn on_open(weak: &Weak<RefCell<State>>) {
    let Some(state) = weak.upgrade() else { return };
    state.borrow_mut().failures = 0;
    tell(&state, SocketEvent::Open);
}

fn on_message(weak: &Weak<RefCell<State>>, event: &web_sys::Event) {
    let Some(state) = weak.upgrade() else { return };
    state.borrow_mut().is_waiting = false;
    if let Some(text) = event.dyn_ref::<MessageEvent>().and_then(|event| event.data().as_string()) {
        tell(&state, SocketEvent::Text(text));
    }
}

fn on_close(weak: &Weak<RefCell<State>>) {
    let Some(state) = weak.upgrade() else { return };
    let wait = {
        let mut state = state.borrow_mut();
        let wait = wait_ms(state.failures, page::random());
        state.failures += 1;
        wait
    };
    let again = weak.clone();
    let retry = Timeout::new(wait, move || connect(&again));
    state.borrow_mut().retry = Some(retry);
    tell(&state, SocketEvent::Closed);
}

/// Calls back without a borrow, because the caller may send or drop the socket in answer.
fn tell(state: &Rc<RefCell<State>>, event: SocketEvent) {
    let on_event = state.borrow().on_event.clone();
    on_event(event);
}

fn beat(weak: &Weak<RefCell<State>>) {
    let Some(state) = weak.upgrade() else { return };
    if state.borrow().is_waiting {
        // The browser may wait minutes for the close of a dead peer. Dropping the attempt removes its listeners.
        let dead = state.borrow_mut().attempt.take();
        drop(dead);
        state.borrow_mut().is_waiting = false;
        on_close(weak);
    } else {
        let ping = state.borrow().ping.clone();
        let is_sent = send(&state, &ping);
        state.borrow_mut().is_waiting = is_sent;
    }
}

fn reconnect_now(weak: &Weak<RefCell<State>>) {
    let Some(state) = weak.upgrade() else { return };
    let is_waiting = state.borrow().retry.is_some();
    if is_waiting {
        connect(weak);
    }
}
