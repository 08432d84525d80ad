//! The timeline of a room: messages, newest last, then drafts.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};

use super::{
    avatar::avatar,
    icon::{Icon, icon},
    illustration::illustration,
    linked_text::{message_text, typed_text},
    live_text::{live_text, name_view},
    local_time::{Day, LocalDay, LocalTime, is_on_another_day},
    message_actions::MessageActions,
    message_editor::MessageEditor,
    message_menu::{MessageMenu, menu_link},
    message_time::message_time,
    quote::quote,
    reactions::reactions,
    rejected::rejected,
    scroller::Scroller,
};
use crate::{
    app::{
        i18n::use_texts,
        loader::{load_later_messages, load_older_messages},
        model::{
            connection::ConnectionState,
            control_name::control_name,
            room::{
                Answered, Draft, DraftState, PendingChange, RejectionReason, RoomModel, ScrollPosition,
                ShownMessage, TimelineItem, continues,
            },
        },
        reactive::{Key, list, memo, settled, show_when},
        routes,
        sync::{ChatLink, Navigator},
    },
    client::dom::time::now_ms,
    protocol::{chat::Message, problem::Code, session::is_hook, thread::ThreadSummary},
};

/// The timeline. `scroll_position` is that of the last visit, and from then on the current one.
#[component]
pub(crate) fn MessageList(
    model: RwSignal<RoomModel>,
    scroll_position: StoredValue<Option<ScrollPosition>>,
    actions: MessageActions,
) -> impl IntoView {
    let texts = use_texts();
    let timeline = memo(move || {
        let mut items = model.with(RoomModel::timeline);
        if let Some(root) = actions.thread {
            let drafts = |room: &RoomModel| room.drafts_in(root).cloned().collect::<Vec<_>>();
            items.extend(actions.room.with(drafts).into_iter().map(TimelineItem::Draft));
        }
        items
    });
    let label = if actions.thread.is_some() { texts.thread_messages } else { texts.messages };
    let marked = settled(move || model.with(RoomModel::marked));
    let is_loading = RwSignal::new(false);
    let (viewer, id) =
        (expect_context::<Navigator>().viewer, actions.room.with_untracked(|model| model.room.id.clone()));
    let is_closed = memo(move || {
        viewer.with(|viewer| viewer.as_ref().is_some_and(|viewer| viewer.closed(&id).is_some()))
    });
    let empty = move || if is_closed.get() { texts.messages_none } else { texts.messages_empty };
    let load = move || load_earlier(model, is_loading);
    view! {
        <Scroller model label scroll_position on_top=load on_end=move || load_later(model, is_loading)>
            <EarlierButton model is_loading />
            {show_when(
                move || model.with(|model| model.was_reset),
                || view! { <p class="note" role="status">{texts.older_removed}</p> }.into_any(),
            )}
            {show_when(
                move || timeline.with(Vec::is_empty),
                move || view! { <div class="empty muted">{illustration()} <p>{live_text(move || empty().to_owned())}</p></div> }.into_any(),
            )}
            <div role="log" aria-live="polite" aria-relevant="additions" aria-label=label>
                <ol class="messages">
                    {list(
                        move || timeline.get(),
                        key,
                        move |item| match item {
                            TimelineItem::Message(shown) => view! { <MessageItem actions shown marked /> }.into_any(),
                            TimelineItem::Draft(draft) => view! { <DraftItem actions draft /> }.into_any(),
                            TimelineItem::Divider => view! { <Divider /> }.into_any(),
                        },
                    )}
                </ol>
            </div>
        </Scroller>
        <MessageMenu actions />
    }
}

/// Changes when the item has to be drawn again.
fn key(item: &TimelineItem) -> Key {
    match item {
        TimelineItem::Message(shown) => shown_key(shown),
        TimelineItem::Draft(draft) => Key::Name(format!("{} {}", draft.id, state_name(draft.state))),
        TimelineItem::Divider => Key::Name(String::new()),
    }
}

/// A message is drawn again whose text is changed or on its way to be, that answers one of which this is true, or that the
/// deletion of the one above it may give a head of its own. Not one that earlier messages are put above, or somebody reacts
/// to: the reader may look at it.
fn shown_key(shown: &ShownMessage) -> Key {
    let ShownMessage { message, hidden_above, pending, answered, thread, .. } = shown;
    let (offset, timestamp) = (message.offset, message.timestamp);
    let is_plain = !message.edited && !message.pinned && !message.deleted;
    if is_plain && pending.is_none() && *hidden_above == 0 && answered.is_none() && thread.is_none() {
        return Key::Entry(offset, timestamp);
    }
    let pending = pending.as_ref().map_or("", |pending| state_name(pending.state));
    let text = if message.edited { message.text.as_str() } else { "" };
    let answered = match answered {
        Some(Answered::Message(answered)) => answered.rev + 2,
        Some(Answered::Gone) => 1,
        Some(Answered::Unknown) | None => 0,
    };
    let (count, last) = thread
        .as_ref()
        .map_or((0, 0), |thread| (thread.count, thread.last.as_ref().map_or(0, |last| last.offset)));
    let marks = (message.pinned, message.deleted);
    Key::Name(format!(
        "{offset} {timestamp} {marks:?} {pending} {hidden_above} {answered} {count} {last} {text}"
    ))
}

/// Loads a page of earlier messages, if there are any and none is being loaded. Returns true if it does.
fn load_earlier(model: RwSignal<RoomModel>, is_loading: RwSignal<bool>) -> bool {
    if is_loading.get_untracked() || !model.with_untracked(RoomModel::has_older) {
        return false;
    }
    is_loading.set(true);
    let (room, thread, before) =
        model.with_untracked(|model| (model.room.id.clone(), model.thread(), model.oldest()));
    spawn_local(async move {
        // If it fails, the button is there for a retry.
        if let Some(page) = load_older_messages(&room, thread, &before).await {
            model.try_update(|model| model.prepend(page, &before));
        }
        is_loading.try_set(false);
    });
    true
}

/// Loads a page of later messages, if those that are shown are not the newest and none is being loaded.
fn load_later(model: RwSignal<RoomModel>, is_loading: RwSignal<bool>) {
    let Some(after) = model.with_untracked(RoomModel::latest_shown).filter(|_| !is_loading.get_untracked())
    else {
        return;
    };
    is_loading.set(true);
    let room = model.with_untracked(|model| model.room.id.clone());
    spawn_local(async move {
        // If it fails, the next movement asks again.
        if let Some(page) = load_later_messages(&room, &after).await {
            model.try_update(|model| model.append(&after, page));
        }
        is_loading.try_set(false);
    });
}

#[component]
fn Divider() -> impl IntoView {
    view! { <li class="divider"><span>{use_texts().new_since_you_left}</span></li> }
}

#[component]
fn MessageItem(actions: MessageActions, shown: ShownMessage, marked: RwSignal<Option<u64>>) -> impl IntoView {
    let texts = use_texts();
    let ShownMessage { message, previous, pending, answered, thread, .. } = shown;
    let thread = thread.map(|thread| thread_link(actions, &thread));
    let quote = message.reply_to.zip(answered).map(|(target, answered)| quote(actions, target, &answered));
    let is_mine = actions.model.with_untracked(|model| model.is_me(&message.user_id));
    let is_named =
        actions.model.with_untracked(|model| message.mentions.iter().any(|user| model.is_me(&user.id)));
    let is_told = is_named || !is_mine && message.groups.iter().any(|group| group.told > 0);
    let untold = (is_mine && message.groups.iter().any(|group| group.told == 0))
        .then(|| view! { <p class="message__state">{texts.nobody_told}</p> }.into_any());
    let author = if message.user.is_empty() { texts.unknown_author.to_owned() } else { message.user.clone() };
    let you =
        is_mine.then(|| view! { <span class="message__you">{format!("({})", texts.you)}</span> }.into_any());
    let (offset, timestamp, day) = (message.offset, message.timestamp, use_context::<Day>());
    // It is known from the start, but for the first of the loaded messages: there it becomes known.
    let model = actions.model;
    let previous = move || previous.clone().or_else(|| model.with(|model| model.previous(offset).cloned()));
    let starts_day = {
        let previous = previous.clone();
        move || previous().is_none_or(|previous| is_on_another_day(timestamp, previous.timestamp, day))
    };
    let is_continued = {
        let (starts_day, message) = (starts_day.clone(), message.clone());
        move || !starts_day() && previous().is_some_and(|previous| continues(&message, &previous))
    };
    // In a group of one author's messages the keyboard meets their name once.
    let is_in_group = is_continued.clone();
    let pinned = message
        .pinned
        .then(|| view! { <p class="message__pinned">{icon(Icon::Pin)} {texts.pinned}</p> }.into_any());
    let state = pending.as_ref().map(|pending| state_name(pending.state));
    let (menu, reactions) = match message.deleted {
        true => (None, None),
        false => (menu_link(actions, &message), Some(reactions(actions, &message))),
    };
    let room = message.room.clone();
    let address = actions.address(&message);
    // A program has no card.
    let person = (!is_hook(&message.user_id)).then(|| routes::person(&message.user_id));
    let bot = person.is_none().then(|| view! { " " <span class="badge">{texts.bot}</span> }.into_any());
    let is_marked = move || marked.get() == Some(offset);
    view! {
        <li
            class="message"
            aria-current=move || is_marked().then_some("true")
            tabindex=move || is_marked().then_some("-1")
            data-mine=is_mine.to_string()
            data-mentioned=is_told.then_some("true")
            data-offset=offset.to_string()
            data-state=state
            data-continued=move || is_continued().to_string()
        >
            {show_when(
                starts_day,
                move || view! { <p class="message__day"><LocalDay timestamp room=room.clone() /></p> }.into_any(),
            )}
            {avatar(&message.user_id, &message.user)}
            <p class="message__head">
                <a class="message__user" href=person rel="external" tabindex=move || is_in_group().then_some("-1")>{name_view(author)}</a>{bot}
                {you}
                {message_time(&message, address)}
            </p>
            {quote}
            <MessageBody actions message pending />
            {untold}
            {pinned}
            {reactions}
            {thread}
            {menu}
        </li>
    }
}

/// The text of a message, or its editor, and the state of a change that is on its way.
#[component]
fn MessageBody(
    actions: MessageActions,
    message: Arc<Message>,
    pending: Option<PendingChange>,
) -> impl IntoView {
    let offset = message.offset;
    let text =
        pending.as_ref().and_then(|pending| pending.text.clone()).unwrap_or_else(|| message.text.clone());
    let is_pending = pending.is_some();
    let (is_edited, page) = (message.edited, routes::message(&message.room, offset));
    let status = pending.map(|pending| change_status(actions, &text, &pending));
    let is_edited_now = memo(move || actions.edited.get() == offset);
    let body = move || match is_edited_now.get() {
        true => view! { <MessageEditor actions /> }.into_any(),
        false if message.deleted => deleted_text(),
        false => {
            let edited = is_edited.then(|| edited_link(&page, &text));
            if is_pending {
                typed_text(&text, edited)
            } else {
                actions.model.with_untracked(|model| message_text(&message, model.my_id(), edited))
            }
        }
    };
    view! {
        {body}
        {status}
    }
}

/// The words in the place of the text of a deleted message with which a thread begins.
fn deleted_text() -> AnyView {
    let words = (use_texts().problem)(Code::MessageDeleted);
    view! { <p class="message__text muted">{words}</p> }.into_any()
}

/// The link to the thread that begins with a message: the number of its answers, and the newest.
fn thread_link(actions: MessageActions, thread: &ThreadSummary) -> AnyView {
    let texts = use_texts();
    let last = thread.last.as_ref().map(|last| {
        let timestamp = last.timestamp;
        view! {
            <span class="muted">
                {texts.last_answer} " " <LocalTime timestamp /> " · " {name_view(last.user.clone())}
            </span>
        }
        .into_any()
    });
    view! {
        <a class="message__thread" href=actions.thread_address(thread.root)>
            {icon(Icon::Thread)}
            <span>{(texts.answers)(thread.count)}</span>
            {last}
        </a>
    }
    .into_any()
}

/// The word beside an edited text. It leads to the earlier ones.
fn edited_link(page: &str, text: &str) -> AnyView {
    let texts = use_texts();
    let label = control_name(texts.edited, text);
    view! {
        <a class="message__edited" href=page.to_owned() rel="external" aria-label=label>{format!(" ({})", texts.edited)}</a>
    }
    .into_any()
}

/// The state of a change of the user's own: on its way, or rejected, with what to do.
fn change_status(actions: MessageActions, text: &str, pending: &PendingChange) -> AnyView {
    let texts = use_texts();
    let offset = pending.target;
    let DraftState::Failed(reason) = pending.state else {
        return view! { <p class="message__state">{texts.pending}</p> }.into_any();
    };
    let retry = move || actions.retry(offset);
    let discard = move || actions.discard(offset);
    rejected(reason, text, retry, discard)
}

/// A draft: pending, or rejected with the reason and a button to retry.
#[component]
fn DraftItem(actions: MessageActions, draft: Draft) -> impl IntoView {
    let (texts, model) = (use_texts(), actions.room);
    let Draft { id, text, state, reply_to, .. } = draft;
    let quote = reply_to
        .map(|target| quote(actions, target, &actions.model.with_untracked(|model| model.answered(target))));
    let state_name = state_name(state);
    // Drafts exist only in the browser.
    let continues = |model: &RoomModel| actions.thread.is_none() && model.draft_continues(&id, now_ms());
    let is_continued = model.with_untracked(continues);
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
            {quote}
            {typed_text(&text, None)}
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
    let link = expect_context::<ChatLink>();
    let retried = id.clone();
    let retry = move || {
        if let Some(frame) = model.try_update(|model| model.retry(&retried)).flatten() {
            link.send(&frame);
        }
    };
    rejected(reason, &text, retry, move || model.update(|model| model.discard(&id)))
}

#[component]
fn EarlierButton(model: RwSignal<RoomModel>, is_loading: RwSignal<bool>) -> impl IntoView {
    let texts = use_texts();
    let label = move || if is_loading.get() { texts.loading } else { texts.earlier_messages };
    view! {
        {show_when(
            move || model.with(RoomModel::has_older),
            move || {
                view! {
                    <button
                        type="button"
                        class="more"
                        aria-busy=move || is_loading.get().to_string()
                        on:click=move |_| _ = load_earlier(model, is_loading)
                    >
                        {live_text(move || label().to_owned())}
                    </button>
                }
                .into_any()
            },
        )}
    }
}
