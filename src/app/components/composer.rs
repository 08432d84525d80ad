//! The composer of messages. With JavaScript it sends over the connection, without by its form.

use gloo_timers::callback::Timeout;
use leptos::{ev, html, prelude::*};
use send_wrapper::SendWrapper;

use super::live_text::{live_sentence, live_text};
use crate::{
    app::{
        i18n::use_texts,
        model::{
            direction::isolated,
            room::{DraftState, RoomModel},
        },
        reactive::{effect, memo},
        routes,
        sync::ChatLink,
    },
    client::dom::{characters::count_characters, page, time::now_ms},
    protocol::{
        chat::ClientFrame,
        problem::Code,
        text::{MESSAGE_MAX_CHARACTERS, MessageText},
    },
};

/// The shortest interval between two `typing` frames.
const TYPING_INTERVAL_MS: i64 = 2_500;
/// The time for which a typing indicator is shown.
const TYPING_SHOWN_MS: u32 = 4_000;

/// The composer. `text` is its content, at the start and from then on.
#[component]
pub(crate) fn Composer(model: RwSignal<RoomModel>, text: RwSignal<String>) -> impl IntoView {
    let texts = use_texts();
    let link = expect_context::<ChatLink>();
    let (id, name) = model.with_untracked(|model| (model.room.id.clone(), model.room.name.clone()));
    let (room, action) = (id.to_string(), routes::room(&id));
    let input = NodeRef::<html::Textarea>::new();
    let over =
        memo(move || text.with(|text| count_characters(text.trim())).saturating_sub(MESSAGE_MAX_CHARACTERS));
    // The reason why the text was not sent; the next input clears it.
    let rejection = RwSignal::new(String::new());
    // The field owns its text and the signal follows it, so that text from before hydration stays.
    effect(move || {
        let Some(input) = input.get() else { return };
        match input.value() {
            typed if typed.is_empty() => text.with_untracked(|text| input.set_value(text)),
            typed => text.set(typed),
        }
    });
    // A draft that the rate limit rejected goes back into the field if that is empty, and otherwise stays in the list.
    effect(move || {
        let Some(draft) = model.with(|model| model.rate_limited().cloned()) else { return };
        if let (DraftState::Failed(reason), true) = (draft.state, text.with_untracked(String::is_empty)) {
            model.update(|model| model.discard(&draft.id));
            if let Some(input) = input.get_untracked() {
                input.set_value(&draft.text);
            }
            text.set(draft.text);
            rejection.set(texts.rejection(reason));
        }
    });
    let last_typing = StoredValue::new(0_i64);
    let send = move || {
        match text.with_untracked(|text| MessageText::parse_counted(text, count_characters)) {
            Ok(message) => {
                let frame = model.try_update(|model| model.post(page::new_uuid(), message));
                frame.iter().for_each(|frame| link.send(frame));
                text.set(String::new());
                rejection.set(String::new());
                last_typing.set_value(0); // the next input starts another message
                if let Some(input) = input.get_untracked() {
                    input.set_value("");
                    page::focus(&input);
                }
            }
            // The text stays in the field. An empty one needs no explanation.
            Err(error) if error.code != Code::TextEmpty => {
                rejection.set((texts.problem)(error.code).to_owned())
            }
            Err(_) => {}
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
    let on_input = move |event: ev::Event| {
        text.set(event_target_value(&event));
        rejection.set(String::new());
        let now = now_ms();
        // The browser's clock may be set back.
        if (now - last_typing.get_value()).abs() > TYPING_INTERVAL_MS {
            last_typing.set_value(now);
            link.send(&ClientFrame::Typing { room: room.clone() });
        }
    };
    let hint = move || match (rejection.get(), over.get()) {
        (rejection, _) if !rejection.is_empty() => rejection,
        (_, 0) => texts.send_hint.to_owned(),
        (_, over) => (texts.characters_over)(over),
    };
    view! {
        <form class="composer" method="post" action=action on:submit=on_submit>
            <TypingIndicator model />
            <div class="composer__row">
                <textarea
                    node_ref=input
                    name="text"
                    rows="2"
                    dir="auto"
                    required
                    aria-label=(texts.message_label)(&isolated(&name))
                    aria-describedby="composer-hint"
                    aria-invalid=move || (over.get() > 0).then_some("true")
                    placeholder=texts.message_placeholder
                    on:input=on_input
                    on:keydown=on_keydown
                ></textarea>
                <button type="submit" class="primary" disabled=move || over.get() != 0>{texts.send}</button>
            </div>
            <p
                class="composer__hint muted"
                id="composer-hint"
                role="status"
                data-important=move || (over.get() > 0 || !rejection.with(String::is_empty)).then_some("true")
            >
                {live_text(hint)}
            </p>
        </form>
    }
}

/// Returns true if the key belongs to an input method. Safari ends the composition before it reports the key, which
/// then has the code 229.
fn is_composing(event: &ev::KeyboardEvent) -> bool {
    event.is_composing() || event.key_code() == 229
}

/// The user who is typing, for a while after each `typing` frame.
#[component]
fn TypingIndicator(model: RwSignal<RoomModel>) -> impl IntoView {
    let texts = use_texts();
    let typing = memo(move || model.with(|model| model.typing().cloned()));
    let name = RwSignal::new(None::<String>);
    effect(move || {
        let newest = typing.get().map(|typing| typing.user.name);
        let expiry =
            newest.is_some().then(|| Timeout::new(TYPING_SHOWN_MS, move || drop(name.try_set(None))));
        name.set(newest);
        let expiry = SendWrapper::new(expiry);
        on_cleanup(move || drop(expiry));
    });
    view! { <p class="composer__typing muted">{live_sentence(move || Some((texts.is_typing, name.get()?)))}</p> }
}
