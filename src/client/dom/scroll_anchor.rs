//! Keeps the text that is being read in place while items appear above and below it; the message list's scroller calls
//! it, and the feed, whose scrolling box is the page. The browser's own scroll anchoring picks the wrong side in a box that
//! is laid out from its end, so the style switches it off there.

use wasm_bindgen::JsCast;
use web_sys::{Element, NodeList};

use super::page;

/// An item in view, and its position in the scrolling box.
#[derive(Clone, Debug)]
pub struct Anchor {
    scroller: Element,
    item: Element,
    top: f64,
    scroll_top: i32,
}

impl Anchor {
    /// The scrolling box of the page itself.
    pub fn page() -> Option<Element> {
        page::window().document()?.document_element()
    }

    /// The first item in the view of `scroller` that `selector` matches.
    pub fn find(scroller: &Element, selector: &str) -> Option<Self> {
        let view = view_top(scroller);
        let items = scroller.query_selector_all(selector).ok()?;
        // Items are in the order of the page: binary search finds the first one in view.
        let (mut low, mut high) = (0, items.length());
        while low < high {
            let middle = (low + high) / 2;
            if item_at(&items, middle)?.get_bounding_client_rect().bottom() <= view {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let item = item_at(&items, low)?;
        let top = item.get_bounding_client_rect().top() - view;
        Some(Self::of(scroller, item, top))
    }

    /// The item that `selector` matches, to be placed `top` CSS pixels below the top of `scroller`'s view.
    pub fn seek(scroller: &Element, selector: &str, top: f64) -> Option<Self> {
        Some(Self::of(scroller, scroller.query_selector(selector).ok()??, top))
    }

    fn of(scroller: &Element, item: Element, top: f64) -> Self {
        Self { scroller: scroller.clone(), item, top, scroll_top: scroller.scroll_top() }
    }

    /// The value of `attribute` of the item or what it stands in, and the item's distance from the top of the view in CSS
    /// pixels.
    pub fn position(&self, attribute: &str) -> Option<(String, f64)> {
        let bearer = self.item.closest(&format!("[{attribute}]")).ok()??;
        Some((bearer.get_attribute(attribute)?, self.top))
    }

    /// Scrolls the item back to its position, except for the distance that the reader has scrolled since.
    pub fn restore(&mut self) {
        let view = view_top(&self.scroller);
        let moved = self.item.get_bounding_client_rect().top() - view - self.top;
        let now = self.scroller.scroll_top();
        let scrolled = if self.is_cut_short(now) { 0.0 } else { f64::from(now - self.scroll_top) };
        let pushed = moved + scrolled;
        if self.item.is_connected() && pushed.abs() >= 1.0 {
            self.scroller.set_scroll_top(now + pushed.round() as i32);
        }
        (self.top, self.scroll_top) = (self.top - scrolled, self.scroller.scroll_top());
    }

    /// Returns true if the browser moved the view and not the reader: the content became lower than it was scrolled, as
    /// for a moment when a row changes before the rows above it join.
    fn is_cut_short(&self, now: i32) -> bool {
        // The content is laid out from its end: the top is the most negative position.
        let top = self.scroller.client_height() - self.scroller.scroll_height();
        self.scroll_top < now && now <= top
    }
}

/// The top of a box's view. The page itself moves in its view, which begins at 0.
fn view_top(scroller: &Element) -> f64 {
    if scroller.parent_element().is_none() { 0.0 } else { scroller.get_bounding_client_rect().top() }
}

fn item_at(items: &NodeList, index: u32) -> Option<Element> {
    items.get(index)?.dyn_into().ok()
}
