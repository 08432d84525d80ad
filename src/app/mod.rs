//! The pages, for both targets: rendered on the server, taken over in the browser.
//!
//! Data flows one way: what a page starts with ([`start`]) comes from the server, a model ([`model`]) holds it,
//! [`live`] feeds the model from a connection, and views draw it. Nothing here touches a browser object outside
//! effects and event handlers, and nothing reads a clock, a locale or chance while it renders: both sides must draw
//! the same.

#![allow(
    clippy::redundant_closure,
    reason = "a closure that stands in view! as such is put into a box, a name is not"
)]

mod components;
pub mod i18n;
mod loader;
pub mod model;
pub mod page_data;
mod pages;
mod reactive;
pub mod routes;
mod shell;
mod sync;

use leptos::prelude::*;

pub use self::shell::{ForcedTransport, shell};
use self::{
    components::sidebar::{Brand, Sidebar},
    i18n::{Language, use_texts},
    page_data::{InitialData, PageData, Viewer},
    pages::Pages,
    reactive::effect,
    sync::{Navigator, Outbox, follow_links},
};
use crate::client::dom::page;

/// The page in the browser, which takes over what the server rendered from `start`: what it wrote into the document
/// besides.
pub fn hydrated(start: InitialData) -> impl IntoView {
    provide_context(Language::parse(&page::language()).unwrap_or_default());
    view! { <App start /> }
}

/// The sidebar of a page that the server alone draws, at `path` (see `server/documents`). `back` is its address,
/// percent-encoded, to come back to in another language.
pub fn sidebar_at(language: Language, path: String, back: String, visit: Viewer) -> AnyView {
    provide_place(language, path);
    view! { <Sidebar visit=Some(visit) back /> }.into_any()
}

/// The head of such a page that stands alone.
pub fn brand_at(language: Language, path: String, back: String) -> AnyView {
    provide_place(language, path);
    view! { <Brand back=Some(back) /> }.into_any()
}

fn provide_place(language: Language, path: String) {
    provide_context(language);
    provide_context(Navigator {
        path: RwSignal::new(path),
        problem: RwSignal::new(None),
        shown: RwSignal::new(PageData::NotFound),
    });
}

/// All pages, and what stands around them.
#[component]
pub(crate) fn App(start: InitialData) -> impl IntoView {
    let texts = use_texts();
    let InitialData { path, problem, visit, page: shown } = start;
    let here =
        Navigator { path: RwSignal::new(path), problem: RwSignal::new(problem), shown: RwSignal::new(shown) };
    provide_context(here);
    provide_context(Outbox::default());
    follow_links(here);
    effect(move || page::set_title(&here.shown.with(|shown| shown.title(texts))));
    effect(page::mark_hydrated);
    view! {
        // Left to the browser, which moves the focus there.
        <a class="skip-link" href="#content" rel="external">{texts.skip_to_content}</a>
        <div class="frame">
            <Sidebar visit />
            <Pages />
        </div>
    }
}
