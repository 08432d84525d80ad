//! The notifications of the feed or of a channel, newest first, with a button that loads earlier ones at their end.
//!
//! While the reader is further down the model holds back what arrives, so nothing that is read moves, whatever the
//! browser knows of scroll anchoring. A button then leads to the new ones.

use leptos::{html, prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;

use super::{
    feed_filter::FeedFilter,
    illustration::illustration,
    live_text::live_text,
    notification::{Notification, entry_key},
};
use crate::{
    app::{
        i18n::use_texts,
        loader::load_older_notifications,
        model::feed::FeedModel,
        page_data::{NOTIFICATIONS_LIMIT, OlderNotifications},
        reactive::{effect, list, memo, show_when},
    },
    client::dom::page,
};

/// The list of notifications.
#[component]
pub(crate) fn NotificationList(model: RwSignal<FeedModel>) -> impl IntoView {
    let texts = use_texts();
    let is_empty = move || model.with(|model| model.notifications().next().is_none());
    let notifications = move || model.with(|model| model.notifications().rev().cloned().collect::<Vec<_>>());
    let heading = NodeRef::<html::H2>::new();
    let channel = model.with_untracked(|model| model.channel.clone());
    let channel = StoredValue::new(channel.unwrap_or_else(|| "ops".to_owned()));
    let filter = model.with_untracked(|model| model.filter.clone());
    let is_filtered = filter.is_some();
    view! {
        <section class="notifications" aria-labelledby="notifications">
            <h2 id="notifications" tabindex="-1" node_ref=heading>{texts.notifications}</h2>
            <FeedFilter channel=model.with_untracked(|model| model.channel.clone()) filter />
            <ArrivedButton model heading />
            {show_when(is_empty, move || {
                if is_filtered {
                    return view! { <p class="panel empty">{texts.nothing_matches}</p> }.into_any();
                }
                view! {
                    <div class="panel empty">
                        {illustration()}
                        <p>{texts.notifications_empty}</p>
                        <p class="muted">{texts.welcome}</p>
                        // The server fills it in its document, public/events.js anywhere else: server/http/pages/first_event.rs.
                        <div class="first-event" data-channel=channel.get_value()></div>
                    </div>
                }
                .into_any()
            })}
            <div class="notifications__list" role="log" aria-live="polite" aria-relevant="additions" aria-labelledby="notifications">
                {list(notifications, entry_key, |entry| view! { <Notification entry /> }.into_any())}
            </div>
            <MoreButton model />
            // The server's links to older notifications, for a page that is not live.
            <div class="history"></div>
        </section>
    }
}

/// The number of notifications that arrived while the reader is further down, as a button that leads to them. They are
/// further down when the list's `heading` is above the window.
#[component]
fn ArrivedButton(model: RwSignal<FeedModel>, heading: NodeRef<html::H2>) -> impl IntoView {
    let texts = use_texts();
    let on_scroll = move || {
        let Some(heading) = heading.get_untracked() else { return };
        let is_reading_back = heading.get_bounding_client_rect().bottom() < 0.0;
        if is_reading_back != model.with_untracked(FeedModel::is_reading_back) {
            model.update(|model| model.set_reading_back(is_reading_back));
        }
    };
    effect(move || {
        on_scroll(); // after a reload the browser has scrolled already
        let listener = SendWrapper::new(page::window_listener("scroll", move |_| on_scroll()));
        on_cleanup(move || drop(listener));
    });
    let count = memo(move || model.with(FeedModel::arrived));
    let to_the_newest = move |_| {
        model.update(|model| model.set_reading_back(false));
        if let Some(heading) = heading.get_untracked() {
            page::focus(&heading);
            page::scroll_to(&heading); // what is above it may be higher than the window
        }
    };
    view! {
        <div class="notifications__arrived" role="status">
            {show_when(
                move || count.get() > 0,
                move || {
                    view! {
                        <button type="button" class="primary" on:click=to_the_newest>
                            {live_text(move || (texts.new_notifications)(count.get()))}
                            <span aria-hidden="true">" ↑"</span>
                        </button>
                    }
                    .into_any()
                },
            )}
        </div>
    }
}

#[component]
fn MoreButton(model: RwSignal<FeedModel>) -> impl IntoView {
    let texts = use_texts();
    let is_loading = RwSignal::new(false);
    let load = move |_| {
        is_loading.set(true);
        let address = model.try_update(|model| model.older_address(NOTIFICATIONS_LIMIT));
        let Some(address) = address else { return };
        spawn_local(async move {
            // If it fails, the button is there for a retry.
            if let Some(OlderNotifications { entries, more, from }) = load_older_notifications(&address).await
            {
                model.try_update(|model| model.prepend(entries, more, from));
            }
            is_loading.try_set(false);
        });
    };
    view! {
        {show_when(
            move || model.with(|model| model.more),
            move || {
                view! {
                    <button type="button" class="more" disabled=move || is_loading.get() on:click=load>
                        {texts.show_more}
                    </button>
                }
                .into_any()
            },
        )}
    }
}
