//! The timeline of a room: messages, newest last, then drafts.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};

use super::{
    avatar::avatar,
    linked_text::{message_text, typed_text},
    live_text::{live_text, name_view},
    local_time::{Day, LocalDay, LocalTime, is_on_another_day},
    picture::picture,
    scroller::Scroller,
};
use crate::{
    app::{
        i18n::use_texts,
        loader::load_older_messages,
        model::{
            connection::ConnectionState,
            control_name::control_name,
            room::{Draft, DraftState, RejectionReason, RoomModel, ScrollPosition, TimelineItem, continues},
        },
        reactive::{Key, list, memo, show_when},
        sync::ChatLink,
    },
    client::dom::time::now_ms,
    protocol::chat::Message,
};

/// The timeline. `scroll_position` is that of the last visit, and from then on the current one.
#[component]
pub(crate) fn MessageList(
    model: RwSignal<RoomModel>,
    scroll_position: StoredValue<Option<ScrollPosition>>,
) -> impl IntoView {
    let texts = use_texts();
    let timeline = memo(move || model.with(RoomModel::timeline));
    let is_loading = RwSignal::new(false);
    let load = move || load_earlier(model, is_loading);
    view! {
        <Scroller model scroll_position on_top=load>
            <EarlierButton model is_loading />
            {show_when(
                move || model.with(|model| model.was_reset),
                || view! { <p class="note" role="status">{texts.older_removed}</p> }.into_any(),
            )}
            {show_when(
                move || timeline.with(Vec::is_empty),
                || view! { <div class="empty muted">{picture()} <p>{texts.messages_empty}</p></div> }.into_any(),
            )}
            <div role="log" aria-live="polite" aria-relevant="additions" aria-label=texts.messages>
                <ol class="messages">
                    {list(
                        move || timeline.get(),
                        key,
                        move |item| match item {
                            TimelineItem::Message(message) => view! { <MessageItem model message /> }.into_any(),
                            TimelineItem::Draft(draft) => view! { <DraftItem model draft /> }.into_any(),
                            TimelineItem::Divider => view! { <Divider /> }.into_any(),
                        },
                    )}
                </ol>
            </div>
        </Scroller>
    }
}

/// Changes when the item has to be drawn again.
fn key(item: &TimelineItem) -> Key {
    match item {
        TimelineItem::Message(message) => Key::Entry(message.offset, message.timestamp),
        TimelineItem::Draft(draft) => Key::Name(format!("{} {}", draft.id, state_name(draft.state))),
        TimelineItem::Divider => Key::Name(String::new()),
    }
}

/// Loads a page of earlier messages, if there are any and none is being loaded.
fn load_earlier(model: RwSignal<RoomModel>, is_loading: RwSignal<bool>) {
    if is_loading.get_untracked() || !model.with_untracked(|model| model.more) {
        return;
    }
    is_loading.set(true);
    let (room, before) = model.with_untracked(|model| (model.room.id.clone(), model.oldest()));
    spawn_local(async move {
        // If it fails, the button is there for a retry.
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
fn MessageItem(model: RwSignal<RoomModel>, message: Arc<Message>) -> impl IntoView {
    let texts = use_texts();
    let is_mine = model.with_untracked(|model| model.is_me(&message.user_id));
    let author = if message.user.is_empty() { texts.unknown_author.to_owned() } else { message.user.clone() };
    let you =
        is_mine.then(|| view! { <span class="message__you">{format!("({})", texts.you)}</span> }.into_any());
    let (offset, timestamp) = (message.offset, message.timestamp);
    // It never changes, but for the first of the loaded messages: there it becomes known.
    let previous = model.with_untracked(|model| model.previous(offset).cloned());
    let previous = move || previous.clone().or_else(|| model.with(|model| model.previous(offset).cloned()));
    let day = use_context::<Day>();
    let starts_day = {
        let previous = previous.clone();
        move || previous().is_none_or(|previous| is_on_another_day(timestamp, previous.timestamp, day))
    };
    let is_continued = {
        let (starts_day, message) = (starts_day.clone(), message.clone());
        move || !starts_day() && previous().is_some_and(|previous| continues(&message, &previous))
    };
    view! {
        <li
            class="message"
            data-mine=is_mine.to_string()
            data-offset=offset.to_string()
            data-continued=move || is_continued().to_string()
        >
            {show_when(
                starts_day,
                move || view! { <p class="message__day"><LocalDay timestamp /></p> }.into_any(),
            )}
            {avatar(&message.user_id, &message.user)}
            <p class="message__head">
                <strong class="message__user">{name_view(author)}</strong>
                {you}
                <LocalTime timestamp=message.timestamp />
            </p>
            {message_text(&message)}
        </li>
    }
}

/// A draft: pending, or rejected with the reason and a button to retry.
#[component]
fn DraftItem(model: RwSignal<RoomModel>, draft: Draft) -> impl IntoView {
    let texts = use_texts();
    let Draft { id, text, state, .. } = draft;
    let state_name = state_name(state);
    // Drafts exist only in the browser.
    let is_continued = model.with_untracked(|model| model.draft_continues(&id, now_ms()));
    let status = match state {
        DraftState::Pending => {
            let state = expect_context::<ChatLink>().status.state;
            let text = move || match state.get() {
                ConnectionState::Closed | ConnectionState::SignedOut => texts.waiting,
                ConnectionState::Connecting | ConnectionState::CatchingUp | ConnectionState::Open => {
                    texts.pending
                }
            };
            view! { <p class="message__state">{live_text(move || text().to_owned())}</p> }.into_any()
        }
        DraftState::Failed(reason) => {
            view! { <RejectedDraft model id reason text=text.clone() /> }.into_any()
        }
    };
    view! {
        <li class="message" data-mine="true" data-state=state_name data-continued=is_continued.to_string()>
            {model.with_untracked(|model| avatar(model.my_id(), model.my_name()))}
            <p class="message__head">
                <strong class="message__user">{name_view(model.with_untracked(|model| model.my_name().to_owned()))}</strong>
            </p>
            {typed_text(&text)}
            {status}
        </li>
    }
}

/// The value of `data-state`.
fn state_name(state: DraftState) -> &'static str {
    match state {
        DraftState::Pending => "pending",
        DraftState::Failed(_) => "failed",
    }
}

#[component]
fn RejectedDraft(
    model: RwSignal<RoomModel>,
    id: String,
    reason: RejectionReason,
    text: String,
) -> impl IntoView {
    let texts = use_texts();
    let link = expect_context::<ChatLink>();
    let retried = id.clone();
    let retry = move |_| {
        if let Some(frame) = model.try_update(|model| model.retry(&retried)).flatten() {
            link.send(&frame);
        }
    };
    view! {
        <div class="message__state" role="alert">
            <p>{texts.failed} ": " {texts.rejection(reason)}</p>
            <button type="button" aria-label=control_name(texts.retry, &text) on:click=retry>{texts.retry}</button>
            <button type="button" aria-label=control_name(texts.discard, &text) on:click=move |_| model.update(|model| model.discard(&id))>{texts.discard}</button>
        </div>
    }
}

#[component]
fn EarlierButton(model: RwSignal<RoomModel>, is_loading: RwSignal<bool>) -> impl IntoView {
    let texts = use_texts();
    let label = move || if is_loading.get() { texts.loading } else { texts.earlier_messages };
    view! {
        {show_when(
            move || model.with(|model| model.more),
            move || {
                view! {
                    <button
                        type="button"
                        class="more"
                        aria-busy=move || is_loading.get().to_string()
                        on:click=move |_| load_earlier(model, is_loading)
                    >
                        {live_text(move || label().to_owned())}
                    </button>
                }
                .into_any()
            },
        )}
    }
}
