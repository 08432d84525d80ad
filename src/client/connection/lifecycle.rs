//! When a connection should be there: not while the page is put away by the back-forward cache, and at once when the
//! browser has a network again or the page is looked at again.

use gloo_events::EventListener;
use js_sys::Reflect;

use crate::client::dom::page;

/// What happened to the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The page is put away, perhaps to be shown again as it is. Open connections would forbid that.
    Away,
    /// It is shown again out of the cache.
    Back,
    /// The browser has no network any more; what is open says so only much later.
    Offline,
    /// It has one again, perhaps another one.
    Online,
    /// Whatever is waited for, wait no longer.
    Now,
}

/// Listens until it is dropped.
pub(crate) fn listen(told: impl Fn(Wake) + Clone + 'static) -> [Option<EventListener>; 5] {
    let simply = |event, what| {
        let told = told.clone();
        page::window_listener(event, move |_| told(what))
    };
    let (away, back) = (told.clone(), told.clone());
    [
        simply("offline", Wake::Offline),
        simply("online", Wake::Online),
        simply("visibilitychange", Wake::Now),
        page::window_listener("pagehide", move |_| away(Wake::Away)),
        page::window_listener("pageshow", move |event| {
            // The first showing of a page is no return.
            if Reflect::get(event, &"persisted".into()).is_ok_and(|persisted| persisted.is_truthy()) {
                back(Wake::Back);
            }
        }),
    ]
}
