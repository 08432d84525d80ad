//! Links between the pages, followed without loading the page anew, and the browser's history.

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Event, HtmlAnchorElement, MouseEvent};

use super::page::window;

/// Where the visitor wants to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Travel {
    /// A link was clicked: a new entry of the history is to be made.
    To(String),
    /// Back or forward in the history; the address has changed already.
    Through(String),
}

/// Calls `travelled` with the address's path for each click on a link that the page itself may follow, and for each
/// step through the history, until the result is dropped. Where it returns false the browser follows the link.
pub fn on_travel(travelled: impl Fn(Travel) -> bool + Clone + 'static) -> impl Sized {
    let clicked = travelled.clone();
    let may_prevent = EventListenerOptions::enable_prevent_default();
    let click = EventListener::new_with_options(&window(), "click", may_prevent, move |event| {
        if path_of_link(event).is_some_and(|path| clicked(Travel::To(path))) {
            event.prevent_default();
        }
    });
    let step = EventListener::new(&window(), "popstate", move |_| {
        travelled(Travel::Through(path()));
    });
    (click, step)
}

/// The path of the page's address.
pub fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// Makes `path` the page's address, and shows the page from its top.
pub fn go(path: &str) {
    let history = window().history().expect("every page has one");
    // Refused only by a browser that is asked for hundreds a minute; then the address stays behind.
    drop(history.push_state_with_url(&JsValue::NULL, "", Some(path)));
    window().scroll_to_with_x_and_y(0.0, 0.0);
}

/// Has the browser load the page's address.
pub fn load_anew() {
    drop(window().location().reload());
}

/// The room that an address names, decoded; `None` when it is not a room's.
pub fn room_of(path: &str) -> Option<String> {
    let segment =
        path.strip_prefix("/rooms/").filter(|segment| !segment.is_empty() && !segment.contains('/'))?;
    js_sys::decode_uri_component(segment).ok().map(String::from)
}

/// The path of the link that a plain click was on: of this site, without a query, and not left to the browser.
fn path_of_link(event: &Event) -> Option<String> {
    let click = event.dyn_ref::<MouseEvent>()?;
    let is_plain = click.button() == 0
        && !(click.ctrl_key() || click.meta_key() || click.shift_key() || click.alt_key());
    if !is_plain || event.default_prevented() {
        return None;
    }
    let element: Element = event.target()?.dyn_into().ok()?;
    let link: HtmlAnchorElement =
        element.closest("a[href]:not([rel], [target], [download])").ok()??.dyn_into().ok()?;
    let is_ours = window().location().origin().is_ok_and(|origin| origin == link.origin());
    (is_ours && link.search().is_empty() && link.hash().is_empty()).then(|| link.pathname())
}
