//! `/` and `/feed/{channel}`: the feed or a channel of it, with notifications in the middle and value cards beside them,
//! both live.

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
        reactive::{effect, memo},
        routes,
        sync::{Navigator, SavedFeeds, follow_feed, store_feed_position},
    },
    client::dom::page,
    protocol::feed::Snapshot,
};

/// The page of the feed or of a channel. Another channel's page is drawn anew.
#[component]
pub(crate) fn FeedPage() -> impl IntoView {
    let Navigator { current_page, .. } = expect_context();
    let feed = current_page.with_untracked(|page| match page {
        PageData::Feed { channel, feed } => Some((channel.clone(), feed.clone())),
        PageData::Room { .. } | PageData::NotFound | PageData::Unavailable => None,
    });
    view! {
        <main class="page feed-page" id="content" tabindex="-1">
            <ProblemNote />
            {feed.map(|(channel, snapshot)| view! { <FeedView channel snapshot /> }.into_any())}
        </main>
    }
}

#[component]
fn FeedView(channel: Option<String>, snapshot: Snapshot) -> impl IntoView {
    let texts = use_texts();
    let saved = expect_context::<SavedFeeds>();
    let heading = match channel.clone() {
        None => view! {
            <div>
                <h1>{texts.feed}</h1>
                <p class="muted">{texts.feed_intro}</p>
            </div>
            // The server fills it in its document, public/events.js anywhere else: server/http/pages/talk.
            <div class="feed-about"></div>
        }
        .into_any(),
        Some(channel) => view! {
            <div>
                <h1><bdi translate="no">{channel}</bdi></h1>
                <a class="page__back" href=routes::FEED>{texts.to_the_feed}</a>
            </div>
        }
        .into_any(),
    };
    let about = channel.clone().map(|channel| {
        effect(|| page::dispatch("idobata:channel"));
        // The server fills it in its document, public/channel.js anywhere else: server/http/pages/channel_about.
        view! { <div class="channel-about" data-channel=channel></div> }.into_any()
    });
    let model = RwSignal::new(saved.take(channel, snapshot));
    on_cleanup(move || saved.save(model));
    store_feed_position(model);
    let status = follow_feed(model);
    let state = memo(move || status.state.get().with_progress(model.with(FeedModel::is_caught_up)));
    view! {
        <header class="page__header">
            <MenuButton />
            {heading}
            <ConnectionBadge state transport=status.transport unsent=memo(|| 0) />
        </header>
        {about}
        // First, as on a narrow screen, where nobody would find them below all notifications.
        <ValueCards model with_values=true />
        <NotificationList model />
    }
}
