//! Navigation within the site without loading documents: links, the browser's history, and the scroll position of each
//! of its entries. The app's navigator calls it.

use std::{cell::RefCell, rc::Rc};

use gloo_events::{EventListener, EventListenerOptions};
use gloo_timers::callback::Timeout;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, History, HtmlAnchorElement, MouseEvent, ScrollRestoration};

use super::page::{self, window};

/// A pointer that rests on a link for so long is likely to press it.
const INTENTION_MS: u32 = 60;

/// A navigation that the user asked for, with the path it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Navigation {
    /// A link was clicked: the history gets a new entry.
    Push(String),
    /// Back or forward in the history: the address has changed already.
    Traverse(String),
}

/// Calls `navigate` for each click on a link that the page itself may follow, and for each traversal of the history,
/// until the result is dropped. Where it returns false the browser follows the link.
pub fn on_navigation(navigate: impl Fn(Navigation) -> bool + Clone + 'static) -> impl Sized {
    let clicked = navigate.clone();
    let may_prevent = EventListenerOptions::enable_prevent_default();
    let click = EventListener::new_with_options(&window(), "click", may_prevent, move |event| {
        if path_of_link(event).is_some_and(|path| clicked(Navigation::Push(path))) {
            event.prevent_default();
        }
    });
    let traversal = EventListener::new(&window(), "popstate", move |_| {
        // A link to a part of this page is followed by the browser.
        if ADDRESS.replace(path()) != path() {
            leave_for(|_| stored_index());
            navigate(Navigation::Traverse(path()));
        }
    });
    ADDRESS.set(path());
    // After a reload the browser restores the scroll position.
    let end = EventListener::new(&window(), "pagehide", |_| {
        drop(history().set_scroll_restoration(ScrollRestoration::Auto));
    });
    SCROLL.with_borrow_mut(|(_, current)| *current = stored_index());
    (click, traversal, end)
}

/// Calls `intend` with the path of a link that the pointer rests on or that has the focus, until the result is dropped:
/// the reader may follow it in a moment.
pub fn on_intention(intend: impl Fn(String) + Clone + 'static) -> impl Sized {
    let waiting = Rc::new(RefCell::new(None));
    ["pointerover", "focusin", "touchstart"].map(|kind| {
        let (intend, waiting) = (intend.clone(), waiting.clone());
        EventListener::new(&window(), kind, move |event| {
            let intend = intend.clone();
            // A pointer that only passes over the link leaves it before.
            let wait = |path| Timeout::new(INTENTION_MS, move || intend(path));
            *waiting.borrow_mut() = path_of_target(event).map(wait);
        })
    })
}

/// The path of the page's address.
pub fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

thread_local! {
    /// The path of the address that was seen last.
    static ADDRESS: RefCell<String> = const { RefCell::new(String::new()) };
    /// The scroll position of each history entry, in CSS pixels, and the index of the current entry.
    static SCROLL: RefCell<(Vec<f64>, usize)> = const { RefCell::new((Vec::new(), 0)) };
}

/// Stores the scroll position of the entry that is left. `next` maps its index to that of the entry that is entered.
fn leave_for(next: impl FnOnce(usize) -> usize) {
    let y = window().scroll_y().unwrap_or_default();
    SCROLL.with_borrow_mut(|(positions, current)| {
        positions.resize(positions.len().max(*current + 1), 0.0);
        positions[*current] = y;
        *current = next(*current);
    });
}

/// Adds an entry with `path` to the history and makes it the page's address.
pub fn push(path: &str) {
    let history = history();
    leave_for(|current| current + 1);
    let index = SCROLL.with_borrow_mut(|(positions, current)| {
        positions.truncate(*current); // the entries that "forward" led to are gone
        *current as u32
    });
    // The old page stays until the next one is drawn; the browser's own restoration would scroll the old one.
    drop(history.set_scroll_restoration(ScrollRestoration::Manual));
    // Browsers refuse it only after hundreds a minute; then the address stays behind.
    drop(history.push_state_with_url(&index.into(), "", Some(path)));
    ADDRESS.set(self::path());
}

/// The index of the current entry of the history, and whether the reader comes back to it.
pub fn entry() -> (usize, bool) {
    SCROLL.with_borrow(|(positions, current)| {
        // Before the first navigation within the site only the browser knows.
        let is_return =
            if positions.is_empty() { page::is_returned_to() } else { *current < positions.len() };
        (*current, is_return)
    })
}

/// Restores the scroll position of the current entry, or scrolls to the top. Call it when the page is drawn.
pub fn restore_scroll() {
    let y = SCROLL.with_borrow(|(positions, current)| positions.get(*current).copied().unwrap_or_default());
    window().scroll_to_with_x_and_y(0.0, y);
}

fn history() -> History {
    window().history().expect("every page has one")
}

/// The index that [`push`] stored with the current entry of the history.
fn stored_index() -> usize {
    history().state().ok().and_then(|state| state.as_f64()).unwrap_or_default() as usize
}

/// Has the browser load the page's address.
pub fn reload() {
    drop(window().location().reload());
}

/// Leaves the page for an address of this site, in the place of its entry of the history.
pub fn load(address: &str) {
    drop(window().location().replace(address));
}

/// The path of the link that a plain click was on: a link within this site, without a query, and not left to the
/// browser.
fn path_of_link(event: &Event) -> Option<String> {
    let click = event.dyn_ref::<MouseEvent>()?;
    let is_plain = click.button() == 0
        && !(click.ctrl_key() || click.meta_key() || click.shift_key() || click.alt_key());
    if !is_plain || event.default_prevented() {
        return None;
    }
    path_of_target(event)
}

fn path_of_target(event: &Event) -> Option<String> {
    let element: Element = event.target()?.dyn_into().ok()?;
    let link: HtmlAnchorElement =
        element.closest("a[href]:not([rel], [target], [download])").ok()??.dyn_into().ok()?;
    let is_same_origin = window().location().origin().is_ok_and(|origin| origin == link.origin());
    (is_same_origin && link.search().is_empty() && link.hash().is_empty()).then(|| link.pathname())
}
