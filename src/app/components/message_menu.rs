//! The menu of a message: one popover for all of them (HTML, 6.12), which the link of each opens beside itself. Without a
//! script the link leads to the message's own page, which has the same actions as forms.

use leptos::{ev, html, prelude::*};

use super::{
    icon::{Icon, icon},
    message_actions::MessageActions,
};
use crate::{
    app::{
        i18n::use_texts,
        model::control_name::control_name,
        reactive::{memo, show_when},
        routes,
    },
    client::dom::popover,
    protocol::chat::Message,
};

/// The id of the menu's element: the messages of a thread have one of their own.
fn id_of(actions: MessageActions) -> &'static str {
    if actions.thread.is_some() { "thread-menu" } else { "message-menu" }
}

/// The link that opens the menu of a message, for those who can do something with it.
pub(super) fn menu_link(actions: MessageActions, message: &Message) -> Option<AnyView> {
    if !actions.may_answer() {
        return None;
    }
    let offset = message.offset;
    let label = control_name(use_texts().actions, &message.text);
    let open = move |event: ev::MouseEvent| {
        if event.ctrl_key() || event.meta_key() || event.shift_key() {
            return; // another tab or window
        }
        event.prevent_default();
        actions.target.set(offset);
        popover::show(id_of(actions), &event);
    };
    let link = view! {
        <a
            class="message__more"
            href=routes::message(&message.room, offset)
            rel="external"
            aria-label=label
            aria-haspopup="menu"
            on:click=open
        >
            {icon(Icon::More)}
        </a>
    };
    Some(link.into_any())
}

/// The menu.
#[component]
pub(super) fn MessageMenu(actions: MessageActions) -> impl IntoView {
    let texts = use_texts();
    let element = NodeRef::<html::Div>::new();
    let target = memo(move || {
        let offset = actions.target.get();
        actions.model.with_untracked(|model| model.message(offset).cloned())
    });
    let may_edit =
        move || target.with(|message| message.as_ref().is_some_and(|message| actions.may_edit(message)));
    let may_delete =
        move || target.with(|message| message.as_ref().is_some_and(|message| actions.may_delete(message)));
    let close = move || {
        let _ = element.get_untracked().map(|element| element.hide_popover());
    };
    let answer = move |_| {
        close();
        actions.answer(actions.target.get_untracked());
    };
    // A link, so that the navigation takes it and a new tab can have it.
    let thread = actions.thread.is_none().then(|| {
        let href = move || actions.thread_address(actions.target.get());
        let open = move |_| {
            close();
            actions.wants_thread.set(true);
        };
        view! { <a href=href on:click=open>{icon(Icon::Thread)} {texts.answer_in_thread}</a> }.into_any()
    });
    let edit = move |_| {
        close();
        actions.edit(actions.target.get_untracked());
    };
    let delete = move |_| {
        close();
        actions.delete(actions.target.get_untracked());
    };
    view! {
        <div class="message-menu" id=id_of(actions) popover="auto" node_ref=element>
            <button type="button" on:click=answer>{icon(Icon::Reply)} {texts.reply}</button>
            {thread}
            {show_when(
                may_edit,
                move || view! { <button type="button" on:click=edit>{icon(Icon::Pencil)} {texts.edit}</button> }.into_any(),
            )}
            {show_when(
                may_delete,
                move || {
                    view! {
                        <button type="button" class="danger" on:click=delete>{icon(Icon::Trash)} {texts.delete}</button>
                    }
                    .into_any()
                },
            )}
        </div>
    }
}
