//! The feed beside the talk: the newest notices and the channels' latest values.

use leptos::prelude::*;

use super::{
    connection_badge::ConnectionBadge,
    notification::{Notice, entry_key},
    value_cards::ValueCards,
};
use crate::{
    app::{i18n::use_texts, model::feed::FeedModel, reactive::list, sync::follow_feed},
    protocol::feed::Snapshot,
};

/// Notices in the ticker: what fits beside the talk.
const NOTICES: usize = 4;

/// See the module.
#[component]
pub(crate) fn Ticker(snapshot: Snapshot) -> impl IntoView {
    let texts = use_texts();
    let model = RwSignal::new(FeedModel::new(snapshot));
    let status = follow_feed(model);
    let state = move || status.state.get().once(model.with(FeedModel::is_caught_up));
    let newest = move || {
        model.with(|model| {
            let skip = model.notices().count().saturating_sub(NOTICES);
            model.notices().skip(skip).cloned().collect::<Vec<_>>()
        })
    };
    view! {
        // Scrolls in itself, so the keyboard must reach it.
        <aside class="ticker" aria-labelledby="ticker" tabindex="0">
            <header class="ticker__head">
                <h2 id="ticker">{texts.feed}</h2>
                <ConnectionBadge state=Signal::derive(state) transport=status.transport />
            </header>
            <div class="ticker__notices">
                {list(newest, entry_key, |entry| view! { <Notice entry /> }.into_any())}
            </div>
            <ValueCards model with_values=false />
        </aside>
    }
}
