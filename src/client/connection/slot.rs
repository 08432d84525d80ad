//! Places for connections that stay open. A browser opens six HTTP/1.1 connections to a host for all its tabs
//! together; streams and long polls of many tabs would leave none to load a page or to post with. So at most
//! [`SLOTS`] stay open, by Web Locks, and the others ask briefly every few seconds.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

use crate::client::dom::page;

/// Two of the six stay free for requests that are answered at once.
const SLOTS: usize = 4;

/// A place; dropping it gives it back.
pub(crate) struct Slot(Option<Function>);

impl Slot {
    /// Without locks only a tab in view has a place.
    fn in_view() -> Option<Self> {
        (!page::is_hidden()).then_some(Self(None))
    }

    /// Whether the place has to be left when the tab is out of view.
    pub(crate) fn is_for_view_only(&self) -> bool {
        self.0.is_none()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            // Resolves the promise that the lock is held for.
            drop(release.call0(&JsValue::UNDEFINED));
        }
    }
}

/// Takes a free place. `None`: other tabs have them all.
pub(crate) async fn take() -> Option<Slot> {
    let Some(request) = locks() else {
        return Slot::in_view(); // browsers give locks to https and localhost only
    };
    for index in 0..SLOTS {
        match take_named(&request, &format!("idobata-connection-{index}")).await {
            Ok(Some(slot)) => return Some(slot),
            Ok(None) => {}
            // Where nothing may be kept for a site, there are no locks either.
            Err(Refused) => return Slot::in_view(),
        }
    }
    None
}

/// The browser gives no locks.
struct Refused;

type Request = Box<dyn Fn(&str, &JsValue, &Function) -> Option<Promise>>;

/// `navigator.locks.request`, if there is one.
fn locks() -> Option<Request> {
    let locks = Reflect::get(&page::window().navigator(), &"locks".into()).ok()?;
    let request: Function = Reflect::get(&locks, &"request".into()).ok()?.dyn_into().ok()?;
    Some(Box::new(move |name, options, callback| {
        request.call3(&locks, &name.into(), options, callback).ok()?.dyn_into().ok()
    }))
}

/// `None`: another tab has it.
async fn take_named(request: &Request, name: &str) -> Result<Option<Slot>, Refused> {
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &JsValue::TRUE)
        .expect("a plain object takes every property");
    let release = Rc::new(RefCell::new(None::<Function>));
    let (keep, kept) =
        (release.clone(), Rc::new(RefCell::new(None::<Closure<dyn FnMut(JsValue) -> JsValue>>)));
    let mut asked = None;
    // Resolved when the answer is known: with the lock or without.
    let answered = Promise::new(&mut |resolve, _| {
        let keep = keep.clone();
        let callback = Closure::once(move |lock: JsValue| -> JsValue {
            if lock.is_null() {
                drop(resolve.call1(&JsValue::UNDEFINED, &JsValue::FALSE));
                return JsValue::UNDEFINED;
            }
            // The lock is held until this promise is resolved.
            let held = Promise::new(&mut |release, _| *keep.borrow_mut() = Some(release));
            drop(resolve.call1(&JsValue::UNDEFINED, &JsValue::TRUE));
            held.into()
        });
        let function: &Function = callback.as_ref().unchecked_ref();
        asked = request(name, &options, function);
        *kept.borrow_mut() = Some(callback);
    });
    // Of the two the answer comes first; what was asked ends with the lock, or at once when it is refused.
    let asked = asked.ok_or(Refused)?;
    let first = Promise::race(&js_sys::Array::of2(&answered, &asked));
    let is_ours = JsFuture::from(first).await.map_err(|_| Refused)?.is_truthy();
    let release = release.borrow_mut().take().filter(|_| is_ours);
    Ok(release.map(|release| Slot(Some(release))))
}
