//! The rejection of a form that was sent without JavaScript, which the address carries as `?problem=CODE`, and the note
//! that the server was updated since the page was loaded.

use leptos::prelude::*;

use crate::{
    app::{
        i18n::use_texts,
        reactive::{Key, list, show_when},
        sync::Navigator,
    },
    client::dom::history,
};

/// The text of the rejection, if there is one, and the offer to load a newer version of the page.
#[component]
pub(crate) fn ProblemNote() -> impl IntoView {
    let texts = use_texts();
    let Navigator { problem, is_outdated, .. } = expect_context();
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
        {problem_notes(Some("form-problem"), move || problem.get().map(|reason| texts.rejection(reason)))}
        {show_when(move || is_outdated.get(), newer)}
    }
}

/// The text of a problem, while there is one. Another text is another row, with an element of its own, see `live_text`.
pub(crate) fn problem_notes(
    id: Option<&'static str>,
    text: impl Fn() -> Option<String> + Send + 'static,
) -> AnyView {
    list(
        move || text().into_iter().collect(),
        |text| Key::Name(String::clone(text)),
        move |text| view! { <p class="note" role="alert" id=id>{text}</p> }.into_any(),
    )
}
