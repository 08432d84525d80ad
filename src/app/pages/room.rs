//! `/rooms/{room}`: the conversation in the middle, people and the feed's ticker beside it.
//!
//! The connection belongs to the page, and the joined room to its view: switching rooms leaves one and joins the other
//! on the same connection, and leaving the page closes it.

use leptos::prelude::*;

use crate::{
    app::{
        components::{
            composer::composer_or_reason,
            connection_badge::ConnectionBadge,
            icon::{Icon, icon},
            illustration::illustration,
            levels::{Levels, LevelsButton},
            live_text::live_text,
            message_actions::MessageActions,
            message_list::MessageList,
            people::People,
            people::PeopleButton,
            pins::{PinList, PinsButton},
            problem_note::{ProblemNote, problem_notes},
            sidebar::MenuButton,
            thread::Thread,
            ticker::Ticker,
        },
        i18n::use_texts,
        look::{Aside, Choice},
        model::room::{RoomModel, ScrollPosition},
        page_data::{PageData, RoomData},
        reactive::{Key, effect, list, memo},
        routes,
        sync::{
            ChatLink, Navigator, Outbox, ReadMarker, store_answered, store_drafts, store_scroll_position,
            store_text,
        },
    },
    client::dom::{history, page},
    protocol::{name::RoomId, pin::Pins},
};

/// The page of a room.
#[component]
pub(crate) fn RoomPage() -> impl IntoView {
    let Navigator { current_page, .. } = expect_context();
    let room = move || {
        current_page.with(|page| match page {
            PageData::Room { room, .. } => room.clone(),
            PageData::Feed { .. } | PageData::NotFound | PageData::Unavailable => None,
        })
    };
    let feed = current_page.with_untracked(|page| match page {
        PageData::Room { feed, .. } => feed.clone(),
        PageData::Feed { .. } | PageData::NotFound | PageData::Unavailable => None,
    });
    provide_context(ChatLink::new());
    view! {
        <main class="page room-page" id="content" tabindex="-1">
            // Keyed, so that another room gets elements of its own. Otherwise it would inherit this one's scroll
            // position and the text in the composer.
            {list(
                move || vec![room()],
                |data| Key::Name(data.as_ref().map(|data| data.room.id.to_string()).unwrap_or_default()),
                |data| match data {
                    Some(data) => view! { <RoomView data /> }.into_any(),
                    None => view! { <NoSuchRoom /> }.into_any(),
                },
            )}
            // Without the feed the conversation goes on; the feed's own page tells what is wrong.
            {feed.map(|snapshot| view! { <Ticker snapshot /> }.into_any())}
        </main>
    }
}

#[component]
fn RoomView(data: RoomData) -> impl IntoView {
    let texts = use_texts();
    let RoomData {
        room,
        me,
        page,
        members,
        away,
        is_private,
        is_direct,
        is_moderator,
        pins,
        linked,
        thread: _,
    } = data;
    let (id, room_id) = (room.id.clone(), room.id.clone());
    let newest = expect_context::<Navigator>().newest_of(&room);
    // Only the server draws that page, so the browser loads it.
    let members_link = (is_private && !is_direct)
        .then(|| view! { <a href=routes::members(&id) rel="external">{texts.members}</a> }.into_any());
    let settings = || is_moderator.then(|| settings_link(&room_id));
    let favourite = favourite_link(&id);
    let [hide_aside, show_aside] = [Aside::Hidden, Aside::Shown].map(|aside| aside_link(&id, aside));
    let is_authenticated = !me.id.is_empty();
    let outbox = expect_context::<Outbox>();
    let saved = outbox.take(&id);
    let text = RwSignal::new(saved.text.clone());
    let scroll_position = StoredValue::new(saved.scroll_position);
    let mut model = RoomModel::new(room, me, page, members, saved);
    model.set_pins(Pins { pins, as_of: model.cursor().offset });
    model.away = away;
    let is_at_target = linked.is_some();
    if is_at_target {
        model.open(linked, false);
    }
    let model = RwSignal::new(model);
    on_cleanup(move || {
        let text = text.try_get_untracked().unwrap_or_default();
        let scroll_position = scroll_position.try_get_value().flatten();
        if let Some(view) = model.try_with_untracked(|model| model.save(text, scroll_position)) {
            outbox.save(id.clone(), view);
        }
    });
    let link = expect_context::<ChatLink>();
    let actions = MessageActions::new(model, is_moderator);
    store_drafts(model);
    store_scroll_position(model, scroll_position);
    store_text(model, text);
    store_answered(model, actions.answered);
    follow_links(model, scroll_position, is_at_target);
    link.follow(model);
    ReadMarker::keep(model, link);
    let state = memo(move || link.status.state.get().with_progress(model.with(RoomModel::is_caught_up)));
    let unsent = memo(move || model.with(RoomModel::unsent));
    let problem = memo(move || model.with(|model| model.problem));
    view! {
        <section class="conversation" aria-labelledby="room-name">
            <header class="page__header">
                <MenuButton />
                {icon(if is_direct { Icon::Users } else if is_private { Icon::Lock } else { Icon::Hash })}
                <h1 id="room-name"><bdi translate="no">{live_text(move || newest.with(|room| room.name.clone()))}</bdi></h1>
                {favourite}
                {members_link}
                {settings()}
                {is_authenticated.then(|| view! { <LevelsButton /> }.into_any())}
                <PinsButton model />
                <PeopleButton model />
                <ConnectionBadge state transport=link.status.transport unsent />
                {hide_aside}
                {show_aside}
            </header>
            <p class="topic" dir="auto" hidden=move || newest.with(|room| room.topic.is_empty())>{live_text(move || newest.with(|room| room.topic.clone()))}</p>
            <ProblemNote />
            {problem_notes(None, move || problem.get().map(|code| (texts.problem)(code).to_owned()))}
            {problem_notes(None, move || model.with(RoomModel::missing_target))}
            <MessageList model scroll_position actions />
            {composer_or_reason(text, actions)}
        </section>
        {thread_beside(actions)}
        <People model settings=settings() />
        <PinList model />
        {is_authenticated.then(|| view! { <Levels room=room_id.clone() /> }.into_any())}
    }
}

/// The thread that the address names, beside the room.
fn thread_beside(actions: MessageActions) -> AnyView {
    let Navigator { current_page, .. } = expect_context();
    let room = actions.model.with_untracked(|model| model.room.id.clone());
    let data = memo(move || {
        current_page.with(|page| match page {
            PageData::Room { room: Some(data), .. } if data.room.id == room => data.thread.clone(),
            _ => None,
        })
    });
    let linked = memo(move || data.with(|data| data.as_ref().map(|data| data.linked.clone())));
    // The thread of the first page takes no focus, and one that is closed gives it back to the message it began with.
    let last = StoredValue::new(None);
    effect(move || {
        let root = data.with(|data| data.as_ref().map(|data| data.root));
        let left = last.try_update_value(|last| last.replace(root)).flatten().flatten();
        if let (Some(left), None) = (left, root) {
            request_animation_frame(move || {
                page::focus_first(&[
                    &format!(".conversation [data-offset=\"{left}\"] .message__thread"),
                    ".conversation textarea",
                ])
            });
        }
    });
    list(
        move || data.get().into_iter().collect(),
        |data| Key::Name(format!("{} {}", data.page.cursor.epoch, data.root)),
        move |data| {
            let takes_focus = last.with_value(Option::is_some);
            view! { <Thread data=*data actions linked takes_focus /> }.into_any()
        },
    )
}

/// Opens the places of the room to which links and the browser's history lead, without leaving the room. Of each entry of
/// the history the position is kept that the reader had.
fn follow_links(
    model: RwSignal<RoomModel>,
    scroll_position: StoredValue<Option<ScrollPosition>>,
    is_at_target: bool,
) {
    let Navigator { current_page, .. } = expect_context();
    let left: StoredValue<Vec<(usize, Option<ScrollPosition>)>> = StoredValue::new(Vec::new());
    let (current, had_thread) = (StoredValue::new(None), StoredValue::new(false));
    effect(move || {
        let room = model.with_untracked(|model| model.room.id.clone());
        let places = current_page.with(|page| match page {
            PageData::Room { room: Some(data), .. } if data.room.id == room => {
                Some((data.linked.clone(), data.thread.is_some()))
            }
            _ => None,
        });
        let Some((linked, is_thread)) = places else { return };
        let (index, is_return) = history::entry();
        let Some(before) = current.try_update_value(|current| current.replace(index)).flatten() else {
            had_thread.set_value(is_thread);
            if is_at_target && is_return {
                model.update(RoomModel::return_to_target);
            }
            return;
        };
        // A thread that is opened or closed leaves the room as it is.
        let was_thread = had_thread.try_update_value(|had| std::mem::replace(had, is_thread)) == Some(true);
        if is_thread || (was_thread && linked.is_none()) {
            return;
        }
        let position = scroll_position.get_value();
        let found = left.try_update_value(|left| {
            left.retain(|(index, _)| *index != before);
            left.push((before, position));
            left.iter().find(|(left, _)| *left == index).map(|(_, position)| *position)
        });
        scroll_position.set_value(found.flatten().flatten());
        model.update(|model| model.open(linked, is_return));
    });
}

/// The link to the settings of the room: in its header, and where that is narrow in the list of people. Only the server
/// draws that page, so the browser loads it.
fn settings_link(id: &RoomId) -> AnyView {
    let label = use_texts().room_settings;
    view! {
        <a class="room-settings" href=routes::room_settings(id) rel="external" title=label>
            {icon(Icon::Pencil)}
            <span>{label}</span>
        </a>
    }
    .into_any()
}

/// The link that makes the room a favourite on this device, or no favourite any more.
fn favourite_link(id: &RoomId) -> AnyView {
    let texts = use_texts();
    let (viewer, id) = (expect_context::<Navigator>().viewer, id.clone());
    let room = id.clone();
    let is_favourite = memo(move || {
        viewer.with(|viewer| viewer.as_ref().is_some_and(|viewer| viewer.favourites.contains(&room)))
    });
    let label = move || if is_favourite.get() { texts.remove_favourite } else { texts.add_favourite };
    let href = move || routes::favourite(&id, !is_favourite.get(), &routes::room(&id));
    view! {
        <a
            class="favourite"
            href=move || href()
            rel="external"
            aria-label=move || label()
            title=move || label()
            data-on=move || is_favourite.get().then_some("true")
        >
            {icon(Icon::Star)}
        </a>
    }
    .into_any()
}

/// A link that hides people and ticker on a wide screen, or shows them again; the style shows the one that does
/// something. public/live.js does it in place.
fn aside_link(id: &RoomId, aside: Aside) -> AnyView {
    let texts = use_texts();
    let label = match aside {
        Aside::Shown => texts.show_aside,
        Aside::Hidden => texts.hide_aside,
    };
    let href = format!("/aside/{}?back={}", aside.as_str(), routes::room(id));
    view! {
        <a class="aside-link" href=href rel="external" data-aside=aside.as_str() aria-label=label title=label>
            {icon(Icon::PanelRight)}
        </a>
    }
    .into_any()
}

#[component]
fn NoSuchRoom() -> impl IntoView {
    let texts = use_texts();
    view! {
        <section class="empty conversation">
            <header class="page__header"><MenuButton /></header>
            {illustration()}
            <h1>{texts.not_found_title}</h1>
            <p>{texts.room_not_found}</p>
            <a href=routes::FEED>{texts.to_the_feed}</a>
        </section>
    }
}
