//! The way up: now and then the next better transport is tried beside the one in use, which goes on meanwhile.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use gloo_timers::callback::Timeout;

use super::{ConnectionEvent, PROOF_MS, State, emit, on_lost, ping, teller};
use crate::{
    browser::attempt::{Told, poll::Pace},
    protocol::transport::Transport,
};

/// When the next better transport is tried for the first time; each try in vain doubles it.
pub(super) const FIRST_MS: u32 = 120_000;
const MAX_MS: u32 = 1_800_000;

/// Plans the next try, if there is something better.
pub(super) fn plan<M: 'static>(weak: &Weak<RefCell<State<M>>>, state: &mut State<M>) {
    state.climb = state.ladder.above().map(|above| {
        let weak = weak.clone();
        Timeout::new(state.climb_ms, move || probe(&weak, above))
    });
}

fn probe<M: 'static>(weak: &Weak<RefCell<State<M>>>, above: Transport) {
    let Some(state) = weak.upgrade() else { return };
    let id = state.borrow_mut().new_id();
    let attempt = (state.borrow().dial)(above, Pace::Long, teller(weak, id));
    let mut state = state.borrow_mut();
    state.climb_ms = (state.climb_ms * 2).min(MAX_MS);
    state.probe = attempt.map(|attempt| (id, attempt));
    let weak = weak.clone();
    state.climb = Some(Timeout::new(PROOF_MS, move || give_up(&weak)));
}

fn give_up<M: 'static>(weak: &Weak<RefCell<State<M>>>) {
    let Some(state) = weak.upgrade() else { return };
    let tried = state.borrow_mut().probe.take();
    drop(tried);
    plan(weak, &mut state.borrow_mut());
}

/// What an attempt reports that is not the one in use.
pub(super) fn on_told<M: 'static>(weak: &Weak<RefCell<State<M>>>, id: u64, told: &Told<M>) {
    let Some(state) = weak.upgrade() else { return };
    let is_probe = state.borrow().probe.as_ref().is_some_and(|(probe, _)| *probe == id);
    match told {
        Told::Open if is_probe => step_up(weak, &state, id),
        Told::Lost(_) if is_probe => give_up(weak),
        _ => {}
    }
}

/// The better transport takes the place of the other. Should it bring nothing, it is given up like any attempt.
fn step_up<M: 'static>(weak: &Weak<RefCell<State<M>>>, state: &Rc<RefCell<State<M>>>, id: u64) {
    let (better, slot) = {
        let mut state = state.borrow_mut();
        (state.probe.take(), state.slot.take())
    };
    let worse = state.borrow_mut().let_go();
    let transport = {
        let mut state = state.borrow_mut();
        state.ladder.climb();
        state.has_climbed = true;
        let transport = state.ladder.current();
        (state.current, state.attempt, state.has_heard) = (id, better.map(|(_, attempt)| attempt), true);
        state.slot = slot.filter(|_| transport != Transport::Socket);
        let weak = weak.clone();
        state.plan(PROOF_MS, move || on_lost(&weak, id, None));
        transport
    };
    drop(worse);
    emit(state, ConnectionEvent::Open(transport));
    ping(state);
}
