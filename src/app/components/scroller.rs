//! The scroll container of the message list. It starts at the newest message and follows it while the reader is there.
//! While they read further up, the messages in view keep their position, and a button leads back.

use leptos::{children::Children, html, prelude::*, task::spawn_local};

use send_wrapper::SendWrapper;

use super::live_text::live_text;
use crate::{
    app::{
        i18n::use_texts,
        model::room::{RoomModel, ScrollPosition},
        reactive::{effect, show_when},
    },
    client::dom::scroll_anchor::Anchor,
};

/// The messages of the log.
const MESSAGES: &str = "[data-offset]";

/// Within this distance from the end the reader is at the newest message, in CSS pixels.
const END_PX: f64 = 80.0;
/// The most pages of earlier messages that are loaded to find the scroll position of the last visit. If it is further
/// up, the reader starts at the end.
const PAGES_SOUGHT: u32 = 4;
/// Within this distance from the top earlier messages are loaded, in CSS pixels.
const TOP_PX: f64 = 400.0;

/// The container. It calls `on_top` while the reader is near the top, and while the scroll position of their last visit
/// is further up. `scroll_position` is that of the last visit, and from then on the current one.
#[component]
pub(crate) fn Scroller(
    model: RwSignal<RoomModel>,
    scroll_position: StoredValue<Option<ScrollPosition>>,
    on_top: impl Fn() + Copy + 'static,
    children: Children,
) -> impl IntoView {
    let texts = use_texts();
    let scroller = NodeRef::<html::Div>::new();
    // The head of the log when the reader scrolled away from it.
    let left_at = RwSignal::new(None::<u64>);
    // The head when a reader who comes back left the end.
    let restored_head = StoredValue::new(None::<u64>);
    // The first message in view, which must keep its position.
    let anchor = StoredValue::new(None::<SendWrapper<Anchor>>);
    let is_moving = StoredValue::new(false);
    let on_scroll = move |_| {
        let Some(scroller) = scroller.get_untracked() else { return };
        // The content is laid out from its end: there the position is 0, further up it is negative.
        let from_end = -f64::from(scroller.scroll_top());
        let from_top = f64::from(scroller.scroll_height() - scroller.client_height()) - from_end;
        let is_reading_back = from_end > END_PX;
        if is_reading_back != left_at.with_untracked(Option::is_some) {
            model.update(|model| model.set_reading_back(is_reading_back));
            let head = || model.with_untracked(|model| model.cursor().offset);
            let restored = restored_head.try_update_value(Option::take).flatten();
            left_at.set(is_reading_back.then(|| restored.unwrap_or_else(head)));
        }
        if from_top < TOP_PX {
            on_top();
        }
        if is_moving.get_value() {
            // The messages have moved and are about to be put back: their current position is not the reader's.
            return;
        }
        let message = is_reading_back.then(|| Anchor::find(&scroller, MESSAGES)).flatten();
        let head = left_at.get_untracked();
        scroll_position
            .set_value(message.as_ref().zip(head).and_then(|(message, head)| position_of(message, head)));
        anchor.set_value(message.map(SendWrapper::new));
    };
    // The position of the last visit, until it is restored.
    let sought = StoredValue::new(None::<ScrollPosition>);
    let pages_left = StoredValue::new(PAGES_SOUGHT);
    let seek = move || {
        let (Some(scroller), Some(ScrollPosition { offset, top_px, head })) =
            (scroller.try_get_untracked().flatten(), sought.try_get_value().flatten())
        else {
            return;
        };
        let message = Anchor::seek(&scroller, &format!("[data-offset='{offset}']"), top_px);
        let is_over =
            message.is_some() || pages_left.get_value() == 0 || !model.with_untracked(|model| model.more);
        if let Some(mut message) = message {
            restored_head.set_value(Some(head));
            message.restore();
        } else if !is_over {
            pages_left.update_value(|pages| *pages -= 1);
            on_top();
        }
        if is_over {
            sought.set_value(None);
        }
    };
    let restore = move || {
        anchor.try_update_value(|anchor| anchor.as_mut().map(|anchor| anchor.restore()));
    };
    // In an effect: the position of a page that was loaded anew comes from the browser's storage.
    effect(move || sought.set_value(scroll_position.get_value()));
    effect(move || {
        model.track();
        is_moving.set_value(true);
        // After every effect that draws the change, and before this frame is painted: what is received is applied just
        // before, when it is too late to ask for a part in this frame.
        spawn_local(async move { restore() });
        // Once more for rows that join the list in later steps, before the next frame is painted.
        request_animation_frame(move || {
            restore();
            seek();
            is_moving.try_set_value(false);
        });
    });
    let to_the_latest = move |_| {
        if let Some(scroller) = scroller.get_untracked() {
            scroller.set_scroll_top(0);
        }
    };
    let label = move || {
        let left_at = left_at.get().unwrap_or_default();
        match model.with(|model| model.cursor().offset.saturating_sub(left_at)) {
            0 => texts.to_the_latest.to_owned(),
            new => (texts.new_messages)(usize::try_from(new).unwrap_or(usize::MAX)),
        }
    };
    view! {
        <div class="message-list">
            // The style lays the content out from its end: the newest message is in view without a script.
            <div
                class="message-list__scroller"
                tabindex="0"
                role="region"
                aria-label=texts.messages
                node_ref=scroller
                on:scroll=on_scroll
            >
                <div class="message-list__content">{children()}</div>
            </div>
            {show_when(
                move || left_at.with(Option::is_some),
                move || {
                    view! {
                        <button type="button" class="to-the-latest" on:click=to_the_latest>
                            {live_text(label)} <span aria-hidden="true">" ↓"</span>
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

fn position_of(message: &Anchor, head: u64) -> Option<ScrollPosition> {
    let (offset, top_px) = message.position("data-offset")?;
    Some(ScrollPosition { offset: offset.parse().ok()?, top_px, head })
}
