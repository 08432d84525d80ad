//! The rejection of a form that was sent without JavaScript, which the address carries as `?problem=CODE`, and the note
//! that the server was updated since the page was loaded.

use leptos::prelude::*;

use crate::{
    app::{i18n::use_texts, sync::Navigator},
    client::dom::history,
};

/// The text of the rejection, if there is one, and the offer to load a newer version of the page.
#[component]
pub(crate) fn ProblemNote() -> impl IntoView {
    let texts = use_texts();
    let Navigator { problem, is_outdated, .. } = expect_context();
    let note = move |reason| {
        view! { <p class="note" role="alert" id="form-problem">{texts.rejection(reason)}</p> }.into_any()
    };
    let newer = move || {
        view! {
            // A note, not a reload: the reader may be in the middle of a sentence. What was typed is kept either way.
            <p class="note" role="status">
                {texts.newer_version} " "
                <button type="button" class="button" on:click=|_| history::reload()>{texts.reload}</button>
            </p>
        }
        .into_any()
    };
    view! {
        {move || problem.get().map(note)}
        {move || is_outdated.get().then(newer)}
    }
}
