//! The frame of an account page: the head and, for an authenticated user, the same sidebar as on every other page.
//! `answer.rs` calls it.

use leptos::prelude::*;
use url::form_urlencoded;

use super::{document::Document, texts::Texts};
use crate::app::{
    Installable, brand_at, escape_title,
    i18n::Language,
    install_links,
    look::{Choice, Look},
    menu_button_at,
    page_data::Viewer,
    sidebar_at,
};

/// The settings by which a page is rendered.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// The page's language.
    pub(super) language: Language,
    /// The page's theme and density.
    pub(super) look: Look,
    /// True if the page may be installed as an app.
    pub(super) installable: Installable,
    /// The address of the stylesheet.
    pub(super) stylesheet: String,
    /// The beginning of the addresses of scripts.
    pub(super) script_folder: String,
    /// The path of the page's own address.
    pub(super) path: String,
    /// The page to return to in the end, if the address names one.
    pub(super) back: Option<String>,
}

/// Renders the whole page. Without `viewer` it has no sidebar.
pub(super) fn draw(setting: &Setting, viewer: Option<Viewer>, document: impl Document) -> String {
    // An owner of its own: a page that is rendered at the same time may be this thread's owner, and may end before.
    let owner = Owner::new_root(None);
    let html = owner.with(|| shell(setting, viewer, document).to_html());
    owner.unset_with_forced_cleanup();
    html
}

fn shell<D: Document>(setting: &Setting, viewer: Option<Viewer>, document: D) -> impl IntoView + use<D> {
    let Setting { language, look, installable, stylesheet, path, .. } = setting;
    let (texts, common) = (Texts::of(*language), language.texts());
    let title = format!("{} · Idobata", document.title(texts));
    let script = document.script().map(|name| {
        let address = setting.script_folder.clone() + name;
        view! { <script type="module" src=address></script> }
    });
    let style = document.style().map(|name| {
        let address = setting.script_folder.clone() + name;
        view! { <link rel="stylesheet" href=address /> }
    });
    let refresh = document.refresh_s().map(|seconds| {
        let content = seconds.to_string();
        view! { <noscript><meta http-equiv="refresh" content=content /></noscript> }
    });
    let is_alone = viewer.is_none();
    let class = format!("page {}{}", document.class(), if is_alone { " lone" } else { "" });
    let content = view! {
        <main class=class id="content" tabindex="-1">
            {is_alone.then(|| brand_at(*language, path.clone(), address(setting)))}
            {(!is_alone).then(|| menu_button_at(*language))}
            {document.body(texts)}
        </main>
    };
    let content = match viewer {
        None => content.into_any(),
        Some(viewer) => view! {
            <div class="frame">
                {sidebar_at(*language, *look, path.clone(), address(setting), viewer)} {content}
            </div>
        }
        .into_any(),
    };
    view! {
        <!DOCTYPE html>
        <html lang=language.as_str() data-theme=look.theme.as_str() data-density=look.density.as_str()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                // Some of the addresses are secrets. Not `no-referrer`: browsers would post the forms without an
                // origin.
                <meta name="referrer" content="same-origin" />
                <meta name="robots" content="noindex" />
                <title inner_html=escape_title(&title)></title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                {install_links(*language, *look, *installable)}
                <link rel="stylesheet" href=stylesheet.clone() />
                {style}
                {refresh}
                {script}
            </head>
            <body>
                <a class="skip-link" href="#content">{common.skip_to_content}</a>
                {content}
            </body>
        </html>
    }
}

/// Returns the page's own address, percent-encoded, to return to in another language. It drops the outcome of a form
/// and keeps the page to return to in the end.
fn address(Setting { path, back, .. }: &Setting) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let page = back.as_ref().map_or_else(|| path.clone(), |back| format!("{path}?back={}", encode(back)));
    encode(&page)
}
