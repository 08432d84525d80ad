//! Where a message is written. With JavaScript it goes over the socket, without by the form.

use gloo_timers::callback::Timeout;
use leptos::{ev, html, prelude::*};
use send_wrapper::SendWrapper;

use crate::{
    app::{i18n::use_texts, live::ChatLink, model::room::RoomModel},
    browser::{page, time::now_ms},
    protocol::{
        chat::ClientFrame,
        text::{MESSAGE_MAX_CHARACTERS, count_characters},
    },
};

/// "I am typing" is said at most so often.
const TYPING_INTERVAL_MS: i64 = 2_500;
/// And shown for so long.
const TYPING_SHOWN_MS: u32 = 4_000;

/// See the module.
#[component]
pub(crate) fn Composer(model: RwSignal<RoomModel>) -> impl IntoView {
    let texts = use_texts();
    let link = expect_context::<ChatLink>();
    let (id, name) = model.with_untracked(|model| (model.room.id.to_string(), model.room.name.clone()));
    let text = RwSignal::new(String::new());
    let input = NodeRef::<html::Textarea>::new();
    let over =
        Memo::new(move |_| text.with(|text| count_characters(text)).saturating_sub(MESSAGE_MAX_CHARACTERS));
    // The field keeps its own text; the signal follows it. What was typed before the page was taken over stays.
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            text.set(input.value());
        }
    });
    let send = move || {
        let posted = text.with_untracked(|text| model.try_update(|model| model.post(page::new_uuid(), text)));
        // A text that would be refused stays where it is; the hint says why.
        if let Some(Ok(frame)) = posted {
            link.send(&frame);
            text.set(String::new());
            if let Some(input) = input.get_untracked() {
                input.set_value("");
                page::focus(&input);
            }
        }
    };
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        send();
    };
    let on_keydown = move |event: ev::KeyboardEvent| {
        if event.key() == "Enter" && !event.shift_key() && !is_composing(&event) {
            event.prevent_default();
            send();
        }
    };
    let last_typing = StoredValue::new(0_i64);
    let room = id.clone();
    let on_input = move |event: ev::Event| {
        text.set(event_target_value(&event));
        let now = now_ms();
        if now - last_typing.get_value() > TYPING_INTERVAL_MS {
            last_typing.set_value(now);
            link.send(&ClientFrame::Typing { room: room.clone() });
        }
    };
    view! {
        <form class="composer" method="post" action=format!("/rooms/{id}") on:submit=on_submit>
            <TypingLine model />
            <div class="composer__row">
                <textarea
                    node_ref=input
                    name="text"
                    rows="2"
                    required
                    aria-label=(texts.message_label)(&name)
                    aria-describedby="composer-hint"
                    aria-invalid=move || (over.get() > 0).then_some("true")
                    placeholder=texts.message_placeholder
                    on:input=on_input
                    on:keydown=on_keydown
                ></textarea>
                <button type="submit" class="primary" disabled=move || over.get() != 0>{texts.send}</button>
            </div>
            <p class="composer__hint muted" id="composer-hint">
                {move || match over.get() {
                    0 => texts.send_hint.to_owned(),
                    over => (texts.characters_over)(over),
                }}
            </p>
        </form>
    }
}

/// Whether the key belongs to an input method. Safari ends the composition before it reports the key, which then
/// has the code 229.
fn is_composing(event: &ev::KeyboardEvent) -> bool {
    event.is_composing() || event.key_code() == 229
}

/// Who is typing, for a while after each sign of it.
#[component]
fn TypingLine(model: RwSignal<RoomModel>) -> impl IntoView {
    let texts = use_texts();
    let typing = Memo::new(move |_| model.with(|model| model.typing().cloned()));
    let shown = RwSignal::new(None::<String>);
    Effect::new(move |_| {
        let name = typing.get().map(|typing| typing.user.name);
        let fade = name.is_some().then(|| Timeout::new(TYPING_SHOWN_MS, move || drop(shown.try_set(None))));
        shown.set(name);
        let fade = SendWrapper::new(fade);
        on_cleanup(move || drop(fade));
    });
    view! { <p class="composer__typing muted">{move || shown.get().map(|name| (texts.is_typing)(&name))}</p> }
}
