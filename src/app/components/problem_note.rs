//! What came of a form without JavaScript: the refusal that the address carries as `?problem=CODE`.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{app::i18n::use_texts, protocol::problem::Code};

/// See the module.
#[component]
pub(crate) fn ProblemNote() -> impl IntoView {
    let texts = use_texts();
    let query = use_query_map();
    let sentence = move || {
        let code = query.with(|query| query.get("problem").as_deref().and_then(Code::parse));
        code.map(|code| view! { <p class="note" role="alert">{(texts.problem)(code)}</p> })
    };
    view! { {sentence} }
}
