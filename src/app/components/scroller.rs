//! The scrolling box of the talk: starts at the newest message and stays there while the reader is there; while they
//! read further up, what they read stays where it is, and a button leads back.

use leptos::{children::Children, html, prelude::*};

use send_wrapper::SendWrapper;

use crate::{
    app::{
        i18n::use_texts,
        model::room::{Reading, RoomModel},
        reactive::{effect, shown},
    },
    client::dom::scroll_anchor::Anchor,
};

/// What the reader may be reading.
const LINES: &str = "[data-offset]";

/// Nearer to the end than this the reader is at the newest message, in CSS pixels.
const END_PX: f64 = 80.0;
/// So many pages of earlier messages are asked for to find what was read at the last visit. Further up, the reader starts at
/// the end.
const PAGES_SOUGHT: u32 = 4;
/// Nearer to the top than this more is asked for.
const TOP_PX: f64 = 400.0;

/// See the module. `on_top` is called while the reader is near the top, and while what they read at their last visit is
/// further up.
#[component]
pub(crate) fn Scroller(
    model: RwSignal<RoomModel>,
    reading: StoredValue<Option<Reading>>,
    on_top: impl Fn() + Copy + 'static,
    children: Children,
) -> impl IntoView {
    let texts = use_texts();
    let scroller = NodeRef::<html::Div>::new();
    // Where the log ended when the reader left its end.
    let left_at = RwSignal::new(None::<u64>);
    // What they read there, and must not lose.
    let anchor = StoredValue::new(None::<SendWrapper<Anchor>>);
    let is_held = StoredValue::new(false);
    let on_scroll = move |_| {
        let Some(scroller) = scroller.get_untracked() else { return };
        // The content is laid out from its end: there the position is 0, further up it is negative.
        let from_end = -f64::from(scroller.scroll_top());
        let from_top = f64::from(scroller.scroll_height() - scroller.client_height()) - from_end;
        let is_reading_back = from_end > END_PX;
        if is_reading_back != left_at.with_untracked(Option::is_some) {
            model.update(|model| model.read_back(is_reading_back));
            left_at.set(is_reading_back.then(|| model.with_untracked(|model| model.cursor().offset)));
        }
        if from_top < TOP_PX {
            on_top();
        }
        if is_held.get_value() {
            // The lines have moved and are about to be put back: where they are now is not where they were read.
            return;
        }
        let line = is_reading_back.then(|| Anchor::find(&scroller, LINES)).flatten();
        reading.set_value(line.as_ref().and_then(reading_of));
        anchor.set_value(line.map(SendWrapper::new));
    };
    // What was read at the last visit, until it is in view again.
    let sought = StoredValue::new(reading.get_value());
    let pages_left = StoredValue::new(PAGES_SOUGHT);
    let seek = move || {
        let (Some(scroller), Some(Reading { offset, top_px })) =
            (scroller.get_untracked(), sought.try_get_value().flatten())
        else {
            return;
        };
        let line = Anchor::seek(&scroller, &format!("[data-offset='{offset}']"), top_px);
        let is_over =
            line.is_some() || pages_left.get_value() == 0 || !model.with_untracked(|model| model.more);
        if let Some(mut line) = line {
            line.hold();
        } else if !is_over {
            pages_left.update_value(|pages| *pages -= 1);
            on_top();
        }
        if is_over {
            sought.set_value(None);
        }
    };
    effect(move || {
        model.track();
        // Before the next painting, and after all that draws the change.
        is_held.set_value(true);
        request_animation_frame(move || {
            anchor.try_update_value(|anchor| anchor.as_mut().map(|anchor| anchor.hold()));
            seek();
            is_held.try_set_value(false);
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
            // The content starts at its end (see the style): the newest message is in view without a script.
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
            {shown(
                move || left_at.with(Option::is_some),
                move || {
                    view! {
                        <button type="button" class="to-the-latest" on:click=to_the_latest>
                            {move || label()} <span aria-hidden="true">" ↓"</span>
                        </button>
                    }
                    .into_any()
                },
            )}
        </div>
    }
}

fn reading_of(line: &Anchor) -> Option<Reading> {
    let (offset, top_px) = line.place("data-offset")?;
    Some(Reading { offset: offset.parse().ok()?, top_px })
}
