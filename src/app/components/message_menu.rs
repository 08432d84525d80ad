//! The menu of a message, and the picker of an emoji for it: one popover each for all messages (HTML, 6.12), which the
//! link or button of each opens beside itself. Without a script they lead to the message's own page, which has the same
//! actions as forms.
//!
//! `public/reactions.js` fills the picker when it is opened, because the page needs it rarely. What is picked, there or
//! among the quick ones of the menu, is a click on an element with `data-emoji`.

use leptos::{ev, html, prelude::*};

use super::{
    icon::{Icon, icon},
    live_text::live_text,
    message_actions::MessageActions,
};
use crate::{
    app::{
        i18n::use_texts,
        model::control_name::control_name,
        reactive::{memo, show_when},
        routes,
        sync::Navigator,
    },
    client::dom::{page, popover},
    protocol::chat::Message,
};

/// The id of the menu's element: the messages of a thread have one of their own.
fn id_of(actions: MessageActions) -> &'static str {
    if actions.thread.is_some() { "thread-menu" } else { "message-menu" }
}

/// The id of the picker's element.
pub(super) fn picker_of(actions: MessageActions) -> &'static str {
    if actions.thread.is_some() { "thread-emoji-picker" } else { "emoji-picker" }
}

/// The reactions that the menu offers at once; public/live.js puts those that were used last in their place.
const QUICK: [&str; 6] = ["👍", "❤️", "😂", "🎉", "👀", "✅"];

/// The link that opens the menu of a message, for those who can do something with it.
pub(super) fn menu_link(actions: MessageActions, message: &Message) -> Option<AnyView> {
    if !actions.may_write() {
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
        actions.model.with(|model| model.message(offset).cloned())
    });
    let may_edit =
        move || target.with(|message| message.as_ref().is_some_and(|message| actions.may_edit(message)));
    let may_delete =
        move || target.with(|message| message.as_ref().is_some_and(|message| actions.may_delete(message)));
    // Nobody looks after direct messages.
    let room = actions.model.with_untracked(|model| model.room.id.clone());
    let viewer = expect_context::<Navigator>().viewer;
    let is_direct = viewer
        .with_untracked(|viewer| viewer.as_ref().is_some_and(|viewer| viewer.direct_rooms.contains(&room)));
    let is_of_others = move || {
        !is_direct
            && target.with(|message| message.as_ref().is_some_and(|message| !actions.may_edit(message)))
    };
    // On the message's own page: few report something, and the browser need not load the form for all.
    let report = move || {
        let href = move || {
            let offset = actions.target.get();
            format!("{}#report", actions.model.with(|model| routes::message(&model.room.id, offset)))
        };
        view! { <a href=href rel="external">{icon(Icon::Flag)} {texts.report}</a> }.into_any()
    };
    let is_pinned = move || target.with(|message| message.as_ref().is_some_and(|message| message.pinned));
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
    let pin = move |_| {
        close();
        actions.pin(actions.target.get_untracked(), !is_pinned());
    };
    // Answers in threads are not counted.
    let mark_unread = actions.thread.is_none().then(|| {
        let mark = move |_| {
            close();
            actions.mark_unread(actions.target.get_untracked());
        };
        view! { <button type="button" on:click=mark>{icon(Icon::Unread)} {texts.mark_unread}</button> }
            .into_any()
    });
    let delete = move |_| {
        close();
        actions.delete(actions.target.get_untracked());
    };
    let picker = NodeRef::<html::Div>::new();
    let open_picker = move |_| {
        close();
        popover::show_instead(picker_of(actions));
    };
    let pick = move |event: ev::MouseEvent| {
        let Some(emoji) = page::clicked_attribute(&event, "data-emoji") else { return };
        close();
        let _ = picker.get_untracked().map(|picker| picker.hide_popover());
        actions.react(actions.target.get_untracked(), &emoji);
    };
    let quick = QUICK.map(|emoji| {
        view! { <button type="button" translate="no" data-emoji=emoji>{emoji}</button> }.into_any()
    });
    view! {
        <div class="message-menu" id=id_of(actions) popover="auto" node_ref=element>
            <div class="message-menu__quick" role="group" aria-label=texts.reactions on:click=pick>{quick.into_iter().collect::<Vec<_>>()}</div>
            <button type="button" on:click=open_picker>{icon(Icon::SmilePlus)} {texts.react}</button>
            <button type="button" on:click=answer>{icon(Icon::Reply)} {texts.reply}</button>
            {thread}
            {show_when(
                may_edit,
                move || view! { <button type="button" on:click=edit>{icon(Icon::Pencil)} {texts.edit}</button> }.into_any(),
            )}
            <button type="button" on:click=pin>
                {icon(Icon::Pin)}
                {live_text(move || (if is_pinned() { texts.unpin } else { texts.pin }).to_owned())}
            </button>
            {mark_unread}
            {show_when(is_of_others, report)}
            {show_when(
                may_delete,
                move || {
                    view! { <button type="button" class="danger" on:click=delete>{icon(Icon::Trash)} {texts.delete}</button> }
                        .into_any()
                },
            )}
        </div>
        <div
            class="emoji-picker"
            id=picker_of(actions)
            popover="auto"
            role="dialog"
            aria-label=texts.add_reaction
            tabindex="-1"
            node_ref=picker
            on:click=pick
        ></div>
    }
}
