//! `/`: the feed, with notifications in the middle and value cards beside them, both live.

use leptos::prelude::*;

use crate::{
    app::{
        components::{
            connection_badge::ConnectionBadge, notification_list::NotificationList,
            problem_note::ProblemNote, sidebar::MenuButton, value_cards::ValueCards,
        },
        i18n::use_texts,
        model::feed::FeedModel,
        page_data::PageData,
        reactive::memo,
        sync::{Navigator, SavedFeed, follow_feed},
    },
    protocol::feed::Snapshot,
};

/// The page of the feed.
#[component]
pub(crate) fn FeedPage() -> impl IntoView {
    let Navigator { current_page, .. } = expect_context();
    let feed = current_page.with_untracked(|page| match page {
        PageData::Feed { feed } => Some(feed.clone()),
        PageData::Room { .. } | PageData::NotFound | PageData::Unavailable => None,
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
    let saved = expect_context::<SavedFeed>();
    let model = RwSignal::new(saved.take(snapshot));
    on_cleanup(move || saved.save(model));
    let status = follow_feed(model);
    let state = memo(move || status.state.get().with_progress(model.with(FeedModel::is_caught_up)));
    view! {
        <header class="page__header">
            <MenuButton />
            <div>
                <h1>{texts.feed}</h1>
                <p class="muted">{texts.feed_intro}</p>
            </div>
            <ConnectionBadge state transport=status.transport unsent=memo(|| 0) />
        </header>
        <NotificationList model />
        <ValueCards model with_values=true />
    }
}
