//! The feed's notifications, newest first, with a button that loads earlier ones.

use leptos::{prelude::*, task::spawn_local};

use super::{
    live_text::live_text,
    notification::{Notification, entry_key},
};
use crate::{
    app::{
        i18n::use_texts,
        loader::load_older_notifications,
        model::feed::FeedModel,
        page_data::{NOTIFICATIONS_LIMIT, OlderNotifications},
        reactive::{effect, list, show_when},
    },
    client::dom::page,
};

/// The origin of this server, in the context.
#[derive(Clone, Debug)]
pub(crate) struct ServerOrigin(pub(crate) String);

/// The list of notifications.
#[component]
pub(crate) fn NotificationList(model: RwSignal<FeedModel>) -> impl IntoView {
    let texts = use_texts();
    // The server's answer, until the browser says by which address it reached the server.
    let origin = RwSignal::new(expect_context::<ServerOrigin>().0);
    effect(move || origin.set(page::origin()));
    let is_empty = move || model.with(|model| model.notifications().next().is_none());
    let notifications = move || model.with(|model| model.notifications().rev().cloned().collect::<Vec<_>>());
    view! {
        <section class="notifications" aria-labelledby="notifications">
            <h2 id="notifications">{texts.notifications}</h2>
            {show_when(is_empty, move || {
                view! {
                    <div class="panel empty">
                        <p>{texts.notifications_empty}</p>
                        <p class="muted">{texts.publish_hint}</p>
                        <code translate="no">{live_text(move || format!("curl -d 'backup done' {}/api/events/ops", origin.get()))}</code>
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

#[component]
fn MoreButton(model: RwSignal<FeedModel>) -> impl IntoView {
    let texts = use_texts();
    let is_loading = RwSignal::new(false);
    let load = move |_| {
        is_loading.set(true);
        let Some(before) = model.try_update(|model| model.prepare_older(NOTIFICATIONS_LIMIT)) else {
            return;
        };
        spawn_local(async move {
            // If it fails, the button is there for a retry.
            if let Some(OlderNotifications { entries, more }) = load_older_notifications(&before).await {
                model.try_update(|model| model.prepend(entries, more));
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
