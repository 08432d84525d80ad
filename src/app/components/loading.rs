//! What stands where something is still coming.

use leptos::prelude::*;

use crate::app::i18n::use_texts;

/// See the module.
#[component]
pub(crate) fn Loading() -> impl IntoView {
    view! { <p class="loading" role="status" aria-busy="true">{use_texts().loading}</p> }
}
