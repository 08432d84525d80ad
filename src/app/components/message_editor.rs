//! The editor of a message, in the place of its text. Enter saves, Escape leaves the message as it is.

use leptos::{ev, html, prelude::*};

use super::{composer::is_composing, live_text::live_text, message_actions::MessageActions};
use crate::{
    app::{i18n::use_texts, reactive::effect},
    client::dom::page,
    protocol::problem::Code,
};

/// The editor. It is drawn in the browser only.
#[component]
pub(super) fn MessageEditor(actions: MessageActions) -> impl IntoView {
    let texts = use_texts();
    let (input, rejection) = (NodeRef::<html::Textarea>::new(), RwSignal::new(String::new()));
    effect(move || {
        let Some(input) = input.get() else { return };
        actions.edited_text.with_untracked(|text| input.set_value(text));
        page::focus(&input);
    });
    let save = move || {
        match actions.save() {
            // An empty one needs no explanation.
            Err(error) if error.code != Code::TextEmpty => {
                rejection.set((texts.problem)(error.code).to_owned());
            }
            _ => {}
        }
    };
    let cancel = move || actions.edited.set(0);
    let on_keydown = move |event: ev::KeyboardEvent| match event.key().as_str() {
        _ if is_composing(&event) => {}
        "Enter" if !event.shift_key() => {
            event.prevent_default();
            save();
        }
        "Escape" => {
            event.prevent_default();
            cancel();
        }
        _ => {}
    };
    view! {
        <div class="message-editor">
            <textarea
                node_ref=input
                rows="3"
                dir="auto"
                aria-label=texts.edit_label
                on:input=move |event| {
                    actions.edited_text.set(event_target_value(&event));
                    rejection.set(String::new());
                }
                on:keydown=on_keydown
            ></textarea>
            <div class="message-editor__row">
                <button type="button" on:click=move |_| cancel()>{texts.cancel}</button>
                <button type="button" class="primary" on:click=move |_| save()>{texts.save}</button>
                <p role="alert">{live_text(move || rejection.get())}</p>
            </div>
        </div>
    }
}
