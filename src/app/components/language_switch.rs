//! The switch between the languages: plain links, so that it works without JavaScript. Choosing loads the page
//! anew in the other language.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::app::i18n::{Language, use_texts};

/// See the module.
#[component]
pub(crate) fn LanguageSwitch() -> impl IntoView {
    let texts = use_texts();
    let chosen = use_context::<Language>().unwrap_or_default();
    let path = use_location().pathname;
    let link = move |language: Language| {
        let href = move || format!("/language/{}?back={}", language.as_str(), path.get());
        view! {
            <a
                href=href
                rel="external"
                lang=language.as_str()
                hreflang=language.as_str()
                aria-current=(language == chosen).then_some("true")
            >
                {language.name()}
            </a>
        }
    };
    view! {
        <div class="language-switch" role="group" aria-label=texts.language>
            {Language::ALL.map(link).collect_view()}
        </div>
    }
}
