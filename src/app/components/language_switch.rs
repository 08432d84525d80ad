//! The switch between the languages: plain links, so that it works without JavaScript. A choice reloads the page in the
//! other language.

use leptos::prelude::*;

use crate::app::{
    i18n::{Language, use_texts},
    sync::Navigator,
};

/// The switch. It leads back to the page's path, or to `back`, percent-encoded.
#[component]
pub(crate) fn LanguageSwitch(back: Option<String>) -> impl IntoView {
    let texts = use_texts();
    let chosen = use_context::<Language>().unwrap_or_default();
    let path = expect_context::<Navigator>().path;
    let link = |language: Language| {
        let back = back.clone();
        let back = move || back.clone().unwrap_or_else(|| path.get());
        let href = move || format!("/language/{}?back={}", language.as_str(), back());
        view! {
            <a
                href=move || href()
                rel="external"
                lang=language.as_str()
                hreflang=language.as_str()
                aria-current=(language == chosen).then_some("true")
            >
                {language.name()}
            </a>
        }
        .into_any()
    };
    view! {
        <div class="language-switch" role="group" aria-label=texts.language>
            {Language::ALL.map(link).into_iter().collect::<Vec<_>>()}
        </div>
    }
}
