//! `/rooms/{room}`: the talk in the middle, people and the feed's ticker beside it.
//!
//! The connection belongs to the page, the room to its view: switching rooms leaves one and joins the other on the
//! same connection, and leaving the page closes it.

use leptos::prelude::*;

use crate::app::{
    components::{
        composer::Composer, connection_badge::ConnectionBadge, message_list::MessageList, people::People,
        problem_note::ProblemNote, ticker::Ticker,
    },
    i18n::use_texts,
    model::room::RoomModel,
    page_data::{PageData, RoomData},
    reactive::{Key, list, memo},
    routes,
    sync::{ChatLink, Navigator, Outbox, keep_read_marker, keep_text, keep_unsent},
};

/// See the module.
#[component]
pub(crate) fn RoomPage() -> impl IntoView {
    let Navigator { shown, .. } = expect_context();
    let room = move || {
        shown.with(|shown| match shown {
            PageData::Room { room, .. } => room.clone(),
            PageData::Feed { .. } | PageData::NotFound | PageData::Unavailable => None,
        })
    };
    let feed = shown.with_untracked(|shown| match shown {
        PageData::Room { feed, .. } => feed.clone(),
        PageData::Feed { .. } | PageData::NotFound | PageData::Unavailable => None,
    });
    provide_context(ChatLink::new());
    view! {
        <main class="page room-page" id="content" tabindex="-1">
            // Keyed, so that another room gets elements of its own. Written over this one's, it would take over
            // their scroll position and the text in the composer.
            {list(
                move || vec![room()],
                |start| Key::Name(start.as_ref().map(|start| start.room.id.to_string()).unwrap_or_default()),
                |start| match start {
                    Some(start) => view! { <RoomView start /> }.into_any(),
                    None => view! { <NoSuchRoom /> }.into_any(),
                },
            )}
            // Without it the talk goes on; the feed's own page says what is wrong.
            {feed.map(|snapshot| view! { <Ticker snapshot /> }.into_any())}
        </main>
    }
}

#[component]
fn RoomView(start: RoomData) -> impl IntoView {
    let texts = use_texts();
    let RoomData { room, me, page, members, is_private } = start;
    let (id, name) = (room.id.clone(), room.name.clone());
    // A document of its own, which the browser loads.
    let members_link = is_private
        .then(|| view! { <a href=routes::members(&id) rel="external">{texts.members}</a> }.into_any());
    let is_somebody = !me.id.is_empty();
    let sign_in = routes::sign_in_from(&routes::room(&id));
    let outbox = expect_context::<Outbox>();
    let kept = outbox.take(&id);
    let text = RwSignal::new(kept.text.clone());
    let reading = StoredValue::new(kept.reading);
    let model = RwSignal::new(RoomModel::new(room, me, page, members, kept));
    on_cleanup(move || {
        let text = text.try_get_untracked().unwrap_or_default();
        let reading = reading.try_get_value().flatten();
        if let Some(kept) = model.try_with_untracked(|model| model.keep(text, reading)) {
            outbox.keep(id.clone(), kept);
        }
    });
    let link = expect_context::<ChatLink>();
    keep_read_marker(model);
    keep_unsent(model);
    keep_text(model, text);
    link.follow(model);
    let state = move || link.status.state.get().once(model.with(RoomModel::is_caught_up));
    let unsent = memo(move || model.with(RoomModel::unsent));
    let problem = memo(move || model.with(|model| model.problem));
    let note = move |code| view! { <p class="note" role="alert">{(texts.problem)(code)}</p> }.into_any();
    view! {
        <section class="talk" aria-labelledby="room-name">
            <header class="page__header">
                <h1 id="room-name">{name}</h1>
                {members_link}
                <ConnectionBadge state=Signal::derive(state) transport=link.status.transport unsent />
            </header>
            <ProblemNote />
            {move || problem.get().map(note)}
            <MessageList model reading />
            {if is_somebody {
                view! { <Composer model text /> }.into_any()
            } else {
                view! {
                    <a class="note" href=sign_in rel="external">{texts.sign_in_to_write}</a>
                }
                .into_any()
            }}
        </section>
        <People model />
    }
}

#[component]
fn NoSuchRoom() -> impl IntoView {
    let texts = use_texts();
    view! {
        <section class="panel empty talk">
            <h1>{texts.not_found_title}</h1>
            <p>{texts.room_not_found}</p>
        </section>
    }
}
