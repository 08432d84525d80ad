//! The feed's notices, newest last, with a way to earlier ones.

use leptos::{prelude::*, task::spawn_local};

use super::notification::{Notice, entry_key};
use crate::{
    app::{
        i18n::use_texts,
        loader::load_older_notices,
        model::feed::FeedModel,
        page_data::{NOTICES_LIMIT, OlderNotices},
        reactive::{effect, list, shown},
    },
    client::dom::page,
};

/// See the module.
#[component]
pub(crate) fn NoticeList(model: RwSignal<FeedModel>) -> impl IntoView {
    let texts = use_texts();
    // The default address, until the browser says by which one this server is reached.
    let origin = RwSignal::new("http://127.0.0.1:3000".to_owned());
    effect(move || origin.set(page::origin()));
    let is_empty = move || model.with(|model| model.notices().next().is_none());
    let notices = move || model.with(|model| model.notices().cloned().collect::<Vec<_>>());
    view! {
        <section class="notices" aria-labelledby="notices">
            <h2 id="notices">{texts.notices}</h2>
            <MoreButton model />
            {shown(is_empty, move || {
                view! {
                    <div class="panel empty">
                        <p>{texts.notices_empty}</p>
                        <p class="muted">{texts.publish_hint}</p>
                        <code>"curl -d 'backup done' " {move || origin.get()} "/api/events/ops"</code>
                    </div>
                }
                .into_any()
            })}
            <div class="notices__list" role="log" aria-live="polite" aria-relevant="additions" aria-labelledby="notices">
                {list(notices, entry_key, |entry| view! { <Notice entry /> }.into_any())}
            </div>
        </section>
    }
}

#[component]
fn MoreButton(model: RwSignal<FeedModel>) -> impl IntoView {
    let texts = use_texts();
    let is_loading = RwSignal::new(false);
    let load = move |_| {
        is_loading.set(true);
        let Some(before) = model.try_update(|model| model.ask_older(NOTICES_LIMIT)) else {
            return;
        };
        spawn_local(async move {
            // When it fails, the button is there to be pressed again.
            if let Some(OlderNotices { entries, more }) = load_older_notices(&before).await {
                model.try_update(|model| model.prepend(entries, more));
            }
            is_loading.try_set(false);
        });
    };
    view! {
        {shown(
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
