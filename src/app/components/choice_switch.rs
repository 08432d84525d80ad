//! The switches between languages, themes and densities: plain links, so that they work without JavaScript. A choice
//! reloads the page as it was chosen.

use leptos::prelude::*;

use crate::app::{
    i18n::{Language, use_texts},
    look::{Choice, Density, Look, Theme},
    sync::Navigator,
};

/// One of the links.
struct ChoiceLink {
    /// The address that stores the choice.
    href: String,
    name: &'static str,
    /// The language of the name, where that is not the page's.
    lang: Option<&'static str>,
    is_chosen: bool,
}

/// The switch between languages. It leads back to the page's path, or to `back`, percent-encoded.
#[component]
pub(crate) fn LanguageSwitch(back: Option<String>) -> impl IntoView {
    let texts = use_texts();
    let chosen = use_context::<Language>().unwrap_or_default();
    let link = |&language: &Language| ChoiceLink {
        href: format!("/language/{}", language.as_str()),
        name: language.name(),
        lang: Some(language.as_str()),
        is_chosen: language == chosen,
    };
    switch(texts.language, Language::ALL.iter().map(link).collect(), back)
}

/// The switch between themes. It leads back as [`LanguageSwitch`] does.
#[component]
pub(crate) fn ThemeSwitch(back: Option<String>) -> impl IntoView {
    let texts = use_texts();
    let name = |theme| match theme {
        Theme::Auto => texts.theme_auto,
        Theme::Light => texts.theme_light,
        Theme::Dark => texts.theme_dark,
    };
    let chosen = use_context::<Look>().unwrap_or_default().theme;
    let link = |&theme: &Theme| plain_link("theme", theme.as_str(), name(theme), theme == chosen);
    switch(texts.theme, Theme::ALL.iter().map(link).collect(), back)
}

/// The switch between densities. It leads back as [`LanguageSwitch`] does.
#[component]
pub(crate) fn DensitySwitch(back: Option<String>) -> impl IntoView {
    let texts = use_texts();
    let name = |density| match density {
        Density::Comfortable => texts.density_comfortable,
        Density::Compact => texts.density_compact,
    };
    let chosen = use_context::<Look>().unwrap_or_default().density;
    let link = |&density: &Density| plain_link("density", density.as_str(), name(density), density == chosen);
    switch(texts.density, Density::ALL.iter().map(link).collect(), back)
}

fn plain_link(kind: &str, choice: &str, name: &'static str, is_chosen: bool) -> ChoiceLink {
    ChoiceLink { href: format!("/{kind}/{choice}"), name, lang: None, is_chosen }
}

fn switch(label: &'static str, links: Vec<ChoiceLink>, back: Option<String>) -> AnyView {
    let path = expect_context::<Navigator>().path;
    let link = |ChoiceLink { href, name, lang, is_chosen }: ChoiceLink| {
        let back = back.clone();
        let href = move || format!("{href}?back={}", back.clone().unwrap_or_else(|| path.get()));
        view! {
            <a
                href=move || href()
                rel="external"
                lang=lang
                hreflang=lang
                aria-current=is_chosen.then_some("true")
            >
                {name}
            </a>
        }
        .into_any()
    };
    view! {
        <div class="choice-switch" role="group" aria-label=label>
            {links.into_iter().map(link).collect::<Vec<_>>()}
        </div>
    }
    .into_any()
}
