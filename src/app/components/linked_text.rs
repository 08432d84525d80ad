//! Text with its addresses as links, and the one form of a link to another site.

use leptos::prelude::*;

use crate::app::model::linked_text::{Span, split_links};

/// Draws a text with its addresses as links.
pub(super) fn linked(text: &str) -> AnyView {
    let mut drawn = Vec::new();
    for span in split_links(text) {
        drawn.push(match span {
            Span::Text(text) => text.to_owned().into_any(),
            Span::Link(link) => link_away(link.to_owned(), link.to_owned()),
        });
    }
    drawn.into_any()
}

/// A link to an address that a user or a program wrote. It opens in another tab, which gets neither opener nor
/// referrer, and search engines do not count it as ours (`ugc`: user generated content). `href` must be `http` or
/// `https`.
pub(super) fn link_away(href: String, words: String) -> AnyView {
    view! { <a href=href target="_blank" rel="noopener noreferrer nofollow ugc">{words}</a> }.into_any()
}
