//! The scroll container of the message list. It starts at the newest message and follows it while the reader is there.
//! While they read further up, the messages in view keep their position, and a button leads back.

use leptos::{children::Children, prelude::*};

use super::{live_text::live_text, reading_position::ReadingPosition};
use crate::app::{
    i18n::use_texts,
    model::room::{RoomModel, ScrollPosition},
    reactive::show_when,
};

/// The container. It calls `on_top` while the reader is near the top, and while the scroll position of their last visit
/// is further up, and `on_end` while they are near the end of messages that are not the newest. `scroll_position` is that of the last visit, and from then on the current one.
#[component]
pub(crate) fn Scroller(
    model: RwSignal<RoomModel>,
    label: &'static str,
    scroll_position: StoredValue<Option<ScrollPosition>>,
    on_top: impl Fn() -> bool + Copy + 'static,
    on_end: impl Fn() + Copy + 'static,
    children: Children,
) -> impl IntoView {
    let texts = use_texts();
    let scroller = NodeRef::new();
    let position = ReadingPosition::new(model, scroller, scroll_position);
    position.keep(on_top, on_end);
    let left_at = position.left_at;
    let news = move || {
        let left_at = left_at.get().unwrap_or_default();
        match model.with(|model| model.messages_after(left_at)) {
            0 => texts.to_the_latest.to_owned(),
            new => (texts.new_messages)(new),
        }
    };
    view! {
        <div class="message-list">
            // The style lays the content out from its end: the newest message is in view without a script.
            <div
                class="message-list__scroller"
                tabindex="0"
                role="region"
                aria-label=label
                node_ref=scroller
                on:scroll=move |_| position.on_scroll(on_top, on_end)
            >
                <div class="message-list__content">{children()}</div>
            </div>
            {show_when(
                move || left_at.with(Option::is_some),
                move || {
                    view! {
                        <button type="button" class="to-the-latest" on:click=move |_| position.scroll_to_end()>
                            {live_text(news)} <span aria-hidden="true">" ↓"</span>
                        </button>
                    }
                    .into_any()
                },
            )}
            // The server's links to older messages, for a page that is not live.
            <div class="history"></div>
        </div>
    }
}
