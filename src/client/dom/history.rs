//! Links between the pages, followed without loading the page anew, and the browser's history.

use std::cell::RefCell;

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, History, HtmlAnchorElement, MouseEvent, ScrollRestoration};

use super::page::window;

/// Where the visitor wants to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Navigation {
    /// A link was clicked: a new entry of the history is to be made.
    To(String),
    /// Back or forward in the history; the address has changed already.
    Through(String),
}

/// Calls `travelled` with the address's path for each click on a link that the page itself may follow, and for each
/// step through the history, until the result is dropped. Where it returns false the browser follows the link.
pub fn on_navigation(travelled: impl Fn(Navigation) -> bool + Clone + 'static) -> impl Sized {
    let clicked = travelled.clone();
    let may_prevent = EventListenerOptions::enable_prevent_default();
    let click = EventListener::new_with_options(&window(), "click", may_prevent, move |event| {
        if path_of_link(event).is_some_and(|path| clicked(Navigation::To(path))) {
            event.prevent_default();
        }
    });
    let step = EventListener::new(&window(), "popstate", move |_| {
        leave_for(|_| place_in_history());
        travelled(Navigation::Through(path()));
    });
    // A page that is loaded anew is put back by the browser.
    let end = EventListener::new(&window(), "pagehide", |_| {
        drop(history().set_scroll_restoration(ScrollRestoration::Auto));
    });
    READ.with_borrow_mut(|(_, shown)| *shown = place_in_history());
    (click, step, end)
}

/// The path of the page's address.
pub fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

thread_local! {
    /// How far down each page of the history was read, in CSS pixels, and which of them is shown.
    static READ: RefCell<(Vec<f64>, usize)> = const { RefCell::new((Vec::new(), 0)) };
}

/// Notes how far down the page that is left was read. `next` is the place in the history of the one that is gone to.
fn leave_for(next: impl FnOnce(usize) -> usize) {
    let y = window().scroll_y().unwrap_or_default();
    READ.with_borrow_mut(|(read, shown)| {
        read.resize(read.len().max(*shown + 1), 0.0);
        read[*shown] = y;
        *shown = next(*shown);
    });
}

/// Makes `path` the page's address.
pub fn go(path: &str) {
    let history = history();
    leave_for(|shown| shown + 1);
    let place = READ.with_borrow_mut(|(read, shown)| {
        read.truncate(*shown); // what could be gone forward to is gone
        *shown as u32
    });
    // The page that is left stands there until the next one is drawn. It would be moved if the browser did it.
    drop(history.set_scroll_restoration(ScrollRestoration::Manual));
    // Refused only by a browser that is asked for hundreds a minute; then the address stays behind.
    drop(history.push_state_with_url(&place.into(), "", Some(path)));
}

/// Shows the page from where it was read to, or from its top. To be called when it is drawn.
pub fn return_to_place() {
    let y = READ.with_borrow(|(read, shown)| read.get(*shown).copied().unwrap_or_default());
    window().scroll_to_with_x_and_y(0.0, y);
}

fn history() -> History {
    window().history().expect("every page has one")
}

/// The place in the history of the page that is shown.
fn place_in_history() -> usize {
    history().state().ok().and_then(|state| state.as_f64()).unwrap_or_default() as usize
}

/// Has the browser load the page's address.
pub fn load_anew() {
    drop(window().location().reload());
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
