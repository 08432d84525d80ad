//! A thread beside its room: its messages and a composer of its own. The room's page opens it where the address names a
//! thread; a link, Escape and the browser's history lead back to the room.
//!
//! It has a model of its own, which hears the room's log beside the room; the drafts are the room's, so that they are sent
//! also when the thread is closed.

use leptos::{ev, html, prelude::*};

use super::{
    composer::{composer_or_reason, is_composing},
    icon::{Icon, icon},
    message_actions::MessageActions,
    message_list::MessageList,
    problem_note::problem_notes,
};
use crate::{
    app::{
        i18n::use_texts,
        model::room::{Linked, RoomModel},
        page_data::ThreadData,
        reactive::effect,
        routes,
        sync::{ChatLink, store_answered, store_text},
    },
    client::dom::page,
};

/// The thread. `actions` are those of the room; `linked` is the message of it to which the address leads now.
#[component]
pub(crate) fn Thread(
    data: ThreadData,
    actions: MessageActions,
    linked: Memo<Option<Linked>>,
    takes_focus: bool,
) -> impl IntoView {
    let texts = use_texts();
    let room = actions.model;
    let mut model = room.with_untracked(|room| room.open_thread(data.root, data.page));
    if data.linked.target.is_some() {
        model.open(Some(Box::new(data.linked)), false);
    }
    let model = RwSignal::new(model);
    let back = model.with_untracked(|model| routes::room(&model.room.id));
    let is_authenticated = model.with_untracked(|model| !model.my_id().is_empty());
    let thread = actions.in_thread(model);
    let (text, scroll_position) = (RwSignal::new(String::new()), StoredValue::new(None));
    store_text(model, text);
    store_answered(model, thread.answered);
    expect_context::<ChatLink>().follow_thread(model, room);
    follow_links(model, linked);
    let (section, close) = (NodeRef::<html::Section>::new(), NodeRef::<html::A>::new());
    let wants_composer = actions.wants_thread.get_untracked();
    effect(move || {
        let Some(section) = section.get() else { return };
        actions.wants_thread.set(false);
        match wants_composer {
            true => thread.wants_composer.set(true),
            false if takes_focus => page::focus(&section),
            false => {}
        }
    });
    let on_keydown = move |event: ev::KeyboardEvent| {
        let is_free = event.key() == "Escape" && !event.default_prevented() && !is_composing(&event);
        let is_menu_open = section.get_untracked().is_some_and(|section| {
            section.query_selector(":popover-open").is_ok_and(|popover| popover.is_some())
        });
        if let Some(close) = close.get_untracked().filter(|_| is_free && !is_menu_open) {
            event.prevent_default();
            close.click();
        }
    };
    view! {
        <section class="thread" aria-labelledby="thread-name" tabindex="-1" node_ref=section on:keydown=on_keydown>
            <header class="page__header">
                {icon(Icon::Thread)}
                <h2 id="thread-name">{texts.thread}</h2>
                <a class="thread__close" href=back aria-label=texts.close_thread title=texts.close_thread node_ref=close>
                    {icon(Icon::X)}
                </a>
            </header>
            {problem_notes(None, move || model.with(RoomModel::missing_target))}
            <MessageList model scroll_position actions=thread />
            {is_authenticated.then(|| composer_or_reason(text, thread))}
        </section>
    }
}

/// Marks the message of the thread to which the address leads, also when another address of it follows.
fn follow_links(model: RwSignal<RoomModel>, linked: Memo<Option<Linked>>) {
    let known = StoredValue::new(None);
    effect(move || {
        let Some(linked) = linked.get() else { return };
        let is_first = known.try_update_value(|known| known.replace(linked.clone())).flatten().is_none();
        if !is_first {
            model.update(|model| model.open(Some(Box::new(linked)), false));
        }
    });
}
