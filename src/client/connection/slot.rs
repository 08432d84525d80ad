//! Slots for connections that stay open. A browser opens six HTTP/1.1 connections to a host for all its tabs together;
//! streams and long polls of many tabs would leave none to load a page or to post with. So at most [`SLOTS`] stay open,
//! counted by Web Locks, and the other tabs poll briefly every few seconds. The connection takes and drops them.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

use crate::client::dom::page;

/// Two of the six connections stay free for requests that are answered at once.
const SLOTS: usize = 4;

/// A slot; dropping it frees it.
pub(crate) struct Slot(Option<Function>);

impl Slot {
    /// Without locks only a visible tab has a slot.
    fn of_visible_tab() -> Option<Self> {
        (!page::is_hidden()).then_some(Self(None))
    }

    /// Returns true if the tab must leave the slot when it is hidden.
    pub(crate) fn is_for_visible_tabs(&self) -> bool {
        self.0.is_none()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            // Resolves the promise that holds the lock.
            drop(release.call0(&JsValue::UNDEFINED));
        }
    }
}

/// Takes a free slot. `None`: other tabs have them all.
pub(crate) async fn take() -> Option<Slot> {
    let Some(request) = locks() else {
        return Slot::of_visible_tab(); // browsers have locks on https and localhost only
    };
    for index in 0..SLOTS {
        match take_named(&request, &format!("idobata-connection-{index}")).await {
            Ok(Some(slot)) => return Some(slot),
            Ok(None) => {}
            // A browser that stores nothing for a site gives it no locks either.
            Err(NoLocks) => return Slot::of_visible_tab(),
        }
    }
    None
}

/// The browser gives this page no locks.
struct NoLocks;

type Request = Box<dyn Fn(&str, &JsValue, &Function) -> Option<Promise>>;

/// `navigator.locks.request`, if the browser has it.
fn locks() -> Option<Request> {
    let locks = Reflect::get(&page::window().navigator(), &"locks".into()).ok()?;
    let request: Function = Reflect::get(&locks, &"request".into()).ok()?.dyn_into().ok()?;
    Some(Box::new(move |name, options, callback| {
        request.call3(&locks, &name.into(), options, callback).ok()?.dyn_into().ok()
    }))
}

/// Takes the lock `name`. `None`: another tab has it.
async fn take_named(request: &Request, name: &str) -> Result<Option<Slot>, NoLocks> {
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &JsValue::TRUE)
        .expect("a plain object takes every property");
    let release = Rc::new(RefCell::new(None::<Function>));
    let (holder, kept_callback) =
        (release.clone(), Rc::new(RefCell::new(None::<Closure<dyn FnMut(JsValue) -> JsValue>>)));
    let mut requested = None;
    // Resolved when the answer is known: true with the lock, false without.
    let answered = Promise::new(&mut |resolve, _| {
        let holder = holder.clone();
        let callback = Closure::once(move |lock: JsValue| -> JsValue {
            if lock.is_null() {
                drop(resolve.call1(&JsValue::UNDEFINED, &JsValue::FALSE));
                return JsValue::UNDEFINED;
            }
            // The lock is held until this promise is resolved.
            let held = Promise::new(&mut |release, _| *holder.borrow_mut() = Some(release));
            drop(resolve.call1(&JsValue::UNDEFINED, &JsValue::TRUE));
            held.into()
        });
        let function: &Function = callback.as_ref().unchecked_ref();
        requested = request(name, &options, function);
        *kept_callback.borrow_mut() = Some(callback);
    });
    // The answer comes first: the request's own promise ends with the lock, or at once when the browser rejects it.
    let requested = requested.ok_or(NoLocks)?;
    let first = Promise::race(&js_sys::Array::of2(&answered, &requested));
    let is_ours = JsFuture::from(first).await.map_err(|_| NoLocks)?.is_truthy();
    let release = release.borrow_mut().take().filter(|_| is_ours);
    Ok(release.map(|release| Slot(Some(release))))
}
