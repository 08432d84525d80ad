//! The page's lifecycle: no connection while the page is in the back-forward cache, and a connection at once when the
//! browser is online again or the page becomes visible.

use std::{cell::RefCell, rc::Weak};

use gloo_events::EventListener;
use js_sys::Reflect;

use super::{ConnectionEvent, Slot, State, connect, emit, recovery};
use crate::client::dom::{page, time::now_ms};

/// An event of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LifecycleEvent {
    /// The page goes away, perhaps into the back-forward cache. An open connection would keep it out of there.
    Suspended,
    /// The page was restored from that cache.
    Restored,
    /// The browser has no network any more; open transports report it only much later.
    Offline,
    /// It has a network again, perhaps another one.
    Online,
    /// The page became visible or hidden: a pending wait is over.
    VisibilityChange,
}

/// Listens until the result is dropped.
pub(crate) fn listen(callback: impl Fn(LifecycleEvent) + Clone + 'static) -> [Option<EventListener>; 5] {
    let plain = |name, event| {
        let callback = callback.clone();
        page::window_listener(name, move |_| callback(event))
    };
    let (suspended, restored) = (callback.clone(), callback.clone());
    [
        plain("offline", LifecycleEvent::Offline),
        plain("online", LifecycleEvent::Online),
        plain("visibilitychange", LifecycleEvent::VisibilityChange),
        page::window_listener("pagehide", move |_| suspended(LifecycleEvent::Suspended)),
        page::window_listener("pageshow", move |event| {
            // The first showing of a page restores nothing.
            if Reflect::get(event, &"persisted".into()).is_ok_and(|persisted| persisted.is_truthy()) {
                restored(LifecycleEvent::Restored);
            }
        }),
    ]
}

/// Closes or opens the connection accordingly.
pub(super) fn on_event(weak: &Weak<RefCell<State>>, event: LifecycleEvent) {
    let Some(state) = weak.upgrade() else { return };
    let (id, is_connected) = (state.borrow().current, state.borrow().transport.is_some());
    match event {
        LifecycleEvent::Suspended => {
            let released = state.borrow_mut().release();
            drop(released);
            state.borrow_mut().is_suspended = true;
            emit(&state, ConnectionEvent::Lost);
        }
        LifecycleEvent::Restored => {
            state.borrow_mut().is_suspended = false;
            connect(weak);
        }
        LifecycleEvent::Offline if is_connected => recovery::on_lost(weak, id, None),
        LifecycleEvent::Online | LifecycleEvent::VisibilityChange if state.borrow().is_suspended => {}
        LifecycleEvent::Online => {
            state.borrow_mut().fallback.restart();
            // Browsers may fire it a moment before anything comes through; the backoff so far was for another network.
            state.borrow_mut().failures = 0;
            connect(weak);
        }
        LifecycleEvent::VisibilityChange if !is_connected || must_leave_slot(&state) => connect(weak),
        // The computer has slept: a transport that looks open is from before.
        LifecycleEvent::VisibilityChange if is_overdue(&state) => {
            if state.borrow().is_proven {
                recovery::on_silence(weak, &state);
            }
        }
        LifecycleEvent::Offline | LifecycleEvent::VisibilityChange => {}
    }
}

/// Returns true if nothing was received for longer than a check's interval.
fn is_overdue(state: &RefCell<State>) -> bool {
    now_ms() - state.borrow().received_at_ms > i64::from(recovery::CHECK_MS)
}

/// A hidden tab leaves a slot that is for visible tabs only.
fn must_leave_slot(state: &RefCell<State>) -> bool {
    page::is_hidden() && state.borrow().slot.as_ref().is_some_and(Slot::is_for_visible_tabs)
}
