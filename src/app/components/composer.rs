//! Where a message is written. With JavaScript it goes over the socket, without by the form.

use gloo_timers::callback::Timeout;
use leptos::{ev, html, prelude::*};
use send_wrapper::SendWrapper;

use crate::{
    app::{
        i18n::use_texts,
        model::room::{DraftState, RoomModel},
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

/// "I am typing" is said at most so often.
const TYPING_INTERVAL_MS: i64 = 2_500;
/// And shown for so long.
const TYPING_SHOWN_MS: u32 = 4_000;

/// See the module. `text` is what stands in it, to begin with and from then on.
#[component]
pub(crate) fn Composer(model: RwSignal<RoomModel>, text: RwSignal<String>) -> impl IntoView {
    let texts = use_texts();
    let link = expect_context::<ChatLink>();
    let (id, name) = model.with_untracked(|model| (model.room.id.clone(), model.room.name.clone()));
    let (room, action) = (id.to_string(), routes::room(&id));
    let input = NodeRef::<html::Textarea>::new();
    let over =
        memo(move || text.with(|text| count_characters(text.trim())).saturating_sub(MESSAGE_MAX_CHARACTERS));
    // Why the text is not sent, in words; typing on ends it.
    let refusal = RwSignal::new(String::new());
    // The field keeps its own text and the signal follows it, so that what was typed before the page was taken over
    // stays.
    effect(move || {
        let Some(input) = input.get() else { return };
        match input.value() {
            typed if typed.is_empty() => text.with_untracked(|text| input.set_value(text)),
            typed => text.set(typed),
        }
    });
    // What was refused for coming too soon is written here again, unless something else is by now; then it stays in
    // the list.
    effect(move || {
        let Some(draft) = model.with(|model| model.too_soon().cloned()) else { return };
        if let (DraftState::Failed(refused), true) = (draft.state, text.with_untracked(String::is_empty)) {
            model.update(|model| model.discard(&draft.id));
            if let Some(input) = input.get_untracked() {
                input.set_value(&draft.text);
            }
            text.set(draft.text);
            refusal.set(texts.refusal(refused));
        }
    });
    let last_typing = StoredValue::new(0_i64);
    let send = move || {
        match text.with_untracked(|text| MessageText::parse_counted(text, count_characters)) {
            Ok(said) => {
                let frame = model.try_update(|model| model.post(page::new_uuid(), said));
                frame.iter().for_each(|frame| link.say(frame));
                text.set(String::new());
                refusal.set(String::new());
                last_typing.set_value(0); // what is typed next is another message
                if let Some(input) = input.get_untracked() {
                    input.set_value("");
                    page::focus(&input);
                }
            }
            // The text stays where it is. An empty one needs no word.
            Err(rejection) if rejection.code != Code::TextEmpty => {
                refusal.set((texts.problem)(rejection.code).to_owned())
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
        refusal.set(String::new());
        let now = now_ms();
        // The browser's clock may be put back.
        if (now - last_typing.get_value()).abs() > TYPING_INTERVAL_MS {
            last_typing.set_value(now);
            link.say(&ClientFrame::Typing { room: room.clone() });
        }
    };
    view! {
        <form class="composer" method="post" action=action on:submit=on_submit>
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
            <p class="composer__hint muted" id="composer-hint" role="status">
                {move || match (refusal.get(), over.get()) {
                    (refusal, _) if !refusal.is_empty() => refusal,
                    (_, 0) => texts.send_hint.to_owned(),
                    (_, over) => (texts.characters_over)(over),
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
    let typing = memo(move || model.with(|model| model.typing().cloned()));
    let shown = RwSignal::new(None::<String>);
    effect(move || {
        let name = typing.get().map(|typing| typing.user.name);
        let fade = name.is_some().then(|| Timeout::new(TYPING_SHOWN_MS, move || drop(shown.try_set(None))));
        shown.set(name);
        let fade = SendWrapper::new(fade);
        on_cleanup(move || drop(fade));
    });
    view! { <p class="composer__typing muted">{move || shown.get().map(|name| (texts.is_typing)(&name)).unwrap_or_default()}</p> }
}
