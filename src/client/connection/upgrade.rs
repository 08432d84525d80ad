//! The way up: now and then the next better transport is tried beside the one in use, which goes on meanwhile.

use std::{cell::RefCell, rc::Weak};

use gloo_timers::callback::Timeout;

use super::{PROOF_MS, State, connect, event_sink};
use crate::{
    client::transports::{TransportEvent, long_poll::Pace, sse::StreamProbe},
    protocol::transport::Transport,
};

/// When the next better transport is tried for the first time; each try in vain doubles it.
pub(super) const FIRST_MS: u32 = 120_000;
const MAX_MS: u32 = 1_800_000;

/// Plans the next try, if there is something better.
pub(super) fn plan(weak: &Weak<RefCell<State>>, state: &mut State) {
    state.upgrade = state.fallback.above().map(|above| {
        let weak = weak.clone();
        Timeout::new(state.climb_ms, move || probe(&weak, above))
    });
}

fn probe(weak: &Weak<RefCell<State>>, above: Transport) {
    let Some(state) = weak.upgrade() else { return };
    if above != Transport::Socket && state.borrow().slot.is_none() {
        // Other tabs have all the places for streams.
        return plan(weak, &mut state.borrow_mut());
    }
    let id = state.borrow_mut().new_id();
    let tell = event_sink(weak, id);
    let attempt = match above {
        Transport::Socket => (state.borrow().dial)(above, Pace::Long, tell),
        Transport::Stream | Transport::Poll => StreamProbe::open(tell).map(|probe| Box::new(probe) as _),
    };
    let mut state = state.borrow_mut();
    state.climb_ms = (state.climb_ms * 2).min(MAX_MS);
    state.probe = attempt.map(|attempt| (id, attempt));
    let weak = weak.clone();
    state.upgrade = Some(Timeout::new(PROOF_MS, move || give_up(&weak)));
}

fn give_up(weak: &Weak<RefCell<State>>) {
    let Some(state) = weak.upgrade() else { return };
    let tried = state.borrow_mut().probe.take();
    drop(tried);
    plan(weak, &mut state.borrow_mut());
}

/// What an attempt reports that is not the one in use.
pub(super) fn on_told(weak: &Weak<RefCell<State>>, id: u64, told: &TransportEvent) {
    let Some(state) = weak.upgrade() else { return };
    let is_probe = state.borrow().probe.as_ref().is_some_and(|(probe, _)| *probe == id);
    match told {
        TransportEvent::Open | TransportEvent::Alive if is_probe => step_up(weak, &state),
        TransportEvent::Lost(_) if is_probe => give_up(weak),
        _ => {}
    }
}

/// The better transport comes through. Should it bring nothing after all, it is left like any other.
fn step_up(weak: &Weak<RefCell<State>>, state: &RefCell<State>) {
    state.borrow_mut().fallback.upgrade();
    connect(weak);
    state.borrow_mut().has_climbed = true;
}
