//! The form in which a guest changes their name: a plain form, after which the page reloads with the new name.

use leptos::prelude::*;

use crate::{
    app::{i18n::use_texts, sync::Navigator},
    protocol::name::NAME_MAX_CHARACTERS,
};

/// The form, with the current name.
#[component]
pub(crate) fn NameForm(name: String) -> impl IntoView {
    let texts = use_texts();
    let navigator = expect_context::<Navigator>();
    view! {
        <form class="name-form" method="post" action="/name">
            <label for="my-name">{texts.your_name}</label>
            <div class="field">
                <input
                    id="my-name"
                    name="name"
                    value=name
                    dir="auto"
                    required
                    maxlength=NAME_MAX_CHARACTERS.to_string()
                    autocomplete="nickname"
                />
                <input type="hidden" name="back" value=move || navigator.page_of_forms() />
                <button type="submit">{texts.change_name}</button>
            </div>
        </form>
    }
}
