//! The pinned messages of a room: a button in its header, while there are any, with the list that it opens (HTML, 6.12: it
//! does without a script). The page of a room uses them.

use leptos::{html, prelude::*, task::spawn_local};

use super::{
    icon::{Icon, icon},
    live_text::{live_text, name_view},
    local_time::LocalTime,
};
use crate::{
    app::{
        i18n::use_texts,
        loader::load_pins,
        model::room::RoomModel,
        reactive::{Key, effect, list, memo, show_when},
        routes,
    },
    protocol::pin::Pin,
};

/// The id of the list's element.
const LIST: &str = "pinned";

/// The button.
#[component]
pub(crate) fn PinsButton(model: RwSignal<RoomModel>) -> impl IntoView {
    let texts = use_texts();
    let count = memo(move || model.with(|model| model.pins().len()));
    load_missed(model);
    show_when(
        move || count.get() > 0,
        move || {
            let label = move || format!("{}: {}", texts.pinned_messages, count.get());
            view! {
                <button type="button" class="pins-button" popovertarget=LIST aria-label=label title=texts.pinned_messages>
                    {icon(Icon::Pin)}
                    {live_text(move || count.get().to_string())}
                </button>
            }
            .into_any()
        },
    )
}

/// Loads the pins when a message was pinned that is not on the page.
fn load_missed(model: RwSignal<RoomModel>) {
    let missed = memo(move || model.with(RoomModel::missed_pins));
    effect(move || {
        if missed.get() == 0 {
            return;
        }
        let room = model.with_untracked(|model| model.room.id.clone());
        spawn_local(async move {
            // If it fails, the list lacks them until the next one is pinned, or the page is loaded.
            if let Some(pins) = load_pins(&room).await {
                model.try_update(|model| model.set_pins(pins));
            }
        });
    });
}

/// The list.
#[component]
pub(crate) fn PinList(model: RwSignal<RoomModel>) -> impl IntoView {
    let texts = use_texts();
    let pins = memo(move || model.with(|model| model.pins().to_vec()));
    let element = NodeRef::<html::Section>::new();
    // The page stays: nothing else closes the list when one of its links is followed.
    let close = move |_| drop(element.get_untracked().map(|element| element.hide_popover()));
    view! {
        <section class="pins" id=LIST node_ref=element on:click=close popover="auto" aria-labelledby="pins-heading">
            <h2 id="pins-heading">{texts.pinned_messages}</h2>
            <ul class="pins__list">
                {list(move || pins.get(), key, move |pin| view! { <PinItem model pin /> }.into_any())}
            </ul>
        </section>
    }
}

/// Changes when the item has to be drawn again.
fn key(pin: &Pin) -> Key {
    Key::Name(format!("{} {}", pin.offset, pin.text))
}

#[component]
fn PinItem(model: RwSignal<RoomModel>, pin: Pin) -> impl IntoView {
    let Pin { offset, user, text, timestamp } = pin;
    let href = model.with_untracked(|model| {
        routes::permalink(&model.room.id, &routes::Permalink::message(offset, &model.cursor().epoch))
    });
    view! {
        <li>
            <a class="pin" href=href>
                <span class="pin__head"><b>{name_view(user)}</b> " " <LocalTime timestamp /></span>
                <span class="pin__text" dir="auto">{text}</span>
            </a>
        </li>
    }
}
