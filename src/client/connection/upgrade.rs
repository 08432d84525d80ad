//! The upgrade: now and then the next better transport is tried beside the one in use, which stays open meanwhile.

use std::{cell::RefCell, rc::Weak};

use gloo_timers::callback::Timeout;

use super::{PROOF_MS, State, connect, report_to};
use crate::{
    client::transports::{TransportEvent, long_poll::Pace, sse::StreamProbe},
    protocol::transport::Transport,
};

/// The pause before the first probe. Each probe that fails doubles it.
pub(super) const FIRST_MS: u32 = 120_000;
const MAX_MS: u32 = 1_800_000;

/// Plans the next probe, if there is a better transport.
pub(super) fn plan(weak: &Weak<RefCell<State>>, state: &mut State) {
    state.upgrade = state.fallback.next_better().map(|better| {
        let weak = weak.clone();
        Timeout::new(state.upgrade_pause_ms, move || probe(&weak, better))
    });
}

fn probe(weak: &Weak<RefCell<State>>, better: Transport) {
    let Some(state) = weak.upgrade() else { return };
    if better != Transport::Socket && state.borrow().slot.is_none() {
        // Other tabs have all the slots that a stream needs.
        return plan(weak, &mut state.borrow_mut());
    }
    let id = state.borrow_mut().new_id();
    let report = report_to(weak, id);
    let probe = match better {
        Transport::Socket => (state.borrow().dial)(better, Pace::Long, report),
        Transport::Stream | Transport::Poll => StreamProbe::open(report).map(|probe| Box::new(probe) as _),
    };
    let mut state = state.borrow_mut();
    state.upgrade_pause_ms = (state.upgrade_pause_ms * 2).min(MAX_MS);
    state.probe = probe.map(|probe| (id, probe));
    let weak = weak.clone();
    state.upgrade = Some(Timeout::new(PROOF_MS, move || give_up(&weak)));
}

fn give_up(weak: &Weak<RefCell<State>>) {
    let Some(state) = weak.upgrade() else { return };
    let probe = state.borrow_mut().probe.take();
    drop(probe);
    plan(weak, &mut state.borrow_mut());
}

/// An event of a transport that is not the one in use: the probe, or one that was released.
pub(super) fn on_probe_event(weak: &Weak<RefCell<State>>, id: u64, event: TransportEvent) {
    let Some(state) = weak.upgrade() else { return };
    let is_probe = state.borrow().probe.as_ref().is_some_and(|(probe, _)| *probe == id);
    match event {
        TransportEvent::Open | TransportEvent::Alive if is_probe => upgrade(weak, &state),
        TransportEvent::Lost(_) if is_probe => give_up(weak),
        _ => {}
    }
}

/// Uses the better transport, which came through. If it brings nothing after all, it is left like any other.
fn upgrade(weak: &Weak<RefCell<State>>, state: &RefCell<State>) {
    state.borrow_mut().fallback.upgrade();
    connect(weak);
    state.borrow_mut().is_new_upgrade = true;
}
