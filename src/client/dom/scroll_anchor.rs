//! Keeps what is read where it is while lines come above and below it. The browser's own scroll anchoring takes the
//! wrong side in a box that is laid out from its end, so that is switched off (see the style).

use wasm_bindgen::JsCast;
use web_sys::{Element, NodeList};

/// A line in view, and where it stood in its box.
#[derive(Clone, Debug)]
pub struct Anchor {
    scroller: Element,
    line: Element,
    top: f64,
    scroll_top: i32,
}

impl Anchor {
    /// The first line in the view of `scroller` that `selector` finds.
    pub fn find(scroller: &Element, selector: &str) -> Option<Self> {
        let view = scroller.get_bounding_client_rect();
        let lines = scroller.query_selector_all(selector).ok()?;
        // Lines are in the order of the page, so the first one in view is found by halving.
        let (mut low, mut high) = (0, lines.length());
        while low < high {
            let middle = (low + high) / 2;
            if line_at(&lines, middle)?.get_bounding_client_rect().bottom() <= view.top() {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let line = line_at(&lines, low)?;
        let top = line.get_bounding_client_rect().top() - view.top();
        Some(Self::of(scroller, line, top))
    }

    /// The line that `selector` finds, which is to stand `top` CSS pixels below the top of `scroller`'s view.
    pub fn seek(scroller: &Element, selector: &str, top: f64) -> Option<Self> {
        Some(Self::of(scroller, scroller.query_selector(selector).ok()??, top))
    }

    fn of(scroller: &Element, line: Element, top: f64) -> Self {
        Self { scroller: scroller.clone(), line, top, scroll_top: scroller.scroll_top() }
    }

    /// The value of an attribute of the line, and how far below the top of the view it stood.
    pub fn place(&self, attribute: &str) -> Option<(String, f64)> {
        Some((self.line.get_attribute(attribute)?, self.top))
    }

    /// Puts the line back where it stood, but for what the reader has scrolled since.
    pub fn hold(&mut self) {
        let view = self.scroller.get_bounding_client_rect();
        let moved = self.line.get_bounding_client_rect().top() - view.top() - self.top;
        let now = self.scroller.scroll_top();
        let scrolled = f64::from(now - self.scroll_top);
        let pushed = moved + scrolled;
        if self.line.is_connected() && pushed.abs() >= 1.0 {
            self.scroller.set_scroll_top(now + pushed.round() as i32);
        }
        (self.top, self.scroll_top) = (self.top - scrolled, self.scroller.scroll_top());
    }
}

fn line_at(lines: &NodeList, index: u32) -> Option<Element> {
    lines.get(index)?.dyn_into().ok()
}
