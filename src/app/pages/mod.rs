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
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Feed,
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
            PageData::Feed { .. } => Kind::Feed,
            PageData::Room { .. } => Kind::Room,
            PageData::NotFound => Kind::NotFound,
            PageData::Unavailable => Kind::Unavailable,
        })
    };
    let page = |kind| match kind {
        Kind::Feed => view! { <FeedPage /> }.into_any(),
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
    list(move || vec![kind()], |kind| Key::Entry(*kind as u64, 0), page)
}
