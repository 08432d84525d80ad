//! Popovers (HTML, 6.12) that one of several elements opens. Components call it from event handlers.

use std::cell::RefCell;

use js_sys::{Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, HtmlElement};

use super::page::window;

thread_local! {
    /// The element beside which the last popover was shown.
    static SOURCE: RefCell<JsValue> = const { RefCell::new(JsValue::UNDEFINED) };
}

/// Shows the popover with this id beside the element on which the event is handled. That element gets the focus back when
/// it closes.
pub fn show(id: &str, event: &Event) {
    SOURCE.set(event.current_target().map(Into::into).unwrap_or_default());
    show_instead(id);
}

/// Shows the popover with this id where the last one was shown.
pub fn show_instead(id: &str) {
    let popover = window().document().and_then(|document| document.get_element_by_id(id));
    let Some(popover) = popover.and_then(|popover| popover.dyn_into::<HtmlElement>().ok()) else { return };
    // web-sys has no `source` yet; browsers that do not know it show the popover in their place for it.
    let options = Object::new();
    let is_set = SOURCE.with_borrow(|source| Reflect::set(&options, &"source".into(), source));
    let show = Reflect::get(&popover, &"showPopover".into()).and_then(|show| show.dyn_into::<Function>());
    if let (Ok(_), Ok(show)) = (is_set, show) {
        // It fails if it is open already.
        drop(show.call1(&popover, &options));
    }
}
