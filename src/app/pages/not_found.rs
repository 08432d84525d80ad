//! The page of an address that names no page.

use leptos::prelude::*;

use crate::app::{
    components::{illustration::illustration, sidebar::MenuButton},
    i18n::use_texts,
    routes,
};

/// The page for an unknown address. The server answers it with 404.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    let texts = use_texts();
    view! {
        <main class="page" id="content" tabindex="-1">
            <MenuButton />
            <section class="panel empty">
                {illustration()}
                <h1>{texts.not_found_title}</h1>
                <p>{texts.not_found_text}</p>
                <a href=routes::FEED>{texts.to_the_feed}</a>
            </section>
        </main>
    }
}
