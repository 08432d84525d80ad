//! A text that changes while the page is open. A translator in the browser replaces the text nodes of a page by its own;
//! Leptos would go on changing the node that it drew, which nobody sees any more. So such a text has an element of its
//! own, whose whole content is set. Components use it for every text that depends on a signal.

use leptos::{html, prelude::*};

use crate::app::reactive::effect;

/// Draws `text`, and sets it again whenever it changes.
pub(crate) fn live_text(text: impl Fn() -> String + 'static) -> AnyView {
    fn boxed(text: Box<dyn Fn() -> String>) -> AnyView {
        let element = NodeRef::<html::Span>::new();
        let first = untrack(&text);
        effect(move || {
            if let Some(element) = element.get() {
                element.set_text_content(Some(&text()));
            }
        });
        view! { <span node_ref=element>{first}</span> }.into_any()
    }
    boxed(Box::new(text))
}
