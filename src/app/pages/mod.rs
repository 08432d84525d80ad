//! The pages, one file each, and the component that draws the current one.

#![allow(unreachable_pub, reason = "#[component] generates a pub struct for the properties")]

mod feed;
mod not_found;
mod room;

use leptos::prelude::*;

use self::{feed::FeedPage, not_found::NotFoundPage, room::RoomPage};
use super::{
    components::{problem_note::ProblemNote, sidebar::MenuButton, unavailable::Unavailable},
    page_data::PageData,
    reactive::{Key, list},
    sync::Navigator,
};

/// The kind of a page: every room is the same kind, so its page stays mounted.
#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Feed,
    Channel(String),
    Room,
    NotFound,
    Unavailable,
}

/// Draws the current page.
#[component]
pub(super) fn Pages() -> impl IntoView {
    let Navigator { current_page, .. } = expect_context();
    let kind = move || {
        current_page.with(|page| match page {
            PageData::Feed { channel: None, .. } => Kind::Feed,
            PageData::Feed { channel: Some(channel), .. } => Kind::Channel(channel.clone()),
            PageData::Room { .. } => Kind::Room,
            PageData::NotFound => Kind::NotFound,
            PageData::Unavailable => Kind::Unavailable,
        })
    };
    let page = |kind| match kind {
        Kind::Feed | Kind::Channel(_) => view! { <FeedPage /> }.into_any(),
        Kind::Room => view! { <RoomPage /> }.into_any(),
        Kind::NotFound => view! { <NotFoundPage /> }.into_any(),
        Kind::Unavailable => view! {
            <main class="page" id="content" tabindex="-1">
                <MenuButton />
                <ProblemNote />
                <Unavailable />
            </main>
        }
        .into_any(),
    };
    // Keyed, so that another page gets elements of its own, see `components/live_text.rs`.
    let key = |kind: &Kind| match kind {
        Kind::Feed => Key::Entry(0, 0),
        Kind::Channel(channel) => Key::Name(channel.clone()),
        Kind::Room => Key::Entry(1, 0),
        Kind::NotFound => Key::Entry(2, 0),
        Kind::Unavailable => Key::Entry(3, 0),
    };
    list(move || vec![kind()], key, page)
}
