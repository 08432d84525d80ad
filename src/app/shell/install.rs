//! The elements in the head of a document that describe it as an app to install: the manifest, the icon of an iPhone's home
//! screen, and the colour of the window's frame. For both kinds of documents that the server draws.

use leptos::prelude::*;

use crate::app::{
    i18n::Language,
    look::{Look, Theme},
};

/// True if a page may be installed as an app; in the context. Not where its origin is not the site's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Installable(pub bool);

/// The colour of a page in the light theme: `--raw-paper` of style/tokens.css in the form that manifests have.
pub const LIGHT_PAGE: &str = "#fbf9f5";
/// The same in the dark theme.
pub const DARK_PAGE: &str = "#13161c";

/// The elements of the head.
pub fn install_links(
    language: Language,
    look: Look,
    Installable(is_installable): Installable,
) -> impl IntoView {
    const LIGHT: &str = "(prefers-color-scheme: light)";
    const DARK: &str = "(prefers-color-scheme: dark)";
    let colour = |content: &'static str, media: Option<&'static str>| {
        view! { <meta name="theme-color" content=content /> }.attr("media", media)
    };
    let colours = match look.theme {
        Theme::Auto => vec![colour(LIGHT_PAGE, Some(LIGHT)), colour(DARK_PAGE, Some(DARK))],
        Theme::Light => vec![colour(LIGHT_PAGE, None)],
        Theme::Dark => vec![colour(DARK_PAGE, None)],
    };
    let links = is_installable.then(|| {
        view! {
            <link rel="manifest" href=format!("/manifest.webmanifest?lang={}", language.as_str()) />
            <link rel="apple-touch-icon" href="/icons/apple-touch-180.png" />
        }
    });
    (colours, links)
}
