//! A connection that does not give up: it uses the best transport that works, notices a peer that went silent, and
//! comes back after a drop. Whoever holds it says after each opening where to go on, so nothing is missed.
//!
//! * An attempt is *proven* when it has brought something. One that ends unproven although the server answers
//!   requests was stopped on the way (a proxy that blocks upgrades, one that holds streams back): the next transport
//!   is tried. One that ends with the server away is tried again, with a backoff.
//! * Below the best transport a probe tries the next better one now and then, beside the connection in use.
//! * Streams and polls take one of the few places that a browser has for all tabs; without one, polls are brief.

pub mod backoff;
mod dial;
pub(crate) mod fallback;
pub(crate) mod lifecycle;
pub(crate) mod preference;
pub(crate) mod slot;
mod upgrade;

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use gloo_events::EventListener;
use gloo_timers::callback::{Interval, Timeout};
use wasm_bindgen_futures::spawn_local;

use self::{backoff::wait_ms, fallback::TransportFallback, lifecycle::Wake, preference::Purpose, slot::Slot};
pub use super::transports::ReceivedData;
use super::{
    dom::{
        fetch::{self, Abort},
        page,
        time::now_ms,
    },
    transports::{Attempt, EventSink, TransportEvent, long_poll::Pace},
};
use crate::protocol::{session::Visit, transport::Transport};

/// An attempt that has brought nothing for so long is given up: the first frame comes at once, or is held back.
const PROOF_MS: u32 = 5_000;
/// How often we look for a sign of life. One silent interval is the end: the server's own signs and the answers to
/// polls come every 15 s, and a ping is answered at once. So a dead peer is noticed within 44 s.
const BEAT_MS: u32 = 22_000;
/// How often a tab without a place for a connection looks for one.
const SLOT_PAUSE_MS: u32 = 5_000;
/// Before the next transport is tried: a moment, so that a fault of ours cannot become a tight loop.
const STEP_MS: u32 = 100;
/// How long the server may take to say that it is there.
const HEALTH_MS: u32 = 5_000;

/// What the holder is told.
#[derive(Clone, Debug, PartialEq)]
pub enum ConnectionEvent {
    /// It can be spoken to, and must be told where to go on.
    Open,
    /// It has brought something, by this transport.
    Proven(Transport),
    /// Something was heard.
    ReceivedData(ReceivedData),
    /// It was lost, and is being sought again.
    Lost,
    /// It was lost with the session: it is sought again when the page is looked at.
    SignedOut,
}

type Dial = Box<dyn Fn(Transport, Pace, EventSink) -> Option<Box<dyn Attempt>>>;

/// See the module. Dropping it ends it for good.
pub struct Connection(Rc<RefCell<State>>);

struct State {
    purpose: Purpose,
    dial: Dial,
    on_event: Rc<dyn Fn(ConnectionEvent)>,
    fallback: TransportFallback,
    /// Names the attempt in use; reports of any other are too late.
    current: u64,
    /// The last name that was given.
    last: u64,
    attempt: Option<Box<dyn Attempt>>,
    slot: Option<Slot>,
    is_proven: bool,
    has_heard: bool,
    heard_at_ms: i64,
    /// Lost connections without a steady one between them.
    failures: u32,
    /// The page is in the back-forward cache.
    is_away: bool,
    /// The next thing to do about the attempt in use: give it up, try again, look for a place.
    next_step: Option<Timeout>,
    health: Option<Abort>,
    probe: Option<(u64, Box<dyn Attempt>)>,
    upgrade: Option<Timeout>,
    climb_ms: u32,
    /// The attempt in use is a step up the ladder that has brought nothing yet.
    has_climbed: bool,
    _beat: Interval,
    _wake: [Option<EventListener>; 5],
}

impl Connection {
    fn open(purpose: Purpose, dial: Dial, on_event: impl Fn(ConnectionEvent) + 'static) -> Self {
        let state = Rc::new_cyclic(|weak: &Weak<RefCell<State>>| {
            let (beating, waking) = (weak.clone(), weak.clone());
            RefCell::new(State {
                purpose,
                dial,
                on_event: Rc::new(on_event),
                fallback: TransportFallback::new(preference::order(purpose), preference::remembered(purpose)),
                current: 0,
                last: 0,
                attempt: None,
                slot: None,
                is_proven: false,
                has_heard: false,
                heard_at_ms: 0,
                failures: 0,
                is_away: false,
                next_step: None,
                health: None,
                probe: None,
                upgrade: None,
                climb_ms: upgrade::FIRST_MS,
                has_climbed: false,
                _beat: Interval::new(BEAT_MS, move || beat(&beating)),
                _wake: lifecycle::listen(move |what| on_wake(&waking, what)),
            })
        });
        connect(&Rc::downgrade(&state));
        Self(state)
    }
}

impl State {
    /// Lets go of the attempt in use and of all that was planned. Returns what is to be dropped outside of the
    /// borrow: what ends may report.
    fn let_go(&mut self) -> impl Sized + use<> {
        self.current = self.new_id();
        (self.is_proven, self.has_climbed) = (false, false);
        let planned = (self.next_step.take(), self.health.take(), self.upgrade.take());
        (self.attempt.take(), self.slot.take(), self.probe.take(), planned)
    }

    /// Whether it asks briefly now and then, because other tabs have all the places.
    fn is_brief(&self) -> bool {
        self.fallback.current() != Transport::Socket && self.slot.is_none()
    }

    fn new_id(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn plan(&mut self, wait_ms: u32, step: impl FnOnce() + 'static) {
        self.next_step = Some(Timeout::new(wait_ms, step));
    }
}

fn connect(weak: &Weak<RefCell<State>>) {
    let Some(state) = weak.upgrade() else { return };
    let earlier = state.borrow_mut().let_go();
    drop(earlier);
    let (id, transport) = (state.borrow().current, state.borrow().fallback.current());
    if transport == Transport::Socket {
        return dial(weak, id, None);
    }
    let weak = weak.clone();
    spawn_local(async move {
        let slot = slot::take().await;
        dial(&weak, id, slot);
    });
}

/// Starts the attempt that `connect` has prepared as `id`.
fn dial(weak: &Weak<RefCell<State>>, id: u64, slot: Option<Slot>) {
    let Some(state) = weak.upgrade().filter(|state| state.borrow().current == id && !state.borrow().is_away)
    else {
        return;
    };
    let transport = state.borrow().fallback.current();
    state.borrow_mut().slot = slot;
    let pace = if state.borrow().is_brief() { Pace::Brief } else { Pace::Long };
    let attempt = (state.borrow().dial)(transport, pace, event_sink(weak, id));
    let mut state = state.borrow_mut();
    (state.attempt, state.has_heard) = (attempt, true);
    let weak = weak.clone();
    state.plan(PROOF_MS, move || on_lost(&weak, id, None));
}

fn event_sink(weak: &Weak<RefCell<State>>, id: u64) -> EventSink {
    let weak = weak.clone();
    Rc::new(move |told| on_told(&weak, id, told))
}

fn on_told(weak: &Weak<RefCell<State>>, id: u64, told: TransportEvent) {
    let Some(state) = weak.upgrade() else { return };
    if state.borrow().current != id {
        return upgrade::on_told(weak, id, &told);
    }
    match told {
        TransportEvent::Open => {
            emit(&state, ConnectionEvent::Open);
            ping(&state);
        }
        TransportEvent::ReceivedData(heard) => {
            prove(weak, &state);
            emit(&state, ConnectionEvent::ReceivedData(heard));
        }
        TransportEvent::Answered(heard) => emit(&state, ConnectionEvent::ReceivedData(heard)),
        TransportEvent::Alive => prove(weak, &state),
        TransportEvent::Lost(return_after_ms) => on_lost(weak, id, return_after_ms),
    }
}

/// The attempt in use has brought something.
fn prove(weak: &Weak<RefCell<State>>, state: &RefCell<State>) {
    let transport = {
        let mut state = state.borrow_mut();
        (state.has_heard, state.heard_at_ms) = (true, now_ms());
        if state.is_proven {
            return;
        }
        (state.is_proven, state.next_step) = (true, None);
        if std::mem::take(&mut state.has_climbed) {
            state.climb_ms = upgrade::FIRST_MS;
        }
        upgrade::plan(weak, &mut state);
        if state.is_brief() {
            seek_slot(weak, &mut state);
            Transport::Poll
        } else {
            state.fallback.worked();
            preference::remember(state.purpose, state.fallback.current());
            state.fallback.current()
        }
    };
    emit(state, ConnectionEvent::Proven(transport));
}

/// Without a place the polls are brief; as soon as there is one, connect anew.
fn seek_slot(weak: &Weak<RefCell<State>>, state: &mut State) {
    let (weak, id) = (weak.clone(), state.current);
    state.plan(SLOT_PAUSE_MS, move || {
        spawn_local(async move {
            let found = slot::take().await;
            let Some(state) = weak.upgrade().filter(|state| state.borrow().current == id) else { return };
            if found.is_none() {
                return seek_slot(&weak, &mut state.borrow_mut());
            }
            let earlier = state.borrow_mut().let_go();
            drop(earlier);
            let id = state.borrow().current;
            dial(&weak, id, found);
        });
    });
}

fn on_lost(weak: &Weak<RefCell<State>>, id: u64, return_after_ms: Option<u32>) {
    let Some(state) = weak.upgrade().filter(|state| state.borrow().current == id) else { return };
    let was_proven = state.borrow().is_proven;
    let earlier = state.borrow_mut().let_go();
    drop(earlier);
    if was_proven {
        retry_later(weak, &state, return_after_ms);
        return emit(&state, ConnectionEvent::Lost);
    }
    // Was it the server or the way there?
    let (abort, id) = (Abort::new(), state.borrow().current);
    let signal = abort.signal();
    state.borrow_mut().health = Some(abort);
    let weak = weak.clone();
    spawn_local(async move {
        let answer = fetch::get("/api/session", signal, HEALTH_MS).await;
        let Some(state) = weak.upgrade().filter(|state| state.borrow().current == id) else { return };
        // Not just any answer: a network that wants a log-in first has one for everything.
        let visit: Option<Visit> = answer.and_then(|answer| serde_json::from_str(&answer.body).ok());
        if visit.as_ref().is_some_and(|visit| !visit.reads) {
            return emit(&state, ConnectionEvent::SignedOut);
        }
        if visit.is_some() && state.borrow_mut().fallback.failed() {
            let again = weak.clone();
            return state.borrow_mut().plan(STEP_MS, move || connect(&again));
        }
        retry_later(&weak, &state, None);
        emit(&state, ConnectionEvent::Lost);
    });
}

fn retry_later(weak: &Weak<RefCell<State>>, state: &RefCell<State>, told_ms: Option<u32>) {
    let mut state = state.borrow_mut();
    let wait_ms = told_ms.unwrap_or_else(|| wait_ms(state.failures, page::random()));
    state.failures += 1;
    let again = weak.clone();
    state.plan(wait_ms, move || connect(&again));
}

fn beat(weak: &Weak<RefCell<State>>) {
    let Some(state) = weak.upgrade() else { return };
    if !state.borrow().is_proven {
        return;
    }
    let has_heard = std::mem::replace(&mut state.borrow_mut().has_heard, false);
    if !has_heard {
        return on_silence(weak, &state);
    }
    state.borrow_mut().failures = 0;
    state.borrow_mut().fallback.steady();
    ping(&state);
}

/// The peer is gone, or something on the way lets the first frame through and no other: as if nothing had come.
fn on_silence(weak: &Weak<RefCell<State>>, state: &RefCell<State>) {
    state.borrow_mut().is_proven = false;
    let id = state.borrow().current;
    emit(state, ConnectionEvent::Lost);
    on_lost(weak, id, None);
}

fn ping(state: &RefCell<State>) {
    if let Some(attempt) = &state.borrow().attempt {
        attempt.ping();
    }
}

fn on_wake(weak: &Weak<RefCell<State>>, what: Wake) {
    let Some(state) = weak.upgrade() else { return };
    let (id, is_connected) = (state.borrow().current, state.borrow().attempt.is_some());
    match what {
        Wake::Away => {
            let earlier = state.borrow_mut().let_go();
            drop(earlier);
            state.borrow_mut().is_away = true;
            emit(&state, ConnectionEvent::Lost);
        }
        Wake::Back => {
            state.borrow_mut().is_away = false;
            connect(weak);
        }
        Wake::Offline if is_connected => on_lost(weak, id, None),
        Wake::Online | Wake::Now if state.borrow().is_away => {}
        Wake::Online => {
            state.borrow_mut().fallback.restart();
            // The browser may say so a moment before anything comes through; the waits of before were for another way.
            state.borrow_mut().failures = 0;
            connect(weak);
        }
        Wake::Now if !is_connected || must_leave_slot(&state) => connect(weak),
        // The computer has slept: what looks open is from before.
        Wake::Now if now_ms() - state.borrow().heard_at_ms > i64::from(BEAT_MS) => {
            if state.borrow().is_proven {
                on_silence(weak, &state);
            }
        }
        Wake::Offline | Wake::Now => {}
    }
}

/// Out of view, a tab leaves a place that is for tabs in view.
fn must_leave_slot(state: &RefCell<State>) -> bool {
    page::is_hidden() && state.borrow().slot.as_ref().is_some_and(Slot::is_for_view_only)
}

/// Calls back without a borrow, because the holder may speak or drop the connection in answer.
fn emit(state: &RefCell<State>, event: ConnectionEvent) {
    let on_event = state.borrow().on_event.clone();
    on_event(event);
}
