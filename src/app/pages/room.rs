//! `/rooms/{room}`: the talk in the middle, people and the feed's ticker beside it.
//!
//! The connection belongs to the page, the room to its view: switching rooms leaves one and joins the other on the
//! same connection, and leaving the page closes it.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::app::{
    api::{RoomStart, load_room},
    components::{
        composer::Composer, connection_badge::ConnectionBadge, loading::Loading, message_list::MessageList,
        people::People, problem_note::ProblemNote, ticker::Ticker, unavailable::Unavailable,
    },
    i18n::use_texts,
    live::{ChatLink, Outbox, keep_place, keep_unsent},
    model::room::RoomModel,
};

/// See the module.
#[component]
pub(crate) fn RoomPage() -> impl IntoView {
    let params = use_params_map();
    let room = Memo::new(move |_| params.with(|params| params.get("room").unwrap_or_default()));
    let start = Resource::new(move || room.get(), load_room);
    provide_context(ChatLink::new());
    view! {
        <main class="page room-page" id="content" tabindex="-1">
            // A transition: the old room stays until the new one is there.
            <Transition fallback=Loading>
                {move || Suspend::new(async move {
                    match start.await {
                        // Keyed, so that another room gets elements of its own. Written over this one's, it would
                        // take over their scroll position and the text in the composer.
                        Ok(Some(start)) => view! {
                            <For each=move || [start.clone()] key=|start| start.room.id.clone() let:start>
                                <RoomView start />
                            </For>
                        }
                        .into_any(),
                        Ok(None) => view! { <NoSuchRoom /> }.into_any(),
                        Err(_) => view! { <Unavailable /> }.into_any(),
                    }
                })}
            </Transition>
            <Ticker />
        </main>
    }
}

#[component]
fn RoomView(start: RoomStart) -> impl IntoView {
    let texts = use_texts();
    let RoomStart { room, me, page, members } = start;
    let (id, name) = (room.id.clone(), room.name.clone());
    let outbox = expect_context::<Outbox>();
    let kept = outbox.take(&id);
    let text = RwSignal::new(kept.text.clone());
    let model = RwSignal::new(RoomModel::new(room, me, page, members, kept));
    on_cleanup(move || {
        let text = text.try_get_untracked().unwrap_or_default();
        if let Some(kept) = model.try_with_untracked(|model| model.keep(text)) {
            outbox.keep(id.clone(), kept);
        }
    });
    let link = expect_context::<ChatLink>();
    keep_place(model);
    keep_unsent(model);
    link.follow(model);
    let state = move || link.status.state.get().once(model.with(RoomModel::is_caught_up));
    let unsent = Memo::new(move |_| model.with(RoomModel::unsent));
    let problem = move || {
        let code = model.with(|model| model.problem);
        code.map(|code| view! { <p class="note" role="alert">{(texts.problem)(code)}</p> })
    };
    view! {
        <Title text=(texts.room_title)(&name) />
        <section class="talk" aria-labelledby="room-name">
            <header class="page__header">
                <h1 id="room-name">{name}</h1>
                <ConnectionBadge state=Signal::derive(state) transport=link.status.transport unsent />
            </header>
            <ProblemNote />
            {problem}
            <MessageList model />
            <Composer model text />
        </section>
        <People model />
    }
}

#[component]
fn NoSuchRoom() -> impl IntoView {
    let texts = use_texts();
    view! {
        <Title text=texts.not_found_title />
        <section class="panel empty talk">
            <h1>{texts.not_found_title}</h1>
            <p>{texts.room_not_found}</p>
        </section>
    }
}
