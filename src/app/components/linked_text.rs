//! A text whose addresses are links, and the one form in which a link leads away from here.

use leptos::prelude::*;

use crate::app::model::linked_text::{Piece, split_links};

/// See the module.
pub(super) fn linked(text: &str) -> AnyView {
    let mut drawn = Vec::new();
    for piece in split_links(text) {
        drawn.push(match piece {
            Piece::Text(text) => text.to_owned().into_any(),
            Piece::Link(link) => link_away(link.to_owned(), link.to_owned()),
        });
    }
    drawn.into_any()
}

/// A link to an address that somebody wrote: in another tab, which knows nothing of this one, and without our word for
/// it (`ugc`: user generated content). `href` is `http` or `https`.
pub(super) fn link_away(href: String, words: String) -> AnyView {
    view! { <a href=href target="_blank" rel="noopener noreferrer nofollow ugc">{words}</a> }.into_any()
}
