//! The composer of messages. With JavaScript it sends over the connection, without by its form.

use gloo_timers::callback::Timeout;
use leptos::{ev, html, prelude::*};
use send_wrapper::SendWrapper;

use super::{
    icon::{Icon, icon},
    live_text::{live_sentence, live_text},
    message_actions::{DeletedNote, MessageActions},
    quote,
};
use crate::{
    app::{
        i18n::{Texts, use_texts},
        model::{
            direction::isolated,
            room::{Answered, DraftState, RoomModel},
        },
        reactive::{Key, effect, list, memo},
        routes,
        sync::{ChatLink, Navigator},
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

/// The field of the composer: its text and what sends it.
#[derive(Clone, Copy)]
struct Field {
    model: RwSignal<RoomModel>,
    link: ChatLink,
    texts: &'static Texts,
    input: NodeRef<html::Textarea>,
    text: RwSignal<String>,
    /// The reason why the text was not sent; the next input clears it.
    rejection: RwSignal<String>,
    /// The time of the last `typing` frame.
    last_typing_ms: StoredValue<i64>,
    actions: MessageActions,
}

impl Field {
    /// Takes the text that the field has: it owns its text and the signal follows it, so that text from before hydration
    /// stays.
    fn adopt_text(self) {
        let Some(input) = self.input.get() else { return };
        match input.value() {
            typed if typed.is_empty() => self.text.with_untracked(|text| input.set_value(text)),
            typed => self.text.set(typed),
        }
    }

    /// Puts a draft that the rate limit rejected back into the field, if that is empty. Otherwise it stays in the list.
    fn take_back_rejected(self) {
        let thread = self.actions.thread;
        let Some(draft) = self.model.with(|model| model.rate_limited(thread).cloned()) else { return };
        if let (DraftState::Failed(reason), true) = (draft.state, self.text.with_untracked(String::is_empty))
        {
            self.model.update(|model| model.discard(&draft.id));
            self.actions.answered.set(draft.reply_to.unwrap_or_default());
            self.set_text(draft.text);
            self.rejection.set(self.texts.rejection(reason));
        }
    }

    /// Takes the text of a deleted message, under the one that is there.
    fn take_returned(self) {
        let returned = self.actions.returned_text.get();
        if returned.is_empty() {
            return;
        }
        self.actions.returned_text.set(String::new());
        let typed = self.text.get_untracked();
        self.set_text(if typed.is_empty() { returned } else { format!("{typed}\n{returned}") });
        self.focus();
    }

    /// Takes the focus for an answer.
    fn take_focus(self) {
        if self.actions.wants_composer.get() {
            self.actions.wants_composer.set(false);
            self.focus();
        }
    }

    fn focus(self) {
        if let Some(input) = self.input.get_untracked() {
            page::focus(&input);
        }
    }

    fn set_text(self, text: String) {
        if let Some(input) = self.input.get_untracked() {
            input.set_value(&text);
        }
        self.text.set(text);
    }

    /// Sends the text. One that cannot be sent stays in the field.
    fn send(self) {
        match self.text.with_untracked(|text| MessageText::parse_counted(text, count_characters)) {
            Ok(message) => {
                let answered = self.actions.answered;
                let reply_to = Some(answered.get_untracked()).filter(|offset| *offset != 0);
                let thread = self.actions.thread;
                let frame =
                    self.model.try_update(|model| model.answer(page::new_uuid(), message, reply_to, thread));
                answered.set(0);
                frame.iter().for_each(|frame| self.link.send(frame));
                self.set_text(String::new());
                self.rejection.set(String::new());
                self.last_typing_ms.set_value(0); // the next input starts another message
                self.focus();
            }
            // The hint counts what is too much of the characters.
            Err(error) if error.code == Code::TextTooLong && self.over() == 0 => {
                self.rejection.set(self.texts.too_many_bytes.to_owned());
            }
            // An empty one needs no explanation.
            Err(error) if error.code != Code::TextEmpty => {
                self.rejection.set((self.texts.problem)(error.code).to_owned());
            }
            Err(_) => {}
        }
    }

    /// The characters that are too many.
    fn over(self) -> usize {
        self.text.with(|text| count_characters(text.trim())).saturating_sub(MESSAGE_MAX_CHARACTERS)
    }

    fn on_keydown(self, event: &ev::KeyboardEvent) {
        if event.key() == "Enter" && !event.shift_key() && !is_composing(event) {
            event.prevent_default();
            self.send();
        }
        if event.key() == "Escape" && !is_composing(event) && self.actions.answered.get_untracked() != 0 {
            event.prevent_default();
            self.actions.answered.set(0);
        }
        let edits_last = event.key() == "ArrowUp" && !event.shift_key() && !is_composing(event);
        if edits_last && self.text.with_untracked(String::is_empty) && self.actions.edit_last() {
            event.prevent_default();
        }
    }

    fn on_input(self, event: &ev::Event) {
        self.text.set(event_target_value(event));
        self.rejection.set(String::new());
        if self.actions.thread.is_some() {
            return; // the room's signs of typing are for what is said in the room
        }
        let now = now_ms();
        // The browser's clock may be set back.
        if (now - self.last_typing_ms.get_value()).abs() > TYPING_INTERVAL_MS {
            self.last_typing_ms.set_value(now);
            let room = self.model.with_untracked(|model| model.room.id.to_string());
            self.link.send(&ClientFrame::Typing { room });
        }
    }
}

/// The composer, or the reason why the viewer may not write in the room, while that is so. The text stays. An anonymous
/// viewer finds the link to sign in.
pub(crate) fn composer_or_reason(text: RwSignal<String>, actions: MessageActions) -> AnyView {
    let viewer = expect_context::<Navigator>().viewer;
    let (room, is_anonymous) =
        actions.room.with_untracked(|model| (model.room.id.clone(), model.my_id().is_empty()));
    let sign_in = routes::sign_in_from(&routes::room(&room));
    let reason = memo(move || viewer.with(|viewer| viewer.as_ref().and_then(|viewer| viewer.closed(&room))));
    list(
        move || vec![reason.get()],
        |reason| Key::Name(reason.clone().unwrap_or_default()),
        move |reason| match reason {
            Some(reason) => view! { <p class="note" role="status">{reason}</p> }.into_any(),
            None if is_anonymous => {
                let text = use_texts().sign_in_to_write;
                view! { <a class="note" href=sign_in.clone() rel="external">{text}</a> }.into_any()
            }
            None => view! { <Composer text actions /> }.into_any(),
        },
    )
}

/// The composer of a room, or of a thread if `actions` are those of one. `text` is its content, at the start and from then
/// on.
#[component]
fn Composer(text: RwSignal<String>, actions: MessageActions) -> impl IntoView {
    let (texts, model) = (use_texts(), actions.room);
    let thread = actions.thread.map(|root| root.to_string());
    let is_thread = thread.is_some();
    let (hint_id, preview_id) =
        if is_thread { ("thread-hint", "thread-preview") } else { ("composer-hint", "preview") };
    let (action, attach, newest) = model.with_untracked(|model| {
        let id = &model.room.id;
        let thread = thread.as_ref().map(|root| format!("?thread={root}")).unwrap_or_default();
        (routes::room(id), routes::attach(id) + &thread, expect_context::<Navigator>().newest_of(&model.room))
    });
    let (input, rejection) = (NodeRef::new(), RwSignal::new(String::new()));
    let (link, last_typing_ms) = (expect_context::<ChatLink>(), StoredValue::new(0));
    let field = Field { model, link, texts, input, text, rejection, last_typing_ms, actions };
    let over = memo(move || field.over());
    effect(move || field.adopt_text());
    effect(move || field.take_back_rejected());
    effect(move || field.take_returned());
    effect(move || field.take_focus());
    let on_submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        field.send();
    };
    let label = move || match is_thread {
        true => texts.answer_label.to_owned(),
        false => newest.with(|room| (texts.message_label)(&isolated(&room.name))),
    };
    let placeholder = if is_thread { texts.answer_placeholder } else { texts.message_placeholder };
    let preview = (!is_thread).then(|| {
        view! {
            <button
                type="submit"
                name="preview"
                value="true"
                class="composer__preview-button"
                aria-label=texts.preview
                aria-keyshortcuts="Alt+P"
                title=texts.preview_hint
            >
                {icon(Icon::Eye)}
            </button>
        }
        .into_any()
    });
    let hint = move || match (rejection.get(), over.get()) {
        (rejection, _) if !rejection.is_empty() => rejection,
        (_, 0) => texts.send_hint.to_owned(),
        (_, over) => (texts.characters_over)(over),
    };
    view! {
        <form class="composer" method="post" action=action on:submit=on_submit>
            <DeletedNote actions />
            {(!is_thread).then(|| view! { <TypingIndicator model /> }.into_any())}
            {thread.map(|root| view! { <input type="hidden" name="thread" value=root /> }.into_any())}
            <AnsweredNote actions />
            // Filled by public/messages.js, and by the server for who has no script.
            <div
                class="composer__preview formatted"
                id=preview_id
                role="region"
                aria-live="polite"
                aria-label=texts.preview
            ></div>
            <div class="composer__row">
                // Without public/files.js it leads to a form for files.
                <a class="composer__attach" href=attach rel="external" aria-label=texts.attach title=texts.attach>
                    {icon(Icon::Paperclip)}
                </a>
                <textarea
                    node_ref=input
                    name="text"
                    rows="2"
                    dir="auto"
                    required
                    aria-label=label
                    aria-describedby=hint_id
                    aria-invalid=move || (over.get() > 0).then_some("true")
                    placeholder=placeholder
                    on:input=move |event| field.on_input(&event)
                    on:keydown=move |event| field.on_keydown(&event)
                ></textarea>
                <button type="submit" class="primary" disabled=move || over.get() != 0>{texts.send}</button>
                {preview}
            </div>
            <p
                class="composer__hint muted"
                id=hint_id
                role="status"
                data-important=move || (over.get() > 0 || !rejection.with(String::is_empty)).then_some("true")
            >
                {live_text(hint)}
            </p>
        </form>
    }
}

/// The message that the next one answers, with a button to answer none.
#[component]
fn AnsweredNote(actions: MessageActions) -> impl IntoView {
    let (texts, model) = (use_texts(), actions.model);
    let answered = memo(move || {
        let offset = Some(actions.answered.get()).filter(|offset| *offset != 0)?;
        Some((offset, model.with(|model| model.answered(offset))))
    });
    let draw = move || {
        let (offset, answered) = answered.get()?;
        if answered == Answered::Unknown {
            quote::load(model, offset);
        }
        let words = match &answered {
            Answered::Message(message) if !message.deleted => quote::author_and_text(message),
            missing => quote::missing_words(missing).into_any(),
        };
        let leave = move |_| {
            actions.answered.set(0);
            actions.wants_composer.set(true);
        };
        let note = view! {
            <div class="composer__answered quote" role="group" aria-label=texts.replying_to>
                {icon(Icon::Reply)}
                <span class="muted">{texts.replying_to}</span>
                " "
                {words}
                <button type="button" class="composer__leave" aria-label=texts.do_not_reply title=texts.do_not_reply on:click=leave>
                    {icon(Icon::X)}
                </button>
            </div>
        };
        Some(note.into_any())
    };
    view! { {draw} }
}

/// Returns true if the key belongs to an input method. Safari ends the composition before it reports the key, which
/// then has the code 229.
pub(super) fn is_composing(event: &ev::KeyboardEvent) -> bool {
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
