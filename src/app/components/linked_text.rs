//! Text of people: the server's HTML of its Markdown or, without any, the text with its addresses as links; and the one
//! form of a link to another site.

use leptos::prelude::*;

use crate::{
    app::model::linked_text::{Span, split_links},
    protocol::chat::Message,
};

/// Draws the text of a message, and `after` behind it. Its HTML comes from `server/markdown`, which lets no tag of its
/// author through. It is the same for all readers: the names of the reader `me` get their class here.
pub(super) fn message_text(message: &Message, me: &str, after: Option<AnyView>) -> AnyView {
    match &message.html {
        Some(html) => {
            let html = html
                .replace(&format!("\" data-user=\"{me}\""), &format!(" mention--own\" data-user=\"{me}\""));
            view! { <div class="message__text"><div class="formatted" inner_html=html></div>{after}</div> }
                .into_any()
        }
        None => typed_text(&message.text, after),
    }
}

/// Draws a text as it was typed, and `after` behind it.
pub(super) fn typed_text(text: &str, after: Option<AnyView>) -> AnyView {
    view! { <p class="message__text" dir="auto">{linked(text)}{after}</p> }.into_any()
}

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
    named_link_away(href, words, None)
}

/// Such a link with the name that screen readers say: its label, and the content of the element with an id.
pub(super) fn named_link_away(href: String, words: String, name: Option<(String, String)>) -> AnyView {
    let (label, row) = name.unzip();
    let id = row.as_ref().map(|row| format!("link-{row}"));
    let both = id.as_ref().zip(row).map(|(id, row)| format!("{id} {row}"));
    view! {
        <a href=href target="_blank" rel="noopener noreferrer nofollow ugc" id=id aria-label=label aria-labelledby=both>
            {words}
        </a>
    }
    .into_any()
}
