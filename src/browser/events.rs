//! An EventSource that does not give up: the browser's own reconnects by itself after a drop, with the cursor in
//! `Last-Event-ID`, but stops for good when a server answers with an error. Then this opens a new one.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use gloo_timers::callback::Timeout;
use wasm_bindgen::JsCast;
use web_sys::{EventSource, MessageEvent};

use super::{backoff::wait_ms, listener::Listener, page};

/// What the caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamEvent {
    /// The stream is open.
    Open,
    /// An event's data.
    Data(String),
    /// It was lost, and is being sought again.
    Closed,
}

/// See the module. Dropping it ends the stream.
pub struct EventStream(#[expect(dead_code, reason = "held for its Drop")] Rc<RefCell<State>>);

struct State {
    url: Box<dyn Fn() -> String>,
    on_event: Rc<dyn Fn(StreamEvent)>,
    attempt: Option<Attempt>,
    failures: u32,
    retry: Option<Timeout>,
}

/// One EventSource and its listeners.
struct Attempt {
    source: EventSource,
    _listeners: [Listener; 3],
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.source.close();
    }
}

impl EventStream {
    /// Follows the stream at `url()`, which is asked anew for each EventSource: it has the cursor of that moment.
    pub fn open(url: impl Fn() -> String + 'static, on_event: impl Fn(StreamEvent) + 'static) -> Self {
        let state = Rc::new(RefCell::new(State {
            url: Box::new(url),
            on_event: Rc::new(on_event),
            attempt: None,
            failures: 0,
            retry: None,
        }));
        connect(&Rc::downgrade(&state));
        Self(state)
    }
}

fn connect(weak: &Weak<RefCell<State>>) {
    let Some(state) = weak.upgrade() else { return };
    let url = (state.borrow().url)();
    let Ok(source) = EventSource::new(&url) else {
        // Only an address that is none gets here; trying it again would not mend it.
        return;
    };
    let (opened, heard, lost) = (weak.clone(), weak.clone(), weak.clone());
    let listeners = [
        Listener::new(&source, "open", move |_| on_open(&opened)),
        Listener::new(&source, "message", move |event| on_message(&heard, &event)),
        Listener::new(&source, "error", move |_| on_error(&lost)),
    ];
    let mut state = state.borrow_mut();
    state.retry = None;
    state.attempt = Some(Attempt { source, _listeners: listeners });
}

fn on_open(weak: &Weak<RefCell<State>>) {
    let Some(state) = weak.upgrade() else { return };
    state.borrow_mut().failures = 0;
    tell(&state, StreamEvent::Open);
}

fn on_message(weak: &Weak<RefCell<State>>, event: &web_sys::Event) {
    let Some(state) = weak.upgrade() else { return };
    if let Some(data) = event.dyn_ref::<MessageEvent>().and_then(|event| event.data().as_string()) {
        tell(&state, StreamEvent::Data(data));
    }
}

fn on_error(weak: &Weak<RefCell<State>>) {
    let Some(state) = weak.upgrade() else { return };
    let is_final = state
        .borrow()
        .attempt
        .as_ref()
        .is_some_and(|attempt| attempt.source.ready_state() == EventSource::CLOSED);
    if is_final {
        let mut state = state.borrow_mut();
        let again = weak.clone();
        let wait = wait_ms(state.failures, page::random());
        state.failures += 1;
        state.retry = Some(Timeout::new(wait, move || connect(&again)));
    }
    tell(&state, StreamEvent::Closed);
}

/// Calls back without a borrow, because the caller may drop the stream in answer.
fn tell(state: &Rc<RefCell<State>>, event: StreamEvent) {
    let on_event = state.borrow().on_event.clone();
    on_event(event);
}
