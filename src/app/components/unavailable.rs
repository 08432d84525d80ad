//! What stands where something could not be had, with the way on.

use leptos::prelude::*;

use crate::{app::i18n::use_texts, browser::page};

/// See the module.
#[component]
pub(crate) fn Unavailable() -> impl IntoView {
    let texts = use_texts();
    view! {
        <section class="panel empty" role="alert">
            <p>{texts.could_not_load}</p>
            <button type="button" on:click=|_| page::reload()>{texts.reload}</button>
        </section>
    }
}
