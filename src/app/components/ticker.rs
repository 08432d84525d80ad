//! The feed beside the conversation: the newest notifications, newest first, and the channels' latest values. Where there
//! is no room for it, it is a popover that the list of people leads to.

use leptos::prelude::*;

use super::{
    notification::{Notification, entry_key},
    value_cards::ValueCards,
};
use crate::{
    app::{i18n::use_texts, model::feed::FeedModel, reactive::list, sync::follow_feed},
    protocol::{feed::Snapshot, transport::Transport},
};

/// Notifications in the ticker: those that fit beside the conversation.
const NOTIFICATIONS: usize = 4;

/// The ticker of a room page.
#[component]
pub(crate) fn Ticker(snapshot: Snapshot) -> impl IntoView {
    let texts = use_texts();
    let model = RwSignal::new(FeedModel::new(None, snapshot));
    let status = follow_feed(model);
    let state = move || status.state.get().with_progress(model.with(FeedModel::is_caught_up));
    let newest = move || {
        model.with(|model| model.notifications().rev().take(NOTIFICATIONS).cloned().collect::<Vec<_>>())
    };
    view! {
        // A scroll container of its own, so the keyboard must reach it.
        <aside class="ticker" id="feed-here" popover="auto" aria-labelledby="ticker" tabindex="0">
            <h2
                id="ticker"
                data-connection=move || Some(state().as_str())
                data-transport=move || status.transport.get().map(Transport::as_str)
            >
                {texts.feed}
            </h2>
            <div class="ticker__notifications">
                {list(newest, entry_key, |entry| view! { <Notification entry /> }.into_any())}
            </div>
            <ValueCards model with_values=false />
        </aside>
    }
}
