//! `/`: the feed. Notices in the middle, tiles of values beside them, both following along.

use leptos::prelude::*;

use crate::{
    app::{
        components::{
            connection_badge::ConnectionBadge, notification_list::NoticeList, problem_note::ProblemNote,
            value_cards::Tiles,
        },
        i18n::use_texts,
        model::feed::FeedModel,
        page_data::PageStart,
        sync::{Here, follow_feed},
    },
    protocol::feed::Snapshot,
};

/// See the module.
#[component]
pub(crate) fn FeedPage() -> impl IntoView {
    let Here { shown, .. } = expect_context();
    let feed = shown.with_untracked(|shown| match shown {
        PageStart::Feed { feed } => Some(feed.clone()),
        PageStart::Room { .. } | PageStart::NotFound | PageStart::Unavailable => None,
    });
    view! {
        <main class="page feed-page" id="content" tabindex="-1">
            <ProblemNote />
            {feed.map(|snapshot| view! { <FeedView snapshot /> }.into_any())}
        </main>
    }
}

#[component]
fn FeedView(snapshot: Snapshot) -> impl IntoView {
    let texts = use_texts();
    let model = RwSignal::new(FeedModel::new(snapshot));
    let status = follow_feed(model);
    let state = move || status.state.get().once(model.with(FeedModel::is_caught_up));
    view! {
        <header class="page__header">
            <div>
                <h1>{texts.feed}</h1>
                <p class="muted">{texts.feed_intro}</p>
            </div>
            <ConnectionBadge state=Signal::derive(state) transport=status.transport />
        </header>
        <NoticeList model />
        <Tiles model with_values=true />
    }
}
