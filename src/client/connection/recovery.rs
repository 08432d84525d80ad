//! The loss of a transport: detected by its end or by silence, then answered by a retry with a backoff, or by the next
//! transport when the server is there and only this one does not come through.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use super::{ConnectionEvent, State, backoff::wait_ms, connect, emit, ping};
use crate::{
    client::{
        dom::{
            fetch::{self, Abort},
            page,
        },
        executor::spawn_local,
    },
    protocol::{session::SessionStatus, transport::KEEP_ALIVE_SECONDS},
};

/// The interval of the checks for a sign of life. One silent interval is the end: the server's heartbeats and the answers
/// to polls come every 15 s, and a ping is answered at once. So a dead peer is detected within 44 s.
pub(super) const CHECK_MS: u32 = 22_000;
const _: () =
    assert!(KEEP_ALIVE_SECONDS * 1_000 < CHECK_MS, "a healthy connection says something between two checks");
/// The pause before the next transport, so that a fault of ours cannot become a tight loop.
const STEP_MS: u32 = 100;
/// The time limit of the server's answer that it is there.
const HEALTH_MS: u32 = 5_000;

/// The transport `id` has ended, or is given up. `retry_after_ms` is the server's own wait, if it named one.
pub(super) fn on_lost(weak: &Weak<RefCell<State>>, id: u64, retry_after_ms: Option<u32>) {
    let Some(state) = weak.upgrade().filter(|state| state.borrow().current == id) else { return };
    let was_proven = state.borrow().is_proven;
    let released = state.borrow_mut().release();
    drop(released);
    if was_proven {
        retry_later(weak, &state, retry_after_ms);
        return emit(&state, ConnectionEvent::Lost);
    }
    // Unproven: a request tells whether the server is down or the transport is blocked.
    let (abort, id) = (Abort::new(), state.borrow().current);
    let signal = abort.signal();
    state.borrow_mut().health = Some(abort);
    let weak = weak.clone();
    spawn_local(async move {
        let response = fetch::get("/api/session", signal, HEALTH_MS).await;
        let Some(state) = weak.upgrade().filter(|state| state.borrow().current == id) else { return };
        // Only our server's own answer counts: a captive portal has one for every request.
        let session = response.and_then(|response| serde_json::from_str(&response.body).ok());
        recover(&weak, &state, session);
    });
}

fn recover(weak: &Weak<RefCell<State>>, state: &Rc<RefCell<State>>, session: Option<SessionStatus>) {
    if session.as_ref().is_some_and(|session| !session.reads) {
        return emit(state, ConnectionEvent::SignedOut);
    }
    if session.is_some() && state.borrow_mut().fallback.failed() {
        let retried = weak.clone();
        return state.borrow_mut().plan(STEP_MS, move || connect(&retried));
    }
    retry_later(weak, state, None);
    emit(state, ConnectionEvent::Lost);
}

fn retry_later(weak: &Weak<RefCell<State>>, state: &RefCell<State>, retry_after_ms: Option<u32>) {
    let mut state = state.borrow_mut();
    let wait_ms = retry_after_ms.unwrap_or_else(|| wait_ms(state.failures, page::random()));
    state.failures += 1;
    let retried = weak.clone();
    state.plan(wait_ms, move || connect(&retried));
}

/// Looks for a sign of life since the last check; called every [`CHECK_MS`].
pub(super) fn check(weak: &Weak<RefCell<State>>) {
    let Some(state) = weak.upgrade() else { return };
    if !state.borrow().is_proven {
        return;
    }
    let is_alive = std::mem::replace(&mut state.borrow_mut().is_alive, false);
    if !is_alive {
        return on_silence(weak, &state);
    }
    state.borrow_mut().failures = 0;
    state.borrow_mut().fallback.stayed_up();
    ping(&state);
}

/// The peer is gone, or a proxy lets the first frame through and no other: the transport counts as unproven.
pub(super) fn on_silence(weak: &Weak<RefCell<State>>, state: &RefCell<State>) {
    state.borrow_mut().is_proven = false;
    let id = state.borrow().current;
    emit(state, ConnectionEvent::Lost);
    on_lost(weak, id, None);
}
