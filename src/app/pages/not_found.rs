//! The page of addresses that are none.

use leptos::prelude::*;

use crate::app::{i18n::use_texts, routes};

/// See the module. The server answers it with 404.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    let texts = use_texts();
    view! {
        <main class="page" id="content" tabindex="-1">
            <section class="panel empty">
                <h1>{texts.not_found_title}</h1>
                <p>{texts.not_found_text}</p>
                <a href=routes::FEED>{texts.to_the_feed}</a>
            </section>
        </main>
    }
}
