//! What was said, newest last, then what is still being sent.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};

use super::{linked_text::linked, local_time::LocalTime, scroller::Scroller};
use crate::{
    app::{
        i18n::use_texts,
        loader::load_older_messages,
        model::{
            connection::ConnectionState,
            room::{Draft, DraftState, Reading, Refusal, RoomModel, TimelineItem},
        },
        reactive::{Key, list, memo, shown},
        sync::ChatLink,
    },
    protocol::chat::Message,
};

/// See the module. `reading` is what was read when the room was left, and from then on what is read.
#[component]
pub(crate) fn MessageList(
    model: RwSignal<RoomModel>,
    reading: StoredValue<Option<Reading>>,
) -> impl IntoView {
    let texts = use_texts();
    let lines = memo(move || model.with(RoomModel::lines));
    let is_loading = RwSignal::new(false);
    let load = move || load_earlier(model, is_loading);
    view! {
        <Scroller model reading on_top=load>
            <EarlierButton model is_loading />
            {shown(
                move || model.with(|model| model.was_reset),
                || view! { <p class="note" role="status">{texts.older_removed}</p> }.into_any(),
            )}
            {shown(
                move || lines.with(Vec::is_empty),
                || view! { <p class="empty muted">{texts.messages_empty}</p> }.into_any(),
            )}
            <div role="log" aria-live="polite" aria-relevant="additions" aria-label=texts.messages>
                <ol class="messages">
                    {list(
                        move || lines.get(),
                        key,
                        move |line| match line {
                            TimelineItem::Message(message) => view! { <MessageLine model message /> }.into_any(),
                            TimelineItem::Draft(draft) => view! { <DraftLine model draft /> }.into_any(),
                            TimelineItem::Divider => view! { <Divider /> }.into_any(),
                        },
                    )}
                </ol>
            </div>
        </Scroller>
    }
}

/// Changes when the line has to be drawn anew.
fn key(line: &TimelineItem) -> Key {
    match line {
        TimelineItem::Message(message) => Key::Entry(message.offset, message.timestamp),
        TimelineItem::Draft(draft) => Key::Name(format!("{} {}", draft.id, word(draft.state))),
        TimelineItem::Divider => Key::Name(String::new()),
    }
}

/// Puts a page of earlier messages above the others, if there are any and none is on its way.
fn load_earlier(model: RwSignal<RoomModel>, is_loading: RwSignal<bool>) {
    if is_loading.get_untracked() || !model.with_untracked(|model| model.more) {
        return;
    }
    is_loading.set(true);
    let (room, before) = model.with_untracked(|model| (model.room.id.clone(), model.oldest()));
    spawn_local(async move {
        // When it fails, the button is there to be pressed again.
        if let Some(page) = load_older_messages(&room, &before).await {
            model.try_update(|model| model.prepend(page));
        }
        is_loading.try_set(false);
    });
}

#[component]
fn Divider() -> impl IntoView {
    view! { <li class="divider"><span>{use_texts().new_since_you_left}</span></li> }
}

#[component]
fn MessageLine(model: RwSignal<RoomModel>, message: Arc<Message>) -> impl IntoView {
    let texts = use_texts();
    let is_mine = model.with_untracked(|model| model.is_me(&message.user_id));
    let author = if message.user.is_empty() { texts.unknown_author.to_owned() } else { message.user.clone() };
    view! {
        <li class="message" data-mine=is_mine.to_string() data-offset=message.offset.to_string()>
            <p class="message__head">
                <strong class="message__user">{author}</strong>
                <LocalTime timestamp=message.timestamp />
            </p>
            <p class="message__text">{linked(&message.text)}</p>
        </li>
    }
}

/// A message on its way: pending, or refused with the reason and a way to try again.
#[component]
fn DraftLine(model: RwSignal<RoomModel>, draft: Draft) -> impl IntoView {
    let texts = use_texts();
    let Draft { id, text, state, .. } = draft;
    let word_of_state = word(state);
    let status = match state {
        DraftState::Pending => {
            let state = expect_context::<ChatLink>().status.state;
            let word = move || match state.get() {
                ConnectionState::Closed | ConnectionState::SignedOut => texts.waiting,
                ConnectionState::Connecting | ConnectionState::CatchingUp | ConnectionState::Open => {
                    texts.pending
                }
            };
            view! { <p class="message__state">{move || word().to_owned()}</p> }.into_any()
        }
        DraftState::Failed(refusal) => view! { <Refused model id refusal /> }.into_any(),
    };
    view! {
        <li class="message" data-mine="true" data-state=word_of_state>
            <p class="message__head">
                <strong class="message__user">{model.with_untracked(|model| model.my_name().to_owned())}</strong>
            </p>
            <p class="message__text">{linked(&text)}</p>
            {status}
        </li>
    }
}

/// For `data-state`.
fn word(state: DraftState) -> &'static str {
    match state {
        DraftState::Pending => "pending",
        DraftState::Failed(_) => "failed",
    }
}

#[component]
fn Refused(model: RwSignal<RoomModel>, id: String, refusal: Refusal) -> impl IntoView {
    let texts = use_texts();
    let link = expect_context::<ChatLink>();
    let again = id.clone();
    let retry = move |_| {
        if let Some(frame) = model.try_update(|model| model.retry(&again)).flatten() {
            link.say(&frame);
        }
    };
    view! {
        <div class="message__state" role="alert">
            <p>{texts.failed} ": " {texts.refusal(refusal)}</p>
            <button type="button" on:click=retry>{texts.retry}</button>
            <button type="button" on:click=move |_| model.update(|model| model.discard(&id))>{texts.discard}</button>
        </div>
    }
}

#[component]
fn EarlierButton(model: RwSignal<RoomModel>, is_loading: RwSignal<bool>) -> impl IntoView {
    let texts = use_texts();
    let label = move || if is_loading.get() { texts.loading } else { texts.earlier_messages };
    view! {
        {shown(
            move || model.with(|model| model.more),
            move || {
                view! {
                    <button
                        type="button"
                        class="more"
                        aria-busy=move || is_loading.get().to_string()
                        on:click=move |_| load_earlier(model, is_loading)
                    >
                        {move || label().to_owned()}
                    </button>
                }
                .into_any()
            },
        )}
    }
}
