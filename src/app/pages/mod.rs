//! One file a page, and which of them is shown.

#![allow(unreachable_pub, reason = "#[component] makes a pub struct of the properties of each")]

mod feed;
mod not_found;
mod room;

use leptos::prelude::*;

use self::{feed::FeedPage, not_found::NotFoundPage, room::RoomPage};
use super::{
    components::{problem_note::ProblemNote, unavailable::Unavailable},
    page_data::PageData,
    reactive::memo,
    sync::Navigator,
};

/// The pages, without what they show: another room is the same page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Feed,
    Room,
    NotFound,
    Unavailable,
}

/// The page that is shown.
#[component]
pub(super) fn Pages() -> impl IntoView {
    let Navigator { shown, .. } = expect_context();
    let kind = memo(move || {
        shown.with(|shown| match shown {
            PageData::Feed { .. } => Kind::Feed,
            PageData::Room { .. } => Kind::Room,
            PageData::NotFound => Kind::NotFound,
            PageData::Unavailable => Kind::Unavailable,
        })
    });
    let page = move || match kind.get() {
        Kind::Feed => view! { <FeedPage /> }.into_any(),
        Kind::Room => view! { <RoomPage /> }.into_any(),
        Kind::NotFound => view! { <NotFoundPage /> }.into_any(),
        Kind::Unavailable => view! {
            <main class="page" id="content" tabindex="-1">
                <ProblemNote />
                <Unavailable />
            </main>
        }
        .into_any(),
    };
    view! { {move || page()} }
}
