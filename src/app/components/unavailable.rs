//! The error that replaces data that could not be loaded, with a link to reload.

use leptos::prelude::*;

use super::illustration::illustration;
use crate::app::{i18n::use_texts, sync::Navigator};

/// "This could not be loaded", with a link that loads the page again.
#[component]
pub(crate) fn Unavailable() -> impl IntoView {
    let texts = use_texts();
    let path = expect_context::<Navigator>().path;
    view! {
        <section class="panel empty" role="alert">
            {illustration()}
            <h1>{texts.could_not_load}</h1>
            // `external` leaves the link to the browser, which loads the page again.
            <a href=move || path.get() rel="external">{texts.reload}</a>
        </section>
    }
}
