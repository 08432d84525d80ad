//! What stands where something could not be had, with the way on.

use leptos::prelude::*;

use crate::app::{i18n::use_texts, sync::Navigator};

/// See the module.
#[component]
pub(crate) fn Unavailable() -> impl IntoView {
    let texts = use_texts();
    let path = expect_context::<Navigator>().path;
    view! {
        <section class="panel empty" role="alert">
            <p>{texts.could_not_load}</p>
            // Left to the browser, so that the page is really asked for again.
            <a href=move || path.get() rel="external">{texts.reload}</a>
        </section>
    }
}
