//! `/`: the feed. Notices in the middle, tiles of values beside them, both following along.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    app::{
        api::load_feed,
        components::{
            connection_badge::ConnectionBadge, loading::Loading, notice_list::NoticeList,
            problem_note::ProblemNote, tiles::Tiles, unavailable::Unavailable,
        },
        i18n::use_texts,
        live::follow_feed,
        model::feed::FeedModel,
    },
    protocol::feed::Snapshot,
};

/// See the module.
#[component]
pub(crate) fn FeedPage() -> impl IntoView {
    let texts = use_texts();
    let snapshot = Resource::new(|| (), |()| load_feed());
    view! {
        <Title text=texts.feed />
        <main class="page feed-page" id="content" tabindex="-1">
            <ProblemNote />
            <Suspense fallback=Loading>
                {move || Suspend::new(async move {
                    match snapshot.await {
                        Ok(snapshot) => view! { <FeedView snapshot /> }.into_any(),
                        Err(_) => view! { <Unavailable /> }.into_any(),
                    }
                })}
            </Suspense>
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
