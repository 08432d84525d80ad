//! The time of a message, which is the link to it, with a name that tells it from the other times of the list.

use leptos::{html, prelude::*};

use super::local_time::{LocalTime, OnText, utc_text};
use crate::{app::model::control_name::control_name, protocol::chat::Message};

/// The link, to the address `href`.
pub(super) fn message_time(message: &Message, href: String) -> AnyView {
    let (link, text) = (NodeRef::<html::A>::new(), message.text.clone());
    let label = control_name(&utc_text(message.timestamp), &text);
    // The name begins with what is seen, so that it can be said to a computer (WCAG 2.5.3).
    let on_text: OnText = Box::new(move |time| {
        if let Some(link) = link.get_untracked() {
            // The name of an attribute that is fixed and valid.
            drop(link.set_attribute("aria-label", &control_name(time, &text)));
        }
    });
    view! {
        <a class="message__time" href=href aria-label=label node_ref=link>
            <LocalTime timestamp=message.timestamp on_text />
        </a>
    }
    .into_any()
}
