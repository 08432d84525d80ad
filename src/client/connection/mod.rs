//! A connection that does not give up: it uses the best transport that works, detects a peer that has gone silent, and
//! reconnects after a loss. Its owner sends after each opening where to resume, so nothing is missed.
//!
//! * A transport is *proven* when it has brought something. One that ends unproven although the server answers requests
//!   was blocked on the way (a proxy that blocks upgrades, one that buffers streams): the next transport is tried. If
//!   the server does not answer either, the same one is tried again, with a backoff ([`recovery`]).
//! * Below the best transport a probe tries the next better one now and then, beside the one in use ([`upgrade`]).
//! * Streams and polls take one of the few slots that a browser has for all tabs; without a slot, polls are brief
//!   ([`slot`]).
//!
//! The app's effects open it. The state machine in [`State`] knows no data: a [`Connection`] of `T` is a thin wrapper,
//! whose data go from the transport to the owner without it. So it is compiled once.

mod backoff;
mod dial;
pub(crate) mod fallback;
pub(crate) mod lifecycle;
pub(crate) mod preference;
mod recovery;
pub(crate) mod slot;
mod upgrade;

use std::{
    cell::RefCell,
    marker::PhantomData,
    rc::{Rc, Weak},
};

use gloo_events::EventListener;
use gloo_timers::callback::{Interval, Timeout};

use self::{fallback::TransportFallback, preference::Purpose, slot::Slot};
use super::{
    dom::{fetch::Abort, time::now_ms},
    executor::spawn_local,
    transports::{Report, TransportEvent, TransportHandle, long_poll::Pace},
};
use crate::protocol::transport::Transport;

/// A transport that has brought nothing for so long is given up: the first frame comes at once, or is held back.
const PROOF_MS: u32 = 5_000;
/// The interval at which a tab without a slot looks for one.
const SLOT_PAUSE_MS: u32 = 5_000;

/// An event of a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum ConnectionEvent {
    /// Frames can be sent, and the owner must send where to resume.
    Open,
    /// It has brought something, by this transport.
    Proven(Transport),
    /// It was lost, and is being reopened.
    Lost,
    /// It was lost with the session. It is reopened when the page becomes visible.
    SignedOut,
}

/// Opens a transport. `None`: it cannot be opened.
type Dial = Box<dyn Fn(Transport, Pace, Report) -> Option<Box<dyn TransportHandle>>>;

/// A connection that receives `T`: a [`crate::protocol::chat::ServerFrame`] or a [`crate::protocol::feed::Event`].
/// Dropping it closes it for good.
pub struct Connection<T> {
    state: Rc<RefCell<State>>,
    _receives: PhantomData<fn(T)>,
}

struct State {
    purpose: Purpose,
    dial: Dial,
    on_event: Rc<dyn Fn(ConnectionEvent)>,
    fallback: TransportFallback,
    /// The id of the transport in use; events of any other are stale.
    current: u64,
    /// The last id that was given.
    last: u64,
    transport: Option<Box<dyn TransportHandle>>,
    slot: Option<Slot>,
    is_proven: bool,
    /// Something was received since the last check.
    is_alive: bool,
    received_at_ms: i64,
    /// Losses without a stable connection between them.
    failures: u32,
    /// The page is in the back-forward cache.
    is_suspended: bool,
    /// The next step for the transport in use: give it up, retry, look for a slot.
    next_step: Option<Timeout>,
    health: Option<Abort>,
    probe: Option<(u64, Box<dyn TransportHandle>)>,
    upgrade: Option<Timeout>,
    upgrade_pause_ms: u32,
    /// The transport in use is an upgrade that has brought nothing yet.
    is_new_upgrade: bool,
    _heartbeat_check: Interval,
    _lifecycle: [Option<EventListener>; 5],
}

impl<T> Connection<T> {
    fn open(purpose: Purpose, dial: Dial, on_event: impl Fn(ConnectionEvent) + 'static) -> Self {
        Self { state: State::open(purpose, dial, Rc::new(on_event)), _receives: PhantomData }
    }
}

impl State {
    fn open(purpose: Purpose, dial: Dial, on_event: Rc<dyn Fn(ConnectionEvent)>) -> Rc<RefCell<Self>> {
        let state = Rc::new_cyclic(|weak: &Weak<RefCell<Self>>| {
            let (checked, listening) = (weak.clone(), weak.clone());
            RefCell::new(Self {
                purpose,
                dial,
                on_event,
                fallback: TransportFallback::new(preference::order(purpose), preference::remembered(purpose)),
                current: 0,
                last: 0,
                transport: None,
                slot: None,
                is_proven: false,
                is_alive: false,
                received_at_ms: 0,
                failures: 0,
                is_suspended: false,
                next_step: None,
                health: None,
                probe: None,
                upgrade: None,
                upgrade_pause_ms: upgrade::FIRST_MS,
                is_new_upgrade: false,
                _heartbeat_check: Interval::new(recovery::CHECK_MS, move || recovery::check(&checked)),
                _lifecycle: lifecycle::listen(move |event| lifecycle::on_event(&listening, event)),
            })
        });
        connect(&Rc::downgrade(&state));
        state
    }

    /// Ends the transport in use and all planned steps. Returns the values to drop outside of the borrow: what ends may
    /// report.
    fn release(&mut self) -> impl Sized + use<> {
        self.current = self.new_id();
        (self.is_proven, self.is_new_upgrade) = (false, false);
        let planned = (self.next_step.take(), self.health.take(), self.upgrade.take());
        (self.transport.take(), self.slot.take(), self.probe.take(), planned)
    }

    /// Returns true if polls must be brief, because other tabs have all slots.
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

/// Replaces the transport in use by a new one of the current kind.
fn connect(weak: &Weak<RefCell<State>>) {
    let Some(state) = weak.upgrade() else { return };
    let released = state.borrow_mut().release();
    drop(released);
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

/// Opens the transport that [`connect`] has prepared as `id`.
fn dial(weak: &Weak<RefCell<State>>, id: u64, slot: Option<Slot>) {
    let is_wanted = |state: &Rc<RefCell<State>>| state.borrow().current == id && !state.borrow().is_suspended;
    let Some(state) = weak.upgrade().filter(is_wanted) else { return };
    let transport = state.borrow().fallback.current();
    state.borrow_mut().slot = slot;
    let pace = if state.borrow().is_brief() { Pace::Brief } else { Pace::Long };
    let handle = (state.borrow().dial)(transport, pace, report_to(weak, id));
    let mut state = state.borrow_mut();
    (state.transport, state.is_alive) = (handle, true);
    let weak = weak.clone();
    state.plan(PROOF_MS, move || recovery::on_lost(&weak, id, None));
}

fn report_to(weak: &Weak<RefCell<State>>, id: u64) -> Report {
    let weak = weak.clone();
    Rc::new(move |event| on_transport_event(&weak, id, event))
}

/// Returns true if the event came from the transport in use.
fn on_transport_event(weak: &Weak<RefCell<State>>, id: u64, event: TransportEvent) -> bool {
    let Some(state) = weak.upgrade() else { return false };
    if state.borrow().current != id {
        upgrade::on_probe_event(weak, id, event);
        return false;
    }
    match event {
        TransportEvent::Open => {
            emit(&state, ConnectionEvent::Open);
            ping(&state);
        }
        TransportEvent::Received | TransportEvent::Alive => prove(weak, &state),
        TransportEvent::Answered => {}
        TransportEvent::Lost(retry_after_ms) => recovery::on_lost(weak, id, retry_after_ms),
    }
    true
}

/// The transport in use has brought something.
fn prove(weak: &Weak<RefCell<State>>, state: &RefCell<State>) {
    let transport = {
        let mut state = state.borrow_mut();
        (state.is_alive, state.received_at_ms) = (true, now_ms());
        if state.is_proven {
            return;
        }
        (state.is_proven, state.next_step) = (true, None);
        if std::mem::take(&mut state.is_new_upgrade) {
            state.upgrade_pause_ms = upgrade::FIRST_MS;
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

/// Without a slot the polls are brief. Reconnects as soon as one is free.
fn seek_slot(weak: &Weak<RefCell<State>>, state: &mut State) {
    let (weak, id) = (weak.clone(), state.current);
    state.plan(SLOT_PAUSE_MS, move || {
        spawn_local(async move {
            let found = slot::take().await;
            let Some(state) = weak.upgrade().filter(|state| state.borrow().current == id) else { return };
            if found.is_none() {
                return seek_slot(&weak, &mut state.borrow_mut());
            }
            let released = state.borrow_mut().release();
            drop(released);
            let id = state.borrow().current;
            dial(&weak, id, found);
        });
    });
}

fn ping(state: &RefCell<State>) {
    if let Some(transport) = &state.borrow().transport {
        transport.ping();
    }
}

/// Calls back without a borrow: in answer the owner may send a frame or drop the connection.
fn emit(state: &RefCell<State>, event: ConnectionEvent) {
    let on_event = state.borrow().on_event.clone();
    on_event(event);
}
