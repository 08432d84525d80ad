//! The switch between light and dark: plain links, as the one between the languages.

use leptos::prelude::*;

use crate::app::{i18n::use_texts, sync::Navigator, theme::Theme};

/// The switch. It leads back to the page's path, or to `back`, percent-encoded.
#[component]
pub(crate) fn ThemeSwitch(back: Option<String>) -> impl IntoView {
    let texts = use_texts();
    let chosen = use_context::<Theme>().unwrap_or_default();
    let path = expect_context::<Navigator>().path;
    let link = |theme: Theme| {
        let back = back.clone();
        let back = move || back.clone().unwrap_or_else(|| path.get());
        let href = move || format!("/theme/{}?back={}", theme.as_str(), back());
        let name = match theme {
            Theme::Auto => texts.theme_auto,
            Theme::Light => texts.theme_light,
            Theme::Dark => texts.theme_dark,
        };
        view! {
            <a href=move || href() rel="external" aria-current=(theme == chosen).then_some("true")>{name}</a>
        }
        .into_any()
    };
    view! {
        <div class="theme-switch" role="group" aria-label=texts.theme>
            {Theme::ALL.map(link).into_iter().collect::<Vec<_>>()}
        </div>
    }
}
