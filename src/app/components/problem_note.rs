//! The rejection of a form that was sent without JavaScript, which the address carries as `?problem=CODE`.

use leptos::prelude::*;

use crate::app::{i18n::use_texts, sync::Navigator};

/// The text of the rejection, if there is one.
#[component]
pub(crate) fn ProblemNote() -> impl IntoView {
    let texts = use_texts();
    let Navigator { problem, .. } = expect_context();
    let note = move |code| view! { <p class="note" role="alert">{(texts.problem)(code)}</p> }.into_any();
    view! { {move || problem.get().map(note)} }
}
